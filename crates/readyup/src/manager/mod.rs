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

mod envelope;
#[cfg(all(feature = "std", target_os = "linux"))]
mod incoming;
#[cfg(all(feature = "std", target_os = "linux"))]
mod listener;
#[cfg(all(feature = "std", target_os = "linux"))]
mod lookup;
// Without the standard library, the numbers of errors are known for these processors only.
#[cfg(any(
    feature = "std",
    all(feature = "alloc", any(not(target_os = "linux"), target_arch = "x86_64", target_arch = "aarch64"))
))]
pub mod service;
#[cfg(all(target_os = "linux", any(feature = "std", target_arch = "x86_64", target_arch = "aarch64")))]
mod socket;
#[cfg(all(feature = "std", target_os = "linux"))]
mod standing;

pub use envelope::{Content, DropReason, Envelope};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use incoming::{BarrierRequest, Dropped, Incoming, Received, Sender};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use listener::{Batch, Listener};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use lookup::{handles_signal, is_same_file, pid_of};
#[cfg(all(target_os = "linux", any(feature = "std", target_arch = "x86_64", target_arch = "aarch64")))]
pub use socket::{Credentials, Datagram, NotifySocket};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use standing::{Believing, Standing};
