//! How it ends.

use alloc::string::String;
use rustix::io::Errno;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it was sent and read, or there was nobody to send it to; with `--fork`, the program is ready.
    Success,
    /// 1: it could not be sent, was not read in time, or (with `--booted`) there is no systemd.
    Failure,
    /// 2: the command line, or a value in it, is no good. `systemd-notify` knows only 1 for that.
    Usage,
    /// 124: with `--fork`, the program was not ready in the time allowed.
    TimedOut,
    /// 126: the program of `--exec` or `--fork` is there, but cannot be run.
    CannotRun,
    /// 127: there is no such program.
    NotFound,
    /// The status of the program of `--fork`, which ended before it was ready.
    Of(u8),
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Of(code) => code,
        }
    }
}

/// Why it could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What `systemd-notify` would have failed with.
    pub(crate) errno: Errno,
    /// For people; empty where everything has been said.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) const fn new(exit: Exit, errno: Errno, message: String) -> Self {
        Self { exit, errno, message }
    }

    /// The library could not do it.
    pub(crate) fn library(what: &str, error: &readyup::Error) -> Self {
        let mut message = String::from(what);
        error.describe(&mut |piece| message.push_str(piece));
        let exit = match error.kind() {
            readyup::ErrorKind::Message | readyup::ErrorKind::TooManyFds => Exit::Usage,
            _ => Exit::Failure,
        };
        Self { exit, errno: errno(error.raw_os_error()), message }
    }

    /// A system call failed.
    pub(crate) fn system(what: &str, errno: Errno) -> Self {
        Self { exit: Exit::Failure, errno, message: with_errno(what, errno) }
    }

    /// The command line is no good.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, errno: Errno::INVAL, message: message.into() }
    }

    /// The exit status as `systemd-notify` has it: 1, whatever it is.
    pub(crate) fn with_status_of_systemd(mut self) -> Self {
        self.exit = Exit::Failure;
        self
    }
}

fn errno(number: i32) -> Errno {
    if (1..4096).contains(&number) { Errno::from_raw_os_error(number) } else { Errno::IO }
}

/// `what: ` and the error in words.
pub(crate) fn with_errno(what: &str, errno: Errno) -> String {
    let mut message = String::from(what);
    message.push_str(": ");
    readyup::describe_errno(errno.raw_os_error(), &mut |piece| message.push_str(piece));
    message
}

/// Bytes for a message: they need not be UTF-8, and must not command the terminal that shows it.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}
