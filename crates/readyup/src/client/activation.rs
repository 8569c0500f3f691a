//! Descriptors that the manager passes: socket activation and the fd store.

use super::listen::{claim, listed};
use crate::error::{Call, Error};
use crate::protocol::ListenVariables;
use crate::sys;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};
use std::ffi::OsString;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::sync::atomic::{AtomicBool, Ordering};

/// The descriptors that the manager passed to this process, by name: those of socket units (socket activation) and
/// those of the fd store.
///
/// They answer to
/// [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html). Each is
/// owned, and close-on-exec.
///
/// ```no_run
/// use readyup::PassedFds;
/// use std::net::TcpListener;
///
/// let mut passed = PassedFds::take()?;
/// let listener = match passed.tcp_listener("http")? {
///     Some(listener) => listener,
///     None => TcpListener::bind("127.0.0.1:8080")?,
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PassedFds {
    fds: Vec<(Vec<u8>, OwnedFd)>,
}

impl PassedFds {
    /// Takes them over. That can be done once in a process, best at its very beginning: a later call finds them
    /// taken.
    ///
    /// It is empty when nothing was passed to this process. The environment is left as it is; take
    /// [`NOTIFY_VARIABLES`](crate::protocol::NOTIFY_VARIABLES) out of that of children.
    ///
    /// See [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Environment`](crate::ErrorKind::Environment) when `$LISTEN_FDS` and its companions are garbage,
    /// [`ErrorKind::System`](crate::ErrorKind::System) when they count descriptors that are not open (nothing is
    /// taken then), [`ErrorKind::AlreadyTaken`](crate::ErrorKind::AlreadyTaken) the second time.
    ///
    /// ```
    /// use readyup::PassedFds;
    ///
    /// for (name, fd) in PassedFds::take()? {
    ///     println!("{fd:?} is {}", name.escape_ascii());
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn take() -> Result<Self, Error> {
        static TAKEN: AtomicBool = AtomicBool::new(false);

        let variable = |name| std::env::var_os(name);
        let (pid, fds) = (variable("LISTEN_PID"), variable("LISTEN_FDS"));
        let (names, pidfd_id) = (variable("LISTEN_FDNAMES"), variable("LISTEN_PIDFDID"));
        fn bytes(value: &Option<OsString>) -> Option<&[u8]> {
            value.as_deref().map(OsStrExt::as_bytes)
        }
        let values =
            ListenVariables { pid: bytes(&pid), fds: bytes(&fds), names: bytes(&names), pidfd_id: bytes(&pidfd_id) };
        let listed = listed(&values)?;
        if listed.count() == 0 {
            return Ok(Self { fds: Vec::new() });
        }
        if TAKEN.swap(true, Ordering::SeqCst) {
            return Err(Error::already_taken());
        }
        if let Err(error) = claim(&listed) {
            TAKEN.store(false, Ordering::SeqCst);
            return Err(error);
        }
        let fds = sys::adopt(listed.range());
        Ok(Self { fds: listed.names().map(<[u8]>::to_vec).zip(fds).collect() })
    }

