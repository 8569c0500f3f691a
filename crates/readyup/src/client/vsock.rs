//! Sending over the connected types of vsock, where each message takes a connection of its own.

use super::connection::{Attempt, Delivery};
use crate::error::{Call, Error};
use crate::protocol::{Message, VsockAddress, VsockKind};
use crate::sys::{self, SocketAddrVsock, borrow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, SocketType, bind, connect, recv, send, shutdown};

/// One message on its connection: connect, send, shut down writing, wait until the receiver has closed its end.
/// Nothing here waits; each step is taken when it can be.
#[derive(Debug)]
pub(super) struct VsockDelivery {
    fd: OwnedFd,
    kind: VsockKind,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Connecting,
    Sending { sent: usize },
    Closing,
}

/// Tries to bring a message one step on. `kind` is [`VsockKind::SequentialPacket`] or [`VsockKind::Stream`]; for none,
/// the first of them that the other side takes.
pub(super) fn attempt(
    address: VsockAddress,
    kind: Option<VsockKind>,
    message: Message<'_>,
    delivery: &mut Delivery,
) -> Result<Attempt, Error> {
    let mut current = match delivery.0.take() {
        Some(current) => current,
        None => match VsockDelivery::begin(address, kind.unwrap_or(VsockKind::SequentialPacket)) {
            Err(_) if kind.is_none() => VsockDelivery::begin(address, VsockKind::Stream)?,
            other => other?,
        },
    };
    loop {
        match current.advance(message) {
            Ok(None) => return Ok(Attempt::Sent),
            Ok(Some(events)) => {
                delivery.0 = Some(current);
                return Ok(Attempt::Wait(events));
            }
            // Nobody takes sequential packets there: a stream may be what is listened on.
            Err(_)
                if kind.is_none()
                    && current.kind == VsockKind::SequentialPacket
                    && matches!(current.stage, Stage::Connecting) =>
            {
                current = VsockDelivery::begin(address, VsockKind::Stream)?;
            }
            Err(error) => return Err(error),
        }
    }
}

impl VsockDelivery {
    fn begin(address: VsockAddress, kind: VsockKind) -> Result<Self, Error> {
        let kind_of_socket = match kind {
            VsockKind::Datagram => SocketType::DGRAM,
            VsockKind::SequentialPacket => SocketType::SEQPACKET,
            VsockKind::Stream => SocketType::STREAM,
        };
        let fd =
            sys::socket(AddressFamily::VSOCK, kind_of_socket).map_err(|errno| Error::system(Call::Socket, errno))?;
        bind_privileged(borrow(&fd));
        let stage = match connect(borrow(&fd), &SocketAddrVsock::new(address.cid, address.port)) {
            Ok(()) => Stage::Sending { sent: 0 },
            Err(Errno::INPROGRESS | Errno::AGAIN | Errno::INTR) => Stage::Connecting,
            Err(errno) => return Err(Error::system(Call::Connect, errno)),
        };
        Ok(Self { fd, kind, stage })
    }

    /// Goes on as far as it can; `None` at the end, else the events to wait for.
    fn advance(&mut self, message: Message<'_>) -> Result<Option<PollFlags>, Error> {
        loop {
            match self.stage {
                Stage::Connecting => {
                    if !is_writable(self.as_fd())? {
                        return Ok(Some(PollFlags::OUT));
                    }
                    sys::socket_error(self.as_fd()).map_err(|errno| Error::system(Call::Connect, errno))?;
                    self.stage = Stage::Sending { sent: 0 };
                }
                Stage::Sending { sent } => {
                    let rest = message.as_bytes().get(sent..).unwrap_or_default();
                    if rest.is_empty() {
                        shutdown(self.as_fd(), Shutdown::Write).map_err(|errno| Error::system(Call::Send, errno))?;
                        self.stage = Stage::Closing;
                        continue;
                    }
                    match send(self.as_fd(), rest, SendFlags::NOSIGNAL) {
                        Ok(more) => self.stage = Stage::Sending { sent: sent.saturating_add(more) },
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => return Ok(Some(PollFlags::OUT)),
                        Err(errno) => return Err(Error::system(Call::Send, errno)),
                    }
                }
                Stage::Closing => {
                    // A receiver has nothing to say; what it says all the same is read away.
                    let mut ignored = [0; 64];
                    match recv(self.as_fd(), &mut ignored[..], RecvFlags::empty()) {
                        Ok((0, _)) => return Ok(None),
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => return Ok(Some(PollFlags::IN)),
                        Err(errno) => return Err(Error::system(Call::Send, errno)),
                    }
                }
            }
        }
    }
}

impl AsFd for VsockDelivery {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow(&self.fd)
    }
}

fn is_writable(fd: BorrowedFd<'_>) -> Result<bool, Error> {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], Some(&at_once)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(Error::system(Call::Poll, errno)),
    }
}

/// Takes a source port that only a privileged process can have, so that the receiver can tell. Where that is not
/// permitted the kernel chooses one when it connects.
fn bind_privileged(fd: BorrowedFd<'_>) {
    for port in (1..=1023).rev() {
        if bind(fd, &SocketAddrVsock::new(SocketAddrVsock::CID_ANY, port)) != Err(Errno::ADDRINUSE) {
            return;
        }
    }
}
