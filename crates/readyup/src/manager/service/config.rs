//! What a unit file says about a service.

use super::{Exit, signal};
use crate::protocol::NotifyAccess;
use alloc::vec::Vec;
use core::time::Duration;

/// What the machine is to know of the unit file, and of the manager. Names and defaults are those of
/// [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html) and
/// [systemd.kill(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.kill.html); signals are numbers.
///
/// ```
/// use readyup::manager::service::{Config, ServiceType};
/// use std::time::Duration;
///
/// let mut config = Config::new(ServiceType::NotifyReload);
/// config.watchdog = Some(Duration::from_secs(30));
/// assert_eq!(config.reload_signal, 1); // SIGHUP
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The version of systemd whose rules are gone by, such as 257.
    pub systemd: u32,
    /// `Type=`
    pub service_type: ServiceType,
    /// `NotifyAccess=`. `None` is taken for `Main` where nothing would work otherwise: with the types that notify, with
    /// a watchdog, and with an fd store.
    pub notify_access: NotifyAccess,
    /// `TimeoutStartSec=`, which bounds reloads, too. `None` is `infinity`.
    pub timeout_start: Option<Duration>,
    /// `TimeoutStopSec=`. `None` is `infinity`.
    pub timeout_stop: Option<Duration>,
    /// `TimeoutAbortSec=`: how long it may take to end after `WatchdogSignal=`. Like `timeout_stop` unless told.
    pub timeout_abort: Option<Duration>,
    /// `TimeoutStartFailureMode=`
    pub timeout_start_failure_mode: TimeoutFailureMode,
    /// `TimeoutStopFailureMode=`
    pub timeout_stop_failure_mode: TimeoutFailureMode,
    /// `RuntimeMaxSec=`
    pub runtime_max: Option<Duration>,
    /// `WatchdogSec=`
    pub watchdog: Option<Duration>,
    /// `FileDescriptorStoreMax=`
    pub fd_store_max: usize,
    /// `FileDescriptorStorePreserve=`
    pub fd_store_preserve: FdStorePreserve,
    /// `RemainAfterExit=`
    pub remain_after_exit: bool,
    /// `SuccessExitStatus=`: what is well beside exit status 0 and, for the main process, an end by `SIGHUP`, `SIGINT`,
    /// `SIGTERM` or `SIGPIPE`.
    pub success_exit_status: Vec<Exit>,
    /// `ReloadSignal=`
    pub reload_signal: i32,
    /// `KillMode=`
    pub kill_mode: KillMode,
    /// `KillSignal=`
    pub kill_signal: i32,
    /// `FinalKillSignal=`
    pub final_kill_signal: i32,
    /// `WatchdogSignal=`
    pub watchdog_signal: i32,
    /// `SendSIGHUP=`
    pub send_sighup: bool,
    /// `SendSIGKILL=`
    pub send_sigkill: bool,
    /// Whether there is an `ExecStartPre=`.
    pub exec_start_pre: bool,
    /// Whether there is an `ExecStartPost=`.
    pub exec_start_post: bool,
    /// Whether there is an `ExecReload=`.
    pub exec_reload: bool,
    /// Whether there is an `ExecStop=`.
    pub exec_stop: bool,
    /// Whether there is an `ExecStopPost=`.
    pub exec_stop_post: bool,
}

/// `Type=`: when a service has started.
///
/// ```
/// use readyup::manager::service::ServiceType;
///
/// assert_eq!(ServiceType::NotifyReload.as_str(), "notify-reload");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceType {
    /// Once there is a process.
    Simple,
    /// Once the process has become the program.
    Exec,
    /// Once it says `READY=1`.
    Notify,
    /// The same, and a signal has it reload.
    NotifyReload,
}

