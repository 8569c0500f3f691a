//! The notify protocol between a service and its service manager, from both ends.
//!
//! A service says when it is up, that it is still alive, and when it goes down, through a socket that the manager
//! (systemd, a container engine, a supervisor) names in `$NOTIFY_SOCKET`. That is what
//! [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html),
//! [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html) and
//! [sd_listen_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html) do in C. This crate
//! does it without libsystemd, without unsafe code in its callers' way, and for the receiving side as well.
//!
//! ```no_run
//! use readyup::{Heartbeat, Notifier, WatchdogSettings};
//! use std::sync::Arc;
//!
//! let notifier = Arc::new(Notifier::from_env()?);
//! let listener = std::net::TcpListener::bind("127.0.0.1:8080")?;
//! notifier.ready()?;
//! let heartbeat = match WatchdogSettings::from_env()? {
//!     Some(settings) => Some(Heartbeat::start(Arc::clone(&notifier), settings.interval(), || true)?),
//!     None => None,
//! };
//! // … serve …
//! notifier.stopping()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Notifier`] tells the manager; [`Barrier`] waits until it was heard; [`Heartbeat`] answers the watchdog.
//! - [`PassedFds`] takes the descriptors of socket activation and of the fd store.
//! - [`Message`], [`MessageBuf`], [`Assignment`] and [`Address`] are the protocol as values; more in [`protocol`].
//! - [`journal`] writes entries with a priority and fields to the journal.
//! - [`manager`] listens: it receives what services send, and tells what a manager would believe of it;
//!   [`manager::service`] is a service's life as systemd runs it, as a value.
//! - [`testing`] runs your service, or its code, in your own tests by a manager's rules.
//!
//! # Without the standard library
//!
//! With `default-features = false` there are [`protocol`], [`manager::Envelope`], [`Notifier`], [`Barrier`], [`journal`] and,
//! on x86-64 and arm64, [`manager::NotifySocket`], which don't allocate either. The feature `alloc` adds
//! [`manager::service`], which does.
//!
//! On other systems than Linux, WebAssembly among them, there are [`protocol`], [`manager::Envelope`] and, with that feature,
//! [`manager::service`].
//!
//! # How it is built
#![doc = include_str!("../docs/design.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![deny(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
pub mod journal;
pub mod manager;
pub mod protocol;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod testing;
#[cfg(target_os = "linux")]
mod unix;

#[cfg(target_os = "linux")]
pub use client::{Attachments, Barrier, Delivery, Notifier, Outcome, booted, listen_fds, monotonic_now, pidfd_id};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use client::{Heartbeat, HeartbeatReport, PassedFds};
#[cfg(target_os = "linux")]
pub use error::{Error, ErrorKind, describe_errno};
pub use protocol::{Address, Assignment, FdName, Message, MessageBuf, NotifyAccess, WatchdogSettings};
