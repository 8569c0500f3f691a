//! The fake manager.

use crate::support::SOON;
use readyup::testing::FakeManager;
use readyup::{Assignment, Notifier};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[test]
fn ok_expects_in_order_and_keeps_the_rest() {
    let manager = FakeManager::new();
    let notifier = Notifier::new(*manager.address());
    notifier.status("starting").unwrap();
    notifier.ready().unwrap();
    notifier.stopping().unwrap();
    let ready = manager.expect(Assignment::Ready, SOON);
    assert_eq!(ready.sender().pid(), std::process::id());
    manager.expect(Assignment::Stopping, SOON);
    assert!(manager.take_messages().is_empty());
}

#[test]
fn ok_the_command_s_environment() {
    let manager = FakeManager::new().with_watchdog(Duration::from_secs(2));
    let output = manager.command("env").env("LISTEN_FDS", "kept").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let variables: Vec<_> = text
        .lines()
        .filter(|line| ["NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"].iter().any(|name| line.starts_with(name)))
        .collect();
    let socket = format!("NOTIFY_SOCKET={}", manager.address());
    for expected in [socket.as_str(), "WATCHDOG_USEC=2000000", "LISTEN_FDS=kept"] {
        assert!(variables.contains(&expected), "{variables:?}");
    }
    assert_eq!(variables.len(), 3);
}

#[test]
fn err_a_failure_tells_what_came() {
    let manager = FakeManager::new();
    Notifier::new(*manager.address()).status("going nowhere").unwrap();
    manager.expect(Assignment::Status("going nowhere"), SOON);
    let panic = catch_unwind(AssertUnwindSafe(|| manager.expect(Assignment::Ready, Duration::from_millis(10))));
    let text = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(
        text.starts_with("expected Ready within 10ms; there came:\n  \"STATUS=going nowhere\" from process "),
        "{text}"
    );
}
