//! What is told about a service under test.

use crate::manager::DropReason;
use crate::manager::service::{Exit, Refusal, ServiceResult};
use crate::protocol::{Message, Unseen};
use std::fmt;
use std::time::Duration;

/// A message that came in.
///
/// ```
/// use readyup::Assignment;
/// use readyup::manager::service::{Config, ServiceType};
/// use readyup::testing::TestService;
///
/// let service = TestService::in_process(Config::new(ServiceType::Notify));
/// service.notifier().ready()?;
/// let messages = service.messages();
/// assert!(messages[0].believed && messages[0].message().has(Assignment::Ready));
/// assert_eq!(messages[0].sender, std::process::id());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Heard {
    /// When, from the start.
    pub at: Duration,
    /// The process that sent it.
    pub sender: u32,
    /// Whether the sender was believed. If not, the whole message was ignored.
    pub believed: bool,
    pub(super) payload: Vec<u8>,
}

/// Something that a manager ignores: a datagram, a message, a line of one, or what came beside it.
///
/// ```
/// use readyup::manager::service::{Config, Refusal, ServiceType};
/// use readyup::testing::{IgnoredReason, TestService};
/// use readyup::{Message, Notifier};
///
/// let service = TestService::in_process(Config::new(ServiceType::Notify));
/// service.notifier().send(Message::raw(b"ERRNO=what")?)?;
/// let ignored = service.ignored();
/// assert_eq!(ignored[0].reason, IgnoredReason::Refused(Refusal::Value { key: "ERRNO" }));
/// assert_eq!(ignored[0].reason.to_string(), "ERRNO= has a value that cannot be read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignored {
    /// When, from the start.
    pub at: Duration,
    /// The process that sent it, where that is known.
    pub sender: Option<u32>,
    /// The message. Nothing, where not even that was looked at.
    pub text: String,
    /// Why.
    pub reason: IgnoredReason,
}

/// Why a manager ignores something.
///
/// ```
/// use readyup::Message;
/// use readyup::manager::service::{Config, ServiceType};
/// use readyup::protocol::Unseen;
/// use readyup::testing::{IgnoredReason, TestService};
///
/// let service = TestService::in_process(Config::new(ServiceType::Notify));
/// service.notifier().send(Message::raw(b"READY=true")?)?;
/// let ignored = service.ignored();
/// let why = Unseen::OtherValue { flag: "READY=1" };
/// assert_eq!(ignored[0].reason, IgnoredReason::Unseen { line: "READY=true".to_owned(), why });
/// assert_eq!(ignored[0].reason.to_string(), "READY=true: only READY=1 has an effect");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoredReason {
    /// It has no effect on the service.
    Refused(Refusal),
    /// It was dropped before anything else.
    Dropped(DropReason),
    /// A manager does not see this line of a message. Lines whose keys begin with `X_` are left alone.
    Unseen {
        /// The line.
        line: String,
        /// Why.
        why: Unseen,
    },
    /// `FDSTORE=1` comes without a descriptor.
    NothingToStore,
    /// Descriptors that no line claims.
    UnclaimedFds {
        /// How many.
        count: usize,
    },
}

/// How a service stopped.
///
/// ```
/// use readyup::manager::service::{Config, Exit, ServiceResult, ServiceType};
/// use readyup::testing::TestService;
/// use std::process::Command;
/// use std::time::Duration;
///
/// let mut command = Command::new("sleep");
/// command.arg("1000");
/// let service = TestService::start(command, Config::new(ServiceType::Exec));
/// let stopped = service.stop(Duration::from_secs(5));
/// assert_eq!(stopped.exit, Some(Exit::Signal(15)));
/// assert_eq!((stopped.result, stopped.said_stopping), (ServiceResult::Success, false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// How the main process ended. Nothing, where that is for another process to know: in the test's own process, and
    /// after a `MAINPID=` that names a process of somebody else's.
    pub exit: Option<Exit>,
    /// How the service ended, all in all.
    pub result: ServiceResult,
    /// How long it took from the request to the end of its last process; nothing, if it had ended before.
    pub took: Duration,
    /// Whether it said `STOPPING=1`.
    pub said_stopping: bool,
}

impl Heard {
    /// The message.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().status("Loading")?;
    /// assert_eq!(service.messages()[0].message().as_bytes(), b"STATUS=Loading");
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        // It was one when it came in.
        Message::parse(&self.payload).unwrap_or(Message::EMPTY)
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sender {
            Some(pid) => write!(f, "process {pid}: {}: {}", self.text, self.reason),
            None => write!(f, "{}", self.reason),
        }
    }
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Dropped(reason) => reason.fmt(f),
            Self::Unseen { line, why } => write!(f, "{line}: {why}"),
            Self::NothingToStore => f.write_str("FDSTORE=1 comes without a descriptor"),
            Self::UnclaimedFds { count: 1 } => f.write_str("a descriptor was closed that came without FDSTORE=1"),
            Self::UnclaimedFds { count } => write!(f, "{count} descriptors were closed that came without FDSTORE=1"),
        }
    }
}
