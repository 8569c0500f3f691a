//! The bare socket of a manager.

use crate::error::{Call, Error};
use crate::protocol::{Address, Form};
use crate::sys::{self, borrow};
use crate::unix::socket_address;
use core::time::Duration;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, sockopt};
use rustix::time::ClockId;

/// A socket that services can notify, which hands on what comes in as it is: what is to be dropped, and what a message is
/// worth, it leaves to the caller. It never waits. [`Listener`](super::Listener) does both; this also works without the
/// standard library (on x86-64 and arm64), and allocates nothing.
///
/// ```
/// use readyup::Notifier;
/// use readyup::manager::NotifySocket;
///
/// let mut socket = NotifySocket::bind(None)?;
/// Notifier::new(socket.address()?).ready()?;
/// let mut payload = [0; 4096];
/// let datagram = socket.receive(&mut payload, &mut |fd| drop(fd))?.expect("a datagram");
/// assert_eq!(&payload[..datagram.len], b"READY=1");
/// assert_eq!(datagram.credentials.expect("a sender").pid, std::process::id());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct NotifySocket {
    fd: OwnedFd,
    /// When the last datagram came.
    last: Duration,
}

/// What came with a payload.
///
/// ```
/// use readyup::manager::NotifySocket;
/// use readyup::{Notifier, monotonic_now};
///
/// let mut socket = NotifySocket::bind(None)?;
/// Notifier::new(socket.address()?).status("Loading")?;
/// let datagram = socket.receive(&mut [0; 6], &mut drop)?.expect("a datagram");
/// assert_eq!(datagram.len, "STATUS=Loading".len()); // of which six bytes were received
/// assert!(datagram.arrival <= monotonic_now());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram {
    /// The payload's length as it was sent: more than the buffer's when it was cut.
    pub len: usize,
    /// Who sent it; none where that did not fit.
    pub credentials: Option<Credentials>,
    /// When it came, by the clock of [`monotonic_now`](crate::monotonic_now): never after now, nor before the one that was
    /// received before it.
    pub arrival: Duration,
    /// More descriptors or credentials came than could be received.
    pub control_truncated: bool,
}

/// Who sent a datagram, as the kernel tells it.
///
/// ```
/// use readyup::Notifier;
/// use readyup::manager::{Credentials, NotifySocket};
///
/// let mut socket = NotifySocket::bind(None)?;
/// Notifier::new(socket.address()?).ready()?;
/// let datagram = socket.receive(&mut [0; 4096], &mut drop)?.expect("a datagram");
/// let Credentials { pid, uid, gid } = datagram.credentials.expect("a sender");
/// println!("process {pid} of user {uid} and group {gid}");
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process; 0 where it is in another pid namespace.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Opens a socket that gets its senders' credentials and binds it; without an address the kernel chooses one.
pub(super) fn bound(address: Option<&Address>, configure: impl FnOnce(BorrowedFd<'_>)) -> Result<OwnedFd, Error> {
    let failed = |errno| Error::system(Call::Bind, errno);
    let target = match address.map(Address::form) {
        None => SocketAddrUnix::new_unnamed(),
        Some(Form::Unix(name)) => socket_address(name.as_bytes()).map_err(failed)?,
        Some(Form::Vsock(_)) => return Err(Error::unsupported("listening on a vsock is not supported")),
    };
    let owned =
        sys::socket(AddressFamily::UNIX, SocketType::DGRAM).map_err(|errno| Error::system(Call::Socket, errno))?;
    let fd = borrow(&owned);
    // Before the first message can come in: its credentials are only received if they were asked for by then.
    configure(fd);
    sockopt::set_socket_passcred(fd, true)
        // The kernel gives the socket's own mode to the file that `bind` makes, so that there is no moment at which
        // anybody else could connect.
        .and_then(|()| fchmod(fd, Mode::RUSR | Mode::WUSR))
        .map_err(|errno| Error::system(Call::Configure, errno))?;
    bind(fd, &target).map_err(failed)?;
    Ok(owned)
}

impl NotifySocket {
    /// Listens at `address`: a path, where the socket gets mode 0600 and the file is left to the caller, or an abstract
    /// name. Without one the kernel chooses an abstract name that is free. Anybody in the same network namespace can send to
    /// an abstract name.
    ///
    /// # Errors
    ///
    /// As [`Listener::bind`](super::Listener::bind).
    ///
    /// ```
    /// use readyup::manager::NotifySocket;
    ///
    /// let first = NotifySocket::bind(None)?;
    /// let second = NotifySocket::bind(None)?;
    /// assert_ne!(first.address()?, second.address()?);
    /// assert!(NotifySocket::bind(Some(&first.address()?)).is_err()); // something is bound there already
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn bind(address: Option<&Address>) -> Result<Self, Error> {
        let fd = bound(address, |fd| {
            // Where there are none, a datagram came when it was received.
            let _ = sys::set_timestamps(fd);
        })?;
        Ok(Self { fd, last: Duration::ZERO })
    }

    /// What to put into `$NOTIFY_SOCKET`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::System`](crate::ErrorKind::System) when the operating system does not tell it.
    ///
    /// ```
    /// use readyup::manager::NotifySocket;
    ///
    /// let socket = NotifySocket::bind(None)?;
    /// assert!(socket.address()?.to_string().starts_with('@'));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn address(&self) -> Result<Address, Error> {
        let address = sys::with_name(borrow(&self.fd), Address::parse);
        Ok(address.map_err(|errno| Error::system(Call::Bind, errno))??)
    }

    /// Receives one datagram, without waiting: its payload, as far as there is room for it, and every descriptor that came
    /// with it, close-on-exec. None when there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::System`](crate::ErrorKind::System) when the operating system fails to receive.
    ///
    /// ```
    /// use readyup::manager::NotifySocket;
    /// use readyup::{FdName, Notifier};
    /// use std::os::fd::AsFd;
    ///
    /// let mut socket = NotifySocket::bind(None)?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// Notifier::new(socket.address()?).store_fds(FdName::new("null")?, &[file.as_fd()])?;
    /// let mut fds = Vec::new();
    /// assert!(socket.receive(&mut [0; 4096], &mut |fd| fds.push(fd))?.is_some());
    /// assert_eq!(fds.len(), 1);
    /// assert_eq!(socket.receive(&mut [0; 4096], &mut drop)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receive(&mut self, payload: &mut [u8], each_fd: &mut dyn FnMut(OwnedFd)) -> Result<Option<Datagram>, Error> {
        let received = loop {
            match sys::receive(borrow(&self.fd), payload, each_fd) {
                Ok(received) => break received,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(errno) => return Err(Error::system(Call::Receive, errno)),
            }
        };
        // As long ago as by the other clock, in which the kernel tells it. That one is looked at first: what happens between
        // the two makes it later, but never later than now.
        let age = received.sent.map_or(0, |sent| sys::nanoseconds(ClockId::Realtime).saturating_sub(sent));
        let arrival = sys::nanoseconds(ClockId::Monotonic).saturating_sub(age);
        self.last = Duration::from_micros(arrival / 1000).max(self.last);
        Ok(Some(Datagram {
            len: received.len,
            credentials: received.credentials.map(|(pid, uid, gid)| Credentials { pid: pid as u32, uid, gid }),
            arrival: self.last,
            control_truncated: received.control_truncated,
        }))
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow(&self.fd)
    }
}
