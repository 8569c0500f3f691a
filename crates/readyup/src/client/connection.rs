//! One try to hand a datagram to the kernel.

use super::vsock::VsockDelivery;
use crate::error::{Call, Error};
use crate::protocol::{FDS_MAX, Message, UnixName, VsockAddress};
use crate::sys::{self, FdCell, SocketAddrVsock, borrow};
use crate::unix::socket_address;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use rustix::event::PollFlags;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, UCred, connect, send, sendmsg,
    sockopt,
};
use rustix::process::{Pid, getegid, geteuid, getgid, getpid, getuid};

/// What goes along with a message: the `pid` and the `fds` of
/// [sd_pid_notify_with_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// ```no_run
/// use readyup::{Attachments, Message, Notifier};
///
/// // Say it in the name of another process: `sd_pid_notify`.
/// let notifier = Notifier::from_env()?;
/// let attachments = Attachments { pid: Some(4242), ..Attachments::default() };
/// notifier.send_with(Message::READY, &attachments)?;
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Attachments<'a> {
    /// Speak as this process, as `sd_pid_notify` does. The kernel lets root do so, and anybody for itself; where it
    /// refuses, the message is sent without, and the outcome is
    /// [`Outcome::SentAsSelf`](crate::Outcome::SentAsSelf). 0 is this process, as in C.
    pub pid: Option<u32>,
    /// Rather fail than speak as ourselves, where that would say something else: with
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied), or
    /// [`ErrorKind::NoProcess`](crate::ErrorKind::NoProcess) if that process is gone.
    pub insist: bool,
    /// Descriptors to pass, at most [`FDS_MAX`]. They stay the caller's.
    pub fds: &'a [BorrowedFd<'a>],
}

impl Attachments<'_> {
    /// The process to speak as, which may be this one; none where the message goes in nobody's name but the kernel's.
    fn named_pid(&self) -> Option<u32> {
        self.pid.filter(|pid| *pid != 0)
    }

    const fn is_empty(&self) -> bool {
        self.pid.is_none() && self.fds.is_empty()
    }
}

/// A message on its way, for [`Notifier::try_send`](crate::Notifier::try_send): begin with `Delivery::default()`.
///
/// To a Unix socket a message goes in one piece, and nothing is kept here. To a vsock it takes a connection of its
/// own, which this holds. Dropping it gives the message up.
///
/// ```
/// use readyup::testing::FakeManager;
/// use readyup::{Attachments, Delivery, Message, Notifier, Outcome};
/// use std::task::Poll;
///
/// let manager = FakeManager::new();
/// let notifier = Notifier::new(*manager.address());
/// let mut delivery = Delivery::default();
/// let outcome = notifier.try_send(Message::READY, &Attachments::default(), &mut delivery)?;
/// assert_eq!(outcome, Poll::Ready(Outcome::Sent));
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Delivery(pub(super) Option<VsockDelivery>);

/// How one try ended.
pub(super) enum Attempt {
    Sent,
    SentAsSelf,
    /// Try again once the descriptor has one of these events.
    Wait(PollFlags),
}

/// Where a datagram socket connects to. The socket address is only made when it is needed.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Unix(&'a UnixName),
    Vsock(VsockAddress),
}

impl Target<'_> {
    const fn family(self) -> AddressFamily {
        match self {
            Self::Unix(_) => AddressFamily::UNIX,
            Self::Vsock(_) => AddressFamily::VSOCK,
        }
    }

    fn connect(self, fd: BorrowedFd<'_>) -> Result<(), Error> {
        match self {
            Self::Unix(name) => socket_address(name.as_bytes()).and_then(|address| connect(fd, &address)),
            Self::Vsock(address) => connect(fd, &SocketAddrVsock::new(address.cid, address.port)),
        }
        .map_err(|errno| Error::system(Call::Connect, errno))
    }
}

/// The connected datagram socket: opened on first use, kept, shared by threads.
pub(super) struct Connection {
    fd: FdCell,
    /// Whether real and effective ids differ, which is looked up when it matters first.
    ids: AtomicU8,
    /// The send buffer was made as large as it gets.
    grown: AtomicBool,
}

const IDS_UNKNOWN: u8 = 0;
const IDS_SAME: u8 = 1;
const IDS_DIFFER: u8 = 2;

impl Connection {
    pub(super) const fn new() -> Self {
        Self { fd: FdCell::new(), ids: AtomicU8::new(IDS_UNKNOWN), grown: AtomicBool::new(false) }
    }

    #[cold]
    fn open(target: Target<'_>) -> Result<OwnedFd, Error> {
        let fd = sys::socket(target.family(), SocketType::DGRAM).map_err(|errno| Error::system(Call::Socket, errno))?;
        target.connect(borrow(&fd))?;
        Ok(fd)
    }

