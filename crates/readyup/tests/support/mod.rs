//! What the integration tests share.
#![allow(dead_code, unreachable_pub)]

use readyup::manager::{Incoming, Listener, Received};
use std::time::Duration;

/// How long anything may take that is expected to happen at once.
pub const SOON: Duration = Duration::from_secs(5);

/// The next message that comes in.
#[track_caller]
pub fn message(listener: &Listener) -> Received {
    match listener.receive(Some(SOON)).unwrap() {
        Some(Incoming::Message(received)) => received,
        other => panic!("expected a message, got {other:?}"),
    }
}

/// The payload of the next message.
#[track_caller]
pub fn payload(listener: &Listener) -> String {
    String::from_utf8_lossy(message(listener).message().as_bytes()).into_owned()
}

/// How many descriptors this process has open.
pub fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
