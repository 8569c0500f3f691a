//! One script, played to systemd and to our machine at the same time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use readyup::manager::service::{
    ActiveState, Command, Effect, Exit, FdKey, NamedProcess, Notification, Process as Found, Refusal, Service,
    ServiceType, Target,
};
use readyup::{Message, monotonic_now};

use super::bus::{Bus, Value};
use super::process::{Process, pidfds_hang_up};
use super::script::{Script, Setup};

/// How far systemd's clock for something may be from ours: it starts it when it gets to it.
const MARGIN: Duration = Duration::from_millis(500);
/// How long an action may take, if a clock runs.
const PROMPT: Duration = Duration::from_millis(250);
/// How long systemd may take to come to the state that is expected.
const SETTLING: Duration = Duration::from_secs(5);
/// A deadline beyond this is not waited for.
const NEAR: Duration = Duration::from_secs(10);

/// What is compared.
const PROPERTIES: [(&str, &str); 13] = [
    ("Unit", "ActiveState"),
    ("Unit", "SubState"),
    ("Service", "Result"),
    ("Service", "ReloadResult"),
    ("Service", "StatusText"),
    ("Service", "StatusErrno"),
    ("Service", "StatusBusError"),
    ("Service", "StatusVarlinkError"),
    ("Service", "MainPID"),
    ("Service", "ControlPID"),
    ("Service", "NFileDescriptorStore"),
    ("Service", "NotifyAccess"),
    ("Service", "WatchdogUSec"),
];

