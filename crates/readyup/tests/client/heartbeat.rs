//! The heartbeat thread.

use crate::support::SOON;
use readyup::testing::FakeManager;
use readyup::{Assignment, Heartbeat, Notifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const OFTEN: Duration = Duration::from_millis(5);

#[test]
fn ok_pings_at_once_and_on() {
    let manager = FakeManager::new();
    let notifier = Notifier::new(*manager.address());
    let heartbeat = Heartbeat::start(notifier, OFTEN, || true).unwrap();
    for _ in 0..5 {
        manager.expect(Assignment::Watchdog, SOON);
    }
    let report = heartbeat.stop();
    assert!(report.sent >= 5, "{report:?}");
    assert_eq!((report.withheld, report.failed), (0, 0));
}

#[test]
fn ok_nothing_while_unhealthy() {
    let manager = FakeManager::new();
    let healthy = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU32::new(0));
    let check = {
        let (healthy, asked) = (Arc::clone(&healthy), Arc::clone(&asked));
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            healthy.load(Ordering::SeqCst)
        }
    };
    let heartbeat = Heartbeat::start(Notifier::new(*manager.address()), OFTEN, check).unwrap();
    let end = Instant::now() + SOON;
    while asked.load(Ordering::SeqCst) < 5 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    assert!(manager.take_messages().is_empty());
    healthy.store(true, Ordering::SeqCst);
    manager.expect(Assignment::Watchdog, SOON);
    assert!(heartbeat.stop().withheld >= 5);
}

#[test]
fn ok_a_panicking_check_is_unhealthy() {
    let manager = FakeManager::new();
    let heartbeat = Heartbeat::start(Notifier::new(*manager.address()), OFTEN, || {
        // Without a message and a backtrace in the middle of the tests' output.
        std::panic::resume_unwind(Box::new("check"))
    })
    .unwrap();
    let end = Instant::now() + SOON;
    while heartbeat.report().withheld < 3 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    assert!(manager.take_messages().is_empty());
}

#[test]
fn ok_dropping_ends_it_at_once() {
    let manager = FakeManager::new();
    let start = Instant::now();
    let alive = Arc::new(());
    let check = {
        let alive = Arc::clone(&alive);
        move || Arc::strong_count(&alive) > 0
    };
    let heartbeat = Heartbeat::start(Notifier::new(*manager.address()), Duration::from_secs(3600), check).unwrap();
    manager.expect(Assignment::Watchdog, SOON);
    drop(heartbeat);
    assert!(start.elapsed() < SOON);
    // The thread is gone, and its closure with it.
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn ok_survives_a_manager_that_is_gone() {
    let manager = FakeManager::new();
    let notifier = Notifier::new(*manager.address());
    drop(manager);
    let heartbeat = Heartbeat::start(notifier, OFTEN, || true).unwrap();
    let end = Instant::now() + SOON;
    while heartbeat.report().failed < 3 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
}
