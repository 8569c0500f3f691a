//! The life itself: requests, ends of processes, time.

use super::store::{Store, StoredFd};
use super::{
    ActiveState, Command, Config, Effect, Exit, FdKey, FdStorePreserve, KillMode, Refusal, ServiceResult, ServiceType,
    SubState, Target, TimeoutFailureMode,
};
use crate::protocol::NotifyAccess;
use std::mem;
use std::time::Duration;

/// One service, and what its manager thinks of it. See [the module](super).
///
/// After each call, look at [`deadline`](Self::deadline): it may have moved. Calls come in the order of what they tell;
/// what does not fit the state has no effect.
///
/// ```
/// use readyup::manager::service::{Config, Service, ServiceType, SubState};
///
/// let service = Service::new(Config::new(ServiceType::Notify));
/// assert_eq!(service.sub_state(), SubState::Dead);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub(super) config: Config,
    pub(super) state: SubState,
    result: ServiceResult,
    reload_result: ServiceResult,
    pub(super) main: Option<Main>,
    /// Whether a main process was started, be it that it has ended.
    pub(super) main_known: bool,
    pub(super) control: Option<u32>,
    /// The command that is to be started.
    pending: Option<Command>,
    /// Whether there are other processes of the unit.
    others: bool,
    /// Whether it is to start once it has stopped.
    start_again: bool,
    pub(super) said: Said,
    pub(super) status_text: Option<String>,
    pub(super) status_errno: i32,
    pub(super) status_bus_error: Option<String>,
    pub(super) status_varlink_error: Option<String>,
    pub(super) access_override: Option<NotifyAccess>,
    watchdog_original: Option<Duration>,
    pub(super) watchdog_override: Option<Option<Duration>>,
    timer: Option<Duration>,
    watchdog_timer: Option<Duration>,
    active_since: Duration,
    pub(super) reload_begin: Duration,
    pub(super) handles_reload_signal: bool,
    pub(super) store: Store,
    pub(super) effects: Vec<Effect>,
}

/// The main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Main {
    pub(super) pid: u32,
    /// Whether somebody else is told how it ends.
    pub(super) alien: bool,
    /// Whether an alien has ended.
    gone: bool,
}

/// The last of `READY=1`, `RELOADING=1` and `STOPPING=1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Ready,
    Reloading,
    /// `READY=1` after `RELOADING=1`.
    ReloadReady,
    Stopping,
}

/// Whether a process runs, as far as can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alive {
    Yes,
    No,
    Unknown,
}

/// The first version in which a reload that is not answered is given up, and in which `ExecReload=` comes before the
/// signal.
const RELOADS_IN_STEPS: u32 = 259;

