//! A line of the table: how `systemd-notify` is started, and what may differ.

use crate::difference::Difference;
use rustix::process::Signal;
use std::ops::RangeBounds;

/// What `$NOTIFY_SOCKET` is, unless the case sets it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Socket {
    /// A path.
    Path,
    /// A name that is not in the file system.
    Abstract,
    /// A path of the greatest length that fits.
    LongPath,
    /// A name of the greatest length that fits.
    LongName,
    /// A socket of another type, to which nothing can be sent.
    Stream,
    /// One that only root may write to.
    Private,
    /// One that nobody holds any more.
    Abandoned,
}

/// A line of the table.
///
/// In arguments and in values of variables, `{dir}` is the directory of the run, `{bin}` that with the programs,
/// `{socket}` the socket, and `{parent}`, `{other}` and `{dead}` are the ids of the process that starts
/// `systemd-notify`, of one that has nothing to do with it, and of one that is gone. `{parent-inode}` is that of the
/// parent's pidfd.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Vec<u8>>,
    /// Variables that are set, or unset.
    pub(crate) environment: Vec<(&'static str, Option<String>)>,
    pub(crate) socket: Socket,
    pub(crate) user: Option<u32>,
    pub(crate) in_bin: bool,
    pub(crate) stdin_is_a_file: bool,
    pub(crate) full_stdout: bool,
    /// Standard descriptors that are closed.
    pub(crate) closed: Vec<i32>,
    /// Other descriptors that are open, each on a file of its own.
    pub(crate) inherited: Vec<i32>,
    pub(crate) ignored: Vec<Signal>,
    pub(crate) blocked: Vec<Signal>,
    /// Whether barriers are answered.
    pub(crate) answered: bool,
    /// What is sent to `systemd-notify` once the program that it started waits for signals.
    pub(crate) signal: Option<Signal>,
    pub(crate) differences: Vec<Difference>,
}

/// A case with these arguments.
pub(crate) fn case<const N: usize>(name: &str, arguments: [&str; N]) -> Case {
    bytes(name, arguments.map(str::as_bytes))
}

/// A case with arguments that need not be text.
pub(crate) fn bytes<const N: usize>(name: &str, arguments: [&[u8]; N]) -> Case {
    many(name, arguments.iter().map(|argument| argument.to_vec()).collect())
}

/// A case with arguments that were made up.
pub(crate) fn many(name: &str, arguments: Vec<Vec<u8>>) -> Case {
    Case {
        name: name.to_owned(),
        arguments,
        environment: Vec::new(),
        socket: Socket::Path,
        user: None,
        in_bin: false,
        stdin_is_a_file: false,
        full_stdout: false,
        closed: Vec::new(),
        inherited: Vec::new(),
        ignored: Vec::new(),
        blocked: Vec::new(),
        answered: true,
        signal: None,
        differences: Vec::new(),
    }
}

impl Case {
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, Some(value.to_owned())));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.environment.push((name, None));
        self
    }

    pub(crate) fn socket(mut self, socket: Socket) -> Self {
        self.socket = socket;
        self
    }

    /// As a user who is not root.
    pub(crate) fn unprivileged(mut self) -> Self {
        self.user = Some(65534);
        self
    }

    /// In the directory with the programs.
    pub(crate) fn in_bin(mut self) -> Self {
        self.in_bin = true;
        self
    }

    pub(crate) fn stdin_is_a_file(mut self) -> Self {
        self.stdin_is_a_file = true;
        self
    }

    pub(crate) fn full_stdout(mut self) -> Self {
        self.full_stdout = true;
        self
    }

    pub(crate) fn closed<const N: usize>(mut self, descriptors: [i32; N]) -> Self {
        self.closed = descriptors.into();
        self
    }

    pub(crate) fn inherits<const N: usize>(mut self, descriptors: [i32; N]) -> Self {
        self.inherited = descriptors.into();
        self
    }

    pub(crate) fn ignores<const N: usize>(mut self, signals: [Signal; N]) -> Self {
        self.ignored = signals.into();
        self
    }

    pub(crate) fn blocks<const N: usize>(mut self, signals: [Signal; N]) -> Self {
        self.blocked = signals.into();
        self
    }

    /// Barriers are kept open.
    pub(crate) fn unanswered(mut self) -> Self {
        self.answered = false;
        self
    }

    pub(crate) fn signal(mut self, signal: Signal) -> Self {
        self.signal = Some(signal);
        self
    }

    /// Originals of these versions do something else than the newest form.
    pub(crate) fn differs(mut self, versions: impl RangeBounds<u32>, reason: &str) -> Self {
        self.differences.push(Difference::new(versions, reason));
        self
    }

    /// Originals up to this version do not have what this is about.
    pub(crate) fn lacking(self, last: u32, what: &str) -> Self {
        self.differs(..=last, &format!("systemd up to {last} has no {what}"))
    }
}
