//! What goes out: what a manager does next, and what it ignores.

use super::{FdKey, SubState};
use crate::protocol::{Decimal, NotifyAccess, display, microseconds};
use alloc::string::String;
use core::fmt;
use core::time::Duration;

/// What a manager does.
///
/// ```
/// use readyup::manager::service::{Command, Config, Effect, Service, ServiceType};
/// use std::time::Duration;
///
/// let mut service = Service::new(Config::new(ServiceType::Notify));
/// let effects = service.start(Duration::from_secs(1));
/// assert!(effects.contains(&Effect::Run(Command::Start)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It is in another state. Of several at once each is told, although nobody would see them.
    Changed {
        /// The state before.
        from: SubState,
        /// The state now.
        to: SubState,
    },
    /// Start this command, and say at once that it was, with
    /// [`on_spawned`](super::Service::on_spawned), or that it could not be.
    Run(Command),
    /// Send a signal.
    Signal {
        /// Whom to.
        target: Target,
        /// Which.
        signal: i32,
    },
    /// Keep this descriptor.
    StoreFd {
        /// Which.
        fd: FdKey,
        /// The name that it comes back under.
        name: String,
        /// Whether it is to be watched, and [`on_hang_up`](super::Service::on_hang_up) to be called when it hangs up.
        poll: bool,
    },
    /// Close this descriptor: one that came and is not kept, or one that was.
    CloseFd(FdKey),
    /// Something has no effect.
    Refused(Refusal),
}

impl Effect {
    /// What has no effect, if it is that.
    ///
    /// ```
    /// use readyup::manager::service::{Effect, Refusal};
    ///
    /// assert_eq!(Effect::Refused(Refusal::StoreName).refusal(), Some(&Refusal::StoreName));
    /// ```
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// A command of the unit file's.
///
/// ```
/// use readyup::manager::service::Command;
///
/// assert_eq!(Command::StopPost.to_string(), "ExecStopPost=");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Command {
    /// `ExecStartPre=`
    StartPre,
    /// `ExecStart=`: the main process.
    Start,
    /// `ExecStartPost=`
    StartPost,
    /// `ExecReload=`
    Reload,
    /// `ExecStop=`
    Stop,
    /// `ExecStopPost=`
    StopPost,
}

/// Whom a signal is sent to.
///
/// ```
/// use readyup::manager::service::Target;
///
/// assert_ne!(Target::Process(42), Target::Others);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// This process: the main or the control process.
    Process(u32),
    /// Every other process of the unit.
    Others,
}

/// Why a message, or a line of one, or a request has no effect. A manager says it in its own log, if at all.
///
/// ```
/// use readyup::manager::service::Refusal;
///
/// let refusal = Refusal::StoreFull { max: 0 };
/// assert_eq!(refusal.to_string(), "FDSTORE=1: no more descriptors are kept than FileDescriptorStoreMax=0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The whole message: the sender is not believed.
    Access {
        /// Who sent it.
        sender: u32,
        /// `NotifyAccess=` as it holds.
        access: NotifyAccess,
        /// The main process, if there is one.
        main: Option<u32>,
    },
    /// A line that this version of systemd does not know.
    Unknown {
        /// Its key.
        key: &'static str,
        /// The version that knows it.
        since: u32,
    },
    /// A line whose value cannot be read.
    Value {
        /// Its key.
        key: &'static str,
    },
    /// `STATUS=` that is not UTF-8: the text that was there is cleared.
    StatusNotUtf8,
    /// `NOTIFYACCESS=` with a word that is none of its own: what holds is what the unit file says.
    AccessReset,
    /// A new main process.
    MainPid(MainPidRefusal),
    /// `READY=1` or `RELOADING=1` after `STOPPING=1`, which is final.
    AfterStopping {
        /// Which of them.
        key: &'static str,
    },
    /// `READY=1` from a process that does not handle the reload signal: the service fails.
    ReloadSignalUnhandled {
        /// The main process.
        main: u32,
        /// `ReloadSignal=`
        signal: i32,
    },
    /// `RELOADING=1` without `MONOTONIC_USEC=` in the same message, while a reload is waited for.
    ReloadWithoutTime,
    /// `RELOADING=1` with a time before the reload was asked for.
    ReloadTooEarly {
        /// What it says.
        said: Duration,
        /// When it was asked for.
        asked: Duration,
    },
    /// `READY=1` although the reload has not begun with `RELOADING=1`.
    ReadyBeforeReloading,
    /// `FDSTORE=1` beyond `FileDescriptorStoreMax=`.
    StoreFull {
        /// `FileDescriptorStoreMax=`
        max: usize,
    },
    /// `FDSTORE=1` with a descriptor that is there already.
    StoredAlready(FdKey),
    /// `FDNAME=` that cannot be a name, so that the descriptors are called `stored`.
    StoreName,
    /// `FDSTOREREMOVE=1` without a name.
    RemoveName,
    /// A request that the state does not allow.
    State {
        /// The request.
        request: &'static str,
        /// The state.
        state: SubState,
    },
}

