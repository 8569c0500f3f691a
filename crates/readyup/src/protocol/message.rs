//! A message's payload: checked when it is borrowed, correct when it is built.

use super::assignment::Assignment;
use super::fd_name::FdNameError;
use super::key::{Key, KeySet};
use super::lines::Lines;
use super::text::{Decimal, Excerpt, display};
use super::{FdName, MESSAGE_MAX};
use core::fmt;
use core::time::Duration;

/// The payload of one datagram: at most [`MESSAGE_MAX`] bytes and no NUL, unless it was made
/// [`verbatim`](Self::verbatim).
///
/// It is what is sent ([`Notifier::send`](crate::Notifier::send)) and what is received and taken apart
/// ([`lines`](Self::lines), [`assignments`](Self::assignments)). To put one together, see [`MessageBuf`].
///
/// ```
/// use readyup::{Assignment, Message};
///
/// let message = Message::raw(b"READY=1\nSTATUS=Up")?;
/// assert_eq!(message.as_bytes(), b"READY=1\nSTATUS=Up");
/// assert!(message.has(Assignment::Status("Up")));
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// `READY=1`
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// assert!(Message::READY.has(Assignment::Ready));
    /// ```
    pub const READY: Message<'static> = Message(b"READY=1");
    /// `STOPPING=1`
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// assert!(Message::STOPPING.has(Assignment::Stopping));
    /// ```
    pub const STOPPING: Message<'static> = Message(b"STOPPING=1");
    /// `WATCHDOG=1`
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// assert!(Message::WATCHDOG.has(Assignment::Watchdog));
    /// ```
    pub const WATCHDOG: Message<'static> = Message(b"WATCHDOG=1");
    /// `WATCHDOG=trigger`
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// assert!(Message::WATCHDOG_TRIGGER.has(Assignment::WatchdogTrigger));
    /// ```
    pub const WATCHDOG_TRIGGER: Message<'static> = Message(b"WATCHDOG=trigger");
    /// Nothing, which has no effect.
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) const EMPTY: Message<'static> = Message(b"");
    /// `BARRIER=1`, which means something only with a descriptor beside it:
    /// [`Notifier::barrier`](crate::Notifier::barrier) sends both.
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// assert!(Message::BARRIER.has(Assignment::Barrier));
    /// ```
    pub const BARRIER: Message<'static> = Message(b"BARRIER=1");

    /// A finished state string, as [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)
    /// takes it. Only its size is checked, and that it holds no NUL.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when it is longer than [`MESSAGE_MAX`] or holds a NUL: a manager would drop all of it.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// assert_eq!(Message::raw(b"READY=1\nSTATUS=Up")?.lines().count(), 2);
    /// assert!(Message::raw(&[b'x'; 4097]).is_err());
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn raw(state: &'a [u8]) -> Result<Self, MessageError> {
        if state.len() > MESSAGE_MAX {
            return Err(MessageError::too_long(state.len()));
        }
        if state.contains(&0) {
            return Err(MessageError { field: None, problem: MessageProblem::Nul });
        }
        Ok(Self(state))
    }

    /// Bytes as they are, however wrong: longer than [`MESSAGE_MAX`], with a NUL inside.
    ///
    /// A manager drops such a message without a word to its sender, so use [`raw`](Self::raw) unless you know better:
    /// to find out what a manager does with it, or to be what somebody else's tool is.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::protocol::MESSAGE_MAX;
    ///
    /// assert_eq!(Message::verbatim(&[b'x'; MESSAGE_MAX + 1]).as_bytes().len(), 4097);
    /// ```
    #[must_use]
    pub const fn verbatim(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    /// A received payload, held to a manager's rules: one NUL at the end is tolerated and taken off.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when a manager would drop it: longer than [`MESSAGE_MAX`], or with a NUL inside.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// assert_eq!(Message::parse(b"READY=1\0")?, Message::READY);
    /// assert!(Message::parse(b"READY=1\0STATUS=Up").is_err());
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn parse(payload: &'a [u8]) -> Result<Self, MessageError> {
        match payload.split_last() {
            // The limit counts what was received, the NUL included.
            Some((0, rest)) if payload.len() <= MESSAGE_MAX => Self::raw(rest),
            _ => Self::raw(payload),
        }
    }

    /// The payload.
    ///
    /// ```
    /// assert_eq!(readyup::Message::READY.as_bytes(), b"READY=1");
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Its lines.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// let message = Message::parse(b"READY=1\nSTATUS=Up")?;
    /// assert!(message.lines().map(|line| line.key()).eq([&b"READY"[..], b"STATUS"]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.0)
    }

    /// Its lines that count, typed: those that an earlier one shadows are left out.
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// let message = Message::parse(b"MAINPID=5\nMAINPID=6\nREADY=1")?;
    /// assert!(message.assignments().eq([Ok(Assignment::MainPid(5)), Ok(Assignment::Ready)]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn assignments(&self) -> impl Iterator<Item = Result<Assignment<'a>, MessageError>> + use<'a> {
        self.lines().filter(|line| !line.is_shadowed()).map(|line| line.decode())
    }

    /// Whether `assignment` is among the lines that count.
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// let message = Message::parse(b"READY=1\nSTATUS=Up")?;
    /// assert!(message.has(Assignment::Ready));
    /// assert!(!message.has(Assignment::Stopping));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn has(&self, assignment: Assignment<'_>) -> bool {
        self.assignments().any(|own| own == Ok(assignment))
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message(\"{}\")", self.0.escape_ascii())
    }
}

