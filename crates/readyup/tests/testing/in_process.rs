//! The test's own process as the service.

use crate::support::SOON;
use crate::{failure, notify, notify_reload, shell, start, with};
use readyup::manager::service::{ActiveState, ServiceResult, SubState};
use readyup::testing::TestService;
use readyup::{Assignment, Heartbeat, MessageBuf, monotonic_now};
use signal_hook::consts::{SIGKILL, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn ok_a_heartbeat_that_stops() {
    let service = TestService::in_process(with(notify(), |config| config.watchdog = Some(Duration::from_millis(300))));
    let notifier = Arc::new(service.notifier());
    notifier.ready().unwrap();
    let healthy = Arc::new(AtomicBool::new(true));
    let is_healthy = Arc::clone(&healthy);
    let interval = Duration::from_millis(50);
    let _heartbeat = Heartbeat::start(notifier, interval, move || is_healthy.load(Ordering::Relaxed)).unwrap();
    service.ready(SOON);
    service.expect_pings(8, SOON);
    assert!(service.take_signals().is_empty(), "{service}");
    healthy.store(false, Ordering::Relaxed);
    service.expect_stall(SOON);
    // Not sent, or this test would be over.
    assert_eq!(service.take_signals(), [6]);
    assert_eq!(service.life().sub_state(), SubState::StopWatchdog);
    assert_eq!(service.stop(SOON).result, ServiceResult::Watchdog);
}

#[test]
fn ok_a_whole_life() {
    let service = TestService::in_process(notify_reload());
    let notifier = service.notifier();
    notifier.notify([Assignment::Ready, Assignment::Status("Serving")]).unwrap();
    service.ready(SOON);
    assert_eq!(service.life().main_pid(), Some(std::process::id()));

    service.begin_reload();
    assert_eq!(service.take_signals(), [1]);
    notifier.send(MessageBuf::reloading(monotonic_now()).unwrap().as_message().unwrap()).unwrap();
    assert_eq!(service.life().active_state(), ActiveState::Reloading);
    notifier.ready().unwrap();
    service.reload(SOON);

    service.begin_stop();
    assert_eq!(service.take_signals(), [15]);
    notifier.stopping().unwrap();
    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result, stopped.said_stopping), (None, ServiceResult::Success, true));
    assert!(service.ignored().is_empty(), "{service}");
}

#[test]
fn ok_signals_are_kept() {
    let service = TestService::in_process(notify());
    service.kill(SIGKILL);
    service.begin_stop();
    assert_eq!(service.take_signals(), [SIGKILL, SIGTERM]);
    let text = failure(|| service.kill(0));
    assert!(text.starts_with("expected signal 0 to be sent: there is no such signal\n"), "{text}");
    failure(|| service.kill(65));
    service.stop(SOON);
    let text = failure(|| service.kill(SIGTERM));
    assert!(text.starts_with("expected SIGTERM to be sent: there is no main process\n"), "{text}");
    assert!(service.take_signals().is_empty());
}

#[test]
fn ok_what_was_sent_before_is_there() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    for number in 0..200 {
        let status = format!("Step {number}");
        notifier.status(&status).unwrap();
        assert_eq!(service.life().status_text(), Some(status.as_str()));
    }
    assert_eq!(service.messages().len(), 200);
}

#[test]
fn ok_a_barrier_is_answered_after_what_came_before() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    for _ in 0..50 {
        notifier.status("Loading").unwrap();
        notifier.barrier().unwrap().expect("there is a manager").wait(SOON).unwrap();
    }
    assert!(service.ignored().is_empty(), "{service}");
    assert_eq!(service.to_string().matches(": BARRIER=1").count(), 50);
}

#[test]
fn ok_expects_in_order_and_may_ask_meanwhile() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    notifier.status("Loading").unwrap();
    notifier.ready().unwrap();
    notifier.status("Serving").unwrap();
    service.expect_that("a status", SOON, |_| service.life().active_state() == ActiveState::Active);
    service.expect(Assignment::Status("Serving"), SOON);
}

#[test]
fn err_it_came_before_the_last_that_was_expected() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    notifier.ready().unwrap();
    notifier.status("Serving").unwrap();
    let heard = service.expect(Assignment::Status("Serving"), SOON);
    let ready = service.messages()[0].at;
    let limit = Duration::from_millis(20);
    for (assignment, at) in [(Assignment::Ready, ready), (Assignment::Status("Serving"), heard.at)] {
        let text = failure(|| service.expect(assignment, limit));
        let why = "it did not come; one came at ";
        let start = format!("expected {assignment:?} within 20ms: {why}{:.3} s, but not after", at.as_secs_f64());
        assert!(text.starts_with(&start), "{text}");
    }
    let text = failure(|| service.expect(Assignment::Stopping, limit));
    assert!(text.starts_with("expected Stopping within 20ms: it did not come\n"), "{text}");
    // It is also said of one that ended.
    service.stop(SOON);
    let text = failure(|| service.expect(Assignment::Ready, SOON));
    assert!(text.contains(" within 5s: it went down before; one came at "), "{text}");
}

#[test]
fn ok_times_that_cannot_be_told() {
    let service = TestService::in_process(with(notify(), |config| {
        config.timeout_start = Some(Duration::MAX);
        config.watchdog = Some(Duration::MAX);
    }));
    service.notifier().ready().unwrap();
    service.ready(Duration::MAX);
    service.expect(Assignment::Ready, Duration::MAX);
}

#[test]
fn ok_many_at_once() {
    if crate::role().is_some() {
        drop(start("in_process::ok_many_at_once", notify(), crate::serve));
        return;
    }
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let own = TestService::in_process(notify());
                let program = start("in_process::ok_many_at_once", notify(), crate::serve).unwrap();
                let status = format!("Number {number}");
                own.notifier().notify([Assignment::Ready, Assignment::Status(&status)]).unwrap();
                program.ready(SOON);
                own.ready(SOON);
                assert_eq!(own.life().status_text(), Some(status.as_str()));
                assert_eq!(program.life().status_text(), Some("Serving"));
                assert_eq!((own.messages().len(), program.messages().len()), (1, 1));
                assert!(program.stop(SOON).said_stopping);
                assert_eq!(own.life().active_state(), ActiveState::Active);
                let shell = TestService::start(shell("exit 3"), notify());
                assert_eq!(shell.expect_end(SOON).result, ServiceResult::ExitCode);
            });
        }
    });
}