impl Service {
    /// A service that does not run.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceResult, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.result(), ServiceResult::Success);
    /// ```
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        config.notify_access = config.effective_access();
        Self {
            watchdog_original: config.watchdog,
            config,
            state: SubState::Dead,
            result: ServiceResult::Success,
            reload_result: ServiceResult::Success,
            main: None,
            main_known: false,
            control: None,
            pending: None,
            others: false,
            start_again: false,
            said: Said::Nothing,
            status_text: None,
            status_errno: 0,
            status_bus_error: None,
            status_varlink_error: None,
            access_override: None,
            watchdog_override: None,
            timer: None,
            watchdog_timer: None,
            active_since: Duration::ZERO,
            reload_begin: Duration::ZERO,
            handles_reload_signal: true,
            store: Store::default(),
            effects: Vec::new(),
        }
    }

    /// What it was made with.
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.config().notify_access, NotifyAccess::Main); // with `none` nothing would work
    /// ```
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// `ActiveState` in `systemctl show`.
    ///
    /// ```
    /// use readyup::manager::service::{ActiveState, Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.active_state(), ActiveState::Inactive);
    /// ```
    #[must_use]
    pub const fn active_state(&self) -> ActiveState {
        self.state.active_state()
    }

    /// `SubState` in `systemctl show`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType, SubState};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// service.start(readyup::monotonic_now());
    /// assert_eq!(service.sub_state(), SubState::Start);
    /// ```
    #[must_use]
    pub const fn sub_state(&self) -> SubState {
        self.state
    }

    /// `Result` in `systemctl show`: the first thing that went wrong since the start.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, Service, ServiceResult, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_exit(now, 42, Exit::Code(0)); // without READY=1
    /// assert_eq!(service.result(), ServiceResult::Protocol);
    /// ```
    #[must_use]
    pub const fn result(&self) -> ServiceResult {
        self.result
    }

    /// `ReloadResult` in `systemctl show`: how the last reload went.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceResult, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::NotifyReload));
    /// assert_eq!(service.reload_result(), ServiceResult::Success);
    /// ```
    #[must_use]
    pub const fn reload_result(&self) -> ServiceResult {
        self.reload_result
    }

    /// `MainPID` in `systemctl show`, where none is 0.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// assert_eq!(service.main_pid(), Some(42));
    /// ```
    #[must_use]
    pub fn main_pid(&self) -> Option<u32> {
        self.main.map(|main| main.pid)
    }

    /// `ControlPID` in `systemctl show`, where none is 0: the process of an `Exec…=` command.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.control_pid(), None);
    /// ```
    #[must_use]
    pub const fn control_pid(&self) -> Option<u32> {
        self.control
    }

    /// `StatusText` in `systemctl show`: the last `STATUS=`.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Notification, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_message(now, &Notification::new(Message::raw(b"STATUS=Loading")?, 42, 0));
    /// assert_eq!(service.status_text(), Some("Loading"));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn status_text(&self) -> Option<&str> {
        self.status_text.as_deref()
    }

    /// `StatusErrno` in `systemctl show`: the last `ERRNO=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_errno(), 0);
    /// ```
    #[must_use]
    pub const fn status_errno(&self) -> i32 {
        self.status_errno
    }

    /// `StatusBusError` in `systemctl show`: the last `BUSERROR=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_bus_error(), None);
    /// ```
    #[must_use]
    pub fn status_bus_error(&self) -> Option<&str> {
        self.status_bus_error.as_deref()
    }

    /// `StatusVarlinkError` in `systemctl show`: the last `VARLINKERROR=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_varlink_error(), None);
    /// ```
    #[must_use]
    pub fn status_varlink_error(&self) -> Option<&str> {
        self.status_varlink_error.as_deref()
    }

    /// `NotifyAccess` in `systemctl show`: whose messages count by now.
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.notify_access(), NotifyAccess::Main);
    /// ```
    #[must_use]
    pub fn notify_access(&self) -> NotifyAccess {
        self.access_override.unwrap_or(self.config.notify_access)
    }

    /// `WatchdogUSec` in `systemctl show`: how long the service may go without `WATCHDOG=1`, by now.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.watchdog(), None);
    /// ```
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog_override.unwrap_or(self.watchdog_original)
    }

    /// What is in the fd store, the first one first; `NFileDescriptorStore` in `systemctl show` is how many.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert!(service.stored_fds().is_empty());
    /// ```
    #[must_use]
    pub fn stored_fds(&self) -> &[StoredFd] {
        self.store.fds()
    }

    /// When to call [`on_deadline`](Self::on_deadline), unless something else happens before.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    /// use std::time::Duration;
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.deadline(), None);
    /// service.start(Duration::from_secs(1));
    /// assert_eq!(service.deadline(), Some(Duration::from_secs(91)));
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.timer.into_iter().chain(self.watchdog_timer).min()
    }

    /// By when the watchdog wants `WATCHDOG=1`: one of the two times of [`deadline`](Self::deadline).
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Notification, Service, ServiceType};
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new(ServiceType::Notify);
    /// config.watchdog = Some(Duration::from_secs(5));
    /// let (mut service, now) = (Service::new(config), Duration::from_secs(1));
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// assert_eq!(service.watchdog_deadline(), None); // not before READY=1
    /// service.on_message(now, &Notification::new(Message::READY, 42, 0));
    /// assert_eq!(service.watchdog_deadline(), Some(Duration::from_secs(6)));
    /// ```
    #[must_use]
    pub const fn watchdog_deadline(&self) -> Option<Duration> {
        self.watchdog_timer
    }

    /// Somebody wants it to run. If it is on its way down, it starts once it has ended.
    ///
    /// ```
    /// use readyup::manager::service::{Command, Config, Effect, Service, ServiceType};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// let effects = service.start(readyup::monotonic_now());
    /// assert_eq!(effects.last(), Some(&Effect::Run(Command::Start)));
    /// ```
    pub fn start(&mut self, now: Duration) -> Vec<Effect> {
        match self.active_state() {
            ActiveState::Inactive | ActiveState::Failed => self.begin(now),
            ActiveState::Deactivating => self.start_again = true,
            ActiveState::Activating | ActiveState::Active | ActiveState::Reloading => {}
        }
        self.finish()
    }

    /// Somebody wants it to end.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Effect, Service, ServiceType, Target};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// let effects = service.stop(now);
    /// assert_eq!(effects[0], Effect::Signal { target: Target::Process(42), signal: 15 });
    /// ```
    pub fn stop(&mut self, now: Duration) -> Vec<Effect> {
        self.start_again = false;
        self.request_stop(now);
        self.finish()
    }

    /// Somebody wants it to end and to start again. What is in the fd store stays there, unless it is set otherwise.
    ///
    /// ```
    /// use readyup::manager::service::{Command, Config, Effect, Exit, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.restart(now);
    /// let effects = service.on_exit(now, 42, Exit::Code(0));
    /// assert_eq!(effects.last(), Some(&Effect::Run(Command::Start)));
    /// ```
    pub fn restart(&mut self, now: Duration) -> Vec<Effect> {
        if self.state.is_over() {
            self.begin(now);
        } else {
            self.start_again = true;
            self.request_stop(now);
        }
        self.finish()
    }

    /// Somebody wants it to take over a new configuration: by `ExecReload=`, and with `Type=notify-reload` by a signal.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Effect, Notification, Service, ServiceType, Target};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::NotifyReload)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_message(now, &Notification::new(Message::READY, 42, 0));
    /// assert!(service.reload(now).contains(&Effect::Signal { target: Target::Process(42), signal: 1 }));
    /// ```
    pub fn reload(&mut self, now: Duration) -> Vec<Effect> {
        let can = self.config.exec_reload || self.reloads_by_signal();
        if can && matches!(self.state, SubState::Running | SubState::Exited) {
            self.enter_reload(now);
        } else {
            self.refuse(Refusal::State { request: "reload", state: self.state });
        }
        self.finish()
    }

    /// The command that an [`Effect::Run`] told to start has this process id.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType, SubState};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Simple)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// assert_eq!(service.sub_state(), SubState::Running);
    /// ```
    pub fn on_spawned(&mut self, now: Duration, pid: u32) -> Vec<Effect> {
        match self.pending.take() {
            Some(Command::Start) => {
                self.main = Some(Main { pid, alien: false, gone: false });
                self.main_known = true;
                if self.config.service_type == ServiceType::Simple {
                    self.enter_start_post(now);
                }
            }
            Some(_) => self.control = Some(pid),
            None => self.signal(Target::Process(pid), self.config.final_kill_signal),
        }
        self.finish()
    }

    /// The command that an [`Effect::Run`] told to start could not be: there are no resources for a process.
    ///
    /// (A program that is not there is something else: systemd has a process by then, which ends with status 203.)
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceResult, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawn_failed(now);
    /// assert_eq!(service.result(), ServiceResult::Resources);
    /// ```
    pub fn on_spawn_failed(&mut self, now: Duration) -> Vec<Effect> {
        match self.pending.take() {
            Some(Command::StartPre) => self.enter_dead(now, ServiceResult::Resources),
            Some(Command::Start | Command::Stop) => {
                self.enter_signal(now, SubState::StopSigterm, ServiceResult::Resources);
            }
            Some(Command::StartPost) => self.enter_stop(now, ServiceResult::Resources),
            Some(Command::Reload) => self.finish_reload(now, ServiceResult::Resources),
            Some(Command::StopPost) => self.enter_signal(now, SubState::FinalSigterm, ServiceResult::Resources),
            None => {}
        }
        self.finish()
    }

    /// The main process has become the program: with `Type=exec`, that is when it has started.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType, SubState};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Exec)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_exec(now);
    /// assert_eq!(service.sub_state(), SubState::Running);
    /// ```
    pub fn on_exec(&mut self, now: Duration) -> Vec<Effect> {
        if self.config.service_type == ServiceType::Exec && self.state == SubState::Start && self.main.is_some() {
            self.enter_start_post(now);
        }
        self.finish()
    }

    /// A child of the manager's has ended: the main process, a control process, or any other.
    ///
    /// If others are left in the unit, or none are any more, say so first with [`set_others`](Self::set_others).
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, Service, ServiceResult, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_exit(now, 42, Exit::Code(1));
    /// assert_eq!(service.result(), ServiceResult::ExitCode);
    /// ```
    pub fn on_exit(&mut self, now: Duration, pid: u32, exit: Exit) -> Vec<Effect> {
        if self.main_pid() == Some(pid) {
            self.on_main_exit(now, self.judge(exit, true));
        } else if self.control == Some(pid) {
            self.on_control_exit(now, self.judge(exit, false));
        }
        self.finish()
    }

    /// A process that is not the manager's child has ended, and its parent was told.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// assert!(service.on_gone(43).is_empty());
    /// ```
    pub fn on_gone(&mut self, pid: u32) -> Vec<Effect> {
        if let Some(main) = &mut self.main
            && main.pid == pid
            && main.alien
        {
            main.gone = true;
        }
        self.finish()
    }

    /// Whether there are processes of the unit beside the main and the control process.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Exit, Notification, Service, ServiceType, SubState};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_message(now, &Notification::new(Message::READY, 42, 0));
    /// service.set_others(now, true);
    /// service.on_exit(now, 42, Exit::Code(0));
    /// assert_eq!(service.sub_state(), SubState::StopSigterm); // until its children have ended
    /// service.set_others(now, false);
    /// assert_eq!(service.sub_state(), SubState::Dead);
    /// ```
    pub fn set_others(&mut self, now: Duration, others: bool) -> Vec<Effect> {
        let empty = self.others && !others && self.pending.is_none();
        self.others = others;
        if empty && self.main_alive() != Alive::Yes && self.control.is_none() {
            self.on_empty(now);
        }
        self.finish()
    }

    /// Whether the main process handles the reload signal, which systemd from 262 on looks at when `READY=1` comes:
    /// `SigCgt` in `/proc/PID/status`. It is taken to, unless told.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Notification, Service, ServiceResult, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::NotifyReload)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.set_handles_reload_signal(false);
    /// service.on_message(now, &Notification::new(Message::READY, 42, 0));
    /// assert_eq!(service.result(), ServiceResult::Protocol);
    /// ```
    pub const fn set_handles_reload_signal(&mut self, handles: bool) {
        self.handles_reload_signal = handles;
    }

    /// A stored descriptor has hung up.
    ///
    /// ```
    /// use readyup::manager::service::{Config, FdKey, Service, ServiceType};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// assert!(service.on_hang_up(FdKey(1)).is_empty()); // it is not stored
    /// ```
    pub fn on_hang_up(&mut self, fd: FdKey) -> Vec<Effect> {
        if self.store.hang_up(fd) {
            self.effects.push(Effect::CloseFd(fd));
            self.unpin();
        }
        self.finish()
    }

    /// Time has passed. Nothing happens before [`deadline`](Self::deadline).
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceResult, ServiceType, SubState};
    /// use std::time::Duration;
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// service.start(Duration::from_secs(1));
    /// service.on_spawned(Duration::from_secs(1), 42);
    /// service.on_deadline(Duration::from_secs(91));
    /// assert_eq!((service.sub_state(), service.result()), (SubState::StopSigterm, ServiceResult::Timeout));
    /// ```
    pub fn on_deadline(&mut self, now: Duration) -> Vec<Effect> {
        if self.timer.is_some_and(|at| at <= now) {
            self.timer = None;
            self.on_timer(now);
        }
        // Second, as everything else that might be a sign of life counts before the watchdog bites.
        if self.watchdog_timer.is_some_and(|at| at <= now) {
            self.watchdog_timer = None;
            self.enter_signal(now, SubState::StopWatchdog, ServiceResult::Watchdog);
        }
        self.finish()
    }

    pub(super) fn finish(&mut self) -> Vec<Effect> {
        mem::take(&mut self.effects)
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.effects.push(Effect::Refused(refusal));
    }

    fn signal(&mut self, target: Target, signal: i32) {
        self.effects.push(Effect::Signal { target, signal });
    }

    fn run(&mut self, command: Command) {
        self.pending = Some(command);
        self.effects.push(Effect::Run(command));
    }

    pub(super) fn reloads_by_signal(&self) -> bool {
        self.config.service_type == ServiceType::NotifyReload
    }

    /// The state that a service is in that reloads because it said so.
    const fn notified_reload(&self) -> SubState {
        if self.config.systemd < 253 { SubState::Reload } else { SubState::ReloadNotify }
    }

    /// What counts is what went wrong first.
    fn note(&mut self, result: ServiceResult) {
        if self.result == ServiceResult::Success {
            self.result = result;
        }
    }

    fn arm(&mut self, now: Duration, limit: Option<Duration>) {
        self.timer = limit.map(|limit| now.saturating_add(limit));
    }

    /// The watchdog runs anew, if there is one.
    pub(super) fn reset_watchdog(&mut self, now: Duration) {
        self.watchdog_timer = self.watchdog().map(|period| now.saturating_add(period));
    }

    /// Whatever runs out before `end` runs out then.
    pub(super) fn extend(&mut self, end: Duration) {
        for timer in [&mut self.timer, &mut self.watchdog_timer] {
            *timer = timer.map(|at| at.max(end));
        }
    }

    fn main_alive(&self) -> Alive {
        match self.main {
            _ if self.pending == Some(Command::Start) => Alive::Yes,
            Some(main) if main.alien && main.gone => Alive::No,
            Some(_) => Alive::Yes,
            None if self.main_known => Alive::No,
            None => Alive::Unknown,
        }
    }

    fn control_alive(&self) -> bool {
        self.control.is_some() || self.pending.is_some_and(|command| command != Command::Start)
    }

    /// Another process is the main process from now on.
    pub(super) fn set_main(&mut self, pid: u32, own_child: bool) {
        if self.main.is_some_and(|main| !main.gone) {
            self.others = true;
        }
        self.main = Some(Main { pid, alien: !own_child, gone: false });
        self.main_known = true;
    }

    pub(super) fn set_state(&mut self, now: Duration, state: SubState) {
        let before = self.state;
        self.state = state;
        if !state.has_timer() {
            self.timer = None;
        }
        if !state.keeps_watchdog() {
            self.watchdog_timer = None;
        }
        if !state.has_main() {
            self.main = None;
        }
        if !state.has_control() {
            self.control = None;
        }
        let up = |state: SubState| matches!(state.active_state(), ActiveState::Active | ActiveState::Reloading);
        if up(state) && !up(before) {
            self.active_since = now;
        }
        if before != state {
            self.effects.push(Effect::Changed { from: before, to: state });
        }
    }

    fn begin(&mut self, now: Duration) {
        self.start_again = false;
        self.result = ServiceResult::Success;
        self.reload_result = ServiceResult::Success;
        self.main_known = false;
        self.said = Said::Nothing;
        self.status_text = None;
        self.status_errno = 0;
        self.status_bus_error = None;
        self.status_varlink_error = None;
        self.access_override = None;
        self.watchdog_original = self.config.watchdog;
        self.watchdog_override = None;
        if self.config.exec_start_pre {
            self.run_control(now, Command::StartPre, SubState::StartPre, self.config.timeout_start);
        } else {
            self.enter_start(now);
        }
    }

    fn run_control(&mut self, now: Duration, command: Command, state: SubState, limit: Option<Duration>) {
        self.arm(now, limit);
        self.set_state(now, state);
        self.run(command);
    }

    fn enter_start(&mut self, now: Duration) {
        self.main = None;
        self.control = None;
        self.arm(now, if self.config.service_type == ServiceType::Simple { None } else { self.config.timeout_start });
        self.set_state(now, SubState::Start);
        self.run(Command::Start);
    }

    pub(super) fn enter_start_post(&mut self, now: Duration) {
        self.control = None;
        self.reset_watchdog(now);
        if self.config.exec_start_post {
            self.run_control(now, Command::StartPost, SubState::StartPost, self.config.timeout_start);
        } else {
            self.enter_running(now, ServiceResult::Success);
        }
    }

    pub(super) fn enter_running(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.control = None;
        if self.result != ServiceResult::Success {
            self.enter_signal(now, SubState::StopSigterm, result);
        } else if self.main_alive() == Alive::Yes || (self.main_alive() == Alive::Unknown && self.others) {
            match self.said {
                Said::Reloading => self.enter_reload_by_notify(now),
                Said::Stopping => self.enter_stop_by_notify(now),
                Said::Nothing | Said::Ready | Said::ReloadReady => {
                    self.set_state(now, SubState::Running);
                    self.arm(self.active_since, self.config.runtime_max);
                }
            }
        } else if self.config.remain_after_exit {
            self.set_state(now, SubState::Exited);
        } else {
            self.enter_stop(now, ServiceResult::Success);
        }
    }

    pub(super) fn enter_reload_by_notify(&mut self, now: Duration) {
        self.arm(now, self.config.timeout_start);
        self.set_state(now, self.notified_reload());
    }

    pub(super) fn enter_stop_by_notify(&mut self, now: Duration) {
        self.arm(now, self.config.timeout_stop);
        self.set_state(now, SubState::StopSigterm);
    }

    fn enter_reload(&mut self, now: Duration) {
        self.control = None;
        self.reload_result = ServiceResult::Success;
        self.reload_begin = now;
        if self.config.systemd >= RELOADS_IN_STEPS {
            if matches!(self.said, Said::Reloading | Said::ReloadReady) {
                self.said = Said::Nothing;
            }
            if self.config.exec_reload {
                self.run_control(now, Command::Reload, SubState::Reload, self.config.timeout_start);
            } else {
                self.enter_reload_signal(now);
            }
            return;
        }
        let signalled = self.send_reload_signal();
        if self.config.exec_reload {
            self.run_control(now, Command::Reload, SubState::Reload, self.config.timeout_start);
        } else if signalled {
            self.arm(now, self.config.timeout_start);
            self.set_state(now, SubState::ReloadSignal);
        } else {
            self.enter_running(now, ServiceResult::Success);
        }
    }

    fn send_reload_signal(&mut self) -> bool {
        match self.main {
            Some(main) if self.reloads_by_signal() => {
                self.signal(Target::Process(main.pid), self.config.reload_signal);
                true
            }
            _ => false,
        }
    }

    fn enter_reload_signal(&mut self, now: Duration) {
        if self.state == SubState::Reload && self.reloads_by_signal() {
            match self.said {
                Said::Reloading => return self.set_state(now, SubState::ReloadNotify),
                Said::ReloadReady => return self.finish_reload(now, ServiceResult::Success),
                Said::Nothing | Said::Ready | Said::Stopping => {}
            }
        }
        if self.send_reload_signal() {
            self.arm(now, self.config.timeout_start);
            self.set_state(now, SubState::ReloadSignal);
        } else {
            self.finish_reload(now, ServiceResult::Success);
        }
    }

    pub(super) fn finish_reload(&mut self, now: Duration, result: ServiceResult) {
        if self.config.systemd >= RELOADS_IN_STEPS {
            self.reload_result = result;
            // Or the reload would begin anew, as that is what was said last.
            if self.said == Said::Reloading {
                self.said = Said::Nothing;
            }
        } else if result != ServiceResult::Success {
            self.reload_result = result;
        }
        self.enter_running(now, ServiceResult::Success);
    }

    fn request_stop(&mut self, now: Duration) {
        match self.state {
            SubState::Running | SubState::Exited => self.enter_stop(now, ServiceResult::Success),
            SubState::StartPre
            | SubState::Start
            | SubState::StartPost
            | SubState::Reload
            | SubState::ReloadSignal
            | SubState::ReloadNotify
            | SubState::StopWatchdog => self.enter_signal(now, SubState::StopSigterm, ServiceResult::Success),
            SubState::Dead
            | SubState::Failed
            | SubState::DeadResourcesPinned
            | SubState::Stop
            | SubState::StopSigterm
            | SubState::StopSigkill
            | SubState::StopPost
            | SubState::FinalWatchdog
            | SubState::FinalSigterm
            | SubState::FinalSigkill => {}
        }
    }

    fn enter_stop(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.control = None;
        if self.config.exec_stop {
            self.run_control(now, Command::Stop, SubState::Stop, self.config.timeout_stop);
        } else {
            self.enter_signal(now, SubState::StopSigterm, ServiceResult::Success);
        }
    }

    fn enter_stop_post(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.control = None;
        if self.config.exec_stop_post {
            self.run_control(now, Command::StopPost, SubState::StopPost, self.config.timeout_stop);
        } else {
            self.enter_signal(now, SubState::FinalSigterm, ServiceResult::Success);
        }
    }

    /// Sends the state's signal. Where there is nobody to be waited for, the next state comes at once.
    pub(super) fn enter_signal(&mut self, now: Duration, state: SubState, result: ServiceResult) {
        self.note(result);
        let (signal, limit) = match state {
            SubState::StopWatchdog | SubState::FinalWatchdog => {
                (self.config.watchdog_signal, self.config.timeout_abort.or(self.config.timeout_stop))
            }
            SubState::StopSigkill | SubState::FinalSigkill => (self.config.final_kill_signal, self.config.timeout_stop),
            _ => (self.config.kill_signal, self.config.timeout_stop),
        };
        if self.kill(state, signal) {
            self.arm(now, limit);
            return self.set_state(now, state);
        }
        match state {
            SubState::StopWatchdog | SubState::StopSigterm if self.config.send_sigkill => {
                self.enter_signal(now, SubState::StopSigkill, ServiceResult::Success);
            }
            SubState::StopWatchdog | SubState::StopSigterm | SubState::StopSigkill => {
                self.enter_stop_post(now, ServiceResult::Success);
            }
            SubState::FinalWatchdog | SubState::FinalSigterm if self.config.send_sigkill => {
                self.enter_signal(now, SubState::FinalSigkill, ServiceResult::Success);
            }
            _ => self.enter_dead(now, ServiceResult::Success),
        }
    }

    /// Whether there is anybody left to be waited for.
    fn kill(&mut self, state: SubState, signal: i32) -> bool {
        let killing = matches!(state, SubState::StopSigkill | SubState::FinalSigkill);
        let terminating = matches!(state, SubState::StopSigterm | SubState::FinalSigterm);
        if self.config.kill_mode == KillMode::None {
            return false;
        }
        let all = match self.config.kill_mode {
            KillMode::ControlGroup => true,
            KillMode::Mixed => killing,
            KillMode::Process | KillMode::None => false,
        };
        let processes = [self.main.map(|main| main.pid), self.control].map(|pid| pid.map(Target::Process));
        let others = (all && self.others).then_some(Target::Others);
        for target in processes.into_iter().flatten().chain(others) {
            self.signal(target, signal);
            if self.config.send_sighup && terminating && signal != libc::SIGHUP {
                self.signal(target, libc::SIGHUP);
            }
        }
        let waits_for_main = match self.main {
            Some(main) => !main.alien,
            None => self.pending == Some(Command::Start),
        };
        waits_for_main || self.control_alive() || others.is_some()
    }

    fn enter_dead(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.pending = None;
        let pinned = self.config.fd_store_preserve == FdStorePreserve::Yes && !self.store.fds().is_empty();
        let state = match self.result {
            ServiceResult::Success if pinned => SubState::DeadResourcesPinned,
            ServiceResult::Success => SubState::Dead,
            _ => SubState::Failed,
        };
        self.set_state(now, state);
        self.access_override = None;
        if self.config.systemd >= RELOADS_IN_STEPS {
            self.said = Said::Nothing;
        }
        let release = match self.config.fd_store_preserve {
            FdStorePreserve::No => true,
            FdStorePreserve::Restart => !self.start_again,
            FdStorePreserve::Yes => false,
        };
        if release {
            self.effects.extend(self.store.clear().into_iter().map(Effect::CloseFd));
        }
        if self.start_again {
            self.begin(now);
        }
    }

    /// Nothing is kept any more for which the state says that something is.
    pub(super) fn unpin(&mut self) {
        if self.state == SubState::DeadResourcesPinned && self.store.fds().is_empty() {
            self.state = SubState::Dead;
            self.effects.push(Effect::Changed { from: SubState::DeadResourcesPinned, to: SubState::Dead });
        }
    }

    /// How the end of a process is to be taken.
    fn judge(&self, exit: Exit, main: bool) -> ServiceResult {
        const CLEAN: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGPIPE];
        if self.config.success_exit_status.contains(&exit) {
            return ServiceResult::Success;
        }
        match exit {
            Exit::Code(0) => ServiceResult::Success,
            Exit::Code(_) => ServiceResult::ExitCode,
            Exit::Signal(signal) if main && CLEAN.contains(&signal) => ServiceResult::Success,
            Exit::Signal(_) => ServiceResult::Signal,
            Exit::CoreDump(_) => ServiceResult::CoreDump,
        }
    }

    fn on_main_exit(&mut self, now: Duration, result: ServiceResult) {
        self.main = None;
        self.note(result);
        match self.state {
            SubState::StartPost | SubState::Reload | SubState::ReloadSignal | SubState::ReloadNotify => {
                if !self.control_alive() {
                    self.enter_stop(now, result);
                }
            }
            SubState::Start if self.config.service_type.notifies() => {
                if result != ServiceResult::Success {
                    self.enter_signal(now, SubState::StopSigterm, result);
                } else if !self.config.remain_after_exit || self.notify_access() == NotifyAccess::Main {
                    // It has never been active, and nobody is left to say that it is.
                    self.enter_signal(now, SubState::StopSigterm, ServiceResult::Protocol);
                }
            }
            SubState::Start | SubState::Running => self.enter_running(now, result),
            SubState::StopWatchdog | SubState::StopSigterm | SubState::StopSigkill => {
                if !self.control_alive() {
                    self.enter_stop_post(now, result);
                }
            }
            SubState::StopPost => {
                if !self.control_alive() {
                    self.enter_signal(now, SubState::FinalSigterm, result);
                }
            }
            SubState::FinalWatchdog | SubState::FinalSigterm | SubState::FinalSigkill => {
                if !self.control_alive() {
                    self.enter_dead(now, result);
                }
            }
            SubState::Stop
            | SubState::StartPre
            | SubState::Exited
            | SubState::Dead
            | SubState::Failed
            | SubState::DeadResourcesPinned => {}
        }
    }

    fn on_control_exit(&mut self, now: Duration, result: ServiceResult) {
        self.control = None;
        if self.state != SubState::Reload {
            self.note(result);
        }
        let main_is_over = self.main_alive() != Alive::Yes;
        match self.state {
            SubState::StartPre if result == ServiceResult::Success => self.enter_start(now),
            SubState::StartPost if result == ServiceResult::Success => self.enter_running(now, ServiceResult::Success),
            SubState::StartPre | SubState::StartPost | SubState::Stop => {
                self.enter_signal(now, SubState::StopSigterm, result);
            }
            SubState::Reload if self.config.systemd >= RELOADS_IN_STEPS => {
                if result == ServiceResult::Success {
                    self.enter_reload_signal(now);
                } else {
                    self.finish_reload(now, result);
                }
            }
            SubState::Reload | SubState::ReloadSignal | SubState::ReloadNotify => {
                self.reload_result = result;
                if self.said == Said::Reloading && self.config.systemd >= 253 {
                    self.set_state(now, SubState::ReloadNotify);
                } else {
                    self.enter_running(now, ServiceResult::Success);
                }
            }
            SubState::StopWatchdog | SubState::StopSigterm | SubState::StopSigkill if main_is_over => {
                self.enter_stop_post(now, result);
            }
            SubState::StopPost if main_is_over => self.enter_signal(now, SubState::FinalSigterm, result),
            SubState::FinalWatchdog | SubState::FinalSigterm | SubState::FinalSigkill if main_is_over => {
                self.enter_dead(now, result);
            }
            _ => {}
        }
    }

    /// The unit's cgroup is empty. For most states the end of the process that is waited for tells more.
    fn on_empty(&mut self, now: Duration) {
        match self.state {
            SubState::Start if self.config.service_type.notifies() && self.main_alive() == Alive::No => {
                self.enter_stop_post(now, ServiceResult::Protocol);
            }
            SubState::Running => self.enter_running(now, ServiceResult::Success),
            SubState::StopWatchdog | SubState::StopSigterm | SubState::StopSigkill => {
                self.enter_stop_post(now, ServiceResult::Success);
            }
            SubState::StopPost | SubState::FinalWatchdog | SubState::FinalSigterm | SubState::FinalSigkill => {
                self.enter_dead(now, ServiceResult::Success);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, now: Duration) {
        const RESULT: ServiceResult = ServiceResult::Timeout;
        let aborts = self.config.timeout_stop_failure_mode == TimeoutFailureMode::Abort;
        match self.state {
            SubState::StartPre | SubState::Start | SubState::StartPost => {
                self.time_out(now, self.config.timeout_start_failure_mode);
            }
            SubState::Stop => self.time_out(now, self.config.timeout_stop_failure_mode),
            SubState::Running => self.enter_stop(now, RESULT),
            SubState::Reload | SubState::ReloadSignal | SubState::ReloadNotify => {
                if let Some(pid) = self.control {
                    self.signal(Target::Process(pid), libc::SIGKILL);
                }
                self.finish_reload(now, RESULT);
            }
            SubState::StopSigterm if aborts => self.enter_signal(now, SubState::StopWatchdog, RESULT),
            SubState::StopSigterm | SubState::StopWatchdog if self.config.send_sigkill => {
                self.enter_signal(now, SubState::StopSigkill, RESULT);
            }
            SubState::StopSigterm | SubState::StopWatchdog | SubState::StopSigkill => {
                self.enter_stop_post(now, RESULT);
            }
            SubState::StopPost => match self.config.timeout_stop_failure_mode {
                TimeoutFailureMode::Terminate => self.enter_signal(now, SubState::FinalSigterm, RESULT),
                TimeoutFailureMode::Abort => self.enter_signal(now, SubState::FinalWatchdog, RESULT),
                TimeoutFailureMode::Kill if self.config.send_sigkill => {
                    self.enter_signal(now, SubState::FinalSigkill, RESULT);
                }
                TimeoutFailureMode::Kill => self.enter_dead(now, RESULT),
            },
            SubState::FinalSigterm if aborts => self.enter_signal(now, SubState::FinalWatchdog, RESULT),
            SubState::FinalSigterm | SubState::FinalWatchdog if self.config.send_sigkill => {
                self.enter_signal(now, SubState::FinalSigkill, RESULT);
            }
            SubState::FinalSigterm | SubState::FinalWatchdog | SubState::FinalSigkill => self.enter_dead(now, RESULT),
            SubState::Exited | SubState::Dead | SubState::Failed | SubState::DeadResourcesPinned => {}
        }
    }

    /// What was to be done before it is killed has taken too long.
    fn time_out(&mut self, now: Duration, mode: TimeoutFailureMode) {
        const RESULT: ServiceResult = ServiceResult::Timeout;
        match mode {
            TimeoutFailureMode::Terminate => self.enter_signal(now, SubState::StopSigterm, RESULT),
            TimeoutFailureMode::Abort => self.enter_signal(now, SubState::StopWatchdog, RESULT),
            TimeoutFailureMode::Kill if self.config.send_sigkill => {
                self.enter_signal(now, SubState::StopSigkill, RESULT);
            }
            TimeoutFailureMode::Kill => self.enter_stop_post(now, RESULT),
        }
    }
}
