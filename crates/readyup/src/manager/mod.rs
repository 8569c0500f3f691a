//! The side of the service manager: listening to what services say.
//!
//! ```
//! use readyup::manager::{Incoming, Listener};
//! use readyup::{Assignment, Notifier};
//! use std::time::Duration;
//!
//! let listener = Listener::private()?;
//! let notifier = Notifier::new(*listener.address());
//! notifier.ready()?;
//!
//! match listener.receive(Some(Duration::from_secs(1)))? {
//!     Some(Incoming::Message(received)) => {
//!         assert!(received.message().has(Assignment::Ready));
//!         assert_eq!(received.sender().pid(), std::process::id());
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), readyup::Error>(())
//! ```
//!
//! What a manager makes of a message is in [`service`].

#[cfg(target_os = "linux")]
mod incoming;
#[cfg(target_os = "linux")]
mod listener;
pub mod service;
#[cfg(target_os = "linux")]
mod standing;

#[cfg(target_os = "linux")]
pub use incoming::{BarrierRequest, DropReason, Dropped, Incoming, Received, Sender};
#[cfg(target_os = "linux")]
pub use listener::{Batch, Listener};
#[cfg(target_os = "linux")]
pub(crate) use standing::pid_of;
#[cfg(target_os = "linux")]
pub use standing::{Believing, Standing};