/// Builds a message out of [`Assignment`]s, without allocating.
///
/// What it holds is always correct: a value that would break a line, a key given twice, a text that doesn't fit
/// are errors at the moment they are added, and then nothing is added.
///
/// ```
/// use readyup::{Assignment, MessageBuf};
///
/// let mut message = MessageBuf::new([Assignment::Ready])?;
/// message.push(Assignment::Status("Serving on :8080"))?;
/// assert_eq!(message.as_message()?.as_bytes(), b"READY=1\nSTATUS=Serving on :8080");
///
/// let error = message.push(Assignment::BusError("a\nREADY=1")).unwrap_err();
/// assert_eq!(error.to_string(), "BUSERROR holds a newline, which would begin another assignment");
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone)]
pub struct MessageBuf {
    bytes: [u8; MESSAGE_MAX],
    len: usize,
    seen: KeySet,
    lines: usize,
}

impl MessageBuf {
    /// A message of these assignments, in this order.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// ```
    /// use readyup::{Assignment, MessageBuf};
    ///
    /// let message = MessageBuf::new([Assignment::Stopping, Assignment::Status("Saving")])?;
    /// assert_eq!(message.as_message()?.as_bytes(), b"STOPPING=1\nSTATUS=Saving");
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn new<'a>(assignments: impl IntoIterator<Item = Assignment<'a>>) -> Result<Self, MessageError> {
        let mut message = Self { bytes: [0; MESSAGE_MAX], len: 0, seen: KeySet::default(), lines: 0 };
        for assignment in assignments {
            message.push(assignment)?;
        }
        Ok(message)
    }

    /// `RELOADING=1` with the `MONOTONIC_USEC=` that a manager wants in the same message.
    ///
    /// `now` is the time since the start of `CLOCK_MONOTONIC`; [`Notifier::reloading`](crate::Notifier::reloading)
    /// takes it by itself.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when `now` does not fit into 64 bits of microseconds.
    ///
    /// ```
    /// use readyup::MessageBuf;
    /// use std::time::Duration;
    ///
    /// let message = MessageBuf::reloading(Duration::from_micros(77))?;
    /// assert_eq!(message.as_message()?.as_bytes(), b"RELOADING=1\nMONOTONIC_USEC=77");
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn reloading(now: Duration) -> Result<Self, MessageError> {
        Self::new([Assignment::Reloading, Assignment::MonotonicUsec(now)])
    }

    /// Adds one assignment.
    ///
    /// # Errors
    ///
    /// [`MessageError`], which names the field, when the value would break its line or is out of range, the key was
    /// given before, or the message would become too long. The message stays as it was.
    ///
    /// ```
    /// use readyup::{Assignment, MessageBuf};
    ///
    /// let mut message = MessageBuf::new([Assignment::Ready])?;
    /// message.push(Assignment::Status("Up"))?.push(Assignment::MainPid(42))?;
    /// assert!(message.push(Assignment::Status("twice")).is_err());
    /// assert_eq!(message.as_message()?.as_bytes(), b"READY=1\nSTATUS=Up\nMAINPID=42");
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn push(&mut self, assignment: Assignment<'_>) -> Result<&mut Self, MessageError> {
        let key = assignment.key();
        let error = |problem| MessageError::field(key, problem);
        let value = assignment.value()?;
        let value = value.as_bytes();

        if let Assignment::Other { .. } = assignment {
            if Key::find(key).is_some() {
                return Err(error(MessageProblem::KnownKey));
            }
            if key.is_empty() || key.iter().any(|byte| !matches!(byte, b'!'..=b'~') || *byte == b'=') {
                return Err(error(MessageProblem::InvalidKey));
            }
        }
        for byte in value {
            match byte {
                b'\n' => return Err(error(MessageProblem::Newline)),
                b'\r' => return Err(error(MessageProblem::CarriageReturn)),
                0 => return Err(error(MessageProblem::Nul)),
                _ => {}
            }
        }
        let known = assignment.known_key();
        if known.is_some_and(|known| self.seen.contains(known)) {
            return Err(error(MessageProblem::Duplicate));
        }

        let separator: &[u8] = if self.len == 0 { b"" } else { b"\n" };
        let pieces = [separator, key, b"=", value];
        let len = self.len + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let Some(room) = self.bytes.get_mut(self.len..len) else {
            return Err(error(MessageProblem::TooLong { len }));
        };
        let pieces = pieces.into_iter().flatten();
        for (slot, byte) in room.iter_mut().zip(pieces) {
            *slot = *byte;
        }
        self.len = len;
        self.lines += 1;
        if let Some(known) = known {
            self.seen.insert(known);
        }
        Ok(self)
    }

    /// The finished message.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when assignments are together, or missing, in a way that makes a manager ignore them:
    /// `BARRIER=1` beside another one, `RELOADING=1` without `MONOTONIC_USEC=`, `FDNAME=` or `FDPOLL=0` without
    /// `FDSTORE=1`, `FDSTOREREMOVE=1` without `FDNAME=`.
    ///
    /// ```
    /// use readyup::protocol::{Assignment, FdName, MessageBuf};
    ///
    /// let mut message = MessageBuf::new([Assignment::FdStoreRemove])?;
    /// assert!(message.as_message().is_err());
    /// message.push(Assignment::FdName(FdName::new("http")?))?;
    /// assert_eq!(message.as_message()?.as_bytes(), b"FDSTOREREMOVE=1\nFDNAME=http");
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn as_message(&self) -> Result<Message<'_>, MessageError> {
        let has = |key| self.seen.contains(key);
        let conflict = if has(Key::Barrier) && self.lines > 1 {
            Some((Key::Barrier, MessageProblem::NotAlone))
        } else if has(Key::Reloading) && !has(Key::MonotonicUsec) {
            Some((Key::Reloading, MessageProblem::Needs("MONOTONIC_USEC= (`reloading` adds it)")))
        } else if has(Key::FdStoreRemove) && !has(Key::FdName) {
            Some((Key::FdStoreRemove, MessageProblem::Needs("FDNAME=")))
        } else if has(Key::FdName) && !has(Key::FdStore) && !has(Key::FdStoreRemove) {
            Some((Key::FdName, MessageProblem::Needs("FDSTORE=1 or FDSTOREREMOVE=1")))
        } else if has(Key::FdPoll) && !has(Key::FdStore) {
            Some((Key::FdPoll, MessageProblem::Needs("FDSTORE=1")))
        } else {
            None
        };
        match conflict {
            Some((key, problem)) => Err(MessageError::field(key.name().as_bytes(), problem)),
            None => Ok(Message(self.bytes.get(..self.len).unwrap_or_default())),
        }
    }
}

