//! Reloads, and what goes wrong with them.

use crate::support::SOON;
use crate::{failure, notify, notify_reload, serve, start, with};
use readyup::manager::service::{ActiveState, Config, ServiceResult};
use readyup::testing::TestService;
use readyup::{Assignment, Message, MessageBuf, Notifier, monotonic_now};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;
use std::time::{Duration, Instant};

#[test]
fn ok_reloads() {
    let Some(service) = start("reload::ok_reloads", notify_reload(), serve) else { return };
    service.ready(SOON);
    for _ in 0..3 {
        service.reload(SOON);
        assert_eq!(service.life().active_state(), ActiveState::Active);
    }
    assert_eq!(service.life().status_text(), Some("Reloaded"));
    assert_eq!(service.take_signals(), [1, 1, 1]);
    assert!(service.ignored().is_empty(), "{service}");
}

/// A service that does this at `SIGHUP`.
fn at_hang_up(test: &str, config: Config, answer: impl Fn(&Notifier)) -> Option<TestService> {
    let service = start(test, config, |notifier| {
        let mut signals = Signals::new([SIGHUP]).unwrap();
        notifier.ready().unwrap();
        for _ in signals.forever() {
            answer(notifier);
        }
    })?;
    service.ready(SOON);
    Some(service)
}

#[test]
fn err_without_its_time() {
    let test = "reload::err_without_its_time";
    let Some(service) = at_hang_up(test, notify_reload(), |notifier| {
        notifier.send(Message::raw(b"RELOADING=1").unwrap()).unwrap();
        notifier.ready().unwrap();
    }) else {
        return;
    };
    // Long before the time is up.
    let begin = Instant::now();
    let text = failure(|| service.reload(Duration::from_secs(60)));
    assert!(begin.elapsed() < Duration::from_secs(30));
    let start = "expected the service to have reloaded within 60s: RELOADING=1 has no MONOTONIC_USEC= in its message\n";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn err_with_another_clock() {
    let test = "reload::err_with_another_clock";
    let Some(service) = at_hang_up(test, notify_reload(), |notifier| {
        notifier.send(MessageBuf::reloading(Duration::from_secs(1)).unwrap().as_message().unwrap()).unwrap();
    }) else {
        return;
    };
    let text = failure(|| service.reload(SOON));
    assert!(text.contains(": RELOADING=1 has MONOTONIC_USEC=1000000, and the reload was asked for at "), "{text}");
}

#[test]
fn err_only_ready() {
    let test = "reload::err_only_ready";
    let Some(service) = at_hang_up(test, notify_reload(), |notifier| assert!(notifier.ready().is_ok())) else { return };
    let text = failure(|| service.reload(SOON));
    assert!(text.contains(": READY=1 comes before the RELOADING=1 that is waited for\n"), "{text}");
}

#[test]
fn err_no_answer() {
    let test = "reload::err_no_answer";
    let Some(service) = at_hang_up(test, notify_reload(), |_| {}) else { return };
    let text = failure(|| service.reload(Duration::from_millis(50)));
    assert!(text.contains("within 50ms: RELOADING=1 with its MONOTONIC_USEC= did not come\n"), "{text}");
}

#[test]
fn err_never_over() {
    let test = "reload::err_never_over";
    let config = with(notify_reload(), |config| config.timeout_start = Some(Duration::from_millis(400)));
    let Some(service) = at_hang_up(test, config, |notifier| {
        notifier.send(MessageBuf::reloading(monotonic_now()).unwrap().as_message().unwrap()).unwrap();
    }) else {
        return;
    };
    service.begin_reload();
    service.expect_that("RELOADING=1", SOON, |heard| heard.message().has(Assignment::Reloading));
    let text = failure(|| service.reload(Duration::from_millis(10)));
    assert!(text.contains("within 10ms: READY=1 did not come\n"), "{text}");
    let text = failure(|| service.reload(SOON));
    assert!(text.contains("within 5s: it ended with result timeout\n"), "{text}");
    assert_eq!(service.life().reload_result(), ServiceResult::Timeout);
    assert_eq!(service.life().active_state(), ActiveState::Active);
}

#[test]
fn err_dies_of_it() {
    let test = "reload::err_dies_of_it";
    let Some(service) = at_hang_up(test, notify_reload(), |_| std::process::exit(7)) else { return };
    let text = failure(|| service.reload(SOON));
    assert!(text.contains("within 5s: the service did not stay up\n"), "{text}");
    assert!(text.contains(" ended with exit status 7\n"), "{text}");
}

#[test]
fn err_does_not_handle_the_signal() {
    let test = "reload::err_does_not_handle_the_signal";
    let Some(service) = start(test, notify_reload(), |notifier| {
        notifier.ready().unwrap();
        std::thread::park();
    }) else {
        return;
    };
    let text = failure(|| service.ready(SOON));
    assert!(text.contains(" does not handle signal 1, which is to make it reload\n"), "{text}");
}

/// What `ExecReload=kill -HUP $MAINPID` does.
#[test]
fn ok_by_a_signal() {
    let Some(service) = start("reload::ok_by_a_signal", notify(), serve) else { return };
    service.ready(SOON);
    service.kill(SIGHUP);
    service.expect(Assignment::Reloading, SOON);
    service.expect(Assignment::Status("Reloaded"), SOON);
    assert_eq!(service.life().active_state(), ActiveState::Active);
    assert_eq!(service.take_signals(), [SIGHUP]);
    assert!(service.to_string().contains("SIGHUP to process "), "{service}");
    assert!(service.ignored().is_empty(), "{service}");
}

#[test]
fn err_not_now_and_not_at_all() {
    let service = TestService::in_process(notify_reload());
    let text = failure(|| service.reload(SOON));
    assert!(text.starts_with("expected the service to reload: reload: this cannot be done in state start\n"), "{text}");
    let service = TestService::in_process(notify());
    service.notifier().ready().unwrap();
    let text = failure(|| service.reload(SOON));
    assert!(text.starts_with("expected the service to reload: only ServiceType::NotifyReload has a signal for it\n"));
    // Neither is anything that the service did.
    assert!(service.ignored().is_empty());
}
