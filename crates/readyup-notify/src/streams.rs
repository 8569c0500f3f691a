//! What a person or a script reads of us: standard output and standard error.

use crate::process::Process;
use crate::sys::{is_terminal, standard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, write};

/// Which of them were open when we were started.
///
/// One that was not may be anything by now: what is opened next gets its number, and an error text must not end up in
/// the manager's socket.
#[derive(Debug)]
pub(crate) struct Streams {
    out: bool,
    err: bool,
}

impl Streams {
    /// Looks before anything is opened.
    pub(crate) fn look() -> Self {
        let mut fds = [
            PollFd::from_borrowed_fd(standard(1), PollFlags::OUT),
            PollFd::from_borrowed_fd(standard(2), PollFlags::OUT),
        ];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let looked = poll(&mut fds, Some(&at_once)).is_ok();
        let [out, err] = fds.map(|fd| looked && !fd.revents().contains(PollFlags::NVAL));
        Self { out, err }
    }

    /// Writes to standard output.
    pub(crate) fn print(&self, text: &str) {
        if self.out {
            put(standard(1), text.as_bytes());
        }
    }

    /// Writes a help text where an error comes after it.
    pub(crate) fn advise(&self, text: &str) {
        if self.err {
            put(standard(2), text.as_bytes());
        }
    }

    /// Writes an error or a warning, in one piece so that the lines of several processes don't mix.
    pub(crate) fn complain(&self, process: &Process<'_>, message: &str) {
        if self.err && !message.is_empty() {
            put(standard(2), [process.name(), ": ", message, "\n"].concat().as_bytes());
        }
    }

    /// Whether a person is reading the errors.
    pub(crate) fn has_reader(&self) -> bool {
        self.err && is_terminal(standard(2))
    }
}

/// Writes all of it, or as much as somebody takes: there is nobody left to complain to.
fn put(to: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}