/// Why another process does not become the main process.
///
/// ```
/// use readyup::manager::service::MainPidRefusal;
///
/// assert_eq!(MainPidRefusal::Manager.to_string(), "it is the manager");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MainPidRefusal {
    /// There is no such process.
    NoProcess,
    /// It is process 1, or the manager.
    Manager,
    /// It is the control process.
    ControlProcess,
    /// It belongs to no process of the unit, and the sender is not root.
    Foreign,
    /// `MAINPIDFDID=` tells that it is another process of the same pid.
    PidFdId,
    /// `MAINPIDFD=1` with no descriptor, with several, or with one that is no pidfd.
    PidFd,
    /// The service is in a state in which it cannot change.
    State(SubState),
}

impl Command {
    /// The spelling in a unit file, without the `=`.
    ///
    /// ```
    /// assert_eq!(readyup::manager::service::Command::Start.as_str(), "ExecStart");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartPre => "ExecStartPre",
            Self::Start => "ExecStart",
            Self::StartPost => "ExecStartPost",
            Self::Reload => "ExecReload",
            Self::Stop => "ExecStop",
            Self::StopPost => "ExecStopPost",
        }
    }
}

impl Refusal {
    /// Hands the text to `put` piece by piece: what `Display` prints, for places without `core::fmt`.
    ///
    /// ```
    /// use readyup::manager::service::Refusal;
    ///
    /// let mut text = String::new();
    /// Refusal::ReloadWithoutTime.describe(&mut |piece| text.push_str(piece));
    /// assert_eq!(text, "RELOADING=1 has no MONOTONIC_USEC= in its message");
    /// ```
    pub fn describe(&self, put: &mut dyn FnMut(&str)) {
        match self {
            Self::Access { sender, access, main } => {
                put("a message of process ");
                put(Decimal::new((*sender).into()).as_str());
                put(" is dropped: NotifyAccess=");
                put(access.as_str());
                match main {
                    Some(main) => {
                        put(", and the main process is ");
                        put(Decimal::new((*main).into()).as_str());
                    }
                    None => put(", and there is no main process"),
                }
            }
            Self::Unknown { key, since } => {
                put(key);
                put("= is unknown before systemd ");
                put(Decimal::new((*since).into()).as_str());
            }
            Self::Value { key } => {
                put(key);
                put("= has a value that cannot be read");
            }
            Self::StatusNotUtf8 => put("STATUS= is not UTF-8, so that there is no text any more"),
            Self::AccessReset => put("NOTIFYACCESS= is none of its words, so that NotifyAccess= holds again"),
            Self::MainPid(why) => {
                put("the main process does not change: ");
                why.describe(put);
            }
            Self::AfterStopping { key } => {
                put(key);
                put("=1 comes after STOPPING=1, which is final");
            }
            Self::ReloadSignalUnhandled { main, signal } => {
                put("READY=1: process ");
                put(Decimal::new((*main).into()).as_str());
                put(" does not handle signal ");
                put(Decimal::new(signal.unsigned_abs().into()).as_str());
                put(", which is to make it reload");
            }
            Self::ReloadWithoutTime => put("RELOADING=1 has no MONOTONIC_USEC= in its message"),
            Self::ReloadTooEarly { said, asked } => {
                put("RELOADING=1 has MONOTONIC_USEC=");
                put(Decimal::new(microseconds(*said).unwrap_or(u64::MAX)).as_str());
                put(", and the reload was asked for at ");
                put(Decimal::new(microseconds(*asked).unwrap_or(u64::MAX)).as_str());
            }
            Self::ReadyBeforeReloading => put("READY=1 comes before the RELOADING=1 that is waited for"),
            Self::StoreFull { max } => {
                put("FDSTORE=1: no more descriptors are kept than FileDescriptorStoreMax=");
                put(Decimal::new(*max as u64).as_str());
            }
            Self::StoredAlready(_) => put("FDSTORE=1: the descriptor is kept already"),
            Self::StoreName => put("FDNAME= cannot be a name, so that the descriptors are called \"stored\""),
            Self::RemoveName => put("FDSTOREREMOVE=1 needs an FDNAME= that can be a name"),
            Self::State { request, state } => {
                put(request);
                put(": this cannot be done in state ");
                put(state.as_str());
            }
        }
    }
}

impl MainPidRefusal {
    fn describe(self, put: &mut dyn FnMut(&str)) {
        let text = match self {
            Self::NoProcess => "there is no such process",
            Self::Manager => "it is the manager",
            Self::ControlProcess => "it is the control process",
            Self::Foreign => "it is none of the unit's, and the sender is not root",
            Self::PidFdId => "MAINPIDFDID= is of another process",
            Self::PidFd => "MAINPIDFD=1 needs exactly one descriptor, and that a pidfd",
            Self::State(state) => {
                put("it cannot in state ");
                state.as_str()
            }
        };
        put(text);
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        f.write_str("=")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

impl fmt::Display for MainPidRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}
