//! What the machine wants done.

use super::Runner;
use super::phases::Phase;
use crate::check::processes::{self, Process};
use crate::check::spawn;
use crate::check::timeline::{Kind, To};
use readyup::manager::service::{Command, Effect, ServiceResult, SubState, Target};
use readyup::monotonic_now;
use rustix::fd::AsFd as _;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

impl Runner<'_> {
    pub(super) fn on_deadline(&mut self) {
        let now = monotonic_now();
        if self.service.deadline().is_some_and(|at| at <= now) {
            let before = self.service.sub_state();
            let effects = self.service.on_deadline(now);
            self.carry_out(effects);
            // The service began to reload by itself.
            if before == SubState::ReloadNotify && !matches!(self.phase, Phase::Reload { .. }) {
                self.record(Kind::ReloadOver { result: ServiceResult::Timeout });
            }
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
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

    pub(super) fn start_command(&mut self, command: Command) {
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
