//! The side of the service: telling the manager, and taking what the manager passes.

#[cfg(feature = "std")]
mod activation;
mod barrier;
mod clock;
mod connection;
#[cfg(feature = "std")]
mod heartbeat;
mod listen;
mod notifier;
mod pidfd;
mod vsock;

#[cfg(feature = "std")]
pub use activation::PassedFds;
pub use barrier::Barrier;
#[cfg(feature = "std")]
pub(crate) use clock::Deadline;
pub use clock::monotonic_now;
pub use connection::{Attachments, Delivery};
#[cfg(feature = "std")]
pub use heartbeat::{Heartbeat, HeartbeatReport};
pub use listen::listen_fds;
pub use notifier::{Notifier, Outcome};
pub use pidfd::pidfd_id;

/// Whether the machine was booted with systemd:
/// [sd_booted(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_booted.html).
///
/// It says nothing about this process: a service has a manager if [`Notifier::is_enabled`] says so, booted with
/// systemd or not.
///
/// ```
/// println!("booted with systemd: {}", readyup::booted());
/// ```
#[must_use]
pub fn booted() -> bool {
    rustix::fs::lstat("/run/systemd/system/").is_ok()
}
