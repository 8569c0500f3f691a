//! The library's one error type.

use crate::journal::EntryError;
#[cfg(feature = "std")]
use crate::protocol::Excerpt;
use crate::protocol::{
    AddressError, Decimal, EnvironmentError, FDS_MAX, FdNameError, MessageError, MessageProblem, display,
};
use core::fmt;
use rustix::io::Errno;

/// What went wrong, and what to do about it.
///
/// [`kind`](Self::kind) is for matching, [`raw_os_error`](Self::raw_os_error) for C-like interfaces, the text for
/// people.
///
/// ```
/// use readyup::{ErrorKind, Notifier};
///
/// let notifier = Notifier::new("/nowhere/notify".parse()?);
/// let error = notifier.ready().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// # Ok::<(), readyup::protocol::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(Repr);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repr {
    Message(MessageError),
    Address(AddressError),
    Environment(EnvironmentError),
    Entry(EntryError),
    TooManyFds {
        count: usize,
    },
    Unsupported {
        text: &'static str,
    },
    QueueFull,
    JournalFull,
    BarrierTimeout,
    #[cfg(feature = "std")]
    WrongFd {
        name: Excerpt,
        wanted: &'static str,
    },
    #[cfg(feature = "std")]
    AlreadyTaken,
    System {
        call: Call,
        errno: Errno,
    },
}

/// What kind of thing went wrong.
///
/// ```
/// use readyup::{ErrorKind, Notifier};
///
/// // A manager that is gone is no reason for a service to fail.
/// match Notifier::new("/nowhere/notify".parse()?).ready() {
///     Err(error) if error.kind() == ErrorKind::NotFound => eprintln!("going on: {error}"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), readyup::protocol::AddressError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message, or a value in it, is no good: [`MessageError`] is the source.
    Message,
    /// `$NOTIFY_SOCKET` is no address: [`AddressError`] is the source.
    Address,
    /// A variable of the environment is garbage: [`EnvironmentError`] is the source.
    Environment,
    /// A journal entry, or a field of it, is no good: [`EntryError`] is the source.
    Entry,
    /// More descriptors than one message can carry.
    TooManyFds,
    /// Something that cannot be done over a vsock.
    Unsupported,
    /// The manager did not make room in its queue within the time allowed, or the journal has none at the moment.
    QueueFull,
    /// The manager did not answer the barrier within the time allowed.
    BarrierTimeout,
    /// There is no socket where `$NOTIFY_SOCKET` says.
    NotFound,
    /// There is a socket, but nobody listens on it.
    Refused,
    /// Not permitted.
    PermissionDenied,
    /// There is no such process.
    NoProcess,
    /// A passed descriptor is of another kind than wanted.
    WrongFd,
    /// The passed descriptors were taken before.
    AlreadyTaken,
    /// Any other error of the operating system.
    System,
}

/// The system call that failed, and what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Not every processor has a manager's side without the standard library.
#[cfg_attr(not(any(feature = "std", target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) enum Call {
    Socket,
    Connect,
    Send,
    SpeakAs,
    Poll,
    Pipe,
    Adopt,
    Pidfd,
    JournalSocket,
    SendEntry,
    EntryFile,
    WriteEntry,
    SealEntry,
    #[cfg(feature = "std")]
    Inspect,
    Bind,
    Configure,
    Receive,
    #[cfg(feature = "std")]
    Spawn,
}