/// Why a script was not played to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The machine here was too slow for a clock in it. It says nothing.
    TooSlow,
    /// What comes next depends on which of two processes systemd finds dead first.
    Ambiguous,
    /// systemd and our machine disagree, or something failed.
    Wrong(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// Where scripts are played.
pub(crate) struct Stage {
    pub(crate) bus: Mutex<Bus>,
    /// Where the processes listen.
    pub(crate) place: PathBuf,
    pub(crate) systemd: u32,
}

/// A service, and what is to be known of it.
pub(crate) struct Drive<'a> {
    stage: &'a Stage,
    name: String,
    setup: Setup,
    service: Service,
    processes: Vec<Process>,
    children: usize,
    next_fd: u64,
    /// Which line of its command the control process runs.
    line: usize,
    /// Descriptors, and who has the other end.
    ends: Vec<(FdKey, usize)>,
    /// Pidfds, and whose.
    pidfds: Vec<(FdKey, usize)>,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(stage: &'a Stage, name: &str, setup: Setup) -> Self {
        Self {
            stage,
            name: name.to_owned(),
            service: Service::new(setup.config.clone()),
            setup,
            processes: Vec::new(),
            children: 0,
            next_fd: 0,
            line: 0,
            ends: Vec::new(),
            pidfds: Vec::new(),
        }
    }

    /// Plays it.
    pub(crate) fn play(&mut self, script: &Script) -> Result<(), End> {
        self.service.set_handles_reload_signal(self.setup.handles_hup);
        for (number, step) in script.steps.iter().enumerate() {
            self.pass_what_is_near()?;
            self.step(step).and_then(|()| self.settle()).map_err(|end| match end {
                End::Wrong(why) => End::Wrong(format!("step {number}, {step:?}: {why}")),
                end => end,
            })?;
        }
        // What comes by itself, and was not to, has come by now.
        thread::sleep(Duration::from_millis(50));
        self.pass_what_is_near()?;
        self.settle().map_err(|end| match end {
            End::Wrong(why) => End::Wrong(format!("at the end: {why}")),
            end => end,
        })
    }

    /// Nothing of it stays.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let unit = format!("{}.service", self.name);
        let mut bus = self.stage.bus.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = bus.manager("StopUnit", &[&unit, "replace"], None)?;
        // There may be nobody to kill.
        let _ = bus.manager("KillUnit", &[&unit, "all"], Some(libc::SIGKILL))?;
        Ok(())
    }

    fn step(&mut self, step: &str) -> Result<(), End> {
        if let Some((head, lines)) = step.split_once(':') {
            return self.say(head, lines.trim());
        }
        let words: Vec<&str> = step.split_whitespace().collect();
        match words.as_slice() {
            // Where there is nothing to be done, nobody can tell when systemd has come to do nothing. And two jobs at the same
            // time are another matter.
            ["start"] => match self.service.active_state() {
                ActiveState::Inactive | ActiveState::Failed | ActiveState::Deactivating => {
                    self.request("StartUnit", Service::start)
                }
                _ => Ok(()),
            },
            ["stop"] => match self.service.active_state() {
                ActiveState::Inactive | ActiveState::Failed => Ok(()),
                _ => self.request("StopUnit", Service::stop),
            },
            ["restart"] => match self.service.active_state() {
                ActiveState::Deactivating => Ok(()),
                _ => self.request("RestartUnit", Service::restart),
            },
            ["restart-anyway"] => self.request("RestartUnit", Service::restart),
            ["reload"] => {
                let config = self.service.config();
                let can = config.exec_reload || config.service_type == ServiceType::NotifyReload;
                // Otherwise systemd would refuse it, or wait for the service to be active.
                if can && self.service.sub_state().as_str() == "running" {
                    return self.request("ReloadUnit", Service::reload);
                }
                Ok(())
            }
            ["spawn"] => self.spawn(),
            ["exit", who, status] => self.end(who, "exit", status),
            ["die", who, signal] => self.end(who, "die", signal),
            ["hang-up", who] => self.hang_up(who),
            ["pass"] => self.pass(),
            _ => panic!("{step}: what is that?"),
        }
    }

    fn request(&mut self, method: &str, request: fn(&mut Service, Duration) -> Vec<Effect>) -> Result<(), End> {
        let unit = format!("{}.service", self.name);
        self.act(|drive| {
            let mut bus = drive.stage.bus.lock().unwrap_or_else(PoisonError::into_inner);
            bus.manager(method, &[&unit, "replace"], None)?.map_err(io::Error::other)?;
            Ok(())
        })
        .and_then(|now| {
            let effects = request(&mut self.service, now);
            self.follow(now, effects)
        })
    }

    /// Does something, and tells when. Where a clock runs, it must not take so long that nobody knows what came first.
    fn act(&mut self, action: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<Duration, End> {
        let before = monotonic_now();
        action(self)?;
        let after = monotonic_now();
        if self.is_clock_near(before) && after - before > PROMPT {
            return Err(End::TooSlow);
        }
        Ok(before)
    }

    fn is_clock_near(&self, now: Duration) -> bool {
        let config = self.service.config();
        let limits =
            [config.timeout_start, config.timeout_stop, config.timeout_abort, config.runtime_max, config.watchdog];
        limits.into_iter().flatten().any(|limit| limit < NEAR)
            || self.service.deadline().is_some_and(|deadline| deadline < now + NEAR)
    }

    fn find(&self, who: &str) -> Option<usize> {
        let pid = match who {
            "main" => self.service.main_pid()?,
            "control" => self.service.control_pid()?,
            "first" => self.processes.iter().rfind(|process| process.name.ends_with(".main"))?.pid,
            _ => self.processes.iter().rfind(|process| process.name.ends_with(&format!(".{who}")))?.pid,
        };
        self.processes.iter().rposition(|process| process.pid == pid && process.alive)
    }

    fn spawn(&mut self) -> Result<(), End> {
        let Some(parent) = self.find("first") else { return Ok(()) };
        // Three are enough, and the last of them is started again and again.
        let name = format!("{}.child{}", self.name, self.children % 3);
        self.children += 1;
        self.processes[parent].ask(&["spawn", &name])?;
        let child = Process::meet(&self.stage.place, &name, Some(parent))?;
        self.processes.push(child);
        let now = monotonic_now();
        let effects = self.service.set_others(now, true);
        self.follow(now, effects)
    }

    fn end(&mut self, who: &str, how: &str, number: &str) -> Result<(), End> {
        let Some(index) = self.find(who) else { return Ok(()) };
        let now = self.act(|drive| drive.processes[index].ask(&[how, number]).map(drop))?;
        let number = number.parse().expect("a number");
        let exit = if how == "exit" { Exit::Code(number) } else { Exit::Signal(number) };
        if exit == Exit::Code(0) && self.service.control_pid() == Some(self.processes[index].pid) {
            let role = self.processes[index].name.rsplit('.').next().unwrap_or_default().to_owned();
            if self.line < self.setup.lines(&role) {
                self.processes[index].alive = false;
                self.line += 1;
                let next = self.meet(&role)?;
                let mut effects = self.service.on_next_line(now, next);
                effects.extend(self.on_closed(index));
                return self.follow(now, effects);
            }
        }
        let effects = self.on_end(now, index, exit);
        self.follow(now, effects)
    }

    /// A process has ended.
    fn on_end(&mut self, now: Duration, index: usize, exit: Exit) -> Vec<Effect> {
        let process = &mut self.processes[index];
        process.alive = false;
        let (pid, own_child) = (process.pid, process.parent.is_none());
        if let Some(parent) = process.parent {
            // Should the parent end before it came to that, systemd would find a child of its own dead. It may have ended.
            let _ = self.processes[parent].ask(&["wait", &pid.to_string()]);
        }
        for orphan in &mut self.processes {
            if orphan.parent == Some(index) {
                orphan.parent = None;
            }
        }
        let mut effects = Vec::new();
        if own_child {
            effects.extend(self.set_others(now));
            effects.extend(self.service.on_exit(now, pid, exit));
            // Whoever was the main or control process may be one of the others now, or the other way round.
            effects.extend(self.set_others(now));
        } else {
            effects.extend(self.service.on_gone(now, pid));
            effects.extend(self.set_others(now));
        }
        effects.extend(self.on_closed(index));
        effects
    }

    /// What a process had open is closed, and what stands for it hangs up.
    fn on_closed(&mut self, index: usize) -> Vec<Effect> {
        let (gone, kept): (Vec<_>, _) =
            self.pidfds.drain(..).partition(|(_, process)| *process == index && pidfds_hang_up());
        self.pidfds = kept;
        let mut effects = self.on_hang_up(index);
        effects.extend(gone.into_iter().flat_map(|(fd, _)| self.service.on_hang_up(fd)));
        effects
    }

    fn set_others(&mut self, now: Duration) -> Vec<Effect> {
        let named = [self.service.main_pid(), self.service.control_pid()];
        let others = self.processes.iter().any(|process| process.alive && !named.contains(&Some(process.pid)));
        self.service.set_others(now, others)
    }

    fn hang_up(&mut self, who: &str) -> Result<(), End> {
        let Some(index) = self.find(who) else { return Ok(()) };
        self.processes[index].ask(&["hang-up"])?;
        let effects = self.on_hang_up(index);
        self.follow(monotonic_now(), effects)
    }

    fn on_hang_up(&mut self, index: usize) -> Vec<Effect> {
        let (gone, kept): (Vec<_>, _) = self.ends.drain(..).partition(|(_, owner)| *owner == index);
        self.ends = kept;
        gone.into_iter().flat_map(|(fd, _)| self.service.on_hang_up(fd)).collect()
    }

    /// A message: `SENDER [+NEW] [=AGAIN] [@PIDFD]`, and its lines.
    fn say(&mut self, head: &str, lines: &str) -> Result<(), End> {
        let mut words = head.split_whitespace();
        let Some(sender) = words.next().and_then(|who| self.find(who)) else { return Ok(()) };
        let mut fds = Vec::new();
        let mut options = Vec::new();
        let mut pidfd = None;
        let sent = &self.processes[sender].sent;
        for word in words {
            let (kind, value) = word.split_at(1);
            match kind {
                "+" => {
                    let count: u64 = value.parse().expect("a number");
                    fds.extend((0..count).map(|_| {
                        self.next_fd += 1;
                        FdKey(self.next_fd)
                    }));
                    options.push(format!("new={count}"));
                }
                "=" => {
                    let count: usize = value.parse().expect("a number");
                    fds.extend_from_slice(&sent[sent.len().saturating_sub(count)..]);
                    options.push(format!("again={count}"));
                }
                _ => {
                    let Some(process) = self.find(value) else { return Ok(()) };
                    pidfd = Some(process);
                    options.push(format!("pidfd={}", self.processes[process].pid));
                }
            }
        }
        let new: Vec<FdKey> = fds.iter().filter(|fd| !sent.contains(fd)).copied().collect();
        if let Some(process) = pidfd {
            self.next_fd += 1;
            // Each pidfd is of an open file of its own.
            fds.push(FdKey(self.next_fd));
            self.pidfds.push((FdKey(self.next_fd), process));
        }
        let text = self.fill_in(lines)?;
        let mut request = vec!["say".to_owned(), escape(&text)];
        request.extend(options);
        let words: Vec<&str> = request.iter().map(String::as_str).collect();
        let mut heard = true;
        let now = self.act(|drive| {
            heard = drive.processes[sender].ask(&words)?.is_some();
            Ok(())
        })?;
        self.processes[sender].sent.extend(&new);
        self.ends.extend(new.into_iter().map(|fd| (fd, sender)));
        let Ok(message) = Message::parse(&text) else { return Ok(()) };
        let mut notification = Notification::new(message, self.processes[sender].pid, 0);
        notification.fds = &fds;
        notification.named = match self.service.named_process(message) {
            Some(NamedProcess::PidFd) if fds.len() == 1 => pidfd.map(|process| self.found(process)),
            Some(NamedProcess::PidFd) | None => None,
            Some(NamedProcess::Pid(1)) => Some(Found { pid: 1, pidfd_id: None, of_unit: false, own_child: false }),
            Some(NamedProcess::Pid(pid)) => {
                let process = self.processes.iter().rposition(|process| process.pid == pid && process.alive);
                process.map(|process| self.found(process))
            }
        };
        let effects = self.service.on_message(now, &notification);
        let sent = &self.processes[sender].sent;
        let is_hung_up = |fd: &FdKey| sent.contains(fd) && !self.ends.iter().any(|(end, _)| end == fd);
        let (hung_up, others): (Vec<FdKey>, Vec<FdKey>) = fds.iter().partition(|fd| is_hung_up(fd));
        let is_full = effects.iter().any(|effect| matches!(effect, Effect::Refused(Refusal::StoreFull { .. })));
        let is_mixed = !others.is_empty() && (!hung_up.is_empty() || (pidfd.is_some() && others.len() > 1));
        self.follow(now, effects)?;
        // Which of them systemd takes first is a matter of a hash.
        if is_full && is_mixed {
            return Err(End::Ambiguous);
        }
        // What hung up long ago does so once more for whoever gets to see it only now.
        let effects = hung_up.into_iter().flat_map(|fd| self.service.on_hang_up(fd)).collect();
        self.follow(now, effects)?;
        if !heard {
            // It may have brought the service back to a state whose time was over by then.
            self.pass_what_is_near()?;
        }
        if !heard && self.processes[sender].alive {
            return Err(End::Wrong("the sender has ended over it".to_owned()));
        }
        Ok(())
    }

    fn found(&self, index: usize) -> Found {
        let process = &self.processes[index];
        Found { pid: process.pid, pidfd_id: process.pidfd_id, of_unit: true, own_child: process.parent.is_none() }
    }

    /// The bytes of a message, with what is known only now in them.
    fn fill_in(&self, lines: &str) -> Result<Vec<u8>, End> {
        let mut text = lines.replace('|', "\n").replace("{now}", &monotonic_now().as_micros().to_string());
        for who in ["main", "first", "control", "child0", "child1", "child2"] {
            let pid = self.find(who).map_or(4_194_301, |process| self.processes[process].pid);
            let id = self.find(who).and_then(|process| self.processes[process].pidfd_id).unwrap_or(1);
            text = text.replace(&format!("{{{who}}}"), &pid.to_string());
            text = text.replace(&format!("{{id:{who}}}"), &id.to_string());
        }
        unescape(&text).ok_or_else(|| End::Wrong(format!("{lines:?} cannot be read")))
    }

    /// Does what our machine wants done, or finds it done by systemd.
    fn follow(&mut self, now: Duration, effects: Vec<Effect>) -> Result<(), End> {
        let mut queue = VecDeque::from([effects]);
        while let Some(effects) = queue.pop_front() {
            // What is started and killed at once may not have come to ignore the signal.
            let killed = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Signal { .. }));
            let started = effects.iter().position(|effect| matches!(effect, Effect::Run(_)));
            if started.is_some_and(|position| killed(&effects[position..])) {
                return Err(End::Ambiguous);
            }
            let mut doomed = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Run(command) => {
                        self.line = 1;
                        let process = self.meet(match command {
                            Command::StartPre => "pre",
                            Command::Start => "main",
                            Command::StartPost => "post",
                            Command::Reload => "reload",
                            Command::Stop => "stop",
                            _ => "stop-post",
                        })?;
                        let mut more = self.service.on_spawned(now, process);
                        if command == Command::Start {
                            more.extend(self.service.on_exec(now));
                        }
                        more.extend(self.set_others(now));
                        queue.push_back(more);
                    }
                    Effect::Signal { target, signal } if !self.setup.ignored.contains(&signal) => {
                        for (index, process) in self.processes.iter().enumerate() {
                            let meant = match target {
                                Target::Process(pid) => process.pid == pid,
                                _ => {
                                    ![self.service.main_pid(), self.service.control_pid()].contains(&Some(process.pid))
                                }
                            };
                            if meant && process.alive && !doomed.iter().any(|(other, _)| *other == index) {
                                doomed.push((index, signal));
                            }
                        }
                    }
                    _ => {}
                }
            }
            if self.is_ambiguous(&doomed) {
                return Err(End::Ambiguous);
            }
            let named = [self.service.main_pid(), self.service.control_pid()];
            doomed.sort_by_key(|(index, _)| named.contains(&Some(self.processes[*index].pid)));
            for (index, signal) in doomed {
                if self.processes[index].alive {
                    queue.push_back(self.on_end(now, index, Exit::Signal(signal)));
                }
            }
        }
        Ok(())
    }

    /// Whether a parent and a child of it that systemd wants to see end are killed together: it hears of that only if the
    /// parent did not come to it.
    fn is_ambiguous(&self, doomed: &[(usize, i32)]) -> bool {
        let main = self.service.main_pid();
        doomed.iter().any(|(index, _)| {
            let process = &self.processes[*index];
            Some(process.pid) == main
                && process.parent.is_some_and(|parent| doomed.iter().any(|(other, _)| *other == parent))
        })
    }

    fn meet(&mut self, role: &str) -> Result<u32, End> {
        let begin = monotonic_now();
        let process = Process::meet(&self.stage.place, &format!("{}.{role}", self.name), None);
        // What ran out in the meantime may have been before it.
        if self.is_clock_near(begin) && monotonic_now() - begin > MARGIN {
            return Err(End::TooSlow);
        }
        let process = process?;
        let pid = process.pid;
        self.processes.push(process);
        Ok(pid)
    }

    /// Lets time pass up to the next deadline.
    fn pass(&mut self) -> Result<(), End> {
        match self.service.deadline() {
            Some(deadline) if deadline < monotonic_now() + NEAR => self.pass_deadline(deadline),
            _ => Ok(()),
        }
    }

    /// What is about to happen by itself happens before anything else.
    fn pass_what_is_near(&mut self) -> Result<(), End> {
        while let Some(deadline) = self.service.deadline().filter(|deadline| *deadline < monotonic_now() + MARGIN) {
            self.pass_deadline(deadline)?;
            self.settle()?;
        }
        Ok(())
    }

    fn pass_deadline(&mut self, deadline: Duration) -> Result<(), End> {
        thread::sleep((deadline + MARGIN).saturating_sub(monotonic_now()));
        let before = self.service.deadline();
        let effects = self.service.on_deadline(deadline);
        self.follow(deadline, effects)?;
        // Two that are so close together might come the other way round.
        if before.zip(self.service.deadline()).is_some_and(|(before, now)| now < before + 2 * MARGIN) {
            return Err(End::TooSlow);
        }
        Ok(())
    }

    /// Waits until systemd is where our machine is.
    fn settle(&mut self) -> Result<(), End> {
        let begin = Instant::now();
        let expected = self.expected();
        let (mut looks, mut pause) = (0, Duration::from_millis(1));
        loop {
            let found = self.found_properties()?;
            let differences = Differences::between(&expected, &found);
            if differences.0.is_empty() {
                return Ok(());
            }
            if self.service.deadline().is_some_and(|deadline| deadline < monotonic_now() + PROMPT) {
                // It may be because of that, unless it has been so for a while.
                let certain = looks >= 10 && begin.elapsed() > 2 * MARGIN;
                return Err(if certain { End::Wrong(differences.to_string()) } else { End::TooSlow });
            }
            if begin.elapsed() > SETTLING {
                return Err(End::Wrong(differences.to_string()));
            }
            looks += 1;
            thread::sleep(pause);
            pause = Duration::from_millis(50).min(pause * 2);
        }
    }

    fn found_properties(&self) -> io::Result<Vec<Option<String>>> {
        let unit = format!("{}.service", self.name);
        let mut bus = self.stage.bus.lock().unwrap_or_else(PoisonError::into_inner);
        let values = bus.properties(&unit, &PROPERTIES)?;
        Ok(values
            .into_iter()
            .map(|value| match value {
                // Both are no watchdog.
                Some(Value::Number(u64::MAX)) => Some("0".to_owned()),
                value => value.map(Value::text),
            })
            .collect())
    }

    fn expected(&self) -> Vec<String> {
        let service = &self.service;
        let pid = |pid: Option<u32>| pid.unwrap_or_default().to_string();
        vec![
            service.active_state().to_string(),
            service.sub_state().to_string(),
            service.result().to_string(),
            service.reload_result().to_string(),
            service.status_text().unwrap_or_default().to_owned(),
            service.status_errno().to_string(),
            service.status_bus_error().unwrap_or_default().to_owned(),
            service.status_varlink_error().unwrap_or_default().to_owned(),
            pid(service.main_pid()),
            pid(service.control_pid()),
            service.stored_fds().len().to_string(),
            service.notify_access().as_str().to_owned(),
            service.watchdog().map_or(0, |period| period.as_micros()).to_string(),
        ]
    }
}

/// Where systemd's properties are not as ours.
struct Differences(Vec<String>);

impl Differences {
    fn between(expected: &[String], found: &[Option<String>]) -> Self {
        let differ = PROPERTIES.iter().zip(expected.iter().zip(found)).filter_map(|((_, name), (expected, found))| {
            let found = found.as_ref()?;
            (expected != found).then(|| format!("{name} is {found:?} for systemd and {expected:?} for us"))
        });
        Self(differ.collect())
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// The bytes as a word of a request.
fn escape(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("\\x{byte:02x}") })
        .collect()
}

/// What a line stands for: `\xHH` is a byte.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(bytes)
}
