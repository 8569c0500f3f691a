//! How it starts, and does not.

use crate::support::SOON;
use crate::{copy, exec, failure, notify, pipe, read_all, role, serve, shell, start, with};
use readyup::manager::service::{ActiveState, Config, Exit, ServiceResult, SubState};
use readyup::protocol::NOTIFY_VARIABLES;
use readyup::testing::TestService;
use readyup::{Assignment, NotifyAccess, WatchdogSettings};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn ok_ready() {
    let Some(service) = start("start::ok_ready", notify(), serve) else { return };
    service.ready(SOON);
    let life = service.life();
    assert_eq!((life.active_state(), life.sub_state()), (ActiveState::Active, SubState::Running));
    assert_eq!((life.result(), life.status_text()), (ServiceResult::Success, Some("Serving")));
    let heard = service.expect(Assignment::Ready, SOON);
    assert_eq!(Some(heard.sender), life.main_pid());
    assert!(service.ignored().is_empty(), "{service}");
}

#[test]
fn ok_ready_and_gone_before_anybody_looks() {
    let test = "start::ok_ready_and_gone_before_anybody_looks";
    let Some(service) = start(test, notify(), |notifier| assert!(notifier.ready().is_ok())) else { return };
    let stopped = service.expect_end(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(0)), ServiceResult::Success));
    service.ready(SOON);
    service.expect(Assignment::Ready, SOON);
    assert_eq!(service.stop(SOON), stopped);
}

#[test]
fn ok_the_watchdog_is_for_this_process() {
    let test = "start::ok_the_watchdog_is_for_this_process";
    let config = with(notify(), |config| config.watchdog = Some(Duration::from_secs(20)));
    let Some(service) = start(test, config, |notifier| {
        let settings = WatchdogSettings::from_env().unwrap().expect("a watchdog");
        assert_eq!(settings.period(), Duration::from_secs(20));
        notifier.ready().unwrap();
    }) else {
        return;
    };
    service.ready(SOON);
}

/// What the program prints until it ends, and that is well.
#[track_caller]
fn output(mut command: Command, config: Config) -> String {
    let (read, write) = pipe();
    command.stdout(write);
    let service = TestService::start(command, config);
    let text = read_all(read);
    assert_eq!(service.expect_end(SOON).exit, Some(Exit::Code(0)), "{service}");
    text
}

#[test]
fn ok_the_environment() {
    let test = "start::ok_the_environment";
    if role().is_none() {
        // What a manager of our own may have put there, and something else.
        let mut manager = copy(test, "manager");
        for variable in NOTIFY_VARIABLES.iter().chain(&["MANAGERPID", "MANAGERPIDFDID"]) {
            manager.env(variable, "outer");
        }
        assert!(manager.env("OTHER", "kept").status().unwrap().success());
        return;
    }
    let names = "NOTIFY|WATCHDOG|LISTEN|FDSTORE|MANAGER|OTHER";
    let script = format!("env | grep -E '^({names})' | sed \"s/=$$\\$/=itself/\" | sort");
    let manager = std::process::id();
    let plain = output(shell(&script), with(exec(), |config| config.notify_access = NotifyAccess::Main));
    let [manager_pid, socket, other] = plain.lines().collect::<Vec<_>>()[..] else { panic!("{plain}") };
    assert_eq!((manager_pid, other), (format!("MANAGERPID={manager}").as_str(), "OTHER=kept"));
    assert!(socket.starts_with("NOTIFY_SOCKET=/"), "{socket}");

    let config = with(exec(), |config| (config.watchdog, config.fd_store_max) = (Some(Duration::from_secs(3)), 7));
    let mut command = shell(&script);
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "http").env_remove("OTHER").env("WATCHDOG_PID", "5");
    let full = output(command, config);
    let wanted =
        ["FDSTORE=7", "LISTEN_FDNAMES=http", "LISTEN_FDS=1", "LISTEN_PID=itself", &format!("MANAGERPID={manager}")];
    let (before, after) = full.split_once("NOTIFY_SOCKET=").unwrap();
    assert_eq!(before.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(after.lines().skip(1).collect::<Vec<_>>(), ["WATCHDOG_PID=itself", "WATCHDOG_USEC=3000000"]);

    // Whom nobody believes has nowhere to send to, and must not send to anybody else.
    let mut command = shell(&script);
    command.env("NOTIFY_SOCKET", "/of/somebody/else").env_remove("OTHER");
    assert_eq!(output(command, exec()), format!("MANAGERPID={manager}\n"));

    let invocation = || output(shell("printf %s \"$INVOCATION_ID\""), exec());
    let (one, other) = (invocation(), invocation());
    assert!(one != other && one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one} {other}");

    let path = std::env::var("PATH").unwrap();
    let mut command = shell(&script);
    command.env_clear().env("PATH", path);
    assert!(!output(command, exec()).contains("OTHER"));
}

