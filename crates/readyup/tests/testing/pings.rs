//! The watchdog.

use crate::support::SOON;
use crate::{failure, notify, pipe, role, start, with};
use readyup::manager::service::{ActiveState, Config, Exit, ServiceResult};
use readyup::testing::TestService;
use readyup::{Assignment, Heartbeat, Message, Notifier, WatchdogSettings};
use std::io::{Read as _, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn watched(period: Duration) -> Config {
    with(notify(), |config| config.watchdog = Some(period))
}

/// Pings for as long as its standard input is open, and stays.
fn ping_while_open(notifier: &Notifier) {
    let settings = WatchdogSettings::from_env().unwrap().expect("a watchdog");
    let healthy = Arc::new(AtomicBool::new(true));
    let is_healthy = Arc::clone(&healthy);
    notifier.ready().unwrap();
    let own = Notifier::from_env().unwrap();
    let _heartbeat = Heartbeat::start(own, settings.period() / 4, move || is_healthy.load(Ordering::Relaxed)).unwrap();
    let _ = stdin().read(&mut [0]);
    healthy.store(false, Ordering::Relaxed);
    loop {
        std::thread::park();
    }
}

#[test]
fn ok_pings_and_a_stall() {
    let test = "pings::ok_pings_and_a_stall";
    if role().is_some() {
        return ping_while_open(&Notifier::from_env().unwrap());
    }
    let (read, write) = pipe();
    let mut command = crate::copy(test, "service");
    command.stdin(read);
    let service = TestService::start(command, watched(Duration::from_millis(400)));
    service.ready(SOON);
    service.expect_pings(6, SOON);
    assert_eq!(service.life().active_state(), ActiveState::Active);
    drop(write);
    service.expect_stall(SOON);
    assert_eq!(service.life().result(), ServiceResult::Watchdog);
    let stopped = service.expect_end(SOON);
    assert!(matches!(stopped.exit, Some(Exit::Signal(6) | Exit::CoreDump(6))), "{stopped:?}");
    assert_eq!(stopped.result, ServiceResult::Watchdog);
    assert!(service.to_string().contains("no WATCHDOG=1 for as long as the watchdog waits"), "{service}");
}

#[test]
fn err_pings_go_on() {
    let test = "pings::err_pings_go_on";
    if role().is_some() {
        return ping_while_open(&Notifier::from_env().unwrap());
    }
    let (read, _write) = pipe();
    let mut command = crate::copy(test, "service");
    command.stdin(read);
    let service = TestService::start(command, watched(Duration::from_millis(400)));
    service.ready(SOON);
    service.expect_pings(1, SOON);
    let text = failure(|| service.expect_stall(Duration::from_millis(600)));
    let start = "expected the pings to stop, and the watchdog to notice, within 600ms: WATCHDOG=1 still came, ";
    let rest = text.strip_prefix(start).unwrap_or_else(|| panic!("{text}"));
    let (count, rest) = rest.split_once(" times, and the last time ").unwrap();
    assert!((1..=20).contains(&count.parse::<u32>().unwrap()), "{text}");
    assert!(rest.split_once(" s after the start\n").is_some_and(|(time, _)| time.parse::<f64>().is_ok()), "{text}");
}

#[test]
fn err_no_watchdog() {
    let service = TestService::in_process(notify());
    service.notifier().ready().unwrap();
    for text in [failure(|| service.expect_pings(1, SOON)), failure(|| service.expect_stall(SOON))] {
        assert!(text.contains(": it has no watchdog: its Config sets none, or "), "{text}");
    }
}

#[test]
fn err_too_few_pings() {
    let service = TestService::in_process(watched(Duration::from_secs(1000)));
    let notifier = service.notifier();
    notifier.ready().unwrap();
    notifier.watchdog().unwrap();
    // Those before the call don't count.
    let text = failure(|| service.expect_pings(1, Duration::from_millis(30)));
    assert!(text.starts_with("expected 1 × WATCHDOG=1 within 30ms: there were 0\n"), "{text}");
    let text = failure(|| service.expect_stall(Duration::from_millis(30)));
    assert!(text.contains(": WATCHDOG=1 came no more, but that is too short a time for the watchdog\n"), "{text}");
}

const NEVER_BEGAN: &str = " within 5s: there was no WATCHDOG=1 before, and what never began cannot stop\n";

#[test]
fn err_it_forgets_its_pings() {
    let service = TestService::in_process(watched(Duration::from_secs(1000)));
    service.notifier().ready().unwrap();
    service.ready(SOON);
    let text = failure(|| service.expect_stall(SOON));
    assert!(text.contains(NEVER_BEGAN), "{text}");
}

#[test]
fn err_pings_that_are_not_believed() {
    let config = with(watched(Duration::from_millis(300)), |config| config.notify_access = readyup::NotifyAccess::None);
    let mut command = std::process::Command::new("sleep");
    command.arg("1000");
    let service = TestService::start(
        command,
        with(config, |config| {
            config.service_type = readyup::manager::service::ServiceType::Exec;
        }),
    );
    // Of another process than the main one.
    let _heartbeat = Heartbeat::start(service.notifier(), Duration::from_millis(20), || true).unwrap();
    assert_eq!(service.expect_end(SOON).result, ServiceResult::Watchdog);
    assert!(!service.ignored().is_empty());
    let text = failure(|| service.expect_stall(SOON));
    assert!(text.contains(NEVER_BEGAN), "{text}");
}

#[test]
fn err_it_ends_otherwise() {
    let service = TestService::in_process(watched(Duration::from_secs(1000)));
    service.notifier().ready().unwrap();
    service.notifier().watchdog().unwrap();
    service.begin_stop();
    let text = failure(|| service.expect_stall(SOON));
    assert!(text.contains(" within 5s: it went down before\n"), "{text}");
    service.stop(SOON);
    let text = failure(|| service.expect_pings(1, SOON));
    assert!(text.starts_with("expected 1 × WATCHDOG=1 within 5s: it went down\n"), "{text}");
}

#[test]
fn ok_it_triggers_the_watchdog_itself() {
    let test = "pings::ok_it_triggers_the_watchdog_itself";
    let Some(service) = start(test, watched(Duration::from_secs(1000)), |notifier| {
        notifier.ready().unwrap();
        notifier.watchdog().unwrap();
        notifier.send(Message::WATCHDOG_TRIGGER).unwrap();
        std::thread::park();
    }) else {
        return;
    };
    service.expect(Assignment::Watchdog, SOON);
    service.expect_stall(SOON);
    assert_eq!(service.expect_end(SOON).result, ServiceResult::Watchdog);
}