impl fmt::Debug for MessageBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.bytes.get(..self.len).unwrap_or_default();
        write!(f, "MessageBuf(\"{}\")", written.escape_ascii())
    }
}

/// Why a message, or one assignment of it, is no good.
///
/// ```
/// use readyup::{Assignment, MessageBuf};
///
/// let error = MessageBuf::new([Assignment::MainPid(1)]).unwrap_err();
/// assert_eq!(error.to_string(), "MAINPID has a value out of range");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageError {
    field: Option<Excerpt>,
    problem: MessageProblem,
}

impl MessageError {
    // One copy of it, and out of the way: there are dozens of callers, and none of them is in a hurry.
    #[cold]
    #[inline(never)]
    pub(super) fn field(key: &[u8], problem: MessageProblem) -> Self {
        Self { field: Some(Excerpt::new(key)), problem }
    }

    /// The error of a message of `len` bytes, for callers that don't even hold that many.
    ///
    /// ```
    /// use readyup::protocol::{MessageError, MessageProblem};
    ///
    /// assert_eq!(MessageError::too_long(1 << 20).problem(), MessageProblem::TooLong { len: 1 << 20 });
    /// ```
    #[must_use]
    pub const fn too_long(len: usize) -> Self {
        Self { field: None, problem: MessageProblem::TooLong { len } }
    }

