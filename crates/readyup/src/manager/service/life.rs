//! The life itself: requests, ends of processes, time.

use super::message;
use super::store::Store;
use super::{
    ActiveState, Command, Config, Effect, Exit, FdKey, NamedProcess, Refusal, ServiceResult, ServiceType, SubState,
    Target,
};
use crate::protocol::{Message, NotifyAccess};
use alloc::{string::String, vec::Vec};
use core::mem;
use core::time::Duration;

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
    pub(super) result: ServiceResult,
    pub(super) reload_result: ServiceResult,
    pub(super) main: Option<Main>,
    /// Whether a main process was started, be it that it has ended.
    pub(super) main_known: bool,
    pub(super) control: Option<u32>,
    /// The command that is to be started.
    pub(super) pending: Option<Command>,
    /// The signals that it is to be sent once it is there.
    pub(super) owed: Vec<i32>,
    /// Whether there are other processes of the unit.
    pub(super) others: bool,
    /// Whether somebody waits for it to have started.
    pub(super) starting: bool,
    /// Whether it is to start once it has stopped.
    pub(super) start_again: bool,
    pub(super) said: Said,
    pub(super) status_text: Option<String>,
    pub(super) status_errno: i32,
    pub(super) status_bus_error: Option<String>,
    pub(super) status_varlink_error: Option<String>,
    pub(super) access_override: Option<NotifyAccess>,
    pub(super) watchdog_original: Option<Duration>,
    pub(super) watchdog_override: Option<Option<Duration>>,
    pub(super) timer: Option<Duration>,
    pub(super) watchdog_timer: Option<Duration>,
    pub(super) active_since: Duration,
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
    pub(super) gone: bool,
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
            owed: Vec::new(),
            others: false,
            starting: false,
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

    /// Somebody wants it to run. If it is on its way down, it starts once it has ended, unless that is because it could not be
    /// started: then this is the same wish, and has failed with the other one.
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
            ActiveState::Deactivating => self.start_again |= !self.starting,
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
        for signal in mem::take(&mut self.owed) {
            self.signal(Target::Process(pid), signal);
        }
        self.finish()
    }

    /// The control process has ended well, and this one was started in its place: a unit file may have several lines of
    /// `ExecStartPre=`, say, which are run one after the other. Each may take as long as the state allows.
    ///
    /// To be called instead of [`on_exit`](Self::on_exit), which is for the end of the last line, or of one that fails.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, Service, ServiceType, SubState};
    ///
    /// let mut config = Config::new(ServiceType::Notify);
    /// config.exec_start_pre = true;
    /// let (mut service, now) = (Service::new(config), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_next_line(now, 43);
    /// assert_eq!((service.sub_state(), service.control_pid()), (SubState::StartPre, Some(43)));
    /// service.on_exit(now, 43, Exit::Code(0));
    /// assert_eq!(service.sub_state(), SubState::Start);
    /// ```
    pub fn on_next_line(&mut self, now: Duration, pid: u32) -> Vec<Effect> {
        if self.control.is_some() {
            self.control = Some(pid);
            let stops = self.active_state() == ActiveState::Deactivating;
            self.arm(now, if stops { self.config.timeout_stop } else { self.config.timeout_start });
        } else {
            self.signal(Target::Process(pid), self.config.final_kill_signal);
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
        self.look_for_processes(now);
        self.finish()
    }

    /// A process that is not the manager's child has ended, and its parent was told.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// assert!(service.on_gone(readyup::monotonic_now(), 43).is_empty());
    /// ```
    pub fn on_gone(&mut self, now: Duration, pid: u32) -> Vec<Effect> {
        if let Some(main) = self.main.as_mut().filter(|main| main.pid == pid && main.alien) {
            main.gone = true;
            self.look_for_processes(now);
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
        let fewer = self.others && !others;
        self.others = others;
        if fewer {
            self.look_for_processes(now);
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

    /// Which process a message names as the main process, so that it can be looked up for
    /// [`Notification::named`](super::Notification::named).
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, NamedProcess, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// let message = Message::raw(b"MAINPID=42\nMAINPIDFD=1")?;
    /// assert_eq!(service.named_process(message), Some(NamedProcess::PidFd));
    /// assert_eq!(service.named_process(Message::READY), None);
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn named_process(&self, message: Message<'_>) -> Option<NamedProcess> {
        message::named_process(message, self.config.systemd)
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
            let last = self.state == SubState::DeadResourcesPinned && self.store.fds().is_empty();
            if last && self.config.systemd >= 262 {
                self.state = SubState::Dead;
                self.effects.push(Effect::Changed { from: SubState::DeadResourcesPinned, to: SubState::Dead });
            }
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
}
