//! Processes that come and go, and what is kept for them.

use crate::support::SOON;
use crate::{copy, exec, failure, is_alive, notify, pipe, role, start, with};
use readyup::manager::service::{ActiveState, Exit, ServiceResult};
use readyup::testing::TestService;
use readyup::{Assignment, FdName, Notifier, NotifyAccess};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::geteuid;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn ok_another_main_process() {
    let test = "ends::ok_another_main_process";
    let Some(service) = start(test, notify(), |notifier| {
        if role().as_deref() == Some("heir") {
            assert_eq!(std::io::stdin().read(&mut [0]).unwrap(), 0);
            notifier.ready().unwrap();
            std::thread::park();
        }
        // It speaks once this process is gone.
        let heir = copy(test, "heir").stdin(Stdio::piped()).spawn().unwrap();
        notifier.main_pid(heir.id()).unwrap();
        std::process::exit(0);
    }) else {
        return;
    };
    service.ready(SOON);
    let heir = service.expect(Assignment::Ready, SOON).sender;
    let life = service.life();
    assert_eq!((life.active_state(), life.main_pid()), (ActiveState::Active, Some(heir)));
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (None, ServiceResult::Success), "{service}");
    assert!(service.ignored().is_empty(), "{service}");
    // A manager does not wait for somebody else's child, but whoever drops the service does.
    drop(service);
    assert!(!is_alive(heir));
}

#[test]
fn err_a_main_process_that_is_none_of_its_own() {
    let test = "ends::err_a_main_process_that_is_none_of_its_own";
    let Some(service) = start(test, notify(), |notifier| {
        // The test itself.
        notifier.main_pid(std::os::unix::process::parent_id()).unwrap();
        notifier.main_pid(i32::MAX.unsigned_abs()).unwrap();
        notifier.ready().unwrap();
        std::thread::park();
    }) else {
        return;
    };
    service.ready(SOON);
    let ignored: Vec<String> = service.ignored().iter().map(|one| one.reason.to_string()).collect();
    assert_eq!(ignored, ["the main process does not change: there is no such process"; 2]);
    assert_eq!(service.stop(SOON).result, ServiceResult::Success);
}

#[test]
fn ok_a_stranger_is_sent_nothing() {
    let test = "ends::ok_a_stranger_is_sent_nothing";
    if role().is_some() {
        let notifier = Notifier::from_env().unwrap();
        notifier.main_pid(std::env::var("STRANGER").unwrap().parse().unwrap()).unwrap();
        std::thread::park();
    }
    if !geteuid().is_root() {
        println!("skipped: only root may name a process that is none of the service's");
        return;
    }
    let mut stranger = Stranger(Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap());
    let pid = stranger.0.id();
    let mut command = copy(test, "service");
    command.env("STRANGER", pid.to_string());
    let service = TestService::start(command, with(notify(), |config| config.notify_access = NotifyAccess::All));
    service.expect(Assignment::MainPid(pid), SOON);
    assert_eq!(service.life().main_pid(), Some(pid));
    service.begin_stop();
    assert_eq!(service.take_signals()[0], 15);
    let text = service.to_string();
    drop(service);
    assert!(stranger.0.try_wait().unwrap().is_none());
    assert!(text.contains(&format!("SIGTERM would go to process {pid}, which this test did not start\n")), "{text}");
}

/// A process that has nothing to do with the service.
struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn ok_descriptors_are_kept() {
    let test = "ends::ok_descriptors_are_kept";
    let config = with(notify(), |config| config.fd_store_max = 2);
    let Some(service) = start(test, config, |notifier| {
        let null = File::open("/dev/null").unwrap();
        let name = FdName::new("null").unwrap();
        notifier.store_fds(name, &[null.as_fd()]).unwrap();
        // The same one, and another of the same file.
        notifier.store_fds(name, &[null.as_fd()]).unwrap();
        notifier.store_fds(FdName::new("other").unwrap(), &[File::open("/dev/null").unwrap().as_fd()]).unwrap();
        notifier.ready().unwrap();
        std::thread::park();
    }) else {
        return;
    };
    service.ready(SOON);
    let names = |service: &TestService| {
        service.life().stored_fds().iter().map(|stored| stored.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&service), ["null", "other"]);
    let ignored: Vec<String> = service.ignored().iter().map(|one| one.reason.to_string()).collect();
    assert_eq!(ignored, ["FDSTORE=1: the descriptor is kept already"]);
    service.stop(SOON);
    assert!(names(&service).is_empty());
}

#[test]
fn ok_a_kept_descriptor_is_open_until_then() {
    let service = TestService::in_process(with(notify(), |config| config.fd_store_max = 2));
    let notifier = service.notifier();
    let name = FdName::new("log").unwrap();
    let (read, write) = pipe();
    for _ in 0..2 {
        notifier.store_fds(name, &[write.as_fd()]).unwrap();
    }
    drop(write);
    assert_eq!(service.life().stored_fds().len(), 1);
    let mut fds = [PollFd::new(&read, PollFlags::IN)];
    let soon = Timespec::try_from(Duration::from_millis(20)).unwrap();
    assert_eq!(poll(&mut fds, Some(&soon)), Ok(0));
    notifier.remove_fds(name).unwrap();
    let soon = Timespec::try_from(SOON).unwrap();
    assert_eq!(poll(&mut fds, Some(&soon)), Ok(1));
}

#[test]
fn ok_a_kept_descriptor_that_hangs_up_goes() {
    let service = TestService::in_process(with(notify(), |config| config.fd_store_max = 2));
    let (read, write) = pipe();
    service.notifier().store_fds(FdName::new("log").unwrap(), &[read.as_fd()]).unwrap();
    assert_eq!(service.life().stored_fds().len(), 1);
    drop(write);
    let end = Instant::now() + SOON;
    while !service.life().stored_fds().is_empty() {
        assert!(Instant::now() < end, "{service}");
        std::thread::yield_now();
    }
}

#[test]
fn err_others_stay_after_a_crash() {
    let config = with(notify(), |config| config.timeout_stop = Some(Duration::from_millis(100)));
    let service = TestService::start(crate::shell("sh -c 'trap \"\" TERM; exec sleep 1000' & exit 4"), config);
    let text = failure(|| service.ready(SOON));
    assert!(text.contains("ended with exit status 4, result exit-code"), "{text}");
    let stopped = service.expect_end(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(4)), ServiceResult::ExitCode));
    assert!(service.to_string().contains("SIGTERM to the other processes (1)\n"), "{service}");
}

#[test]
fn ok_another_group_of_its_session() {
    let test = "ends::ok_another_group_of_its_session";
    let Some(service) = start(test, exec(), |_| {
        // Nothing but its session tells whose it is once its parent has gone.
        let mut child = Command::new("sleep").arg("20").env_clear().process_group(0).spawn().unwrap();
        assert!(child.try_wait().unwrap().is_none());
    }) else {
        return;
    };
    assert_eq!(service.expect_end(SOON).result, ServiceResult::Success);
    assert!(service.to_string().contains("SIGTERM to the other processes (1)\n"), "{service}");
}
