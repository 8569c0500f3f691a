//! Plays the manager: starts the service, listens, keeps the deadlines, asks for a reload and for the end.

use super::plan::Plan;
use super::probe::{self, Request, Socket};
use super::processes::{self, Process};
use super::reaper::Reaper;
use super::spawn;
use super::timeline::{Event, Kind, Said, Timeline, To, Who};
use crate::exit::Failure;
use crate::trace::event;
use readyup::manager::service::{
    self, ActiveState, Command, Effect, FdKey, NamedProcess, Notification, Refusal, Service, ServiceResult, SubState,
    Target,
};
use readyup::manager::{Incoming, Listener, Received};
use readyup::{Assignment, monotonic_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// How often it is looked at what nobody tells: which processes there are, whether the port is open by now.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A sender that ends this soon after it spoke is one that manages to be gone before it is looked up.
const HURRY: Duration = Duration::from_millis(100);
/// A child that is there for so long is no command of a script's that does something and is done.
const STAYS: Duration = Duration::from_millis(500);
/// How long a reload that was begun by a command goes on after that at the most, where the service says nothing of it.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a service may take to accept a connection to a socket that it was given.
const ACCEPT_WITHIN: Duration = Duration::from_secs(1);

/// Who is told what happens while it does.
pub(super) trait Observer {
    fn event(&mut self, event: &Event);
    /// Nothing happens, but time goes on.
    fn waiting(&mut self, waiting: &Waiting<'_>);
}

/// What is being waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<'a> {
    pub(super) what: &'a str,
    /// How long since the start.
    pub(super) at: Duration,
    /// Until when at the most, from the start.
    pub(super) until: Option<Duration>,
}

/// Runs the whole check.
pub(super) fn run(plan: &Plan, listener: &Listener, observer: &mut dyn Observer) -> Result<Timeline, Failure> {
    if let Some(port) = plan.port.filter(|port| probe::accepts(*port)) {
        let error = "something accepts connections there already, before the service is started";
        return Err(Failure::new(&format!("--port {port}"), &error));
    }
    let sockets: Vec<Socket> = plan
        .sockets
        .iter()
        .map(|spec| Socket::listen(spec).map_err(|error| Failure::new(&format!("the socket {}", spec.name), &error)))
        .collect::<Result<_, _>>()?;
    let reaper = Reaper::new().map_err(|error| Failure::new("catching signals", &error))?;
    let mut runner = Runner {
        plan,
        listener,
        observer,
        service: Service::new(plan.config.clone()),
        timeline: Timeline { origin: monotonic_now(), ..Timeline::default() },
        sockets,
        reaper,
        phase: Phase::Start,
        children: Vec::new(),
        helper: None,
        stored: HashMap::new(),
        next_key: 0,
        senders: HashMap::new(),
        heirs: HashMap::new(),
        port_is_open: None,
        reloads: 0,
        failure: None,
        diagnosed: false,
    };
    let now = monotonic_now();
    let effects = runner.service.start(now);
    runner.carry_out(effects);
    runner.run()?;
    Ok(std::mem::take(&mut runner.timeline))
}

/// What is being waited for.
#[derive(Debug)]
enum Phase {
    /// `READY=1`.
    Start,
    /// Nothing; until then it is watched.
    Watch { until: Duration },
    /// The end of a reload.
    Reload { broken: bool },
    /// Nothing: a command that only sends a signal ends before the reload does.
    Settle { until: Duration, broken: bool },
    /// The command after which a reload fails.
    Break,
    /// Whether pings stop while a request is not answered.
    Stall { request: Request, until: Duration, answered: bool },
    /// The end.
    Stop,
}

/// A sender that is not the main process.
struct Sender {
    who: Who,
    pidfd: Option<OwnedFd>,
    /// What it said since it last waited until everything was read.
    keys: Vec<String>,
    last: Duration,
}

struct Runner<'a> {
    plan: &'a Plan,
    listener: &'a Listener,
    observer: &'a mut dyn Observer,
    service: Service,
    timeline: Timeline,
    sockets: Vec<Socket>,
    reaper: Reaper,
    phase: Phase,
    /// The processes of the service at the last look, without our own helper.
    children: Vec<Process>,
    /// The command of `--break-config` while it runs.
    helper: Option<u32>,
    stored: HashMap<FdKey, OwnedFd>,
    next_key: u64,
    senders: HashMap<u32, Sender>,
    /// Who inherits the socket, since when that is known, and whether it was said.
    heirs: HashMap<u32, (Duration, bool)>,
    /// What is known of the port since `READY=1`.
    port_is_open: Option<bool>,
    reloads: usize,
    failure: Option<Failure>,
    /// Whether it was looked for why nothing comes.
    diagnosed: bool,
}

