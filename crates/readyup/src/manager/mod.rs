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

#[cfg(feature = "std")]
mod envelope;
#[cfg(all(feature = "std", target_os = "linux"))]
mod incoming;
#[cfg(all(feature = "std", target_os = "linux"))]
mod listener;
#[cfg(feature = "std")]
pub mod service;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(all(feature = "std", target_os = "linux"))]
mod standing;

#[cfg(feature = "std")]
pub use envelope::{Content, DropReason, Envelope};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use incoming::{BarrierRequest, Dropped, Incoming, Received, Sender};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use listener::{Batch, Listener};
#[cfg(target_os = "linux")]
pub use socket::{Credentials, Datagram, NotifySocket};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use standing::{Believing, Standing};
