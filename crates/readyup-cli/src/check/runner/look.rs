//! What nobody says, and is there to be seen: ends of processes, who is there, and what they have.

use super::messages::who;
use super::phases::Phase;
use super::{LOOK_EVERY, Runner, Sender};
use crate::check::probe;
use crate::check::processes::{self, Process};
use crate::check::timeline::Kind;
use crate::exit::Failure;
use readyup::manager::service::SubState;
use readyup::monotonic_now;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::path::Path;
use std::time::Duration;

/// A sender that ends this soon after it spoke is one that manages to be gone before it is looked up.
const HURRY: Duration = Duration::from_millis(100);
/// A child that is there for so long is no command of a script's that does something and is done.
const STAYS: Duration = Duration::from_millis(500);

impl Runner<'_> {
    /// Hears of processes that have ended, and of signals.
    pub(super) fn reap(&mut self) {
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
            if is_main {
                self.main_exit = Some(exit);
            }
            if self.service.control_pid() == Some(pid) {
                self.end_line(pid, exit);
            } else {
                let effects = self.service.on_exit(now, pid, exit);
                self.carry_out(effects);
            }
        }
    }

    pub(super) fn count_processes(&mut self, now: Duration) {
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
    pub(super) fn look(&mut self) {
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
    pub(super) fn look_for_hurried(&mut self, now: Duration) {
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
    pub(super) fn look_for_heirs(&mut self) {
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
    pub(super) fn diagnose(&mut self) {
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
}
