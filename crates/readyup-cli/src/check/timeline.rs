//! What happens in a service's life, as it was seen from outside, in the order in which it was.

use crate::trace::event::Line;
use readyup::manager::DropReason;
use readyup::manager::service::{ActiveState, Exit, Refusal, ServiceResult, SubState};
use std::time::Duration;

/// A process's name; none if it was gone before it could be looked up.
pub(super) type Comm = Option<String>;

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event {
    /// Since the service was started.
    pub(super) at: Duration,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Started {
        pid: u32,
        command: String,
    },
    Message(Said),
    /// A barrier, which was answered.
    Barrier {
        who: Who,
    },
    /// A message of a process that is none of the service's.
    Stranger {
        who: Who,
    },
    /// A datagram that a manager does not even look at.
    Dropped {
        who: Option<Who>,
        reason: DropReason,
    },
    /// A process that is not the main process has ended right after it sent something, without waiting until that was
    /// read.
    HurriedAway {
        who: Who,
        /// Which keys its messages had.
        keys: Vec<String>,
    },
    State {
        from: SubState,
        to: SubState,
    },
    /// The manager sends a signal.
    Signal {
        to: To,
        signal: i32,
    },
    /// A command of the unit file beside `ExecStart=` runs.
    Command {
        name: &'static str,
        pid: u32,
        /// Whether nobody minds if it fails.
        may_fail: bool,
    },
    Exited {
        who: Who,
        main: bool,
        exit: Exit,
        /// How many other processes of the service there are at this moment.
        others: usize,
    },
    ReloadAsked {
        /// Whether something was broken before, so that it should fail.
        broken: bool,
    },
    ReloadOver {
        result: ServiceResult,
    },
    StopAsked,
    /// The port of `--port` was tried when `READY=1` came.
    PortAtReady {
        accepts: bool,
    },
    /// It accepts a connection now, and did not when `READY=1` came.
    PortOpened,
    /// The socket of `--socket` was tried after `READY=1`.
    Activated {
        name: String,
        accepted: bool,
    },
    /// The URL of `--stall-check` was asked for.
    StallBegun,
    /// It was answered, so that the service does not hang, or not any more.
    StallAnswered,
    /// What was to be learnt by it is known.
    StallOver,
    /// A process runs a program that was given the variable although it is not the main process.
    Inherits {
        who: Who,
    },
    /// `READY=1` is missing, and this process was started without the variable.
    EnvironmentLost {
        who: Who,
    },
    /// `READY=1` is missing, and where this process should see the socket is nothing, or something else.
    SocketHidden {
        who: Who,
    },
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Main,
    Control,
    Others,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) pid: u32,
    pub(super) comm: Comm,
}

/// A message.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) who: Who,
    pub(super) main: bool,
    /// The state when it came.
    pub(super) state: SubState,
    pub(super) lines: Vec<Line>,
    /// Descriptors that came along and were wanted.
    pub(super) fds: usize,
    /// And that were closed, as no line asks to keep them.
    pub(super) closed_fds: usize,
    /// The process that is the main process now, if that is not a child of the manager.
    pub(super) foreign_main: Option<u32>,
    /// What of it has no effect, and why; the whole of it where it begins with [`Refusal::Access`].
    pub(super) refusals: Vec<Refusal>,
    /// When it was received, by the clock that `MONOTONIC_USEC=` is read from.
    pub(super) received: Duration,
    /// The watchdog's period at that moment.
    pub(super) watchdog: Option<Duration>,
}

impl Said {
    /// Whether the sender is one who counts.
    pub(super) fn is_believed(&self) -> bool {
        !self.refusals.iter().any(|refusal| matches!(refusal, Refusal::Access { .. }))
    }

    /// Whether it has a line of this key, be it a good one or not.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.lines.iter().any(|line| line.key == key)
    }

    /// Whether it says just that.
    pub(super) fn says(&self, key: &str, value: &str) -> bool {
        self.lines.iter().any(|line| line.key == key && line.value.as_deref() == Some(value))
    }

    /// The number behind a key.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.lines.iter().find(|line| line.key == key)?.value.as_ref()?.parse().ok()
    }
}

/// Everything that was seen, with what cannot be told from one event alone.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) events: Vec<Event>,
    /// How it ended, in the manager's words.
    pub(super) result: Option<ServiceResult>,
    /// When the service was started, by the clock of `MONOTONIC_USEC=`.
    pub(super) origin: Duration,
}

impl Timeline {
    /// The messages, each with its time.
    pub(super) fn messages(&self) -> impl Iterator<Item = (Duration, &Said)> {
        self.events.iter().filter_map(|event| match &event.kind {
            Kind::Message(said) => Some((event.at, said)),
            _ => None,
        })
    }

    /// When the state was entered first.
    pub(super) fn entered(&self, state: SubState) -> Option<Duration> {
        self.when(|kind| matches!(kind, Kind::State { to, .. } if *to == state))
    }

    /// When the first event of a kind happened.
    pub(super) fn when(&self, is_it: impl Fn(&Kind) -> bool) -> Option<Duration> {
        self.events.iter().find(|event| is_it(&event.kind)).map(|event| event.at)
    }

    /// Whether somebody has put an end to it before it was over.
    pub(super) fn is_interrupted(&self) -> bool {
        self.when(|kind| matches!(kind, Kind::Interrupted)).is_some()
    }

    /// When it began to end, for whatever reason.
    pub(super) fn end(&self) -> Option<Duration> {
        self.when(|kind| {
            matches!(kind, Kind::StopAsked | Kind::Exited { main: true, .. })
                || matches!(kind, Kind::State { to, .. } if to.active_state() == ActiveState::Deactivating)
        })
    }

    /// When the manager was told to stop it.
    pub(super) fn stop_asked(&self) -> Option<Duration> {
        self.when(|kind| matches!(kind, Kind::StopAsked))
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.comm.as_deref().unwrap_or("(gone)"), self.pid)
    }
}
