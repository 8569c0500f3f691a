//! The service under test, as its manager knows it: the machine, and what the machine wants done.

use super::heard::{Heard, Ignored, IgnoredReason};
use super::program::Started;
use super::timeline::{self, Timeline};
use super::watcher::Watcher;
use super::{processes, program};
use crate::manager::service::{
    ActiveState, Config, Effect, Exit, FdKey, Refusal, Service, ServiceResult, ServiceType, Target,
};
use crate::protocol::{Address, NotifyAccess};
use crate::{monotonic_now, sys};
use rustix::fd::{AsFd as _, OwnedFd};
use std::collections::HashMap;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) life: Service,
    /// Whether the main process is this one: it is sent nothing, and its end is for the test to say.
    pub(super) is_own: bool,
    /// What its processes have in their environment, and those of no other service.
    marks: Vec<String>,
    origin: Duration,
    pub(super) timeline: Timeline,
    pub(super) heard: Vec<Heard>,
    /// Up to where messages were expected.
    pub(super) cursor: usize,
    pub(super) ignored: Vec<Ignored>,
    pub(super) signals: Vec<i32>,
    pub(super) stored: HashMap<FdKey, Arc<OwnedFd>>,
    pub(super) next_key: u64,
    /// The process that was started, until it was waited for.
    pub(super) child: Option<Started>,
    pub(super) exit: Option<Exit>,
    /// A main process that is somebody else's child.
    pub(super) alien: Option<Alien>,
    /// The service's other processes at the last look.
    others: Vec<(u32, Arc<OwnedFd>)>,
    /// The process that was started. Its session is looked through until there is nobody in it, as the number may be
    /// another's then.
    leader: Option<u32>,
    /// Kills the leader's group if nobody else can. There may be no shell for it.
    watcher: Option<Watcher>,
    pub(super) was_up: bool,
    pub(super) reload: Reload,
    pub(super) stop_asked: Option<Duration>,
    pub(super) over_at: Option<Duration>,
    pub(super) is_closing: bool,
}

/// A main process that is not our child.
#[derive(Debug)]
pub(super) struct Alien {
    pub(super) pid: u32,
    pub(super) pidfd: Arc<OwnedFd>,
    /// Whether it is the service's own. Another is sent nothing, whatever the service says of it.
    of_service: bool,
}

/// The reload that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    None,
    Asked,
    /// The service has broken a rule. The manager goes on waiting.
    Broken(String),
    Over(Result<(), String>),
}

/// A descriptor at which something is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// The end of the process that was started.
    Child,
    /// The end of a main process that is somebody else's child.
    Alien,
    /// The end of one of the others.
    Other,
    /// A stored descriptor hangs up.
    Stored(FdKey),
}

impl Unit {
    pub(super) fn new(config: Config, is_own: bool) -> Self {
        Self {
            life: Service::new(config),
            is_own,
            marks: Vec::new(),
            origin: monotonic_now(),
            timeline: Timeline::default(),
            heard: Vec::new(),
            cursor: 0,
            ignored: Vec::new(),
            signals: Vec::new(),
            stored: HashMap::new(),
            next_key: 0,
            child: None,
            exit: None,
            alien: None,
            others: Vec::new(),
            leader: None,
            watcher: None,
            was_up: false,
            reload: Reload::None,
            stop_asked: None,
            over_at: None,
            is_closing: false,
        }
    }

    pub(super) fn start(&mut self, command: Option<Command>, notify_socket: &Address) -> io::Result<()> {
        let effects = self.life.start(monotonic_now());
        self.carry_out(effects);
        let pid = match command {
            Some(command) => {
                let name = timeline::command_line(&command);
                let invocation = program::invocation()?;
                // Where nobody is believed, nobody is told where to send to.
                let heard_at = (self.life.notify_access() != NotifyAccess::None).then_some(notify_socket);
                let started = program::start(command, heard_at, &invocation, self.life.config())?;
                self.marks = vec![format!("NOTIFY_SOCKET={notify_socket}"), format!("INVOCATION_ID={invocation}")];
                let pid = started.pid;
                (self.child, self.leader, self.watcher) = (Some(started), Some(pid), Watcher::new(pid).ok());
                self.record(format!("process {pid} started: {name}"));
                pid
            }
            None => {
                let pid = std::process::id();
                self.record(format!("the main process is the test's own, {pid}"));
                pid
            }
        };
        let now = monotonic_now();
        let mut effects = self.life.on_spawned(now, pid);
        effects.extend(self.life.on_exec(now));
        self.carry_out(effects);
        Ok(())
    }

    pub(super) fn is_over(&self) -> bool {
        self.over_at.is_some()
    }

    pub(super) fn at(&self, now: Duration) -> Duration {
        now.saturating_sub(self.origin)
    }

    pub(super) fn record(&mut self, text: String) {
        self.timeline.push(self.at(monotonic_now()), text);
    }

