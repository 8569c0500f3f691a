//! Where a service is in its life, in systemd's own words.

use core::fmt;

/// What all units have in common: `ActiveState` in
/// [systemctl(1)](https://www.freedesktop.org/software/systemd/man/latest/systemctl.html).
///
/// ```
/// use readyup::manager::service::{ActiveState, SubState};
///
/// assert_eq!(SubState::ReloadNotify.active_state(), ActiveState::Reloading);
/// assert_eq!(ActiveState::Reloading.to_string(), "reloading");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActiveState {
    /// It does not run.
    Inactive,
    /// It starts.
    Activating,
    /// It runs.
    Active,
    /// It runs, and takes over a new configuration.
    Reloading,
    /// It stops.
    Deactivating,
    /// It does not run, and something went wrong.
    Failed,
}

/// What is particular to services: `SubState` in
/// [systemctl(1)](https://www.freedesktop.org/software/systemd/man/latest/systemctl.html).
///
/// ```
/// use readyup::manager::service::SubState;
///
/// assert_eq!(SubState::StopSigterm.to_string(), "stop-sigterm");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubState {
    /// It does not run.
    Dead,
    /// `ExecStartPre=` runs.
    StartPre,
    /// The main process was started, and is not ready.
    Start,
    /// `ExecStartPost=` runs.
    StartPost,
    /// It runs.
    Running,
    /// The main process has ended well, and `RemainAfterExit=` is set.
    Exited,
    /// `ExecReload=` runs; up to 252 any reload.
    Reload,
    /// The reload signal was sent, and `RELOADING=1` has not come.
    ReloadSignal,
    /// `RELOADING=1` has come, and `READY=1` has not.
    ReloadNotify,
    /// `ExecStop=` runs.
    Stop,
    /// `WatchdogSignal=` was sent.
    StopWatchdog,
    /// `KillSignal=` was sent, or the service said `STOPPING=1`.
    StopSigterm,
    /// `FinalKillSignal=` was sent.
    StopSigkill,
    /// `ExecStopPost=` runs.
    StopPost,
    /// `WatchdogSignal=` was sent to what is left.
    FinalWatchdog,
    /// `KillSignal=` was sent to what is left.
    FinalSigterm,
    /// `FinalKillSignal=` was sent to what is left.
    FinalSigkill,
    /// It does not run, and something went wrong.
    Failed,
    /// It does not run, and its stored descriptors are kept (`FileDescriptorStorePreserve=yes`).
    DeadResourcesPinned,
}

/// How it went: `Result` in
/// [systemd.exec(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html), where it is called
/// `$SERVICE_RESULT`.
///
/// ```
/// use readyup::manager::service::ServiceResult;
///
/// assert_eq!(ServiceResult::ExitCode.to_string(), "exit-code");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceResult {
    /// Well.
    Success,
    /// Something could not be had, such as a process.
    Resources,
    /// It broke the protocol: it ended without `READY=1`.
    Protocol,
    /// Something took too long.
    Timeout,
    /// An exit status that is not 0.
    ExitCode,
    /// Ended by a signal.
    Signal,
    /// Ended by a signal, with a core dump.
    CoreDump,
    /// It missed the watchdog's deadline, or said `WATCHDOG=trigger`.
    Watchdog,
}

impl ActiveState {
    /// systemd's word for it.
    ///
    /// ```
    /// assert_eq!(readyup::manager::service::ActiveState::Deactivating.as_str(), "deactivating");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Deactivating => "deactivating",
            Self::Failed => "failed",
        }
    }
}

impl SubState {
    /// systemd's word for it.
    ///
    /// ```
    /// assert_eq!(readyup::manager::service::SubState::ReloadSignal.as_str(), "reload-signal");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::StartPre => "start-pre",
            Self::Start => "start",
            Self::StartPost => "start-post",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Reload => "reload",
            Self::ReloadSignal => "reload-signal",
            Self::ReloadNotify => "reload-notify",
            Self::Stop => "stop",
            Self::StopWatchdog => "stop-watchdog",
            Self::StopSigterm => "stop-sigterm",
            Self::StopSigkill => "stop-sigkill",
            Self::StopPost => "stop-post",
            Self::FinalWatchdog => "final-watchdog",
            Self::FinalSigterm => "final-sigterm",
            Self::FinalSigkill => "final-sigkill",
            Self::Failed => "failed",
            Self::DeadResourcesPinned => "dead-resources-pinned",
        }
    }

    /// The state that it is a part of.
    ///
    /// ```
    /// use readyup::manager::service::{ActiveState, SubState};
    ///
    /// assert_eq!(SubState::FinalSigkill.active_state(), ActiveState::Deactivating);
    /// ```
    #[must_use]
    pub const fn active_state(self) -> ActiveState {
        match self {
            Self::Dead | Self::DeadResourcesPinned => ActiveState::Inactive,
            Self::StartPre | Self::Start | Self::StartPost => ActiveState::Activating,
            Self::Running | Self::Exited => ActiveState::Active,
            Self::Reload | Self::ReloadSignal | Self::ReloadNotify => ActiveState::Reloading,
            Self::Stop
            | Self::StopWatchdog
            | Self::StopSigterm
            | Self::StopSigkill
            | Self::StopPost
            | Self::FinalWatchdog
            | Self::FinalSigterm
            | Self::FinalSigkill => ActiveState::Deactivating,
            Self::Failed => ActiveState::Failed,
        }
    }

    /// Whether it is over, and may be started.
    pub(super) const fn is_over(self) -> bool {
        matches!(self.active_state(), ActiveState::Inactive | ActiveState::Failed)
    }

    /// Whether the manager's clock for it may go on running in this state.
    pub(super) const fn has_timer(self) -> bool {
        !self.is_over() && !matches!(self, Self::Exited)
    }

    /// Whether a ping that came before is still waited for in this state.
    pub(super) const fn keeps_watchdog(self) -> bool {
        matches!(self, Self::StartPost | Self::Running | Self::Reload | Self::ReloadSignal | Self::ReloadNotify)
    }

    /// Whether there can be a main process.
    pub(super) const fn has_main(self) -> bool {
        !matches!(self, Self::StartPre | Self::Exited) && !self.is_over()
    }

    /// Whether there can be a control process.
    pub(super) const fn has_control(self) -> bool {
        !matches!(self, Self::Running | Self::Exited) && !self.is_over()
    }
}

impl ServiceResult {
    /// systemd's word for it.
    ///
    /// ```
    /// assert_eq!(readyup::manager::service::ServiceResult::CoreDump.as_str(), "core-dump");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Resources => "resources",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Watchdog => "watchdog",
        }
    }
}

impl fmt::Display for ActiveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SubState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ServiceResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
