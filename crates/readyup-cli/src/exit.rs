//! Exit statuses, as `env`, `timeout` and the shells have them.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    /// 1: `check` has found something wrong.
    Findings,
    /// 2: the command line is no good.
    Usage,
    /// 125: `readyup` itself failed.
    Failure,
    /// 126: the program is there, but cannot be run.
    CannotRun,
    /// 127: there is no such program.
    NotFound,
    /// The program's own status; 128 and the signal's number if one ended it.
    Of(ExitStatus),
}

impl Exit {
    /// The number that the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Failure => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Of(status) => {
                let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
                // A process has one or the other; both fit.
                number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
            }
        }
    }
}

/// Why the command cannot do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// Something went wrong with `what`.
    pub(crate) fn new(what: &str, error: &dyn std::fmt::Display) -> Self {
        Self { exit: Exit::Failure, message: format!("{what}: {error}") }
    }

    /// `program` cannot be started.
    pub(crate) fn start(program: &std::ffi::OsStr, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::CannotRun,
        };
        Self { exit, message: format!("{}: cannot be started: {error}", program.to_string_lossy()) }
    }
}
