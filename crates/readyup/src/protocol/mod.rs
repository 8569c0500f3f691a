//! The notify protocol itself: bytes and environment values in, values out. Nothing here does I/O.
//!
//! - [`Message`] is a datagram's payload, checked; [`MessageBuf`] builds one from [`Assignment`]s; [`Lines`]
//!   takes one apart as a manager does.
//! - [`Address`] is what `$NOTIFY_SOCKET` says.
//! - [`WatchdogSettings`] and [`ListenFds`] are what `$WATCHDOG_*` and `$LISTEN_*` say.
//!
//! It all works without the standard library and without allocating.

mod address;
mod assignment;
mod environment;
mod fd_name;
mod key;
mod lines;
mod message;
mod text;

pub use address::{Address, AddressError, VsockAddress, VsockKind};
pub(crate) use address::{Form, UnixName};
pub use assignment::{Assignment, ErrnoValue, NotifyAccess};
pub use environment::{
    EnvironmentError, EnvironmentProblem, ListenFds, ListenVariables, NOTIFY_VARIABLES, WatchdogSettings,
};
pub use fd_name::{FdName, FdNameError};
pub use lines::{Line, Lines};
pub use message::{Message, MessageBuf, MessageError, MessageProblem};
#[cfg(feature = "std")]
pub(crate) use text::Excerpt;
pub(crate) use text::{Decimal, display};

/// The largest payload a manager takes: one byte more, and it drops the message and closes its descriptors.
pub const MESSAGE_MAX: usize = 4096;

/// The most descriptors that one message can carry: the kernel's `SCM_MAX_FD`.
pub const FDS_MAX: usize = 253;

/// The first descriptor that a manager passes to a service: `SD_LISTEN_FDS_START`.
pub const LISTEN_FDS_START: i32 = 3;