impl Call {
    const fn name(self) -> &'static str {
        match self {
            Self::Socket | Self::JournalSocket => "socket",
            Self::Connect => "connect",
            Self::Send | Self::SpeakAs | Self::SendEntry => "sendmsg",
            Self::Poll => "poll",
            Self::Pipe => "pipe2",
            Self::Adopt | Self::SealEntry => "fcntl",
            Self::Pidfd => "pidfd_open",
            Self::EntryFile => "memfd_create",
            Self::WriteEntry => "write",
            #[cfg(feature = "std")]
            Self::Inspect => "getsockopt",
            Self::Bind => "bind",
            Self::Configure => "setsockopt",
            Self::Receive => "recvmsg",
            #[cfg(feature = "std")]
            Self::Spawn => "clone",
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Socket => "opening a socket to notify with",
            Self::Connect => "connecting to the notify socket",
            Self::Send => "sending to the notify socket",
            Self::SpeakAs => "speaking as another process",
            Self::Poll => "waiting",
            Self::Pipe => "making a pipe for the barrier",
            Self::Adopt => "taking over a passed descriptor",
            Self::Pidfd => "looking up a process",
            Self::JournalSocket => "opening a socket to write to the journal",
            Self::SendEntry => "sending to the journal",
            Self::EntryFile => "making a file for a large journal entry",
            Self::WriteEntry => "writing a large journal entry",
            Self::SealEntry => "sealing a large journal entry",
            #[cfg(feature = "std")]
            Self::Inspect => "looking at a descriptor",
            Self::Bind => "binding the notify socket",
            Self::Configure => "preparing the notify socket",
            Self::Receive => "receiving from the notify socket",
            #[cfg(feature = "std")]
            Self::Spawn => "starting the heartbeat thread",
        }
    }

    /// What to do about it, where that can be told.
    const fn advice(self, errno: Errno) -> &'static str {
        match (self, errno) {
            (Self::Socket, Errno::AFNOSUPPORT) => {
                "; the unit's RestrictAddressFamilies= must allow AF_UNIX (or AF_VSOCK, which also needs its kernel module)"
            }
            (Self::JournalSocket, Errno::AFNOSUPPORT) => "; the unit's RestrictAddressFamilies= must allow AF_UNIX",
            (Self::SendEntry, Errno::ACCESS | Errno::PERM) => "; this process may not write to the journal's socket",
            (Self::Connect | Self::Send, Errno::NOENT) => {
                "; $NOTIFY_SOCKET names a socket that is gone or hidden: in a container it must be mounted in, and a sandbox must not cover it"
            }
            (Self::Connect | Self::Send, Errno::CONNREFUSED) => "; whoever set $NOTIFY_SOCKET no longer listens on it",
            (Self::Connect | Self::Send, Errno::ACCESS | Errno::PERM) => {
                "; this process may not write to the socket that $NOTIFY_SOCKET names"
            }
            (Self::Connect | Self::Send, Errno::PROTOTYPE) => {
                "; the socket that $NOTIFY_SOCKET names is not a datagram socket"
            }
            (Self::SpeakAs, Errno::PERM) => "; only root may, and only of processes in its own pid namespace",
            (Self::Send, Errno::TOOMANYREFS) => "; too many descriptors are on their way in messages not yet read",
            (Self::Socket | Self::Pipe | Self::JournalSocket | Self::EntryFile, Errno::MFILE) => {
                "; the process has no descriptors left (LimitNOFILE=)"
            }
            (Self::Adopt, Errno::BADF) => "; $LISTEN_FDS counts descriptors that are not open",
            (Self::Bind, Errno::ADDRINUSE) => "; something is bound there already",
            _ => "",
        }
    }
}

impl Error {
    pub(crate) const fn system(call: Call, errno: Errno) -> Self {
        Self(Repr::System { call, errno })
    }

    /// The error of so many descriptors in one message, for callers that don't even hold that many.
    ///
    /// ```
    /// use readyup::{Error, ErrorKind};
    ///
    /// let error = Error::too_many_fds(1000);
    /// assert_eq!(error.kind(), ErrorKind::TooManyFds);
    /// assert!(error.to_string().starts_with("1000 descriptors in one message"));
    /// ```
    #[must_use]
    pub const fn too_many_fds(count: usize) -> Self {
        Self(Repr::TooManyFds { count })
    }

    pub(crate) const fn unsupported(text: &'static str) -> Self {
        Self(Repr::Unsupported { text })
    }

    pub(crate) const fn queue_full() -> Self {
        Self(Repr::QueueFull)
    }

    pub(crate) const fn journal_full() -> Self {
        Self(Repr::JournalFull)
    }

    pub(crate) const fn barrier_timeout() -> Self {
        Self(Repr::BarrierTimeout)
    }

    #[cfg(feature = "std")]
    pub(crate) fn wrong_fd(name: &[u8], wanted: &'static str) -> Self {
        Self(Repr::WrongFd { name: Excerpt::new(name), wanted })
    }

    #[cfg(feature = "std")]
    pub(crate) const fn already_taken() -> Self {
        Self(Repr::AlreadyTaken)
    }