/// `KillMode=`: which processes are killed when the service is to end.
///
/// ```
/// use readyup::manager::service::{Config, KillMode, ServiceType};
///
/// assert_eq!(Config::new(ServiceType::Notify).kill_mode, KillMode::ControlGroup);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KillMode {
    /// All.
    ControlGroup,
    /// The main process with `KillSignal=`, all with `FinalKillSignal=`.
    Mixed,
    /// The main process.
    Process,
    /// None.
    None,
}

/// `TimeoutStartFailureMode=`, `TimeoutStopFailureMode=`: what a service is sent that takes too long.
///
/// ```
/// use readyup::manager::service::{Config, ServiceType, TimeoutFailureMode};
///
/// let mut config = Config::new(ServiceType::Notify);
/// config.timeout_start_failure_mode = TimeoutFailureMode::Abort; // to have a core dump of a start that hangs
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutFailureMode {
    /// `KillSignal=`
    Terminate,
    /// `WatchdogSignal=`
    Abort,
    /// `FinalKillSignal=`
    Kill,
}

/// `FileDescriptorStorePreserve=`: how long descriptors are kept.
///
/// ```
/// use readyup::manager::service::{Config, FdStorePreserve, ServiceType};
///
/// assert_eq!(Config::new(ServiceType::Notify).fd_store_preserve, FdStorePreserve::Restart);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FdStorePreserve {
    /// Until the service has ended.
    No,
    /// Over a restart.
    Restart,
    /// Until the unit is forgotten.
    Yes,
}

impl Config {
    /// A service of this type, everything else as where a unit file says nothing.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use std::time::Duration;
    ///
    /// let config = Config::new(ServiceType::Notify);
    /// assert_eq!(config.timeout_start, Some(Duration::from_secs(90)));
    /// assert_eq!(config.watchdog, None);
    /// ```
    #[must_use]
    pub const fn new(service_type: ServiceType) -> Self {
        const DEFAULT_TIMEOUT: Option<Duration> = Some(Duration::from_secs(90));
        Self {
            systemd: Self::NEWEST,
            service_type,
            notify_access: NotifyAccess::None,
            timeout_start: DEFAULT_TIMEOUT,
            timeout_stop: DEFAULT_TIMEOUT,
            timeout_abort: None,
            timeout_start_failure_mode: TimeoutFailureMode::Terminate,
            timeout_stop_failure_mode: TimeoutFailureMode::Terminate,
            runtime_max: None,
            watchdog: None,
            fd_store_max: 0,
            fd_store_preserve: FdStorePreserve::Restart,
            remain_after_exit: false,
            success_exit_status: Vec::new(),
            reload_signal: signal::SIGHUP,
            kill_mode: KillMode::ControlGroup,
            kill_signal: signal::SIGTERM,
            final_kill_signal: signal::SIGKILL,
            watchdog_signal: signal::SIGABRT,
            send_sighup: false,
            send_sigkill: true,
            exec_start_pre: false,
            exec_start_post: false,
            exec_reload: false,
            exec_stop: false,
            exec_stop_post: false,
        }
    }

    /// The newest version of systemd that the machine was compared with.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    ///
    /// assert_eq!(Config::new(ServiceType::Notify).systemd, Config::NEWEST);
    /// ```
    pub const NEWEST: u32 = 262;

    /// `NotifyAccess=` as it holds.
    pub(super) fn effective_access(&self) -> NotifyAccess {
        let needs_one = self.service_type.notifies() || self.watchdog.is_some() || self.fd_store_max > 0;
        if self.notify_access == NotifyAccess::None && needs_one { NotifyAccess::Main } else { self.notify_access }
    }
}

impl ServiceType {
    /// The spelling in a unit file.
    ///
    /// ```
    /// assert_eq!(readyup::manager::service::ServiceType::Exec.as_str(), "exec");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Exec => "exec",
            Self::Notify => "notify",
            Self::NotifyReload => "notify-reload",
        }
    }

    /// Whether it says itself when it is ready.
    pub(super) const fn notifies(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}
