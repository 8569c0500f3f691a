//! The service's voice.

use super::barrier::Barrier;
use super::clock::{Deadline, monotonic_now};
use super::connection::{Attachments, Attempt, Connection, Delivery, Target};
use super::vsock;
use crate::error::{Call, Error};
use crate::protocol::{Address, Assignment, FDS_MAX, FdName, Form, Message, MessageBuf, VsockAddress, VsockKind};
use crate::sys::borrow;
use core::fmt;
use core::task::Poll;
use core::time::Duration;
use rustix::event::PollFlags;
use rustix::fd::BorrowedFd;
use rustix::pipe::{PipeFlags, pipe_with};

/// Tells the service manager about this service:
/// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// Make one at start-up and keep it. It holds one connected socket, opened at the first message, close-on-exec, and
/// usable from all threads at once; a message is one system call. Without a manager (no `$NOTIFY_SOCKET`) everything
/// works and answers [`Outcome::NoManager`].
///
/// When the manager's queue is full a call waits for room, up to [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT) or what
/// [`with_timeout`](Self::with_timeout) says, and then fails with
/// [`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull). When the manager's socket was replaced, the message goes to
/// the new one.
///
/// ```no_run
/// use readyup::Notifier;
///
/// let notifier = Notifier::from_env()?;
/// // … bind the socket, load what there is to load …
/// notifier.ready()?;
/// notifier.status("Serving on :8080")?;
/// // … serve …
/// notifier.stopping()?;
/// # Ok::<(), readyup::Error>(())
/// ```
pub struct Notifier {
    address: Option<Address>,
    connection: Connection,
    limit: Duration,
}

/// What became of a message.
///
/// ```
/// use readyup::{Notifier, Outcome};
///
/// match Notifier::disabled().ready()? {
///     Outcome::NoManager => println!("started by hand"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the manager's queue.
    Sent,
    /// It is in the manager's queue, but the kernel refused to let us speak as the other process.
    SentAsSelf,
    /// There is no manager to tell: `$NOTIFY_SOCKET` is unset or empty.
    NoManager,
}

impl Outcome {
    /// Whether it was sent at all.
    ///
    /// ```
    /// use readyup::Outcome;
    ///
    /// assert!(Outcome::Sent.is_sent() && Outcome::SentAsSelf.is_sent());
    /// assert!(!Outcome::NoManager.is_sent());
    /// ```
    #[must_use]
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::NoManager)
    }
}

impl Notifier {
    /// How long a call waits for room in the manager's queue unless told otherwise.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Notifier::DEFAULT_TIMEOUT, Duration::from_secs(5));
    /// ```
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// The manager that `$NOTIFY_SOCKET` names; none where it is unset or empty. The environment is read here and
    /// not again, so later changes to it change nothing.
    ///
    /// See `$NOTIFY_SOCKET` in
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`](crate::ErrorKind::Address) when it is set to something that is no address.
    ///
    /// ```
    /// use readyup::Notifier;
    ///
    /// let notifier = Notifier::from_env()?;
    /// let is_set = std::env::var_os("NOTIFY_SOCKET").is_some_and(|value| !value.is_empty());
    /// assert_eq!(notifier.is_enabled(), is_set);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn from_env() -> Result<Self, Error> {
        use std::os::unix::ffi::OsStrExt as _;