impl Runner<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            // First what was said, as the sender may be gone next.
            self.receive()?;
            self.reap();
            self.look();
            self.on_deadline();
            self.advance();
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.is_over() {
                // What was said last.
                self.receive()?;
                self.timeline.result = Some(self.service.result());
                return Ok(());
            }
            self.wait()?;
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.service.active_state(), ActiveState::Inactive | ActiveState::Failed)
    }

    fn record(&mut self, kind: Kind) {
        let event = Event { at: monotonic_now().saturating_sub(self.timeline.origin), kind };
        self.observer.event(&event);
        self.timeline.events.push(event);
    }

    /// Waits until something happens, or it is time for something.
    fn wait(&mut self) -> Result<(), Failure> {
        let now = monotonic_now();
        let until = match &self.phase {
            Phase::Watch { until } | Phase::Settle { until, .. } | Phase::Stall { until, .. } => Some(*until),
            _ => None,
        };
        let what = match self.phase {
            Phase::Start => "READY=1",
            Phase::Watch { .. } => "what else it says",
            Phase::Reload { .. } | Phase::Settle { .. } => "the end of the reload",
            Phase::Break => "the command of --break-config",
            Phase::Stall { .. } => "what it says while it hangs",
            Phase::Stop => "its end",
        };
        let since_start = |at: Duration| at.saturating_sub(self.timeline.origin);
        let end = until.or(self.service.deadline()).map(since_start);
        self.observer.waiting(&Waiting { what, at: since_start(now), until: end });
        let next = self.service.deadline().into_iter().chain(until).map(|at| at.saturating_sub(now));
        let limit = next.min().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        let timeout = Timespec::try_from(limit).ok();
        let gone = self.senders.values().filter(|sender| !sender.keys.is_empty());
        let mut fds = vec![
            PollFd::new(self.listener, PollFlags::IN),
            PollFd::from_borrowed_fd(self.reaper.as_fd(), PollFlags::IN),
        ];
        fds.extend(gone.filter_map(|sender| sender.pidfd.as_ref()).map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Failure::new("waiting", &errno)),
        }
    }

    /// Takes in everything that has been sent.
    fn receive(&mut self) -> Result<(), Failure> {
        loop {
            let incoming =
                self.listener.receive(Some(Duration::ZERO)).map_err(|error| Failure::new("receiving", &error))?;
            match incoming {
                None => return Ok(()),
                Some(Incoming::Message(received)) => self.on_message(received),
                Some(Incoming::Barrier(request)) => {
                    let pid = request.sender().pid();
                    if let Some(sender) = self.senders.get_mut(&pid) {
                        sender.keys.clear();
                    }
                    self.record(Kind::Barrier { who: who(pid) });
                }
                Some(Incoming::Dropped(dropped)) => {
                    let who = dropped.sender().map(|sender| who(sender.pid()));
                    self.record(Kind::Dropped { who, reason: dropped.reason() });
                }
                // A kind that a later version of the library knows.
                Some(_) => {}
            }
        }
    }

    fn on_message(&mut self, mut received: Received) {
        let now = monotonic_now();
        let pid = received.sender().pid();
        let main = self.service.main_pid() == Some(pid);
        let is_ready = received.message().has(Assignment::Ready);
        let first_ready = is_ready && self.port_is_open.is_none();
        if let Some(port) = self.plan.port.filter(|_| first_ready) {
            // Before anything else is done, for which the service would have time to begin to listen.
            let accepts = probe::accepts(port);
            self.port_is_open = Some(accepts);
            self.record(Kind::PortAtReady { accepts });
        }
        if let Some(handles) =
            self.service.main_pid().and_then(|main| processes::handles(main, self.service.config().reload_signal))
        {
            self.service.set_handles_reload_signal(handles);
        }
        let named = self.named(&received);
        let (fds, closed_fds) = (received.take_fds(), received.closed_fds());
        let keys: Vec<FdKey> = fds.into_iter().map(|fd| self.keep(fd)).collect();
        let message = received.message();
        let mut notification = Notification::new(message, pid, received.sender().uid());
        notification.fds = &keys;
        notification.named = named;
        let state = self.service.sub_state();
        let main_before = self.service.main_pid();
        let effects = self.service.on_message(now, &notification);
        let main_now = self.service.main_pid().filter(|main| main_before.is_some_and(|before| before != *main));
        let foreign_main = main_now.filter(|_| named.is_some_and(|process| !process.own_child));
        let refusals: Vec<Refusal> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Refused(refusal) => Some(refusal.clone()),
                _ => None,
            })
            .collect();
        let said = Said {
            who: who(pid),
            main,
            state,
            lines: event::assignments(&message),
            fds: keys.len(),
            closed_fds,
            foreign_main,
            refusals,
            received: now,
            watchdog: self.service.watchdog(),
        };
        if !main && said.is_believed() {
            let pidfd = received.sender().pidfd().and_then(|fd| fd.try_clone_to_owned().ok()).or_else(|| pidfd(pid));
            let sender = self.senders.entry(pid).or_insert_with(|| Sender {
                who: said.who.clone(),
                pidfd: None,
                keys: Vec::new(),
                last: now,
            });
            (sender.pidfd, sender.last) = (pidfd, now);
            sender.keys.extend(said.lines.iter().map(|line| line.key.clone()));
        }
        self.record(Kind::Message(said));
        self.carry_out(effects);
    }

    /// The process that the message names as the main process.
    fn named(&self, received: &Received) -> Option<service::Process> {
        let pid = match self.service.named_process(received.message())? {
            NamedProcess::Pid(pid) => pid,
            NamedProcess::PidFd => pid_of(received.fds().first()?)?,
        };
        let process = processes::read(pid)?;
        let own_pid = std::process::id();
        Some(service::Process {
            pid,
            pidfd_id: readyup::pidfd_id(pid).ok().flatten(),
            of_unit: processes::descends(pid, own_pid),
            own_child: process.parent == own_pid,
        })
    }

    /// The key of a descriptor: that of the same file, if it is stored.
    fn keep(&mut self, fd: OwnedFd) -> FdKey {
        let identity = |fd: &OwnedFd| fstat(fd).ok().map(|stat| (stat.st_dev, stat.st_ino));
        let same = self.stored.iter().find(|(_, other)| identity(other).is_some() && identity(other) == identity(&fd));
        if let Some((key, _)) = same {
            return *key;
        }
        self.next_key += 1;
        let key = FdKey(self.next_key);
        self.stored.insert(key, fd);
        key
    }

    /// Hears of processes that have ended, and of signals.
    fn reap(&mut self) {
        for _ in 0..self.reaper.interruptions() {
            if matches!(self.phase, Phase::Stop) {
                self.failure = Some(Failure::new("interrupted", &"the service was killed"));
            } else {
                self.record(Kind::Interrupted);
                self.stop();
            }
        }
        let own_pid = std::process::id();
        let ended = processes::descendants(own_pid).into_iter().filter(|process| process.is_zombie);
        for Process { pid, .. } in ended.filter(|process| process.parent == own_pid) {
            let who = who(pid);
            // What it said last came before its end.
            if let Err(failure) = self.receive() {
                self.failure = Some(failure);
            }
            let now = monotonic_now();
            self.look_for_hurried(now);
            let Some(exit) = self.reaper.release(pid) else { continue };
            if self.helper == Some(pid) {
                self.helper = None;
                continue;
            }
            self.count_processes(now);
            let is_main = self.service.main_pid() == Some(pid);
            if is_main || self.service.control_pid() == Some(pid) {
                let others = self.children.iter().filter(|process| !process.is_zombie && process.pid != pid).count();
                self.record(Kind::Exited { who, main: is_main, exit, others });
            }
            let effects = self.service.on_exit(now, pid, exit);
            self.carry_out(effects);
        }
    }

    fn count_processes(&mut self, now: Duration) {
        let mut found = processes::descendants(std::process::id());
        if let Some(helper) = self.helper {
            let of_helper: Vec<u32> = processes::descendants(helper).iter().map(|process| process.pid).collect();
            found.retain(|process| process.pid != helper && !of_helper.contains(&process.pid));
        }
        self.children = found;
        let own = [self.service.main_pid(), self.service.control_pid()];
        let others = self.children.iter().any(|process| !process.is_zombie && !own.contains(&Some(process.pid)));
        let effects = self.service.set_others(now, others);
        self.carry_out(effects);
    }

    /// Finds out what nobody tells.
    fn look(&mut self) {
        let now = monotonic_now();
        self.count_processes(now);
        self.look_for_hurried(now);
        // A process that is not our child, as a main process may be, is nobody's to wait for here.
        let is_gone = |process: Process| process.is_zombie && process.parent != std::process::id();
        let main = self.service.main_pid().filter(|main| processes::read(*main).is_none_or(is_gone));
        if let Some(main) = main {
            let effects = self.service.on_gone(now, main);
            self.carry_out(effects);
        }
        let port = self.plan.port.filter(|_| self.port_is_open == Some(false));
        if port.is_some_and(probe::accepts) {
            self.port_is_open = Some(true);
            self.record(Kind::PortOpened);
        }
        if self.service.sub_state() == SubState::Running {
            self.look_for_heirs();
        }
        // Just before the time is up: afterwards there is nobody left to look at.
        let soon = self.service.deadline().is_some_and(|at| at <= now + LOOK_EVERY * 3);
        if self.service.sub_state() == SubState::Start && soon && !self.diagnosed {
            self.diagnosed = true;
            self.diagnose();
        }
    }

    /// Who has ended right after it spoke?
    fn look_for_hurried(&mut self, now: Duration) {
        let has_ended = |sender: &Sender| {
            sender.pidfd.as_ref().is_none_or(|fd| {
                let mut fds = [PollFd::new(fd, PollFlags::IN)];
                poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
            })
        };
        let ended: Vec<u32> =
            self.senders.iter().filter(|(_, sender)| has_ended(sender)).map(|(pid, _)| *pid).collect();
        for pid in ended {
            let sender = self.senders.remove(&pid);
            let is_hurried = |sender: &Sender| !sender.keys.is_empty() && now.saturating_sub(sender.last) < HURRY;
            if let Some(sender) = sender.filter(is_hurried) {
                self.record(Kind::HurriedAway { who: sender.who, keys: sender.keys });
            }
        }
    }

    /// Who was given the socket, and is not the one who should speak?
    fn look_for_heirs(&mut self) {
        let socket = self.listener.address().to_string();
        let now = monotonic_now();
        let is_heir = |process: &&Process| {
            !process.is_zombie
                && Some(process.pid) != self.service.main_pid()
                // Those that speak are judged by what they say.
                && !self.senders.contains_key(&process.pid)
                && processes::has_executed(process)
                && processes::was_given(process.pid, "NOTIFY_SOCKET", &socket) == Some(true)
        };
        let heirs: Vec<u32> = self.children.iter().filter(is_heir).map(|process| process.pid).collect();
        self.heirs.retain(|pid, _| heirs.contains(pid));
        for pid in heirs {
            let (since, is_said) = self.heirs.entry(pid).or_insert((now, false));
            if now.saturating_sub(*since) >= STAYS && !std::mem::replace(is_said, true) {
                self.record(Kind::Inherits { who: who(pid) });
            }
        }
    }

    /// Why does `READY=1` not come?
    fn diagnose(&mut self) {
        let address = self.listener.address().to_string();
        let path = Path::new(&address);
        let processes: Vec<Process> = self.children.iter().filter(|process| !process.is_zombie).cloned().collect();
        for process in &processes {
            if processes::was_given(process.pid, "NOTIFY_SOCKET", &address) == Some(false) {
                return self.record(Kind::EnvironmentLost { who: who(process.pid) });
            }
            if path.is_absolute() && processes::sees(process.pid, path) == Some(false) {
                return self.record(Kind::SocketHidden { who: who(process.pid) });
            }
        }
    }

    fn on_deadline(&mut self) {
        let now = monotonic_now();
        if self.service.deadline().is_some_and(|at| at <= now) {
            let effects = self.service.on_deadline(now);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changed { from, to } => self.record(Kind::State { from, to }),
                Effect::Run(command) => self.start_command(command),
                Effect::Signal { target, signal } => self.signal(target, signal),
                Effect::CloseFd(key) => {
                    self.stored.remove(&key);
                }
                // What is stored is held already, and refusals were recorded with the message.
                _ => {}
            }
        }
    }

    fn start_command(&mut self, command: Command) {
        let address = *self.listener.address();
        let sockets: Vec<_> = self.sockets.iter().map(|socket| (socket.name.as_str(), socket.as_fd())).collect();
        let main = self.service.main_pid().unwrap_or_default();
        let started = match (command, &self.plan.reload_command) {
            (Command::Start, _) => spawn::service(self.plan, &address, &sockets),
            (Command::Reload, Some(words)) => spawn::command(words, self.plan, &address, main),
            // No others are announced to the machine.
            _ => return,
        };
        let now = monotonic_now();
        match started {
            Ok(pid) if command == Command::Start => {
                self.timeline.origin = now;
                self.record(Kind::Started { pid, command: self.plan.command_line() });
                let mut effects = self.service.on_spawned(now, pid);
                // It was spawned, so that it has become the program.
                effects.extend(self.service.on_exec(now));
                self.carry_out(effects);
            }
            Ok(pid) => {
                self.record(Kind::Command { name: command.as_str(), pid });
                let effects = self.service.on_spawned(now, pid);
                self.carry_out(effects);
            }
            Err(failure) => {
                self.failure = Some(failure);
                let effects = self.service.on_spawn_failed(now);
                self.carry_out(effects);
            }
        }
    }

    fn signal(&mut self, target: Target, number: i32) {
        let (to, pids) = match target {
            Target::Process(pid) if Some(pid) == self.service.control_pid() => (To::Control, vec![pid]),
            Target::Process(pid) => (To::Main, vec![pid]),
            // The others, and whatever a later version of the library knows beside them.
            _ => {
                let own = [self.service.main_pid(), self.service.control_pid()];
                let others = self.children.iter().filter(|process| !own.contains(&Some(process.pid)));
                (To::Others, others.map(|process| process.pid).collect())
            }
        };
        self.record(Kind::Signal { to, signal: number });
        for pid in pids {
            send(pid, number);
        }
    }

    /// Goes on to what is to be done next.
    fn advance(&mut self) {
        let now = monotonic_now();
        let state = self.service.active_state();
        if matches!(state, ActiveState::Deactivating | ActiveState::Inactive | ActiveState::Failed) {
            if matches!(self.phase, Phase::Reload { .. }) {
                self.record(Kind::ReloadOver { result: ServiceResult::Protocol });
            }
            if matches!(self.phase, Phase::Stall { .. }) {
                self.record(Kind::StallOver);
            }
            self.phase = Phase::Stop;
            return;
        }
        match &mut self.phase {
            Phase::Start if state == ActiveState::Active => {
                self.phase = Phase::Watch { until: now + self.plan.watch };
                self.try_sockets(now);
            }
            Phase::Watch { until } if now >= *until && state == ActiveState::Active => self.after_watching(now),
            Phase::Reload { broken } if state == ActiveState::Active => {
                let broken = *broken;
                self.record(Kind::ReloadOver { result: self.service.reload_result() });
                let settles = self.plan.reload_command.is_some();
                self.phase = Phase::Settle { until: if settles { now + SETTLE } else { now }, broken };
            }
            Phase::Settle { until, broken } if now >= *until && state == ActiveState::Active => {
                match &self.plan.break_config {
                    Some(command) if !*broken => self.break_config(&command.clone()),
                    _ => self.after_reloads(now),
                }
            }
            Phase::Break if self.helper.is_none() => self.reload(true),
            Phase::Stall { request, until, answered } => {
                if !*answered && request.is_over() {
                    *answered = true;
                    let until = *until;
                    self.record(Kind::StallAnswered);
                    self.record(Kind::StallOver);
                    self.phase = Phase::Watch { until: until.min(now) };
                    self.stop();
                } else if now >= *until {
                    self.record(Kind::StallOver);
                    self.stop();
                }
            }
            _ => {}
        }
    }

    fn after_watching(&mut self, now: Duration) {
        if self.plan.reload && self.reloads == 0 { self.reload(false) } else { self.after_reloads(now) }
    }

    fn reload(&mut self, broken: bool) {
        self.reloads += 1;
        self.record(Kind::ReloadAsked { broken });
        self.phase = Phase::Reload { broken };
        let effects = self.service.reload(monotonic_now());
        self.carry_out(effects);
    }

    fn break_config(&mut self, command: &str) {
        let words = ["sh", "-c", command].map(str::to_owned);
        match spawn::command(&words, self.plan, self.listener.address(), self.service.main_pid().unwrap_or_default()) {
            Ok(pid) => {
                self.helper = Some(pid);
                self.phase = Phase::Break;
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn after_reloads(&mut self, now: Duration) {
        let Some(url) = &self.plan.stall else { return self.stop() };
        match Request::send(url) {
            Ok(request) => {
                self.record(Kind::StallBegun);
                // In one period pings that come from a healthy service must have stopped; in the second one they are missed.
                let period = self.service.watchdog().unwrap_or(Duration::from_secs(1));
                self.phase = Phase::Stall { request, until: now + period * 2, answered: false };
            }
            Err(error) => self.failure = Some(Failure::new("--stall-check: asking the service", &error)),
        }
    }

    fn stop(&mut self) {
        self.record(Kind::StopAsked);
        self.phase = Phase::Stop;
        self.count_processes(monotonic_now());
        let effects = self.service.stop(monotonic_now());
        self.carry_out(effects);
    }

    /// Connects to what the service was given, and waits for it to accept.
    fn try_sockets(&mut self, now: Duration) {
        for index in 0..self.sockets.len() {
            let connected = self.sockets[index].connect().is_ok();
            let mut accepted = false;
            while connected && !accepted && monotonic_now() < now + ACCEPT_WITHIN && !self.is_over() {
                accepted = self.sockets[index].is_accepted();
                if !accepted {
                    std::thread::sleep(Duration::from_millis(2));
                    if let Err(failure) = self.receive() {
                        self.failure = Some(failure);
                    }
                    self.on_deadline();
                }
            }
            self.sockets[index].hang_up();
            self.record(Kind::Activated { name: self.sockets[index].name.clone(), accepted });
        }
    }

    fn kill_everything(&mut self) {
        loop {
            let left = processes::descendants(std::process::id());
            let alive: Vec<&Process> = left.iter().filter(|process| !process.is_zombie).collect();
            for process in &alive {
                send(process.pid, libc::SIGKILL);
            }
            let own_pid = std::process::id();
            for process in left.iter().filter(|process| process.is_zombie && process.parent == own_pid) {
                self.reaper.release(process.pid);
            }
            if alive.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn who(pid: u32) -> Who {
    Who { pid, comm: processes::comm(pid) }
}

fn pidfd(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// The process that a pidfd stands for; none if it is no pidfd, or the process is gone.
fn pid_of(pidfd: &OwnedFd) -> Option<u32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

/// Sends a signal. The service's processes are ours to wait for, so that a pid stays theirs until then.
fn send(pid: u32, number: i32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, signal(number)) {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

/// The signal of that number, to be sent.
fn signal(number: i32) -> Option<Signal> {
    if (34..=64).contains(&number) {
        // SAFETY: those are real-time signals that the C library leaves to programs. It is only sent.
        #[allow(unsafe_code)]
        Some(unsafe { Signal::from_raw_unchecked(number) })
    } else {
        Signal::from_named_raw(number)
    }
}

/// Leaves nothing behind, whatever happened.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        self.kill_everything();
    }
}