    /// What kind of error it is.
    ///
    /// ```
    /// use readyup::{ErrorKind, Notifier};
    ///
    /// let error = Notifier::disabled().status("a\nb").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Message);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.0 {
            Repr::Message(_) => ErrorKind::Message,
            Repr::Address(_) => ErrorKind::Address,
            Repr::Environment(_) => ErrorKind::Environment,
            Repr::Entry(_) => ErrorKind::Entry,
            Repr::TooManyFds { .. } => ErrorKind::TooManyFds,
            Repr::Unsupported { .. } => ErrorKind::Unsupported,
            Repr::QueueFull | Repr::JournalFull => ErrorKind::QueueFull,
            Repr::BarrierTimeout => ErrorKind::BarrierTimeout,
            #[cfg(feature = "std")]
            Repr::WrongFd { .. } => ErrorKind::WrongFd,
            #[cfg(feature = "std")]
            Repr::AlreadyTaken => ErrorKind::AlreadyTaken,
            Repr::System { errno: Errno::NOENT, .. } => ErrorKind::NotFound,
            Repr::System { errno: Errno::CONNREFUSED | Errno::CONNRESET, .. } => ErrorKind::Refused,
            Repr::System { errno: Errno::ACCESS | Errno::PERM, .. } => ErrorKind::PermissionDenied,
            Repr::System { errno: Errno::SRCH, .. } => ErrorKind::NoProcess,
            Repr::System { .. } => ErrorKind::System,
        }
    }

    /// The `errno` that a C function would report: the operating system's own, or the one that fits best. It is
    /// positive; [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html) and its
    /// relatives return it negated.
    ///
    /// ```
    /// use readyup::Notifier;
    ///
    /// let error = Notifier::new("/nowhere/notify".parse()?).ready().unwrap_err();
    /// assert_eq!(error.raw_os_error(), 2); // ENOENT
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub fn raw_os_error(&self) -> i32 {
        let errno = match self.0 {
            Repr::Message(error) => match error.problem() {
                MessageProblem::TooLong { .. } => Errno::MSGSIZE,
                _ => Errno::INVAL,
            },
            Repr::Address(AddressError::TooLong { .. }) => Errno::NAMETOOLONG,
            Repr::Address(_) | Repr::Environment(_) | Repr::Entry(_) => Errno::INVAL,
            Repr::TooManyFds { .. } => Errno::TOOBIG,
            Repr::Unsupported { .. } => Errno::OPNOTSUPP,
            Repr::QueueFull | Repr::JournalFull => Errno::AGAIN,
            Repr::BarrierTimeout => Errno::TIMEDOUT,
            #[cfg(feature = "std")]
            Repr::WrongFd { .. } => Errno::NOTSOCK,
            #[cfg(feature = "std")]
            Repr::AlreadyTaken => Errno::ALREADY,
            Repr::System { errno, .. } => errno,
        };
        errno.raw_os_error()
    }

    /// The system call that failed, where it was one.
    ///
    /// ```
    /// use readyup::Notifier;
    ///
    /// let error = Notifier::new("/nowhere/notify".parse()?).ready().unwrap_err();
    /// assert_eq!(error.syscall(), Some("connect"));
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub fn syscall(&self) -> Option<&'static str> {
        match self.0 {
            Repr::System { call, .. } => Some(call.name()),
            Repr::QueueFull | Repr::JournalFull | Repr::TooManyFds { .. } => Some(Call::Send.name()),
            Repr::BarrierTimeout => Some(Call::Poll.name()),
            _ => None,
        }
    }

    /// Hands the text to `put` piece by piece: what `Display` prints, for places without `core::fmt`.
    ///
    /// ```
    /// use readyup::Error;
    ///
    /// let error = Error::too_many_fds(1000);
    /// let mut text = String::new();
    /// error.describe(&mut |piece| text.push_str(piece));
    /// assert_eq!(text, error.to_string());
    /// ```
    pub fn describe(&self, put: &mut dyn FnMut(&str)) {
        match &self.0 {
            Repr::Message(error) => error.describe(put),
            Repr::Address(error) => {
                put("$NOTIFY_SOCKET ");
                error.describe(put);
            }
            Repr::Environment(error) => error.describe(put),
            Repr::Entry(error) => error.describe(put),
            Repr::TooManyFds { count } => {
                put(Decimal::new(*count as u64).as_str());
                put(" descriptors in one message, and it can carry at most ");
                put(Decimal::new(FDS_MAX as u64).as_str());
                put("; send several messages");
            }
            Repr::Unsupported { text } => put(text),
            Repr::QueueFull => {
                put("the manager's queue is full and it did not make room in the time allowed; is it busy or stopped?")
            }
            Repr::JournalFull => put("the journal's queue is full, and the entry was not sent; is it busy or stopped?"),
            Repr::BarrierTimeout => {
                put(
                    "the manager did not answer the barrier in the time allowed; is anybody reading from the notify socket?",
                );
            }
            #[cfg(feature = "std")]
            Repr::WrongFd { name, wanted } => {
                put("the descriptor passed as \"");
                name.describe(put);
                put("\" is not ");
                put(wanted);
                put("; look at the unit's .socket file");
            }
            #[cfg(feature = "std")]
            Repr::AlreadyTaken => put("the passed descriptors were taken before; keep what the first call returned"),
            Repr::System { call, errno } => {
                put(call.purpose());
                put(": ");
                describe(*errno, put);
                put(call.advice(*errno));
            }
        }
    }
}