    /// The key of the assignment at fault (its beginning, if it is a very long one); none where it is the message.
    ///
    /// ```
    /// use readyup::{Assignment, Message, MessageBuf};
    ///
    /// let error = MessageBuf::new([Assignment::Ready, Assignment::Status("a\nb")]).unwrap_err();
    /// assert_eq!(error.key(), Some("STATUS"));
    /// assert_eq!(Message::raw(b"\0").unwrap_err().key(), None);
    /// ```
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.field.as_ref().map(Excerpt::as_str)
    }

    /// What is wrong with it.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::protocol::MessageProblem;
    ///
    /// assert_eq!(Message::raw(b"READY=1\0").unwrap_err().problem(), MessageProblem::Nul);
    /// ```
    #[must_use]
    pub const fn problem(&self) -> MessageProblem {
        self.problem
    }

    /// Tells the error in pieces of text, without `core::fmt`.
    pub(crate) fn describe(&self, put: &mut dyn FnMut(&str)) {
        match &self.field {
            Some(field) if field.as_str().is_empty() => put("an empty key"),
            Some(field) => field.describe(put),
            None => put("the message"),
        }
        put(" ");
        match self.problem {
            MessageProblem::Newline => put("holds a newline, which would begin another assignment"),
            MessageProblem::CarriageReturn => put("holds a carriage return, which would begin another assignment"),
            MessageProblem::Nul => put("holds a NUL byte, for which a manager drops the whole message"),
            MessageProblem::TooLong { len } => {
                put(if self.field.is_some() { "does not fit: the message would have " } else { "has " });
                put(Decimal::new(len as u64).as_str());
                put(" bytes, and a manager takes at most ");
                put(Decimal::new(MESSAGE_MAX as u64).as_str());
            }
            MessageProblem::Duplicate => put("is given twice, and only the first would count"),
            MessageProblem::InvalidKey => put("is no key: it must be printable ASCII without spaces and '='"),
            MessageProblem::KnownKey => put("is a key of the protocol; use its own variant of `Assignment`"),
            MessageProblem::NoEqualsSign => put("has no '=' and no value"),
            MessageProblem::OutOfRange => put("has a value out of range"),
            MessageProblem::NotOne => put("has a value other than 1, which a manager ignores"),
            MessageProblem::NotZero => put("has a value other than 0, which a manager ignores"),
            MessageProblem::NotANumber => put("is not a number"),
            MessageProblem::NotUtf8 => put("is not UTF-8"),
            MessageProblem::UnknownWord => put("is none of the words that it may be"),
            MessageProblem::NotAnErrno => put("is neither a number up to 4095 nor a name such as ENOENT"),
            MessageProblem::FdName(problem) => problem.describe(put),
            MessageProblem::NotAlone => put("must be alone in its message, or a manager ignores all of it"),
            MessageProblem::Needs(other) => {
                put("needs ");
                put(other);
                put(" in the same message");
            }
        }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

impl core::error::Error for MessageError {}

/// What is wrong with a message or an assignment.
///
/// ```
/// use readyup::protocol::{Assignment, MessageBuf, MessageProblem};
///
/// let error = MessageBuf::new([Assignment::Status("a\nREADY=1")]).unwrap_err();
/// assert_eq!(error.problem(), MessageProblem::Newline);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageProblem {
    /// `\n` in a value.
    Newline,
    /// `\r` in a value.
    CarriageReturn,
    /// A NUL byte.
    Nul,
    /// The message is, or would become, longer than [`MESSAGE_MAX`].
    TooLong {
        /// How long.
        len: usize,
    },
    /// The key is there already.
    Duplicate,
    /// An [`Assignment::Other`] whose key is not printable ASCII without spaces and `=`.
    InvalidKey,
    /// An [`Assignment::Other`] whose key has a variant of its own.
    KnownKey,
    /// A line without `=`.
    NoEqualsSign,
    /// A number or time out of range.
    OutOfRange,
    /// A flag that is not exactly `1`.
    NotOne,
    /// `FDPOLL` that is not exactly `0`.
    NotZero,
    /// A number is wanted.
    NotANumber,
    /// A text is wanted.
    NotUtf8,
    /// One of a few words is wanted.
    UnknownWord,
    /// An error number or name is wanted.
    NotAnErrno,
    /// An invalid [`FdName`].
    FdName(FdNameError),
    /// `BARRIER=1` beside something else.
    NotAlone,
    /// Means nothing without this other assignment.
    Needs(&'static str),
}

impl From<FdNameError> for MessageError {
    fn from(problem: FdNameError) -> Self {
        Self::field(Key::FdName.name().as_bytes(), MessageProblem::FdName(problem))
    }
}

impl<'a> TryFrom<&'a str> for FdName<'a> {
    type Error = FdNameError;

    fn try_from(name: &'a str) -> Result<Self, FdNameError> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ErrnoValue, NotifyAccess};

    fn name(name: &str) -> FdName<'_> {
        FdName::new(name).unwrap()
    }

    #[test]
    fn ok_each_assignment_round_trips() {
        let second = Duration::from_secs(1);
        for (assignment, line) in [
            (Assignment::Ready, "READY=1"),
            (Assignment::Stopping, "STOPPING=1"),
            (Assignment::MonotonicUsec(second), "MONOTONIC_USEC=1000000"),
            (Assignment::Status("größer = besser"), "STATUS=größer = besser"),
            (Assignment::Status(""), "STATUS="),
            (Assignment::NotifyAccess(NotifyAccess::None), "NOTIFYACCESS=none"),
            (Assignment::NotifyAccess(NotifyAccess::Exec), "NOTIFYACCESS=exec"),
            (Assignment::Errno(ErrnoValue::Number(0)), "ERRNO=0"),
            (Assignment::Errno(ErrnoValue::Number(4095)), "ERRNO=4095"),
            (Assignment::Errno(ErrnoValue::Name("ENOENT")), "ERRNO=ENOENT"),
            (
                Assignment::BusError("org.freedesktop.DBus.Error.TimedOut"),
                "BUSERROR=org.freedesktop.DBus.Error.TimedOut",
            ),
            (
                Assignment::VarlinkError("org.varlink.service.InvalidParameter"),
                "VARLINKERROR=org.varlink.service.InvalidParameter",
            ),
            (Assignment::ExitStatus(255), "EXIT_STATUS=255"),
            (Assignment::MainPid(4242), "MAINPID=4242"),
            (Assignment::MainPidFdId(u64::MAX), "MAINPIDFDID=18446744073709551615"),
            (Assignment::MainPidFd, "MAINPIDFD=1"),
            (Assignment::Watchdog, "WATCHDOG=1"),
            (Assignment::WatchdogTrigger, "WATCHDOG=trigger"),
            (Assignment::WatchdogUsec(Duration::ZERO), "WATCHDOG_USEC=0"),
            (Assignment::ExtendTimeoutUsec(Duration::from_micros(1)), "EXTEND_TIMEOUT_USEC=1"),
            (Assignment::RestartReset, "RESTART_RESET=1"),
            (Assignment::FdStore, "FDSTORE=1"),
            (Assignment::Barrier, "BARRIER=1"),
            (Assignment::SystemdHostname("guest"), "X_SYSTEMD_HOSTNAME=guest"),
            (Assignment::SystemdMachineId("0123"), "X_SYSTEMD_MACHINE_ID=0123"),
            (Assignment::SystemdSignalsLevel(2), "X_SYSTEMD_SIGNALS_LEVEL=2"),
            (Assignment::SystemdUnitActive("a.service"), "X_SYSTEMD_UNIT_ACTIVE=a.service"),
            (Assignment::SystemdUnitInactive("a.service"), "X_SYSTEMD_UNIT_INACTIVE=a.service"),
            (Assignment::SystemdShutdown("reboot"), "X_SYSTEMD_SHUTDOWN=reboot"),
            (Assignment::SystemdRebootParameter("1"), "X_SYSTEMD_REBOOT_PARAMETER=1"),
            (Assignment::Other { key: b"X_ACME_COUNT", value: b"\xff=" }, "X_ACME_COUNT=?="),
        ] {
            let built = MessageBuf::new([assignment]).unwrap();
            let message = built.as_message().unwrap();
            if !line.contains('?') {
                assert_eq!(message.as_bytes(), line.as_bytes());
            }
            assert_eq!(message.assignments().collect::<Vec<_>>(), [Ok(assignment)], "{line}");
        }
    }

    #[test]
    fn ok_companions() {
        for (assignments, expected) in [
            (
                vec![Assignment::FdStore, Assignment::FdName(name("http")), Assignment::FdPollOff],
                "FDSTORE=1\nFDNAME=http\nFDPOLL=0",
            ),
            (vec![Assignment::FdStoreRemove, Assignment::FdName(name("http"))], "FDSTOREREMOVE=1\nFDNAME=http"),
        ] {
            let built = MessageBuf::new(assignments).unwrap();
            assert_eq!(built.as_message().unwrap().as_bytes(), expected.as_bytes());
        }
        let reloading = MessageBuf::reloading(Duration::from_micros(77)).unwrap();
        assert_eq!(reloading.as_message().unwrap().as_bytes(), b"RELOADING=1\nMONOTONIC_USEC=77");
    }

    #[test]
    fn err_values() {
        let too_much = Duration::MAX;
        for (assignment, text) in [
            (Assignment::Status("a\nREADY=1"), "STATUS holds a newline, which would begin another assignment"),
            (Assignment::Status("a\rREADY=1"), "STATUS holds a carriage return, which would begin another assignment"),
            (Assignment::Status("a\0"), "STATUS holds a NUL byte, for which a manager drops the whole message"),
            (Assignment::BusError("\n"), "BUSERROR holds a newline, which would begin another assignment"),
            (
                Assignment::SystemdHostname("\n"),
                "X_SYSTEMD_HOSTNAME holds a newline, which would begin another assignment",
            ),
            (Assignment::ExtendTimeoutUsec(too_much), "EXTEND_TIMEOUT_USEC has a value out of range"),
            (Assignment::MainPid(0), "MAINPID has a value out of range"),
            (Assignment::MainPid(1), "MAINPID has a value out of range"),
            (Assignment::MainPid(1 << 31), "MAINPID has a value out of range"),
            (
                Assignment::Errno(ErrnoValue::Number(4096)),
                "ERRNO is neither a number up to 4095 nor a name such as ENOENT",
            ),
            (
                Assignment::Errno(ErrnoValue::Name("E\nREADY=1")),
                "ERRNO is neither a number up to 4095 nor a name such as ENOENT",
            ),
            (
                Assignment::Other { key: b"READY", value: b"1" },
                "READY is a key of the protocol; use its own variant of `Assignment`",
            ),
            (
                Assignment::Other { key: b"", value: b"1" },
                "an empty key is no key: it must be printable ASCII without spaces and '='",
            ),
            (
                Assignment::Other { key: b"A\nREADY", value: b"1" },
                "A?READY is no key: it must be printable ASCII without spaces and '='",
            ),
            (
                Assignment::Other { key: b"A=B", value: b"1" },
                "A=B is no key: it must be printable ASCII without spaces and '='",
            ),
            (
                Assignment::Other { key: b"X_A", value: b"\n" },
                "X_A holds a newline, which would begin another assignment",
            ),
        ] {
            assert_eq!(MessageBuf::new([assignment]).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn err_decode() {
        for (line, text) in [
            ("READY=yes", "READY has a value other than 1, which a manager ignores"),
            ("READY=", "READY has a value other than 1, which a manager ignores"),
            ("FDPOLL=1", "FDPOLL has a value other than 0, which a manager ignores"),
            ("MAINPID=-1", "MAINPID is not a number"),
            ("EXIT_STATUS=256", "EXIT_STATUS has a value out of range"),
            ("NOTIFYACCESS=some", "NOTIFYACCESS is none of the words that it may be"),
            ("ERRNO=65536", "ERRNO is neither a number up to 4095 nor a name such as ENOENT"),
            ("ERRNO=", "ERRNO is neither a number up to 4095 nor a name such as ENOENT"),
            ("FDNAME=a:b", "FDNAME holds a ':', which separates names in $LISTEN_FDNAMES"),
        ] {
            let message = Message::parse(line.as_bytes()).unwrap();
            let error = message.assignments().next().unwrap().unwrap_err();
            assert_eq!(error.to_string(), text, "{line}");
        }
        let error = Assignment::decode(b"STATUS", b"\xff").unwrap_err();
        assert_eq!((error.to_string().as_str(), error.key()), ("STATUS is not UTF-8", Some("STATUS")));
    }

    #[test]
    fn err_together() {
        for (assignments, text) in [
            (
                vec![Assignment::Barrier, Assignment::Ready],
                "BARRIER must be alone in its message, or a manager ignores all of it",
            ),
            (vec![Assignment::Reloading], "RELOADING needs MONOTONIC_USEC= (`reloading` adds it) in the same message"),
            (vec![Assignment::FdStoreRemove], "FDSTOREREMOVE needs FDNAME= in the same message"),
            (vec![Assignment::FdName(name("a"))], "FDNAME needs FDSTORE=1 or FDSTOREREMOVE=1 in the same message"),
            (vec![Assignment::FdPollOff], "FDPOLL needs FDSTORE=1 in the same message"),
        ] {
            assert_eq!(MessageBuf::new(assignments).unwrap().as_message().unwrap_err().to_string(), text);
        }
        let twice = MessageBuf::new([Assignment::Watchdog, Assignment::WatchdogTrigger]).unwrap_err();
        assert_eq!(twice.to_string(), "WATCHDOG is given twice, and only the first would count");
    }

    #[test]
    fn ok_4096_and_err_4097() {
        let text = "x".repeat(MESSAGE_MAX - "STATUS=".len());
        let full = MessageBuf::new([Assignment::Status(&text)]).unwrap();
        assert_eq!(full.as_message().unwrap().as_bytes().len(), 4096);

        let text = format!("{text}x");
        let error = MessageBuf::new([Assignment::Status(&text)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "STATUS does not fit: the message would have 4097 bytes, and a manager takes at most 4096"
        );

        assert!(Message::raw(&[b'x'; 4096]).is_ok());
        assert_eq!(
            Message::raw(&[b'x'; 4097]).unwrap_err().to_string(),
            "the message has 4097 bytes, and a manager takes at most 4096"
        );
    }

    #[test]
    fn ok_a_failed_push_changes_nothing() {
        let mut message = MessageBuf::new([Assignment::Ready]).unwrap();
        assert!(message.push(Assignment::Status("\n")).is_err());
        assert!(message.push(Assignment::Status(&"x".repeat(5000))).is_err());
        assert!(message.push(Assignment::Ready).is_err());
        assert_eq!(message.as_message().unwrap().as_bytes(), b"READY=1");
        message.push(Assignment::Status("")).unwrap();
        assert_eq!(message.as_message().unwrap().as_bytes(), b"READY=1\nSTATUS=");
    }

    #[test]
    fn raw_and_parse_treat_nul_differently() {
        assert_eq!(Message::raw(b"READY=1\0").unwrap_err().problem(), MessageProblem::Nul);
        assert_eq!(Message::parse(b"READY=1\0").unwrap(), Message::READY);
        assert_eq!(Message::parse(b"READY=1\0\0").unwrap_err().problem(), MessageProblem::Nul);
        assert_eq!(Message::parse(b"\0READY=1").unwrap_err().problem(), MessageProblem::Nul);
        assert_eq!(Message::parse(b"\0").unwrap().lines().count(), 0);

        // The NUL counts towards the limit.
        let mut payload = vec![b'x'; 4097];
        payload[4095] = 0;
        assert!(Message::parse(&payload[..4096]).is_ok());
        payload[4095] = b'x';
        payload[4096] = 0;
        assert_eq!(Message::parse(&payload).unwrap_err().problem(), MessageProblem::TooLong { len: 4097 });
    }
}
