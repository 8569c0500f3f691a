//! What the machine wants done.

use super::Runner;
use super::phases::Phase;
use crate::check::plan::Line;
use crate::check::processes::{self, Process};
use crate::check::signals;
use crate::check::spawn;
use crate::check::timeline::{Kind, To};
use readyup::NotifyAccess;
use readyup::manager::service::{ActiveState, Command, Effect, Exit, ServiceResult, Target};
use readyup::monotonic_now;
use rustix::fd::AsFd as _;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// The process id of none.
const NOBODY: u32 = 0;

impl Runner<'_> {
    pub(super) fn on_deadline(&mut self) {
        let now = monotonic_now();
        if self.service.deadline().is_some_and(|at| at <= now) {
            let before = self.service.active_state();
            let effects = self.service.on_deadline(now);
            self.carry_out(effects);
            let after = self.service.active_state();
            let is_late = before == ActiveState::Reloading
                && matches!(after, ActiveState::Active | ActiveState::Reloading)
                && self.service.reload_result() == ServiceResult::Timeout;
            // That it is over is told with the next phase, unless the service began to reload by itself, or goes on: up to
            // 258 systemd does not give it up.
            if is_late && (after == ActiveState::Reloading || !matches!(self.phase, Phase::Reload { .. })) {
                self.record(Kind::ReloadOver { result: ServiceResult::Timeout });
            }
            if is_late && after == ActiveState::Reloading {
                self.stop();
            }
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changed { from, to } => self.record(Kind::State { from, to }),
                Effect::Run(command) => self.start_command(command),
                Effect::Signal { target, signal } => self.signal(target, signal),
                // A descriptor that came again has the key of the one that stays.
                Effect::CloseFd(key) if !self.service.stored_fds().iter().any(|stored| stored.fd == key) => {
                    self.stored.remove(&key);
                }
                // What is stored is held already, and refusals were recorded with the message.
                _ => {}
            }
        }
    }

    pub(super) fn start_command(&mut self, command: Command) {
        if command != Command::Start {
            return self.start_line(command, 0);
        }
        let is_heard = self.service.notify_access() != NotifyAccess::None;
        let address = Some(self.listener.address()).filter(|_| is_heard);
        let sockets: Vec<_> = self.sockets.iter().map(|socket| (socket.name.as_str(), socket.as_fd())).collect();
        let started = spawn::service(self.plan, address, &sockets);
        let now = monotonic_now();
        match started {
            Ok(pid) => {
                if !self.plan.config.exec_start_pre {
                    self.timeline.origin = now;
                }
                self.record(Kind::Started { pid, command: self.plan.command_line() });
                let mut effects = self.service.on_spawned(now, pid);
                // It was spawned, so that it has become the program.
                effects.extend(self.service.on_exec(now));
                self.carry_out(effects);
            }
            Err(failure) => {
                self.failure = Some(failure);
                let effects = self.service.on_spawn_failed(now);
                self.carry_out(effects);
            }
        }
    }

    /// Starts a line of a command.
    fn start_line(&mut self, command: Command, index: usize) {
        let Some(Line { words, may_fail }) = self.plan.commands.of(command).into_iter().nth(index) else { return };
        let is_heard = matches!(self.service.notify_access(), NotifyAccess::Exec | NotifyAccess::All);
        let address = Some(self.listener.address()).filter(|_| is_heard);
        let ends = matches!(command, Command::Stop | Command::StopPost);
        let told = if ends { self.how_it_ended() } else { Vec::new() };
        let started = spawn::command(&words, self.plan, address, self.service.main_pid(), &told);
        let now = monotonic_now();
        let pid = match started {
            Ok(pid) => pid,
            // There is no such program: a process that has ended before anybody could see it.
            Err(_) if may_fail => NOBODY,
            Err(failure) => {
                self.failure = Some(failure);
                let effects = self.service.on_spawn_failed(now);
                return self.carry_out(effects);
            }
        };
        if pid != NOBODY {
            self.record(Kind::Command { name: command.as_str(), pid, may_fail });
        }
        self.line = Some((command, index));
        let effects = if index == 0 { self.service.on_spawned(now, pid) } else { self.service.on_next_line(now, pid) };
        self.carry_out(effects);
        if pid == NOBODY {
            self.end_line(NOBODY, Exit::Code(0));
        }
    }

    /// The control process has ended.
    pub(super) fn end_line(&mut self, pid: u32, exit: Exit) {
        let now = monotonic_now();
        let line = self.line.take();
        let lines = line.map(|(command, _)| self.plan.commands.of(command)).unwrap_or_default();
        let may_fail = line.and_then(|(_, index)| lines.get(index)).is_some_and(|line| line.may_fail);
        let exit = if may_fail { Exit::Code(0) } else { exit };
        match line {
            Some((command, index)) if self.plan.is_well(exit) && index + 1 < lines.len() => {
                self.start_line(command, index + 1);
            }
            _ => {
                let effects = self.service.on_exit(now, pid, exit);
                self.carry_out(effects);
            }
        }
    }

    /// What the commands that come with the end find in their environment.
    fn how_it_ended(&self) -> Vec<(&'static str, String)> {
        let mut told = vec![("SERVICE_RESULT", self.service.result().to_string())];
        let name = |number| signals::name(number).trim_start_matches("SIG").to_owned();
        if let Some(exit) = self.main_exit {
            let (code, status) = match exit {
                Exit::Code(code) => ("exited", code.to_string()),
                Exit::Signal(signal) => ("killed", name(signal)),
                Exit::CoreDump(signal) => ("dumped", name(signal)),
            };
            told.extend([("EXIT_CODE", code.to_owned()), ("EXIT_STATUS", status)]);
        }
        told
    }

    pub(super) fn signal(&mut self, target: Target, number: i32) {
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

    pub(super) fn kill_everything(&mut self) {
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
