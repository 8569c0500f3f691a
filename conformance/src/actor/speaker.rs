//! A service that says what it is told to say.

use super::findings::Findings;
use super::{PATIENCE, TICK};
use crate::sys;
use crate::text::unescape;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketType, sendmsg_addr,
    socket,
};
use std::ffi::OsStr;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::Instant;

/// Speaks to `$NOTIFY_SOCKET`.
#[derive(Debug, Default)]
pub(super) struct Speaker {
    socket: Option<OwnedFd>,
}

impl Speaker {
    /// Sends a text, maybe with a descriptor.
    pub(super) fn say(&mut self, text: &[u8], with_descriptor: bool, findings: &mut Findings) {
        let descriptor = with_descriptor.then(std::io::stdin);
        let descriptors: Vec<BorrowedFd<'_>> = descriptor.iter().map(AsFd::as_fd).collect();
        if let Err(error) = self.send(text, &descriptors) {
            findings.add("sending failed", &error.to_string());
        }
    }

    /// Sends `N:TEXT`, N bytes long.
    pub(super) fn say_padded(&mut self, rest: &[u8], before: bool, findings: &mut Findings) {
        let colon = rest.iter().position(|&byte| byte == b':').unwrap_or(rest.len());
        let length = usize::try_from(super::number(&rest[..colon])).unwrap_or(0);
        let text = unescape(rest.get(colon + 1..).unwrap_or_default());
        let padding = vec![b'y'; length.saturating_sub(text.len())];
        let whole = if before { [padding, text].concat() } else { [text, padding].concat() };
        self.say(&whole, false, findings);
    }

    /// Asks for a barrier, and waits.
    pub(super) fn barrier(&mut self, findings: &mut Findings) {
        let Ok((answer, question)) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC) else { return };
        let sent = self.send(b"BARRIER=1", &[question.as_fd()]);
        drop(question);
        let limit = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let outcome = match sent {
            Err(error) => error.to_string(),
            Ok(()) => match poll(&mut [PollFd::new(&answer, PollFlags::empty())], Some(&limit)) {
                Ok(1) => "answered".to_owned(),
                _ => "not answered".to_owned(),
            },
        };
        findings.add("barrier", &outcome);
    }

    /// Waits until everything was received that was sent.
    pub(super) fn drain(&self, findings: &mut Findings) {
        let Some(socket) = &self.socket else { return };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if sys::unread(socket.as_fd()).is_ok_and(|bytes| bytes == 0) {
                return;
            }
            std::thread::sleep(TICK);
        }
        findings.add("what was sent", "was not received");
    }

    fn send(&mut self, text: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let address = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
        let address = address_of(&address)?;
        if self.socket.is_none() {
            self.socket = Some(socket(AddressFamily::UNIX, SocketType::DGRAM, None)?);
        }
        let Some(socket) = &self.socket else { return Err(Errno::BADF) };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg_addr(socket, &address, &[IoSlice::new(text)], &mut control, SendFlags::NOSIGNAL).map(|_| ())
    }
}

/// Has another process say something, and waits for its end.
pub(super) fn grandchild(text: &[u8]) {
    let say = [b"say:", text].concat();
    let Ok(program) = std::env::current_exe() else { return };
    let _ = Command::new(program).args([OsStr::from_bytes(&say), OsStr::new("drain")]).status();
}

fn address_of(value: &OsStr) -> Result<SocketAddrUnix, Errno> {
    match value.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name),
        None => SocketAddrUnix::new(value),
    }
}
