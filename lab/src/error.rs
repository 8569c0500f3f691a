//! What can go wrong with a lab.

use std::{fmt, io, time::Duration};

/// Why a lab could not be had, used or taken down. The message says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// This machine, or this root, cannot run a lab.
    Unavailable(String),
    /// An option asks for something that cannot be.
    Invalid(String),
    /// A program or a file of the host's failed us.
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// systemd did not come up.
    Boot {
        /// The lab's name.
        lab: String,
        /// What was waited for in vain.
        why: String,
        /// The end of what came out before there was a journal.
        console: String,
        /// Unfinished jobs, and the end of the journal.
        journal: String,
    },
    /// A command took longer than it was given.
    Hang {
        /// The command, as given.
        command: String,
        /// How long it was given.
        after: Duration,
        /// What it had said on standard output by then.
        stdout: String,
        /// What it had said on standard error by then.
        stderr: String,
    },
    /// PID 1 of the lab has ended, so no command can be run in it.
    Over {
        /// The command, as given.
        command: String,
        /// The end of what PID 1 said.
        console: String,
    },
    /// Something of the lab could not be taken away.
    Stop(String),
}

impl Error {
    /// An [`Error::Io`] for `what`, to be handed to `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) | Self::Invalid(why) | Self::Stop(why) => f.write_str(why),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Boot { lab, why, console, journal } => write!(
                f,
                "lab {lab}: systemd did not come up: {why}\n\
                 --- console\n{console}\n--- jobs and journal\n{journal}"
            ),
            Self::Hang { command, after, stdout, stderr } => write!(
                f,
                "{command}: not over after {after:?}; it was killed. If the command itself has \
                 ended, something that it started still holds its output open.\n\
                 --- stdout\n{stdout}\n--- stderr\n{stderr}"
            ),
            Self::Over { command, console } => write!(
                f,
                "{command}: cannot be run, because PID 1 of the lab has ended\n\
                 --- console\n{console}"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
