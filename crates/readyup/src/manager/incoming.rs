//! What was received, judged by the rules that a manager goes by.

use super::envelope::{Content, DropReason, Envelope};
use crate::protocol::Message;
use crate::sys::Datagram;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

/// One datagram, as a manager takes it.
///
/// ```
/// use readyup::manager::{Incoming, Listener};
/// use readyup::{Message, Notifier};
///
/// let listener = Listener::private()?;
/// Notifier::new(*listener.address()).ready()?;
/// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
///     Some(Incoming::Message(received)) => assert_eq!(received.message(), Message::READY),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
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
///
/// ```
/// use readyup::testing::FakeManager;
/// use readyup::{Assignment, Message, Notifier};
/// use std::time::Duration;
///
/// let manager = FakeManager::new();
/// Notifier::new(*manager.address()).ready()?;
/// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
/// assert_eq!(received.message(), Message::READY);
/// assert_eq!(received.sender().pid(), std::process::id());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Received {
    sender: Sender,
    payload: Vec<u8>,
    fds: Vec<OwnedFd>,
    closed_fds: usize,
}

/// Who sent a message, as the kernel tells it.
///
/// ```
/// use readyup::testing::FakeManager;
/// use readyup::{Assignment, Notifier};
/// use std::time::Duration;
///
/// let manager = FakeManager::new();
/// Notifier::new(*manager.address()).ready()?;
/// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
/// let sender = received.sender();
/// println!("process {} of user {} and group {}", sender.pid(), sender.uid(), sender.gid());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Sender {
    pid: u32,
    uid: u32,
    gid: u32,
    pidfd: Option<OwnedFd>,
}

/// A sender's wish to know that everything it sent before was read: what
/// [sd_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html) sends.
///
/// ```
/// use readyup::Notifier;
/// use readyup::manager::{Incoming, Listener};
/// use std::time::Duration;
///
/// let listener = Listener::private()?;
/// let barrier = Notifier::new(*listener.address()).barrier()?.expect("there is a manager");
/// match listener.receive(Some(Duration::from_secs(1)))? {
///     Some(Incoming::Barrier(request)) => assert_eq!(request.sender().pid(), std::process::id()),
///     other => panic!("{other:?}"),
/// }
/// barrier.wait(Duration::from_secs(1))?;
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct BarrierRequest {
    sender: Sender,
    fd: Option<OwnedFd>,
}

/// What a manager does not even look at.
///
/// ```
/// use readyup::manager::{Incoming, Listener};
/// use readyup::{Message, Notifier};
///
/// let listener = Listener::private()?;
/// Notifier::new(*listener.address()).send(Message::raw(b"BARRIER=1\nREADY=1")?)?;
/// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
///     Some(Incoming::Dropped(dropped)) => eprintln!("dropped: {}", dropped.reason()),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Dropped {
    reason: DropReason,
    sender: Option<Sender>,
}

/// What is left to the caller, rather than done as a manager does it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keep {
    /// Barriers are not answered before their [`BarrierRequest`] is dropped.
    pub(super) barriers: bool,
    /// Descriptors that no line claims are not closed.
    pub(super) fds: bool,
}

impl Incoming {
    /// Judges a datagram. `payload` is the buffer it was received into.
    pub(super) fn judge(datagram: Datagram, mut fds: Vec<OwnedFd>, payload: &[u8], keep: Keep) -> Self {
        let Datagram { len, control_truncated, credentials, pidfd, .. } = datagram;
        let pid = credentials.map(|(pid, ..)| pid);
        let sender = credentials.and_then(|(pid, uid, gid)| {
            let pid = u32::try_from(pid).ok().filter(|pid| *pid > 0)?;
            Some(Sender { pid, uid, gid, pidfd })
        });
        let envelope = Envelope { len, pid, fds: fds.len(), control_truncated };
        let content = match (envelope.open(payload), sender) {
            (Ok(content), Some(sender)) => Ok((content, sender)),
            (Err(reason), sender) => Err((reason, sender)),
            (Ok(_), None) => Err((DropReason::NoCredentials, None)),
        };
        match content {
            Ok((Content::Message { message, wants_fds }, sender)) => {
                let mut closed_fds = 0;
                if !wants_fds && !keep.fds {
                    closed_fds = fds.len();
                    fds.clear();
                }
                Self::Message(Received { sender, payload: message.as_bytes().to_vec(), fds, closed_fds })
            }
            // Closing it is the answer.
            Ok((Content::Barrier, sender)) => {
                Self::Barrier(BarrierRequest { sender, fd: fds.pop().filter(|_| keep.barriers) })
            }
            Err((reason, sender)) => Self::Dropped(Dropped { reason, sender }),
        }
    }

    /// Answers it, if it is a barrier.
    pub(super) fn answered(mut self) -> Self {
        if let Self::Barrier(request) = &mut self {
            request.fd = None;
        }
        self
    }

