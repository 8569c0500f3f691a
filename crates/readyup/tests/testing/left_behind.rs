//! Nothing stays, whatever happened.

use crate::support::{SOON, open_fds};
use crate::{copy, exec, failure, is_alive, notify, pipe, role, shell, with};
use readyup::FdName;
use readyup::testing::TestService;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// The processes that this one has started, those included that it has not waited for.
fn children() -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parent = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    pids.filter(|pid| parent(pid) == Some(std::process::id())).collect()
}

/// A service whose processes get away from it as well as they can, and don't mind being told to end. Says their pids.
const FUGITIVES: &str = "trap '' TERM HUP
    echo $$
    sh -c 'echo $$; exec sleep 1000' &
    setsid sh -c 'echo $$; exec sleep 1000' &
    (setsid sh -c 'echo $$; sleep 1000 & echo $!; exec sleep 1000' &)
    (env -i sh -c 'echo $$; exec sleep 1000' &)
    while :; do sleep 1000; done";

fn fugitives(kept: &mut Vec<u32>) -> (TestService, PathBuf) {
    let (read, write) = pipe();
    let mut command = shell(FUGITIVES);
    command.stdout(write);
    let service = TestService::start(command, with(exec(), |config| config.fd_store_max = 1));
    let lines = BufReader::new(read).lines().take(6);
    kept.extend(lines.map(|line| line.unwrap().parse::<u32>().unwrap()));
    let path = PathBuf::from(service.address().to_string());
    (service, path)
}

/// Those that are still there, although they should not be. They are not after this.
fn end_left(pids: &[u32]) -> Vec<u32> {
    let left: Vec<u32> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
    for pid in &left {
        let pid = Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::KILL);
    }
    left
}

#[test]
fn ok_dropped_in_the_middle() {
    if role().is_none() {
        let status = copy("left_behind::ok_dropped_in_the_middle", "test").status().unwrap();
        assert!(status.success());
        return;
    }
    let before = (open_fds(), threads());
    for _ in 0..3 {
        let mut pids = Vec::new();
        let (service, path) = fugitives(&mut pids);
        assert!(pids.len() == 6 && pids.iter().all(|pid| is_alive(*pid)) && path.exists());
        drop(service);
        assert_eq!(end_left(&pids), []);
        assert!(!path.exists() && !path.parent().unwrap().exists());
    }
    let own = TestService::in_process(with(notify(), |config| config.fd_store_max = 1));
    let (read, _write) = pipe();
    own.notifier().store_fds(FdName::new("kept").unwrap(), &[read.as_fd()]).unwrap();
    assert_eq!(own.life().stored_fds().len(), 1);
    drop((own, read, _write));
    // Nobody catches what this copy says.
    std::panic::set_hook(Box::new(|_| {}));
    failure(|| TestService::start(Command::new("/readyup-is-not-there"), notify()));
    drop(std::panic::take_hook());
    assert_eq!((open_fds(), threads()), before);
    assert_eq!(children(), []);
}

#[test]
fn ok_dropped_after_a_failure() {
    let mut pids = Vec::new();
    failure(|| {
        let (service, _) = fugitives(&mut pids);
        service.expect_end(std::time::Duration::from_millis(10));
    });
    assert_eq!((pids.len(), end_left(&pids)), (6, vec![]));
}

/// A test with this service is killed: none of the processes whose pids the service prints stays, nor the main process.
#[track_caller]
fn kill_the_test(test: &str, service: &str, prepare: impl FnOnce(&TestService)) {
    if role().is_some() {
        let (read, write) = pipe();
        let mut command = shell(service);
        command.stdout(write);
        let service = TestService::start(command, exec());
        prepare(&service);
        let pids = BufReader::new(read).lines().next().unwrap().unwrap();
        eprintln!("{} {} {pids}", service.address(), service.life().main_pid().unwrap());
        loop {
            std::thread::park();
        }
    }
    let mut test = copy(test, "test").stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(test.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let (socket, pids) = line.trim_end().split_once(' ').unwrap();
    let pids: Vec<u32> = pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let were_alive = pids.iter().all(|pid| is_alive(*pid));
    test.kill().unwrap();
    test.wait().unwrap();
    // What nobody was left to remove.
    std::fs::remove_file(socket).unwrap();
    std::fs::remove_dir(Path::new(socket).parent().unwrap()).unwrap();
    assert!(were_alive);
    let end = Instant::now() + SOON;
    while pids.iter().any(|pid| is_alive(*pid)) && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(end_left(&pids), []);
}

#[test]
fn ok_the_test_is_killed() {
    let service = "sleep 1000 & echo $!; exec sleep 1000";
    kill_the_test("left_behind::ok_the_test_is_killed", service, |_| {});
}

/// The kernel does it alone where there is no shell that could.
#[test]
fn ok_the_test_is_killed_and_its_shell_too() {
    let test = "left_behind::ok_the_test_is_killed_and_its_shell_too";
    kill_the_test(test, "echo; exec sleep 1000", |service| {
        let others: Vec<u32> = children().into_iter().filter(|pid| Some(*pid) != service.life().main_pid()).collect();
        assert_eq!(end_left(&others).len(), 1);
    });
}
