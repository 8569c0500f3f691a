//! Knocking at the service's sockets.

use super::plan::{SocketPlace, SocketSpec, Url};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

/// How long a connection within this machine may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether somebody accepts connections there: on the loopback address of either family where only a port is known.
pub(super) fn accepts(address: SocketAddr) -> bool {
    let connects = |address: &SocketAddr| TcpStream::connect_timeout(address, CONNECT_TIMEOUT).is_ok();
    connects(&address)
        || (address.ip().is_loopback() && connects(&SocketAddr::from(([0u16, 0, 0, 0, 0, 0, 0, 1], address.port()))))
}

/// A socket that the service is given.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) name: String,
    listener: Listener,
    /// A connection that was made and waits to be accepted.
    connection: Option<OwnedFd>,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Socket {
    pub(super) fn listen(spec: &SocketSpec) -> io::Result<Self> {
        let listener = match &spec.address {
            SocketPlace::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            SocketPlace::Unix(path) => Listener::Unix(UnixListener::bind(path)?, path.clone()),
        };
        Ok(Self { name: spec.name.clone(), listener, connection: None })
    }

    /// Makes a connection.
    pub(super) fn connect(&mut self) -> io::Result<()> {
        self.connection = Some(match &self.listener {
            Listener::Tcp(listener) => {
                TcpStream::connect_timeout(&listener.local_addr()?, CONNECT_TIMEOUT).map(OwnedFd::from)?
            }
            Listener::Unix(_, path) => UnixStream::connect(path).map(OwnedFd::from)?,
        });
        Ok(())
    }

    /// Whether there is none left that nobody has accepted.
    pub(super) fn is_accepted(&self) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready == 0)
    }

    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.listener {
            Listener::Tcp(listener) => listener.as_fd(),
            Listener::Unix(listener, _) => listener.as_fd(),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = &self.listener {
            // The service may have done so itself.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A request whose answer is being waited for.
#[derive(Debug)]
pub(super) struct Request(TcpStream);

impl Request {
    pub(super) fn send(url: &Url) -> io::Result<Self> {
        let mut error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in &url.addresses {
            match TcpStream::connect_timeout(address, CONNECT_TIMEOUT) {
                Ok(mut stream) => {
                    let Url { authority, path, .. } = url;
                    // All at once, and if nobody wants it, that is an answer, too.
                    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
                    let _ = stream.write_all(request.as_bytes());
                    stream.set_nonblocking(true)?;
                    return Ok(Self(stream));
                }
                Err(other) => error = other,
            }
        }
        Err(error)
    }

    /// Whether there is an answer, or will be none.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.0.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}