    /// Tries once. A manager's socket that was replaced since the last message is connected to anew.
    #[inline]
    pub(super) fn attempt(
        &self,
        target: Target<'_>,
        message: Message<'_>,
        attachments: &Attachments<'_>,
    ) -> Result<Attempt, Error> {
        let fd = self.fd.get_or_try_init(|| Self::open(target))?;
        let mut reconnected = false;
        loop {
            let result = if attachments.is_empty() && !self.ids_differ() {
                // The one system call of a plain message.
                send(fd, message.as_bytes(), SendFlags::NOSIGNAL).map(|_| Attempt::Sent)
            } else {
                self.transmit_with(fd, message, attachments)
            };
            match result {
                Ok(attempt) => return Ok(attempt),
                Err(Errno::INTR) => {}
                // It may be our own buffer that is full, or too small for this message.
                Err(Errno::AGAIN | Errno::MSGSIZE) if !self.grown.swap(true, Ordering::Relaxed) => {
                    grow_send_buffer(fd);
                }
                Err(Errno::AGAIN) => return Ok(Attempt::Wait(PollFlags::OUT)),
                // The descriptor stays the same: connecting it again moves it to whoever listens there now, and
                // another thread that is about to use it finds it good.
                Err(Errno::CONNREFUSED | Errno::NOTCONN | Errno::CONNRESET | Errno::PIPE) if !reconnected => {
                    reconnected = true;
                    target.connect(fd)?;
                }
                Err(errno @ (Errno::PERM | Errno::SRCH | Errno::INVAL)) if attachments.insist => {
                    return Err(Error::system(Call::SpeakAs, errno));
                }
                Err(errno) => return Err(Error::system(Call::Send, errno)),
            }
        }
    }

    /// Sends what goes at once of plain messages, and says how many.
    #[cfg(feature = "std")]
    pub(super) fn attempt_many<'a>(
        &self,
        target: Target<'_>,
        messages: impl IntoIterator<Item = Message<'a>>,
    ) -> Result<usize, Error> {
        let fd = self.fd.get_or_try_init(|| Self::open(target))?;
        if self.ids_differ() {
            // Each of them has credentials to go with it.
            return Ok(0);
        }
        Ok(sys::send_many(fd, messages.into_iter().map(|message| message.as_bytes())))
    }

    /// Sends with credentials, descriptors or both.
    #[cold]
    fn transmit_with(
        &self,
        fd: BorrowedFd<'_>,
        message: Message<'_>,
        attachments: &Attachments<'_>,
    ) -> Result<Attempt, Errno> {
        let named = attachments.named_pid();
        let explicit = match named {
            // Nothing that could be a pid: the kernel would refuse it.
            Some(pid) => i32::try_from(pid).ok().and_then(Pid::from_raw),
            None => self.ids_differ().then(getpid),
        };
        if let Some(pid) = explicit {
            let credentials = UCred { pid, uid: getuid(), gid: getgid() };
            match transmit(fd, message, Some(credentials), attachments.fds) {
                Ok(()) => return Ok(Attempt::Sent),
                Err(Errno::PERM | Errno::SRCH | Errno::INVAL) if !attachments.insist => {
                    // Refused, or no such process: say it as ourselves, the manager may take it all the same.
                }
                Err(errno) => return Err(errno),
            }
        }
        transmit(fd, message, None, attachments.fds)?;
        let as_other = named.is_some() && named != u32::try_from(getpid().as_raw_nonzero().get()).ok();
        Ok(if as_other { Attempt::SentAsSelf } else { Attempt::Sent })
    }

    /// Whether credentials go along with each message, as `sd_notify` does it.
    #[inline]
    fn ids_differ(&self) -> bool {
        match self.ids.load(Ordering::Relaxed) {
            IDS_UNKNOWN => self.look_up_ids(),
            known => known == IDS_DIFFER,
        }
    }

    #[cold]
    fn look_up_ids(&self) -> bool {
        let differ = getuid() != geteuid() || getgid() != getegid();
        self.ids.store(if differ { IDS_DIFFER } else { IDS_SAME }, Ordering::Relaxed);
        differ
    }

    /// What to wait on after [`Attempt::Wait`].
    pub(super) fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.get()
    }
}

/// Room for all that can go along, aligned as the kernel wants it.
#[repr(align(8))]
struct ControlSpace([MaybeUninit<u8>; Self::SIZE]);

impl ControlSpace {
    const SIZE: usize = rustix::cmsg_space!(ScmRights(FDS_MAX), ScmCredentials(1));
}

fn transmit(
    fd: BorrowedFd<'_>,
    message: Message<'_>,
    credentials: Option<UCred>,
    fds: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    let mut space = ControlSpace([MaybeUninit::uninit(); ControlSpace::SIZE]);
    let mut control = SendAncillaryBuffer::new(&mut space.0);
    let fits = credentials.is_none_or(|credentials| control.push(SendAncillaryMessage::ScmCredentials(credentials)))
        && (fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)));
    if !fits {
        // Not reached: the number of descriptors is checked before. An error all the same, rather than a message
        // without them.
        return Err(Errno::TOOBIG);
    }
    sendmsg(fd, &[IoSlice::new(message.as_bytes())], &mut control, SendFlags::NOSIGNAL).map(|_| ())
}

/// Asks for room for a burst of large messages, as `sd_notify` does: 8 MiB, or what the system allows. Most services
/// never need it, so it is left until they do.
#[cold]
fn grow_send_buffer(fd: BorrowedFd<'_>) {
    const SIZE: usize = 8 << 20;
    if sockopt::set_socket_send_buffer_size_force(fd, SIZE).is_err() {
        // Without it there is still the default size, so an error is not one.
        let _ = sockopt::set_socket_send_buffer_size(fd, SIZE);
    }
}

impl Delivery {
    /// Whether part of the message is on its way, so that it has to be gone on with or given up.
    ///
    /// ```
    /// assert!(!readyup::Delivery::default().is_under_way());
    /// ```
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.0.is_some()
    }

    /// What to wait on after [`Attempt::Wait`], where the message has a connection of its own.
    pub(super) fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|delivery| delivery.as_fd())
    }
}