    /// Who sent it, where that is known.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::Listener;
    ///
    /// let listener = Listener::private()?;
    /// Notifier::new(*listener.address()).ready()?;
    /// let incoming = listener.receive(Some(std::time::Duration::from_secs(1)))?.expect("a message");
    /// assert_eq!(incoming.sender().map(|sender| sender.pid()), Some(std::process::id()));
    /// # Ok::<(), readyup::Error>(())
    /// ```
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
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).notify([Assignment::Ready, Assignment::Status("Up")])?;
    /// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// assert_eq!(received.message().as_bytes(), b"READY=1\nSTATUS=Up");
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        // It was parsed when it was received, so that this cannot fail; an empty message has no effect.
        Message::parse(&self.payload).unwrap_or(Message::EMPTY)
    }

    /// Who sent it.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// assert_eq!(received.sender().pid(), std::process::id());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The descriptors that came with it, close-on-exec. Those that no line claims are closed already, unless the
    /// listener keeps everything for a relay.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, FdName, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let file = std::fs::File::open("/dev/null")?;
    /// Notifier::new(*manager.address()).store_fds(FdName::new("null")?, &[file.as_fd()])?;
    /// let received = manager.expect(Assignment::FdStore, std::time::Duration::from_secs(5));
    /// assert_eq!(received.fds().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn fds(&self) -> &[OwnedFd] {
        &self.fds
    }

    /// Takes the descriptors out.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, FdName, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let file = std::fs::File::open("/dev/null")?;
    /// Notifier::new(*manager.address()).store_fds(FdName::new("null")?, &[file.as_fd()])?;
    /// let mut received = manager.expect(Assignment::FdStore, std::time::Duration::from_secs(5));
    /// assert_eq!((received.take_fds().len(), received.fds().len()), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn take_fds(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.fds)
    }

    /// How many descriptors were closed because no line claims them: a manager keeps descriptors only for
    /// `FDSTORE=1`, and one for `MAINPIDFD=1`.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Attachments, Message, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let manager = FakeManager::new();
    /// let file = std::fs::File::open("/dev/null")?;
    /// let attachments = Attachments { fds: &[file.as_fd()], ..Attachments::default() };
    /// Notifier::new(*manager.address()).send_with(Message::READY, &attachments)?;
    /// let received = manager.expect(Assignment::Ready, std::time::Duration::from_secs(5));
    /// assert_eq!((received.fds().len(), received.closed_fds()), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn closed_fds(&self) -> usize {
        self.closed_fds
    }
}

impl Sender {
    /// The process id, as seen from here.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// assert_eq!(received.sender().pid(), std::process::id());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// The user id.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::os::unix::fs::MetadataExt;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, std::time::Duration::from_secs(5));
    /// assert_eq!(received.sender().uid(), std::fs::metadata("/proc/self")?.uid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// The group id.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::os::unix::fs::MetadataExt;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, std::time::Duration::from_secs(5));
    /// assert_eq!(received.sender().gid(), std::fs::metadata("/proc/self")?.gid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn gid(&self) -> u32 {
        self.gid
    }

    /// A pidfd, which stands for this very process even when its pid is another's by now. Linux 6.5 and later give
    /// one.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::os::fd::AsRawFd;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, std::time::Duration::from_secs(5));
    /// if let Some(pidfd) = received.sender().pidfd() {
    ///     let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    ///     assert!(info.contains(&format!("Pid:\t{}\n", std::process::id())));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }
}

impl BarrierRequest {
    /// Who asks.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::{Incoming, Listener};
    ///
    /// let listener = Listener::private()?;
    /// let _barrier = Notifier::new(*listener.address()).barrier()?;
    /// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
    ///     Some(Incoming::Barrier(request)) => assert_eq!(request.sender().pid(), std::process::id()),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The descriptor whose closing is the answer, where the listener keeps everything for a relay.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::{Incoming, Listener};
    ///
    /// let listener = Listener::private()?.for_relay();
    /// let _barrier = Notifier::new(*listener.address()).barrier()?;
    /// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
    ///     Some(Incoming::Barrier(request)) => assert!(request.fd().is_some()),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }
}

impl Dropped {
    /// Why.
    ///
    /// ```
    /// use readyup::manager::{DropReason, Incoming, Listener};
    /// use readyup::{Message, Notifier};
    ///
    /// let listener = Listener::private()?;
    /// Notifier::new(*listener.address()).send(Message::BARRIER)?; // without its descriptor
    /// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
    ///     Some(Incoming::Dropped(dropped)) => assert_eq!(dropped.reason(), DropReason::BarrierFds { count: 0 }),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn reason(&self) -> DropReason {
        self.reason
    }

    /// Who sent it, where that is known.
    ///
    /// ```
    /// use readyup::manager::{Incoming, Listener};
    /// use readyup::{Message, Notifier};
    ///
    /// let listener = Listener::private()?;
    /// Notifier::new(*listener.address()).send(Message::BARRIER)?; // without its descriptor
    /// match listener.receive(Some(std::time::Duration::from_secs(1)))? {
    ///     Some(Incoming::Dropped(dropped)) => assert!(dropped.sender().is_some()),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn sender(&self) -> Option<&Sender> {
        self.sender.as_ref()
    }
}