        Self::from_value(std::env::var_os("NOTIFY_SOCKET").as_deref().map(std::ffi::OsStr::as_bytes))
    }

    /// As [`from_env`](Self::from_env), for a value of `$NOTIFY_SOCKET` that the caller has read: `None` where it is
    /// unset.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`](crate::ErrorKind::Address) when the value is no address.
    ///
    /// ```
    /// use readyup::{Notifier, Outcome};
    ///
    /// assert_eq!(Notifier::from_value(None)?.ready()?, Outcome::NoManager);
    /// assert!(Notifier::from_value(Some(b"relative/path")).is_err());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn from_value(notify_socket: Option<&[u8]>) -> Result<Self, Error> {
        match notify_socket {
            None | Some([]) => Ok(Self::disabled()),
            Some(value) => Ok(Self::new(Address::parse(value)?)),
        }
    }

    /// The manager that listens at `address`. Nothing is opened before the first message.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Notifier, Outcome};
    ///
    /// let manager = FakeManager::new();
    /// assert_eq!(Notifier::new(*manager.address()).ready()?, Outcome::Sent);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self { address: Some(address), connection: Connection::new(), limit: Self::DEFAULT_TIMEOUT }
    }

    /// No manager: every message answers [`Outcome::NoManager`].
    ///
    /// ```
    /// use readyup::{Notifier, Outcome};
    ///
    /// assert_eq!(Notifier::disabled().ready()?, Outcome::NoManager);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn disabled() -> Self {
        Self { address: None, connection: Connection::new(), limit: Self::DEFAULT_TIMEOUT }
    }

    /// Sets how long a call waits for room in the manager's queue: zero is "don't wait".
    ///
    /// ```
    /// use readyup::manager::Listener;
    /// use readyup::{ErrorKind, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = Listener::private()?; // nobody reads from it, so that its queue fills up
    /// let notifier = Notifier::new(*manager.address()).with_timeout(Duration::ZERO);
    /// let error = std::iter::repeat_with(|| notifier.watchdog()).find_map(Result::err);
    /// assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::QueueFull));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether there is a manager to tell.
    ///
    /// ```
    /// use readyup::Notifier;
    ///
    /// assert!(Notifier::from_value(Some(b"/run/systemd/notify"))?.is_enabled());
    /// assert!(!Notifier::from_value(Some(b""))?.is_enabled());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.address.is_some()
    }

    /// Where the manager listens.
    ///
    /// ```
    /// use readyup::Notifier;
    ///
    /// let notifier = Notifier::from_value(Some(b"/run/systemd/notify"))?;
    /// assert_eq!(notifier.address().and_then(|address| address.path()), Some(&b"/run/systemd/notify"[..]));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// `READY=1`: start-up is over, or a reload is. See
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[inline]
    pub fn ready(&self) -> Result<Outcome, Error> {
        self.send(Message::READY)
    }

    /// `STATUS=`: one line that `systemctl status` shows. See
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`notify`](Self::notify): a newline in `text` is one.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).status("Serving on :8080")?;
    /// manager.expect(Assignment::Status("Serving on :8080"), Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn status(&self, text: &str) -> Result<Outcome, Error> {
        self.notify([Assignment::Status(text)])
    }

    /// `RELOADING=1` with `MONOTONIC_USEC=`, as `Type=notify-reload` wants it. Say [`ready`](Self::ready) when the
    /// reload is over, also when it failed. See
    /// [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// notifier.reloading()?;
    /// // … read the configuration …
    /// notifier.ready()?;
    /// manager.expect(Assignment::Reloading, Duration::from_secs(5));
    /// manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn reloading(&self) -> Result<Outcome, Error> {
        if !self.is_enabled() {
            return Ok(Outcome::NoManager);
        }
        self.send(MessageBuf::reloading(monotonic_now())?.as_message()?)
    }

    /// `STOPPING=1`: the service is going down. See
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).stopping()?;
    /// manager.expect(Assignment::Stopping, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[inline]
    pub fn stopping(&self) -> Result<Outcome, Error> {
        self.send(Message::STOPPING)
    }

    /// `WATCHDOG=1`: still alive. Due once every [`WatchdogSettings::interval`](crate::WatchdogSettings::interval);
    /// [`Heartbeat`](crate::Heartbeat) does it by itself. See
    /// [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).watchdog()?;
    /// manager.expect(Assignment::Watchdog, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[inline]
    pub fn watchdog(&self) -> Result<Outcome, Error> {
        self.send(Message::WATCHDOG)
    }

    /// `WATCHDOG=trigger`: something is badly wrong; do what you would do if the heartbeats had stopped. See
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).watchdog_trigger()?;
    /// manager.expect(Assignment::WatchdogTrigger, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn watchdog_trigger(&self) -> Result<Outcome, Error> {
        self.send(Message::WATCHDOG_TRIGGER)
    }

    /// `EXTEND_TIMEOUT_USEC=`: starting, running (up to `RuntimeMaxSec=`) or stopping may take at least this much longer from now, in whole
    /// microseconds. See [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`notify`](Self::notify).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let time = Duration::from_secs(30);
    /// Notifier::new(*manager.address()).extend_timeout(time)?;
    /// manager.expect(Assignment::ExtendTimeoutUsec(time), Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn extend_timeout(&self, time: Duration) -> Result<Outcome, Error> {
        self.notify([Assignment::ExtendTimeoutUsec(time)])
    }

    /// `MAINPID=`: the service's main process is `pid` now. See
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`notify`](Self::notify): 0 and 1 are no main process.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).main_pid(4242)?;
    /// manager.expect(Assignment::MainPid(4242), Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn main_pid(&self, pid: u32) -> Result<Outcome, Error> {
        self.notify([Assignment::MainPid(pid)])
    }

    /// Sends these assignments as one message.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Message`](crate::ErrorKind::Message) when a value is no good: nothing is sent then, manager or
    /// not. Otherwise as [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// notifier.notify([Assignment::Ready, Assignment::Status("Serving on :8080")])?;
    /// assert!(notifier.notify([Assignment::Status("a\nREADY=1")]).is_err());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn notify<'a>(&self, assignments: impl IntoIterator<Item = Assignment<'a>>) -> Result<Outcome, Error> {
        self.send(MessageBuf::new(assignments)?.as_message()?)
    }

    /// Sends a message: [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// [`Error`] with the kind
    /// [`QueueFull`](crate::ErrorKind::QueueFull) when the manager made no room in time,
    /// [`NotFound`](crate::ErrorKind::NotFound) or [`Refused`](crate::ErrorKind::Refused) when it is gone,
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) when the socket may not be written to, or
    /// [`System`](crate::ErrorKind::System).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Message, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).send(Message::raw(b"READY=1\nSTATUS=Up")?)?;
    /// manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[inline]
    pub fn send(&self, message: Message<'_>) -> Result<Outcome, Error> {
        self.send_with(message, &NOTHING)
    }

    /// Sends a message with descriptors, or in another process's name:
    /// [sd_pid_notify_with_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`ErrorKind::TooManyFds`](crate::ErrorKind::TooManyFds), or
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for descriptors over a vsock.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Attachments, Message, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let file = std::fs::File::open("/dev/null")?;
    /// let attachments = Attachments { fds: &[file.as_fd()], ..Attachments::default() };
    /// Notifier::new(*manager.address()).send_with(Message::raw(b"FDSTORE=1\nFDNAME=null")?, &attachments)?;
    /// assert_eq!(manager.expect(Assignment::FdStore, std::time::Duration::from_secs(5)).fds().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send_with(&self, message: Message<'_>, attachments: &Attachments<'_>) -> Result<Outcome, Error> {
        let mut delivery = Delivery::default();
        match self.attempt(message, attachments, &mut delivery)? {
            Some(Attempt::Wait(events)) => self.send_waiting(message, attachments, delivery, events),
            done => Ok(outcome(done)),
        }
    }

    /// Goes on with a message that could not be sent at once.
    #[cold]
    fn send_waiting(
        &self,
        message: Message<'_>,
        attachments: &Attachments<'_>,
        mut delivery: Delivery,
        mut events: PollFlags,
    ) -> Result<Outcome, Error> {
        let mut deadline = Deadline::after(self.limit);
        loop {
            let may_go_on = match delivery.wait_fd().or_else(|| self.connection.wait_fd()) {
                Some(fd) => deadline.wait(fd, events)?,
                None => false,
            };
            if !may_go_on {
                return Err(Error::queue_full());
            }
            match self.attempt(message, attachments, &mut delivery)? {
                Some(Attempt::Wait(more)) => events = more,
                done => return Ok(outcome(done)),
            }
        }
    }

    /// One try, for event loops: `Pending` when the manager's queue is full. Try again with the same message and the
    /// same `delivery` later; dropping `delivery` gives the message up.
    ///
    /// # Errors
    ///
    /// As [`send_with`](Self::send_with), without the waiting.
    ///
    /// ```no_run
    /// use readyup::{Attachments, Delivery, Message, Notifier};
    /// use std::task::Poll;
    ///
    /// let notifier = Notifier::from_env()?;
    /// let mut delivery = Delivery::default();
    /// while let Poll::Pending = notifier.try_send(Message::READY, &Attachments::default(), &mut delivery)? {
    ///     std::thread::sleep(std::time::Duration::from_millis(1)); // or go round the event loop
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[inline]
    pub fn try_send(
        &self,
        message: Message<'_>,
        attachments: &Attachments<'_>,
        delivery: &mut Delivery,
    ) -> Result<Poll<Outcome>, Error> {
        Ok(match self.attempt(message, attachments, delivery)? {
            Some(Attempt::Wait(_)) => Poll::Pending,
            done => Poll::Ready(outcome(done)),
        })
    }

    /// Sends the first of some messages, in order, as many as go without waiting, with a system call for many of them; and
    /// says how many that were. For whoever passes on what others say.
    ///
    /// It may be fewer for any reason: the manager's queue is full, it is gone, it cannot be told so. The next one is for
    /// [`send`](Self::send), which waits, or says what is wrong.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Message, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let messages = [Message::READY, Message::WATCHDOG];
    /// assert_eq!(Notifier::new(*manager.address()).try_send_many(messages), 2);
    /// manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// manager.expect(Assignment::Watchdog, Duration::from_secs(5));
    /// assert_eq!(Notifier::disabled().try_send_many(messages), 0);
    /// ```
    #[cfg(feature = "std")]
    pub fn try_send_many<'a>(&self, messages: impl IntoIterator<Item = Message<'a>>) -> usize {
        match self.address.as_ref().map(Address::form) {
            // What is wrong will be wrong with the next one, too.
            Some(Form::Unix(name)) => self.connection.attempt_many(Target::Unix(name), messages).unwrap_or(0),
            // A vsock may want a connection for each.
            Some(Form::Vsock(_)) | None => 0,
        }
    }

    /// Keeps `fds` in the manager's fd store under `name`, over a restart of the service. They come back through
    /// [`PassedFds`](crate::PassedFds). What is stored under `name` already stays beside them.
    ///
    /// The unit needs `FileDescriptorStoreMax=`; without it the manager drops them without a word. See
    /// [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html).
    ///
    /// # Errors
    ///
    /// As [`send_with`](Self::send_with).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, FdName, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// Notifier::new(*manager.address()).store_fds(FdName::new("http")?, &[listener.as_fd()])?;
    /// assert_eq!(manager.expect(Assignment::FdStore, std::time::Duration::from_secs(5)).fds().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store_fds(&self, name: FdName<'_>, fds: &[BorrowedFd<'_>]) -> Result<Outcome, Error> {
        let message = MessageBuf::new([Assignment::FdStore, Assignment::FdName(name)])?;
        self.send_with(message.as_message()?, &Attachments { pid: None, insist: false, fds })
    }

    /// Drops what the manager's fd store holds under `name`. See `FDSTOREREMOVE=1` in
    /// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, FdName, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let name = FdName::new("http")?;
    /// Notifier::new(*manager.address()).remove_fds(name)?;
    /// let received = manager.expect(Assignment::FdStoreRemove, Duration::from_secs(5));
    /// assert!(received.message().has(Assignment::FdName(name)));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn remove_fds(&self, name: FdName<'_>) -> Result<Outcome, Error> {
        self.notify([Assignment::FdStoreRemove, Assignment::FdName(name)])
    }

    /// Makes `fds` all that the manager's fd store holds under `name`: [`remove_fds`](Self::remove_fds) and then
    /// [`store_fds`](Self::store_fds), as two messages.
    ///
    /// # Errors
    ///
    /// As [`send_with`](Self::send_with). When storing fails, what was there before is gone already.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, FdName, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// Notifier::new(*manager.address()).replace_fds(FdName::new("http")?, &[listener.as_fd()])?;
    /// manager.expect(Assignment::FdStoreRemove, std::time::Duration::from_secs(5));
    /// manager.expect(Assignment::FdStore, std::time::Duration::from_secs(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_fds(&self, name: FdName<'_>, fds: &[BorrowedFd<'_>]) -> Result<Outcome, Error> {
        check_fds(fds)?;
        self.remove_fds(name)?;
        self.store_fds(name, fds)
    }

    /// Asks the manager to say when it has read everything sent so far; `None` when there is no manager. Together with
    /// [`Barrier::wait`] it is
    /// [sd_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// # Errors
    ///
    /// As [`send_with`](Self::send_with), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) over a vsock
    /// (where a message is only sent once it was read).
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::testing::FakeManager;
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let barrier = Notifier::new(*manager.address()).barrier()?.expect("there is a manager");
    /// barrier.wait(Duration::from_secs(5))?;
    /// assert!(Notifier::disabled().barrier()?.is_none());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn barrier(&self) -> Result<Option<Barrier>, Error> {
        self.barrier_as(None)
    }

    /// As [`barrier`](Self::barrier), in the name of another process if `pid` says so:
    /// [sd_pid_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
    ///
    /// systemd answers whoever asks; other managers may only listen to the process that they know.
    ///
    /// # Errors
    ///
    /// As [`barrier`](Self::barrier).
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::testing::FakeManager;
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// let barrier = notifier.barrier_as(Some(std::process::id()))?.expect("there is a manager");
    /// barrier.wait(Duration::from_secs(5))?;
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn barrier_as(&self, pid: Option<u32>) -> Result<Option<Barrier>, Error> {
        let send = |attachments: &Attachments<'_>| self.send_with(Message::BARRIER, attachments).map(Poll::Ready);
        match self.start_barrier(pid, send)? {
            Poll::Ready(barrier) => Ok(barrier),
            Poll::Pending => Err(Error::queue_full()),
        }
    }

    /// As [`barrier`](Self::barrier), but with only one try to send it, for event loops: `Pending` when the manager's
    /// queue is full.
    ///
    /// # Errors
    ///
    /// As [`barrier`](Self::barrier), without the waiting.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::testing::FakeManager;
    /// use std::task::Poll;
    ///
    /// let manager = FakeManager::new();
    /// match Notifier::new(*manager.address()).try_barrier()? {
    ///     Poll::Ready(Some(barrier)) => barrier.wait(std::time::Duration::from_secs(5))?,
    ///     other => panic!("{other:?}"), // no manager, or a full queue: try again later
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn try_barrier(&self) -> Result<Poll<Option<Barrier>>, Error> {
        self.start_barrier(None, |attachments| self.try_send(Message::BARRIER, attachments, &mut Delivery::default()))
    }

    fn start_barrier(
        &self,
        pid: Option<u32>,
        send: impl FnOnce(&Attachments<'_>) -> Result<Poll<Outcome>, Error>,
    ) -> Result<Poll<Option<Barrier>>, Error> {
        match &self.address {
            None => return Ok(Poll::Ready(None)),
            Some(address) if address.vsock().is_some() => {
                return Err(Error::unsupported(
                    "a barrier cannot be sent over a vsock, where a message is only sent once it was read",
                ));
            }
            Some(_) => {}
        }
        let (read, write) =
            pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|errno| Error::system(Call::Pipe, errno))?;
        // Our writing end is closed on return, so that only the manager holds one.
        Ok(match send(&Attachments { pid, insist: false, fds: &[borrow(&write)] })? {
            Poll::Pending => Poll::Pending,
            Poll::Ready(outcome) => Poll::Ready(outcome.is_sent().then(|| Barrier::new(read))),
        })
    }

    /// One try; `None` when there is no manager.
    #[inline]
    fn attempt(
        &self,
        message: Message<'_>,
        attachments: &Attachments<'_>,
        delivery: &mut Delivery,
    ) -> Result<Option<Attempt>, Error> {
        check_fds(attachments.fds)?;
        Ok(match &self.address {
            None => None,
            Some(address) => Some(match address.form() {
                Form::Unix(name) => self.connection.attempt(Target::Unix(name), message, attachments)?,
                Form::Vsock(address) => self.attempt_vsock(*address, message, attachments, delivery)?,
            }),
        })
    }

    #[cold]
    fn attempt_vsock(
        &self,
        address: VsockAddress,
        message: Message<'_>,
        attachments: &Attachments<'_>,
        delivery: &mut Delivery,
    ) -> Result<Attempt, Error> {
        if !attachments.fds.is_empty() {
            return Err(Error::unsupported("descriptors cannot be sent over a vsock"));
        }
        // Credentials mean nothing to another machine.
        let attempt = match (address.kind, &delivery.0) {
            (Some(VsockKind::Datagram), _) => self.connection.attempt(Target::Vsock(address), message, &NOTHING)?,
            (None, None) => match self.connection.attempt(Target::Vsock(address), message, &NOTHING) {
                Ok(attempt) => attempt,
                // Most machines have no datagrams on vsock at all.
                Err(_) => vsock::attempt(address, None, message, delivery)?,
            },
            (kind, _) => vsock::attempt(address, kind, message, delivery)?,
        };
        Ok(match attempt {
            Attempt::Sent if attachments.pid.is_some() => Attempt::SentAsSelf,
            other => other,
        })
    }
}

const NOTHING: Attachments<'static> = Attachments { pid: None, insist: false, fds: &[] };

fn check_fds(fds: &[BorrowedFd<'_>]) -> Result<(), Error> {
    if fds.len() > FDS_MAX { Err(Error::too_many_fds(fds.len())) } else { Ok(()) }
}

/// What a try that did not ask to wait came to.
fn outcome(attempt: Option<Attempt>) -> Outcome {
    match attempt {
        None => Outcome::NoManager,
        Some(Attempt::SentAsSelf) => Outcome::SentAsSelf,
        Some(Attempt::Sent | Attempt::Wait(_)) => Outcome::Sent,
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("address", &self.address).field("timeout", &self.limit).finish_non_exhaustive()
    }
}