/// An `errno` in words, handed to `put` piece by piece as [`Error::describe`] does it.
///
/// ```
/// let mut text = String::new();
/// readyup::describe_errno(2, &mut |piece| text.push_str(piece));
/// assert_eq!(text, "no such file (ENOENT)");
/// ```
pub fn describe_errno(errno: i32, put: &mut dyn FnMut(&str)) {
    describe(if matches!(errno, 1..4096) { Errno::from_raw_os_error(errno) } else { Errno::IO }, put);
}

fn describe(errno: Errno, put: &mut dyn FnMut(&str)) {
    match errno_text(errno) {
        Some(text) => put(text),
        None => {
            put("error ");
            put(Decimal::new(u64::from(errno.raw_os_error().unsigned_abs())).as_str());
        }
    }
}

/// The errors that the system calls here are known to give, in words.
const fn errno_text(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT => "no such file (ENOENT)",
        Errno::CONNREFUSED => "connection refused (ECONNREFUSED)",
        Errno::CONNRESET => "connection reset (ECONNRESET)",
        Errno::NOTCONN => "not connected (ENOTCONN)",
        Errno::ACCESS => "permission denied (EACCES)",
        Errno::PERM => "not permitted (EPERM)",
        Errno::PROTOTYPE => "wrong type of socket (EPROTOTYPE)",
        Errno::AFNOSUPPORT => "address family not supported (EAFNOSUPPORT)",
        Errno::SOCKTNOSUPPORT => "type of socket not supported (ESOCKTNOSUPPORT)",
        Errno::NODEV => "no such device (ENODEV)",
        Errno::MSGSIZE => "message too long (EMSGSIZE)",
        Errno::NOBUFS => "no buffer space (ENOBUFS)",
        Errno::NOMEM => "out of memory (ENOMEM)",
        Errno::MFILE => "too many open files (EMFILE)",
        Errno::NFILE => "too many open files in the system (ENFILE)",
        Errno::BADF => "not an open descriptor (EBADF)",
        Errno::NOTSOCK => "not a socket (ENOTSOCK)",
        Errno::TOOMANYREFS => "too many references (ETOOMANYREFS)",
        Errno::ADDRINUSE => "address in use (EADDRINUSE)",
        Errno::NAMETOOLONG => "name too long (ENAMETOOLONG)",
        Errno::NOTDIR => "not a directory (ENOTDIR)",
        Errno::LOOP => "too many symbolic links (ELOOP)",
        Errno::INVAL => "invalid argument (EINVAL)",
        Errno::TIMEDOUT => "timed out (ETIMEDOUT)",
        Errno::SRCH => "no such process (ESRCH)",
        Errno::NOEXEC => "not a program (ENOEXEC)",
        Errno::ISDIR => "a directory (EISDIR)",
        Errno::TOOBIG => "argument list too long (E2BIG)",
        Errno::TXTBSY => "being written to (ETXTBSY)",
        Errno::INTR => "interrupted (EINTR)",
        Errno::CHILD => "no such child (ECHILD)",
        Errno::NOSYS => "not known to this kernel (ENOSYS)",
        Errno::IO => "input/output error (EIO)",
        Errno::PIPE => "nobody reads any more (EPIPE)",
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind())
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.0 {
            Repr::Message(error) => Some(error),
            Repr::Address(error) => Some(error),
            Repr::Environment(error) => Some(error),
            Repr::Entry(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MessageError> for Error {
    fn from(error: MessageError) -> Self {
        Self(Repr::Message(error))
    }
}

impl From<FdNameError> for Error {
    fn from(error: FdNameError) -> Self {
        Self(Repr::Message(error.into()))
    }
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self(Repr::Address(error))
    }
}

impl From<EnvironmentError> for Error {
    fn from(error: EnvironmentError) -> Self {
        Self(Repr::Environment(error))
    }
}

impl From<EntryError> for Error {
    fn from(error: EntryError) -> Self {
        Self(Repr::Entry(error))
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = Self::from_raw_os_error(error.raw_os_error()).kind();
        Self::new(kind, error)
    }
}
