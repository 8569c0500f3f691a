//! What was received, judged by the rules that a manager goes by.

use crate::protocol::{Assignment, MESSAGE_MAX, Message, MessageProblem};
use crate::sys::Datagram;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::fmt;

/// One datagram, as a manager takes it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// A message.
    Message(Received),
    /// A barrier, which is answered already, unless the listener keeps everything for a relay.
    Barrier(BarrierRequest),
    /// Something that a manager drops. Its descriptors are closed.
    Dropped(Dropped),
}

/// A message and who sent it.
#[derive(Debug)]
pub struct Received {
    sender: Sender,
    payload: Vec<u8>,
    fds: Vec<OwnedFd>,
    closed_fds: usize,
}

/// Who sent a message, as the kernel tells it.
#[derive(Debug)]
pub struct Sender {
    pid: u32,
    uid: u32,
    gid: u32,
    pidfd: Option<OwnedFd>,
}

/// A sender's wish to know that everything it sent before was read.
#[derive(Debug)]
pub struct BarrierRequest {
    sender: Sender,
    fd: Option<OwnedFd>,
}

/// What a manager does not even look at.
#[derive(Debug)]
pub struct Dropped {
    reason: DropReason,
    sender: Option<Sender>,
}

/// Why a manager drops a datagram.
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

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "it has {len} bytes, and a manager takes at most {MESSAGE_MAX}"),
            Self::ControlTruncated => f.write_str("it came with more descriptors or credentials than can be received"),
            Self::NoCredentials => f.write_str("it came without the sender's credentials"),
            Self::InvalidPid => f.write_str("the sender has no pid here: it is gone, or in another pid namespace"),
            Self::Nul => f.write_str("it holds a NUL byte"),
            Self::BarrierNotAlone => f.write_str("BARRIER=1 must be alone in its message"),
            Self::BarrierFds { count } => write!(f, "BARRIER=1 needs exactly one descriptor and came with {count}"),
        }
    }
}

impl Incoming {
    /// Judges a datagram. `payload` is the buffer it was received into.
    pub(super) fn judge(datagram: Datagram, payload: &[u8], keep_everything: bool) -> Self {
        let Datagram { len, control_truncated, credentials, pidfd, mut fds } = datagram;
        let mut pidfd = pidfd;
        let mut sender = None;
        let mut invalid_pid = false;
        if let Some((pid, uid, gid)) = credentials {
            match u32::try_from(pid) {
                Ok(pid @ 1..) => sender = Some(Sender { pid, uid, gid, pidfd: pidfd.take() }),
                _ => invalid_pid = true,
            }
        }
        let dropped = |reason, sender| Self::Dropped(Dropped { reason, sender });

        if len > MESSAGE_MAX {
            return dropped(DropReason::TooLong { len }, sender);
        }
        if control_truncated {
            return dropped(DropReason::ControlTruncated, sender);
        }
        let Some(sender) = sender else {
            return dropped(if invalid_pid { DropReason::InvalidPid } else { DropReason::NoCredentials }, None);
        };
        let message = match Message::parse(payload.get(..len).unwrap_or(payload)) {
            Ok(message) => message,
            Err(error) => {
                let reason = match error.problem() {
                    MessageProblem::TooLong { len } => DropReason::TooLong { len },
                    _ => DropReason::Nul,
                };
                return dropped(reason, Some(sender));
            }
        };
        if message.lines().any(|line| line.as_bytes() == b"BARRIER=1") {
            if message.lines().nth(1).is_some() {
                return dropped(DropReason::BarrierNotAlone, Some(sender));
            }
            if fds.len() != 1 {
                return dropped(DropReason::BarrierFds { count: fds.len() }, Some(sender));
            }
            // Closing it is the answer.
            let fd = fds.pop().filter(|_| keep_everything);
            return Self::Barrier(BarrierRequest { sender, fd });
        }

        let claimed = message.has(Assignment::FdStore) || (message.has(Assignment::MainPidFd) && fds.len() == 1);
        let mut closed_fds = 0;
        if !claimed && !keep_everything {
            closed_fds = fds.len();
            fds.clear();
        }
        Self::Message(Received { sender, payload: message.as_bytes().to_vec(), fds, closed_fds })
    }

    /// Who sent it, where that is known.
    #[must_use]
    pub fn sender(&self) -> Option<&Sender> {
        match self {
            Self::Message(received) => Some(&received.sender),
            Self::Barrier(request) => Some(&request.sender),
            Self::Dropped(dropped) => dropped.sender.as_ref(),
        }
    }
}

impl Received {
    /// The message.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        // It was parsed when it was received, so that this cannot fail; an empty message has no effect.
        Message::parse(&self.payload).unwrap_or(Message::EMPTY)
    }

    /// Who sent it.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The descriptors that came with it, close-on-exec. Those that no line claims are closed already, unless the
    /// listener keeps everything for a relay.
    #[must_use]
    pub fn fds(&self) -> &[OwnedFd] {
        &self.fds
    }

    /// Takes the descriptors out.
    #[must_use]
    pub fn take_fds(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.fds)
    }

    /// How many descriptors were closed because no line claims them: a manager keeps descriptors only for
    /// `FDSTORE=1`, and one for `MAINPIDFD=1`.
    #[must_use]
    pub const fn closed_fds(&self) -> usize {
        self.closed_fds
    }
}

impl Sender {
    /// The process id, as seen from here.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// The user id.
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// The group id.
    #[must_use]
    pub const fn gid(&self) -> u32 {
        self.gid
    }

    /// A pidfd, which stands for this very process even when its pid is another's by now. Linux 6.5 and later give
    /// one.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }
}

impl BarrierRequest {
    /// Who asks.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The descriptor whose closing is the answer, where the listener keeps everything for a relay.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }
}

impl Dropped {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> DropReason {
        self.reason
    }

    /// Who sent it, where that is known.
    #[must_use]
    pub const fn sender(&self) -> Option<&Sender> {
        self.sender.as_ref()
    }
}