#[test]
fn ok_a_session_of_its_own_and_no_broken_pipes() {
    let script = "cut -d ' ' -f 1,5,6 /proc/$$/stat; grep SigIgn /proc/$$/status";
    let text = output(shell(script), exec());
    let [numbers, ignored] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let [pid, group, session] = numbers.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert_eq!((group, session), (pid, pid));
    let ignored = u64::from_str_radix(ignored.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    assert_ne!(ignored & 1 << (signal_hook::consts::SIGPIPE - 1), 0);
}

#[test]
fn ok_everything_else_is_as_the_command_says() {
    let mut command = Command::new("./sh");
    command.args(["-c", "pwd; echo \"$0 $1\"; cat", "with", "a  b"]).current_dir("/bin");
    let (read, write) = pipe();
    drop(write);
    command.stdin(read);
    let directory = std::fs::canonicalize("/bin").unwrap();
    let text = output(command, exec());
    assert!(text == format!("{}\nwith a  b\n", directory.display()) || text == "/bin\nwith a  b\n", "{text}");
}

#[test]
fn err_no_such_program() {
    let text = failure(|| TestService::start(Command::new("readyup-is-not-there"), notify()));
    assert_eq!(text, "cannot start readyup-is-not-there: No such file or directory (os error 2)");
    let text = failure(|| TestService::start(Command::new("/etc/passwd"), notify()));
    assert_eq!(text, "cannot start /etc/passwd: Permission denied (os error 13)");
}

#[test]
fn err_ends_before() {
    let service = TestService::start(shell("exit 3"), notify());
    let text = failure(|| service.ready(SOON));
    let expected = "expected the service to be ready within 5s: it ended with exit status 3, result exit-code, before\nstate: failed (failed), result exit-code\n";
    assert!(text.starts_with(expected), "{text}");
    for line in ["  inactive (dead) → activating (start)", "started: sh -c exit 3", "→ failed (failed)"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn err_ends_well_before() {
    let service = TestService::start(shell("exit 0"), notify());
    let text = failure(|| service.ready(SOON));
    assert!(text.contains(": it ended with exit status 0, result protocol, before\n"), "{text}");
    let text = failure(|| service.expect(Assignment::Ready, SOON));
    assert!(text.starts_with("expected Ready within 5s: it ended with exit status 0"), "{text}");
}

#[test]
fn err_says_nothing() {
    let service = TestService::start(shell("exec sleep 1000"), notify());
    let text = failure(|| service.ready(Duration::from_millis(50)));
    assert!(text.starts_with("expected the service to be ready within 50ms: it has said nothing\n"), "{text}");
    let text = failure(|| service.expect(Assignment::Ready, Duration::from_millis(50)));
    assert!(text.starts_with("expected Ready within 50ms: it did not come\n"), "{text}");
    let text = failure(|| service.expect_end(Duration::from_millis(50)));
    assert!(text.starts_with("expected the service to end by itself within 50ms: it has not\n"), "{text}");
}

#[test]
fn err_takes_longer_than_its_unit_allows() {
    let config = with(notify(), |config| config.timeout_start = Some(Duration::from_millis(50)));
    let service = TestService::start(shell("exec sleep 1000"), config);
    let begin = Instant::now();
    let text = failure(|| service.ready(Duration::from_secs(60)));
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert!(text.contains("result timeout"), "{text}");
    let stopped = service.expect_end(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Signal(15)), ServiceResult::Timeout));
}

#[test]
fn err_says_everything_but_that() {
    let test = "start::err_says_everything_but_that";
    let Some(service) = start(test, notify(), |notifier| {
        notifier.status("Loading").unwrap();
        std::thread::park();
    }) else {
        return;
    };
    service.expect(Assignment::Status("Loading"), SOON);
    let text = failure(|| service.ready(Duration::from_millis(50)));
    assert!(
        text.contains(
            "within 50ms: it has not said so\nstate: activating (start), result success, status \"Loading\"\n"
        )
    );
    let text = failure(|| service.expect_that("a port", Duration::from_millis(50), |_| false));
    assert!(text.starts_with("expected a port within 50ms: it did not come\n"), "{text}");
}