    pub(super) fn ignore(&mut self, sender: Option<u32>, text: &str, reason: IgnoredReason) {
        self.record(format!("! {reason}"));
        let at = self.at(monotonic_now());
        self.ignored.push(Ignored { at, sender, text: text.to_owned(), reason });
    }

    pub(super) fn begin_reload(&mut self) -> Result<(), String> {
        if self.life.config().service_type != ServiceType::NotifyReload {
            return Err("only ServiceType::NotifyReload has a signal for it".to_owned());
        }
        self.record("a reload is asked for".to_owned());
        self.reload = Reload::Asked;
        let effects = self.life.reload(monotonic_now());
        let refusal = effects.iter().find_map(|effect| match effect {
            Effect::Refused(refusal) => Some(refusal.to_string()),
            _ => None,
        });
        self.carry_out(effects);
        match refusal {
            Some(refusal) => {
                self.reload = Reload::None;
                Err(refusal)
            }
            None => Ok(()),
        }
    }

    pub(super) fn begin_stop(&mut self) {
        if self.stop_asked.is_none() && !self.is_over() {
            self.record("the end is asked for".to_owned());
            let now = monotonic_now();
            self.stop_asked = Some(now);
            self.count_others(now);
            let effects = self.life.stop(now);
            self.carry_out(effects);
        }
    }

    /// The code that runs in this process has come to its end, as a process would by returning from its main function.
    pub(super) fn end_own(&mut self) {
        let effects = self.life.on_exit(monotonic_now(), std::process::id(), Exit::Code(0));
        self.carry_out(effects);
    }

    pub(super) fn on_deadline(&mut self) {
        let now = monotonic_now();
        if self.life.deadline().is_some_and(|at| at <= now) {
            if self.life.watchdog_deadline().is_some_and(|at| at <= now) {
                self.record("no WATCHDOG=1 for as long as the watchdog waits".to_owned());
            } else {
                self.record("the time is up".to_owned());
            }
            self.count_others(now);
            let effects = self.life.on_deadline(now);
            self.carry_out(effects);
        }
    }

    /// Something has happened at a descriptor. What was said before was heard.
    pub(super) fn on_event(&mut self, watched: Watched) {
        let now = monotonic_now();
        match watched {
            Watched::Child => self.on_child_end(now),
            Watched::Alien => {
                if let Some(Alien { pid, .. }) = self.alien.take() {
                    self.record(format!("process {pid} has ended"));
                    self.count_others(now);
                    let effects = self.life.on_gone(now, pid);
                    self.carry_out(effects);
                }
            }
            Watched::Other => self.count_others(now),
            Watched::Stored(key) => {
                let effects = self.life.on_hang_up(key);
                self.carry_out(effects);
            }
        }
    }

