//! What is asked of a datagram before anybody looks at what it says.

use crate::protocol::{Decimal, MESSAGE_MAX, Message, MessageProblem, display};
use core::fmt;

/// What the kernel tells beside a datagram. Whether a manager takes it depends on that and on the payload, and on nothing
/// else.
///
/// [`Listener`](super::Listener) goes by it. Use it where the system calls are somebody else's.
///
/// ```
/// use readyup::Message;
/// use readyup::manager::{Content, DropReason, Envelope};
///
/// let envelope = Envelope { len: 7, pid: Some(42), fds: 0, control_truncated: false };
/// assert_eq!(envelope.open(b"READY=1"), Ok(Content::Message { message: Message::READY, wants_fds: false }));
/// assert_eq!(Envelope { pid: None, ..envelope }.open(b"READY=1"), Err(DropReason::NoCredentials));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The payload's length as it was sent, which is more than the buffer holds if it was cut.
    pub len: usize,
    /// The sender's pid, if it came with credentials. One that is in another pid namespace has pid 0.
    pub pid: Option<i32>,
    /// How many descriptors came with it.
    pub fds: usize,
    /// Not all of the descriptors and credentials were received.
    pub control_truncated: bool,
}

/// What is in a datagram that a manager takes.
///
/// ```
/// use readyup::manager::{Content, Envelope};
///
/// let envelope = Envelope { len: 9, pid: Some(42), fds: 1, control_truncated: false };
/// assert_eq!(envelope.open(b"BARRIER=1"), Ok(Content::Barrier));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A message.
    Message {
        /// What it says.
        message: Message<'a>,
        /// Whether a line claims the descriptors that came along. Those that none claims are closed.
        wants_fds: bool,
    },
    /// A barrier: closing its one descriptor is the answer.
    Barrier,
}

/// Why a manager drops a datagram.
///
/// ```
/// use readyup::manager::DropReason;
///
/// let reason = DropReason::BarrierFds { count: 0 };
/// assert_eq!(reason.to_string(), "BARRIER=1 needs exactly one descriptor and came with 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Longer than [`MESSAGE_MAX`].
    TooLong {
        /// How long.
        len: usize,
    },
    /// More descriptors or credentials than there was room for.
    ControlTruncated,
    /// It does not say who sent it.
    NoCredentials,
    /// The sender's pid is none: it lives in another pid namespace, or is gone.
    InvalidPid,
    /// A NUL inside.
    Nul,
    /// `BARRIER=1` beside other lines.
    BarrierNotAlone,
    /// `BARRIER=1` with no descriptor, or with several.
    BarrierFds {
        /// How many.
        count: usize,
    },
}

impl Envelope {
    /// Looks into it. `payload` is the buffer that the datagram was received into, or what is filled of it.
    ///
    /// # Errors
    ///
    /// Why a manager drops it.
    ///
    /// ```
    /// use readyup::manager::{DropReason, Envelope};
    ///
    /// let envelope = Envelope { len: 17, pid: Some(42), fds: 1, control_truncated: false };
    /// assert_eq!(envelope.open(b"BARRIER=1\nREADY=1"), Err(DropReason::BarrierNotAlone));
    /// ```
    pub fn open<'a>(&self, payload: &'a [u8]) -> Result<Content<'a>, DropReason> {
        if self.len > MESSAGE_MAX {
            return Err(DropReason::TooLong { len: self.len });
        }
        if self.control_truncated {
            return Err(DropReason::ControlTruncated);
        }
        match self.pid {
            None => return Err(DropReason::NoCredentials),
            Some(..=0) => return Err(DropReason::InvalidPid),
            Some(1..) => {}
        }
        let message = Message::parse(payload.get(..self.len).unwrap_or(payload));
        let message = message.map_err(|error| match error.problem() {
            MessageProblem::TooLong { len } => DropReason::TooLong { len },
            _ => DropReason::Nul,
        })?;
        let has = |flag: &[u8]| message.lines().any(|line| line.as_bytes() == flag);
        if has(b"BARRIER=1") {
            return match self.fds {
                _ if message.lines().nth(1).is_some() => Err(DropReason::BarrierNotAlone),
                1 => Ok(Content::Barrier),
                count => Err(DropReason::BarrierFds { count }),
            };
        }
        let wants_fds = has(b"FDSTORE=1") || (has(b"MAINPIDFD=1") && self.fds == 1);
        Ok(Content::Message { message, wants_fds })
    }
}

impl DropReason {
    /// Hands the text to `put` piece by piece: what `Display` prints, for places without `core::fmt`.
    ///
    /// ```
    /// use readyup::manager::DropReason;
    ///
    /// let mut text = String::new();
    /// DropReason::Nul.describe(&mut |piece| text.push_str(piece));
    /// assert_eq!(text, "it holds a NUL byte");
    /// ```
    pub fn describe(&self, put: &mut dyn FnMut(&str)) {
        match self {
            Self::TooLong { len } => {
                put("it has ");
                put(Decimal::new(*len as u64).as_str());
                put(" bytes, and a manager takes at most ");
                put(Decimal::new(MESSAGE_MAX as u64).as_str());
            }
            Self::ControlTruncated => put("it came with more descriptors or credentials than can be received"),
            Self::NoCredentials => put("it came without the sender's credentials"),
            Self::InvalidPid => put("the sender has no pid here: it is gone, or in another pid namespace"),
            Self::Nul => put("it holds a NUL byte"),
            Self::BarrierNotAlone => put("BARRIER=1 must be alone in its message"),
            Self::BarrierFds { count } => {
                put("BARRIER=1 needs exactly one descriptor and came with ");
                put(Decimal::new(*count as u64).as_str());
            }
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}
