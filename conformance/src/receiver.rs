//! The socket that a program on trial speaks to.

use crate::case::Socket;
use rustix::fd::OwnedFd;
use rustix::fs::Mode;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketAddrUnix, SocketFlags,
    SocketType, bind, listen, recvmsg, socket_with, sockopt,
};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::path::Path;

/// The greatest length of a path, with the NUL that ends it.
const PATH_MAX: usize = 108;

/// More than any case sends.
const LONGEST: usize = 1 << 18;

/// A datagram as it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) text: Vec<u8>,
    pub(crate) process: i32,
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// The socket that a program on trial speaks to.
#[derive(Debug)]
pub(crate) struct Receiver {
    socket: OwnedFd,
    /// What `$NOTIFY_SOCKET` says.
    pub(crate) address: String,
    hears: bool,
}

impl Receiver {
    pub(crate) fn bind(kind: Socket, directory: &Path) -> io::Result<Self> {
        let path = directory.join("notify").display().to_string();
        let name = format!("@{path}");
        let address = match kind {
            Socket::Abstract => name,
            // One byte less than there is room for: the last of a path is a NUL, and the first of a name is.
            Socket::LongPath => format!("{path:o<width$}", width = PATH_MAX - 1),
            Socket::LongName => format!("{name:o<width$}", width = PATH_MAX - 1),
            _ => path,
        };
        let stream = kind == Socket::Stream;
        let type_ = if stream { SocketType::STREAM } else { SocketType::DGRAM };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, type_, flags, None)?;
        let bound = match address.strip_prefix('@') {
            Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes())?,
            None => SocketAddrUnix::new(&address)?,
        };
        bind(&socket, &bound)?;
        if stream {
            listen(&socket, 1)?;
        } else {
            sockopt::set_socket_passcred(&socket, true)?;
        }
        if !address.starts_with('@') {
            let mode = if kind == Socket::Private { 0o600 } else { 0o666 };
            rustix::fs::chmod(&address, Mode::from_raw_mode(mode))?;
        }
        let hears = !matches!(kind, Socket::Stream | Socket::Abandoned);
        // Of one that nobody holds the file stays.
        let socket = if kind == Socket::Abandoned {
            socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?
        } else {
            socket
        };
        Ok(Self { socket, address, hears })
    }

    /// What to wait for.
    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Takes the next datagram, if there is one.
    pub(crate) fn receive(&self) -> io::Result<Option<Received>> {
        if !self.hears {
            return Ok(None);
        }
        let mut text = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253), ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut text)];
        let message = match recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(message) => message,
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::Error::other("a datagram was too long"));
        }
        let mut received = Received { text: Vec::new(), process: 0, user: 0, group: 0, descriptors: Vec::new() };
        for part in control.drain() {
            match part {
                RecvAncillaryMessage::ScmRights(descriptors) => received.descriptors.extend(descriptors),
                RecvAncillaryMessage::ScmCredentials(credentials) => {
                    received.process = credentials.pid.as_raw_nonzero().get();
                    received.user = credentials.uid.as_raw();
                    received.group = credentials.gid.as_raw();
                }
                _ => {}
            }
        }
        text.truncate(message.bytes);
        received.text = text;
        Ok(Some(received))
    }
}