    fn on_child_end(&mut self, now: Duration) {
        // Before it is waited for, nobody else can have its number.
        self.count_others(now);
        let Some(started) = &mut self.child else { return };
        let pid = started.pid;
        let exit = match started.child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => {
                let exit = status.into();
                self.record(format!("process {pid} {}", timeline::ending(exit)));
                exit
            }
            // Whatever it was, it was not seen to be well.
            Err(error) => {
                self.record(format!("process {pid} has ended, and nobody knows how: {error}"));
                Exit::Code(255)
            }
        };
        self.child = None;
        if self.life.main_pid() == Some(pid) {
            self.exit = Some(exit);
        }
        let effects = self.life.on_exit(now, pid, exit);
        self.carry_out(effects);
        self.count_others(now);
    }

    /// Finds out which processes there are beside the main process.
    pub(super) fn count_others(&mut self, now: Duration) {
        let Some(leader) = self.leader else { return };
        let main = self.life.main_pid();
        let child = self.child.as_ref().map(|started| started.pid);
        let found = processes::of_service(leader, &self.marks).into_iter();
        // One that cannot be opened has ended meanwhile.
        let open = |pid| Some((pid, Arc::new(program::open(pid).ok()?)));
        self.others = found.filter(|pid| Some(*pid) != main).filter_map(open).collect();
        if self.others.is_empty() && child.is_none() && self.alien.is_none() {
            (self.leader, self.watcher) = (None, None);
        }
        let effects = self.life.set_others(now, !self.others.is_empty());
        self.carry_out(effects);
    }

    /// From now on this process is the main one, which is not our child.
    pub(super) fn follow(&mut self, now: Duration, pid: u32, of_service: bool) {
        match program::open(pid) {
            Ok(pidfd) => self.alien = Some(Alien { pid, pidfd: Arc::new(pidfd), of_service }),
            Err(_) => {
                let effects = self.life.on_gone(now, pid);
                self.carry_out(effects);
            }
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changed { from, to } => {
                    let (before, after) = (from.active_state(), to.active_state());
                    self.record(format!("{before} ({from}) → {after} ({to})"));
                    self.was_up |= matches!(after, ActiveState::Active | ActiveState::Reloading);
                    self.follow_reload(before, after);
                    let is_over = matches!(after, ActiveState::Inactive | ActiveState::Failed);
                    self.over_at = is_over.then(monotonic_now);
                }
                Effect::Signal { target, signal } => self.signal(target, signal),
                // A descriptor that came again has the key of the one that stays.
                Effect::CloseFd(key) if !self.life.stored_fds().iter().any(|stored| stored.fd == key) => {
                    self.stored.remove(&key);
                }
                // Commands have none but the main process, which is started elsewhere; descriptors that are stored are held
                // already; refusals were told with what was refused.
                _ => {}
            }
        }
    }

    fn follow_reload(&mut self, before: ActiveState, after: ActiveState) {
        if self.reload == Reload::Asked && before == ActiveState::Reloading && after != before {
            self.reload = Reload::Over(match (after, self.life.reload_result()) {
                (ActiveState::Active, ServiceResult::Success) => Ok(()),
                (ActiveState::Active, result) => Err(format!("it ended with result {result}")),
                _ => Err("the service did not stay up".to_owned()),
            });
        }
    }

    /// A rule of reloads was broken, for which the manager goes on waiting.
    pub(super) fn on_refusal(&mut self, refusal: &Refusal) {
        let of_reload = matches!(
            refusal,
            Refusal::ReloadWithoutTime | Refusal::ReloadTooEarly { .. } | Refusal::ReadyBeforeReloading
        );
        if of_reload && self.reload == Reload::Asked {
            self.reload = Reload::Broken(refusal.to_string());
        }
    }

    /// Sends the main process a signal that the test asks for.
    pub(super) fn send_to_main(&mut self, number: i32) -> Result<(), String> {
        if !(1..=libc::SIGRTMAX()).contains(&number) {
            return Err("there is no such signal".to_owned());
        }
        let pid = self.life.main_pid().ok_or("there is no main process")?;
        self.signal(Target::Process(pid), number);
        Ok(())
    }

    fn signal(&mut self, target: Target, number: i32) {
        let name = timeline::signal(number);
        let Target::Process(pid) = target else {
            self.record(format!("{name} to the other processes ({})", self.others.len()));
            for (_, pidfd) in &self.others {
                // It may have ended just now.
                let _ = sys::send_signal(pidfd.as_fd(), number);
            }
            return;
        };
        self.signals.push(number);
        let child = self.child.as_ref().filter(|started| started.pid == pid).map(|started| &started.pidfd);
        let alien = self.alien.as_ref().filter(|alien| alien.pid == pid && alien.of_service);
        let pidfd = child.or(alien.map(|alien| &alien.pidfd));
        match pidfd.filter(|_| !self.is_own) {
            Some(pidfd) => {
                let _ = sys::send_signal(pidfd.as_fd(), number);
                self.record(format!("{name} to process {pid}"));
            }
            None => self.record(format!("{name} would go to process {pid}, which this test did not start")),
        }
    }

    /// Where the next thing may happen, beside the socket.
    pub(super) fn watched(&self) -> Vec<(Watched, Arc<OwnedFd>)> {
        let child = self.child.iter().map(|started| (Watched::Child, Arc::clone(&started.pidfd)));
        let alien = self.alien.iter().map(|alien| (Watched::Alien, Arc::clone(&alien.pidfd)));
        // While the process that was started is there, nobody waits for the others.
        let waits = self.child.is_none();
        let others = self.others.iter().filter(|_| waits).map(|(_, pidfd)| (Watched::Other, Arc::clone(pidfd)));
        let polled = self.life.stored_fds().iter().filter(|stored| stored.poll).map(|stored| stored.fd);
        let stored = polled.filter_map(|key| Some((Watched::Stored(key), Arc::clone(self.stored.get(&key)?))));
        child.chain(alien).chain(others).chain(stored).collect()
    }

    /// Whether the process is one of the service's.
    pub(super) fn is_of_service(&self, pid: u32) -> bool {
        match self.leader {
            Some(leader) => processes::of_service(leader, &self.marks).contains(&pid),
            None => self.is_own && (pid == std::process::id() || processes::is_descendant(pid)),
        }
    }

    /// Kills whoever is left of what was started, and tells whose ends are to be waited for.
    pub(super) fn kill(&mut self) -> Vec<(Watched, Arc<OwnedFd>)> {
        self.count_others(monotonic_now());
        let child = self.child.iter().map(|started| (Watched::Child, Arc::clone(&started.pidfd)));
        let alien = self.alien.iter().filter(|alien| alien.of_service && !self.is_own);
        let alien = alien.map(|alien| (Watched::Alien, Arc::clone(&alien.pidfd)));
        let others = self.others.iter().map(|(_, pidfd)| (Watched::Other, Arc::clone(pidfd)));
        let left: Vec<_> = child.chain(alien).chain(others).collect();
        for (_, pidfd) in &left {
            let _ = sys::send_signal(pidfd.as_fd(), libc::SIGKILL);
        }
        left
    }
}
