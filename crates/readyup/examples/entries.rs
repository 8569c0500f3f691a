//! Listens as the journal does and prints what comes in, one line each.
//!
//! ```sh
//! cargo run --example entries PATH
//! ```
//!
//! Each line is `datagram` or `file`, a tab, and the entry with escapes. It ends at the end of its standard input.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, bind,
    recvmsg, socket_with,
};
use std::fs::File;
use std::io::{IoSliceMut, Read as _, Seek as _, Write as _, stdin, stdout};
use std::mem::MaybeUninit;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: entries PATH")?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrUnix::new(&path)?)?;
    let mut out = stdout().lock();
    writeln!(out, "{path}")?;
    let mut payload = vec![0; 1 << 20];
    loop {
        out.flush()?;
        let stdin = stdin();
        let mut fds = [PollFd::new(&socket, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        poll(&mut fds, None)?;
        if fds[0].revents().is_empty() {
            std::fs::remove_file(path)?;
            return Ok(());
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let len = recvmsg(&socket, &mut [IoSliceMut::new(&mut payload)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
        let files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        match files.flatten().next() {
            Some(file) => {
                let (mut file, mut entry) = (File::from(file), Vec::new());
                file.rewind()?;
                file.read_to_end(&mut entry)?;
                writeln!(out, "file\t{}", entry.escape_ascii())?;
            }
            None => writeln!(out, "datagram\t{}", payload[..len].escape_ascii())?,
        }
    }
}
