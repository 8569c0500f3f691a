//! How it ends when that is asked for.

use crate::support::SOON;
use crate::{exec, failure, notify, pipe, serve, shell, start, with};
use readyup::manager::service::{ActiveState, Exit, KillMode, ServiceResult};
use readyup::testing::TestService;
use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn ok_says_stopping() {
    let Some(service) = start("stop::ok_says_stopping", notify(), serve) else { return };
    service.ready(SOON);
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(0)), ServiceResult::Success));
    assert!(stopped.said_stopping && stopped.took > Duration::ZERO && stopped.took < SOON, "{stopped:?}");
    assert_eq!(service.life().active_state(), ActiveState::Inactive);
    assert_eq!(service.take_signals()[0], 15);
}

#[test]
fn ok_ends_by_the_signal() {
    let service = TestService::start(shell("exec sleep 1000"), exec());
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Signal(15)), ServiceResult::Success));
    assert!(!stopped.said_stopping);
    assert!(service.to_string().contains(" was ended by SIGTERM\n"), "{service}");
}

#[test]
fn ok_exit_status() {
    let service = started("trap 'exit 9' TERM; echo; while :; do sleep 0.01; done", |_| {});
    service.begin_stop();
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(9)), ServiceResult::ExitCode));
}

/// A shell that is there as soon as something comes out of it.
fn started(script: &str, change: impl FnOnce(&mut readyup::manager::service::Config)) -> TestService {
    let (mut read, write) = pipe();
    let mut command = shell(script);
    // It says of its children that they were terminated.
    command.stdout(write).stderr(Stdio::null());
    let service = TestService::start(command, with(exec(), change));
    assert_eq!(read.read(&mut [0]).unwrap(), 1, "{service}");
    service
}

const LIMIT: Duration = Duration::from_millis(100);

#[test]
fn err_does_not_mind_the_signal() {
    let service = started("trap '' TERM; echo; exec sleep 1000", |config| config.timeout_stop = Some(LIMIT));
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Signal(9)), ServiceResult::Timeout));
    assert!(stopped.took >= LIMIT, "{stopped:?}");
    assert_eq!(service.take_signals(), [15, 9]);
}

#[test]
fn err_takes_too_long() {
    let service = started("trap '' TERM; echo; exec sleep 1000", |_| {});
    let text = failure(|| service.stop(Duration::from_millis(50)));
    assert!(
        text.starts_with("expected the service to have ended within 50ms: it has not\nstate: deactivating"),
        "{text}"
    );
    assert!(text.contains("SIGTERM to process "), "{text}");
}

#[test]
fn ok_others_are_ended_too() {
    // The main process goes, its child does not; it is in another session.
    let script = "trap 'exit 0' TERM; setsid sh -c 'trap \"\" TERM; echo; exec sleep 1000' & while :; do wait; done";
    let service = started(script, |config| config.timeout_stop = Some(LIMIT));
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(0)), ServiceResult::Timeout));
    let text = service.to_string();
    assert!(text.contains("SIGTERM to the other processes (1)\n"), "{text}");
    assert!(text.contains("SIGKILL to the other processes (1)\n"), "{text}");
}

#[test]
fn ok_others_that_end_in_time() {
    let script = "trap 'exit 0' TERM; sh -c 'trap \"sleep 0.05; exit\" TERM; echo; while :; do sleep 0.01; done' & while :; do wait; done";
    let service = started(script, |_| {});
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(0)), ServiceResult::Success));
}

#[test]
fn ok_others_may_stay_with_kill_mode_process() {
    let script = "trap 'exit 0' TERM; sleep 1000 & echo; while :; do wait; done";
    let service = started(script, |config| config.kill_mode = KillMode::Process);
    assert_eq!(service.stop(SOON).result, ServiceResult::Success);
    assert!(!service.to_string().contains("the other processes"), "{service}");
}
