//! The notify protocol itself: bytes and environment values in, values out. Nothing here does I/O.
//!
//! - [`Message`] is a datagram's payload, checked; [`MessageBuf`] builds one from [`Assignment`]s; [`Lines`]
//!   takes one apart as a manager does.
//! - [`Address`] is what `$NOTIFY_SOCKET` says.
//! - [`WatchdogSettings`] and [`ListenFds`] are what `$WATCHDOG_*` and `$LISTEN_*` say.
//!
//! It all works without the standard library and without allocating.
//!
//! ```
//! use readyup::protocol::{Assignment, Message, MessageBuf};
//!
//! // What one end builds, the other takes apart.
//! let built = MessageBuf::new([Assignment::Ready, Assignment::MainPid(42)])?;
//! let received = Message::parse(built.as_message()?.as_bytes())?;
//! assert!(received.assignments().eq([Ok(Assignment::Ready), Ok(Assignment::MainPid(42))]));
//! # Ok::<(), readyup::protocol::MessageError>(())
//! ```

mod address;
mod assignment;
mod environment;
mod fd_name;
mod key;
mod lines;
mod message;
mod text;

pub use address::{Address, AddressError, VsockAddress, VsockKind};
#[cfg(target_os = "linux")]
pub(crate) use address::{Form, UnixName};
#[cfg(feature = "alloc")]
pub(crate) use assignment::microseconds;
pub use assignment::{Assignment, ErrnoValue, NotifyAccess};
pub use environment::{
    EnvironmentError, EnvironmentProblem, ListenFds, ListenVariables, NOTIFY_VARIABLES, WatchdogSettings,
};
pub use fd_name::{FdName, FdNameError};
#[cfg(feature = "alloc")]
pub(crate) use key::{KEYS, Key};
pub use lines::{Line, Lines, Unseen};
pub use message::{Message, MessageBuf, MessageError, MessageProblem};
#[cfg(target_os = "linux")]
pub(crate) use text::Excerpt;
pub(crate) use text::{Decimal, display};

/// The largest payload a manager takes, in bytes: one more, and it drops the message and closes its descriptors.
///
/// ```
/// use readyup::Message;
/// use readyup::protocol::MESSAGE_MAX;
///
/// assert!(Message::raw(&[b'x'; MESSAGE_MAX]).is_ok());
/// assert!(Message::raw(&[b'x'; MESSAGE_MAX + 1]).is_err());
/// ```
pub const MESSAGE_MAX: usize = 4096;

/// The most descriptors that one message can carry: the kernel's `SCM_MAX_FD`.
///
/// ```
/// use readyup::protocol::FDS_MAX;
/// use readyup::{Attachments, ErrorKind, Message, Notifier};
/// use std::os::fd::AsFd;
///
/// let null = std::fs::File::open("/dev/null")?;
/// let attachments = Attachments { fds: &[null.as_fd(); FDS_MAX + 1], ..Attachments::default() };
/// let error = Notifier::disabled().send_with(Message::READY, &attachments).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TooManyFds);
/// # Ok::<(), std::io::Error>(())
/// ```
pub const FDS_MAX: usize = 253;

/// The first descriptor that a manager passes to a service: `SD_LISTEN_FDS_START` in
/// [sd_listen_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
///
/// ```
/// use readyup::protocol::{LISTEN_FDS_START, ListenFds, ListenVariables};
///
/// let values = ListenVariables { pid: Some(b"42"), fds: Some(b"2"), ..ListenVariables::default() };
/// assert_eq!(ListenFds::parse(&values, 42, None)?.range().start, LISTEN_FDS_START);
/// # Ok::<(), readyup::protocol::EnvironmentError>(())
/// ```
pub const LISTEN_FDS_START: i32 = 3;
