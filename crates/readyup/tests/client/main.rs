//! The service's side, against a listener.

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod barrier;
mod heartbeat;
mod notifier;