    /// How many are left.
    ///
    /// ```
    /// let passed = readyup::PassedFds::take()?;
    /// assert_eq!(passed.len(), passed.names().count());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.fds.len()
    }

    /// Whether none is left.
    ///
    /// ```
    /// // Not started by a manager, a program has nothing passed to it.
    /// assert!(readyup::PassedFds::take()?.is_empty());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fds.is_empty()
    }

    /// The names of those that are left, in the manager's order. Several descriptors may have the same one.
    ///
    /// ```
    /// let passed = readyup::PassedFds::take()?;
    /// let workers = passed.names().filter(|name| name.starts_with(b"worker-")).count();
    /// assert_eq!(workers, 0);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.fds.iter().map(|(name, _)| name.as_slice())
    }

    /// Takes out the first one named `name`, of whatever kind.
    ///
    /// ```
    /// use readyup::PassedFds;
    /// use std::fs::File;
    ///
    /// let mut passed = PassedFds::take()?;
    /// // What `Notifier::store_fds` kept over a restart; at the first start there is none.
    /// let state = passed.remove("state").map(File::from);
    /// assert!(state.is_none());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn remove(&mut self, name: &str) -> Option<OwnedFd> {
        let position = self.fds.iter().position(|(own, _)| own == name.as_bytes())?;
        Some(self.fds.remove(position).1)
    }

    /// Takes out the first listening TCP socket named `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongFd`](crate::ErrorKind::WrongFd) when all of that name are something else; they stay where they are.
    /// [`ErrorKind::System`](crate::ErrorKind::System) when the kernel does not tell what one is.
    ///
    /// ```
    /// use readyup::PassedFds;
    /// use std::net::TcpListener;
    ///
    /// let listener = match PassedFds::take()?.tcp_listener("http")? {
    ///     Some(listener) => listener,
    ///     None => TcpListener::bind("127.0.0.1:0")?,
    /// };
    /// assert!(listener.local_addr()?.ip().is_loopback());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tcp_listener(&mut self, name: &str) -> Result<Option<TcpListener>, Error> {
        self.take_socket(name, &Wanted::TCP_LISTENER)
    }

    /// Takes out the first listening Unix stream socket named `name`.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// ```
    /// match readyup::PassedFds::take()?.unix_listener("control")? {
    ///     Some(listener) => println!("listening on {:?}", listener.local_addr()?),
    ///     None => println!("there is no control socket"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unix_listener(&mut self, name: &str) -> Result<Option<UnixListener>, Error> {
        self.take_socket(name, &Wanted::UNIX_LISTENER)
    }

    /// Takes out the first Unix datagram socket named `name`.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// ```
    /// use readyup::PassedFds;
    /// use std::os::unix::net::UnixDatagram;
    ///
    /// let log = match PassedFds::take()?.unix_datagram("log")? {
    ///     Some(socket) => socket,
    ///     None => UnixDatagram::unbound()?,
    /// };
    /// log.set_nonblocking(true)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unix_datagram(&mut self, name: &str) -> Result<Option<UnixDatagram>, Error> {
        self.take_socket(name, &Wanted::UNIX_DATAGRAM)
    }

    /// Takes out the first UDP socket named `name`.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// ```
    /// use readyup::PassedFds;
    /// use std::net::UdpSocket;
    ///
    /// let socket = match PassedFds::take()?.udp_socket("dns")? {
    ///     Some(socket) => socket,
    ///     None => UdpSocket::bind("127.0.0.1:0")?,
    /// };
    /// assert!(socket.local_addr()?.ip().is_loopback());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn udp_socket(&mut self, name: &str) -> Result<Option<UdpSocket>, Error> {
        self.take_socket(name, &Wanted::UDP_SOCKET)
    }

    /// The sockets of one unit share a name unless they are given their own, so that the first of that name *and* kind is
    /// meant.
    fn take_socket<T: From<OwnedFd>>(&mut self, name: &str, wanted: &Wanted) -> Result<Option<T>, Error> {
        let mut another_kind = false;
        for position in 0..self.fds.len() {
            let (own_name, fd) = &self.fds[position];
            if own_name != name.as_bytes() {
                continue;
            }
            match wanted.matches(fd) {
                Ok(true) => return Ok(Some(self.fds.remove(position).1.into())),
                Ok(false) | Err(Errno::NOTSOCK) => another_kind = true,
                Err(errno) => return Err(Error::system(Call::Inspect, errno)),
            }
        }
        if another_kind { Err(Error::wrong_fd(name.as_bytes(), wanted.text)) } else { Ok(None) }
    }
}

impl IntoIterator for PassedFds {
    type Item = (Vec<u8>, OwnedFd);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// All that are left, each with its name.
    fn into_iter(self) -> Self::IntoIter {
        self.fds.into_iter()
    }
}

/// What a socket has to be.
struct Wanted {
    text: &'static str,
    families: &'static [AddressFamily],
    kind: SocketType,
    listening: bool,
}

impl Wanted {
    const TCP_LISTENER: Self = Self {
        text: "a listening TCP socket",
        families: &[AddressFamily::INET, AddressFamily::INET6],
        kind: SocketType::STREAM,
        listening: true,
    };
    const UNIX_LISTENER: Self = Self {
        text: "a listening Unix stream socket",
        families: &[AddressFamily::UNIX],
        kind: SocketType::STREAM,
        listening: true,
    };
    const UNIX_DATAGRAM: Self = Self {
        text: "a Unix datagram socket",
        families: &[AddressFamily::UNIX],
        kind: SocketType::DGRAM,
        listening: false,
    };
    const UDP_SOCKET: Self = Self {
        text: "a UDP socket",
        families: &[AddressFamily::INET, AddressFamily::INET6],
        kind: SocketType::DGRAM,
        listening: false,
    };

    fn matches(&self, fd: impl AsFd) -> Result<bool, Errno> {
        let fd = fd.as_fd();
        Ok(sockopt::socket_type(fd)? == self.kind
            && self.families.contains(&sockopt::socket_domain(fd)?)
            && sockopt::socket_acceptconn(fd)? == self.listening)
    }
}
