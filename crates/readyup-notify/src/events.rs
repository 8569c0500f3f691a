//! What `--fork` sees happen.

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

/// Somebody who wants to know: told what happens if `--json` was given.
pub trait Events {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
}

/// Nobody.
impl Events for () {
    fn event(&mut self, _: &Event<'_>) {}
}
