//! What is left to whoever calls: showing what `--fork` sees, and asking systemd about the unit.

use alloc::string::String;
use core::time::Duration;

/// Something that happened to the program of `--fork`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// It was started.
    Started {
        /// The program's pid.
        pid: u32,
    },
    /// It said what it is doing.
    Status {
        /// The text, which need not be UTF-8.
        text: &'a [u8],
    },
    /// It is ready.
    Ready {
        /// Since it was started.
        time: Duration,
    },
    /// It ended before it was ready.
    Exited {
        /// Its exit status.
        status: u8,
    },
    /// A signal ended it before it was ready.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It was not ready in the time allowed, and was ended.
    TimedOut,
}

/// Whose messages the unit's manager listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitAccess {
    /// The unit's name.
    pub unit: String,
    /// Its `NotifyAccess=`.
    pub access: String,
    /// Its main process.
    pub main_pid: Option<u32>,
}

/// What a program with a standard library can do beyond what is done here.
pub trait Host {
    /// With `--fork --json`: something happened.
    fn event(&mut self, event: &Event<'_>);

    /// What the manager says of the unit that this process is in; `None` if it cannot be known within `limit`. Asked
    /// only when it matters: when a message went out in the name of a process that may not be listened to.
    fn unit_access(&mut self, limit: Duration) -> Option<UnitAccess>;
}

/// Nobody.
impl Host for () {
    fn event(&mut self, _: &Event<'_>) {}

    fn unit_access(&mut self, _: Duration) -> Option<UnitAccess> {
        None
    }
}
