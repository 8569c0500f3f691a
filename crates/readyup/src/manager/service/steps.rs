//! From state to state.

use super::life::{Main, Said};
use super::signal::SIGHUP;
use super::{
    ActiveState, Command, Effect, FdStorePreserve, KillMode, Refusal, Service, ServiceResult, ServiceType, SubState,
    Target,
};
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

/// Whether a process runs, as far as can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alive {
    Yes,
    No,
    Unknown,
}

/// The first version in which a reload that is not answered is given up, and in which `ExecReload=` comes before the
/// signal.
pub(super) const RELOADS_IN_STEPS: u32 = 259;

impl Service {
    pub(super) fn finish(&mut self) -> Vec<Effect> {
        mem::take(&mut self.effects)
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.effects.push(Effect::Refused(refusal));
    }

    pub(super) fn signal(&mut self, target: Target, signal: i32) {
        self.effects.push(Effect::Signal { target, signal });
    }

    pub(super) fn run(&mut self, command: Command) {
        self.pending = Some(command);
        self.owed.clear();
        self.effects.push(Effect::Run(command));
    }

    pub(super) fn reloads_by_signal(&self) -> bool {
        self.config.service_type == ServiceType::NotifyReload
    }

    /// The state that a service is in that reloads because it said so.
    pub(super) const fn notified_reload(&self) -> SubState {
        if self.config.systemd < 253 { SubState::Reload } else { SubState::ReloadNotify }
    }

    /// What counts is what went wrong first.
    pub(super) fn note(&mut self, result: ServiceResult) {
        if self.result == ServiceResult::Success {
            self.result = result;
        }
    }

    pub(super) fn arm(&mut self, now: Duration, limit: Option<Duration>) {
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

    pub(super) fn main_alive(&self) -> Alive {
        match self.main {
            _ if self.pending == Some(Command::Start) => Alive::Yes,
            Some(main) if main.alien && main.gone => Alive::No,
            Some(_) => Alive::Yes,
            None if self.main_known => Alive::No,
            None => Alive::Unknown,
        }
    }

    pub(super) fn control_alive(&self) -> bool {
        self.control.is_some() || self.pending.is_some_and(|command| command != Command::Start)
    }

    /// What becomes of the control process is nobody's concern any more.
    pub(super) fn forget_control(&mut self) {
        self.control = None;
        self.pending = self.pending.filter(|command| *command == Command::Start);
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
            self.pending = self.pending.filter(|command| *command != Command::Start);
        }
        if !state.has_control() {
            self.forget_control();
        }
        let up = |state: SubState| matches!(state.active_state(), ActiveState::Active | ActiveState::Reloading);
        if up(state) && !up(before) {
            self.active_since = now;
            self.starting = false;
        }
        if before != state {
            self.effects.push(Effect::Changed { from: before, to: state });
        }
    }

    pub(super) fn begin(&mut self, now: Duration) {
        (self.starting, self.start_again) = (true, false);
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
        if self.config.exec_start_pre && self.minds_others() {
            self.enter_dead(now, ServiceResult::Resources);
        } else if self.config.exec_start_pre {
            self.run_control(now, Command::StartPre, SubState::StartPre, self.config.timeout_start);
        } else {
            self.enter_start(now);
        }
    }

    pub(super) fn run_control(&mut self, now: Duration, command: Command, state: SubState, limit: Option<Duration>) {
        self.arm(now, limit);
        self.set_state(now, state);
        self.run(command);
    }

    /// Whether processes that were left over keep it from starting: those of a database, say, that must not be killed.
    pub(super) fn minds_others(&self) -> bool {
        let all = matches!(self.config.kill_mode, KillMode::ControlGroup | KillMode::Mixed);
        self.others && all && !self.config.send_sigkill
    }

    pub(super) fn enter_start(&mut self, now: Duration) {
        self.main = None;
        self.forget_control();
        if self.minds_others() {
            return self.enter_signal(now, SubState::StopSigterm, ServiceResult::Resources);
        }
        self.arm(now, if self.config.service_type == ServiceType::Simple { None } else { self.config.timeout_start });
        self.set_state(now, SubState::Start);
        self.run(Command::Start);
    }

    pub(super) fn enter_start_post(&mut self, now: Duration) {
        self.forget_control();
        self.reset_watchdog(now);
        if self.config.exec_start_post {
            self.run_control(now, Command::StartPost, SubState::StartPost, self.config.timeout_start);
        } else {
            self.enter_running(now, ServiceResult::Success);
        }
    }

    pub(super) fn enter_running(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.forget_control();
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

    pub(super) fn enter_reload(&mut self, now: Duration) {
        self.forget_control();
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
        match self.send_reload_signal() {
            Some(false) => self.finish_reload(now, ServiceResult::Resources),
            _ if self.config.exec_reload => {
                self.run_control(now, Command::Reload, SubState::Reload, self.config.timeout_start);
            }
            Some(true) => self.wait_for_reload(now),
            None => self.enter_running(now, ServiceResult::Success),
        }
    }

    /// Whether the signal could be sent, if one is to be.
    pub(super) fn send_reload_signal(&mut self) -> Option<bool> {
        let main = self.main.filter(|_| self.reloads_by_signal())?;
        if !main.gone {
            self.signal(Target::Process(main.pid), self.config.reload_signal);
        }
        Some(!main.gone)
    }

    pub(super) fn wait_for_reload(&mut self, now: Duration) {
        self.arm(now, self.config.timeout_start);
        self.set_state(now, SubState::ReloadSignal);
    }

    pub(super) fn enter_reload_signal(&mut self, now: Duration) {
        if self.state == SubState::Reload && self.reloads_by_signal() {
            match self.said {
                Said::Reloading => return self.set_state(now, SubState::ReloadNotify),
                Said::ReloadReady => return self.finish_reload(now, ServiceResult::Success),
                Said::Nothing | Said::Ready | Said::Stopping => {}
            }
        }
        match self.send_reload_signal() {
            Some(true) => self.wait_for_reload(now),
            Some(false) => self.finish_reload(now, ServiceResult::Resources),
            None => self.finish_reload(now, ServiceResult::Success),
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

    pub(super) fn request_stop(&mut self, now: Duration) {
        self.starting = false;
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

    pub(super) fn enter_stop(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.forget_control();
        if self.config.exec_stop {
            self.run_control(now, Command::Stop, SubState::Stop, self.config.timeout_stop);
        } else {
            self.enter_signal(now, SubState::StopSigterm, ServiceResult::Success);
        }
    }

    pub(super) fn enter_stop_post(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.forget_control();
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
    pub(super) fn kill(&mut self, state: SubState, signal: i32) -> bool {
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
            if self.config.send_sighup && terminating && signal != SIGHUP {
                self.signal(target, SIGHUP);
            }
        }
        if self.pending.is_some() && !self.owed.contains(&signal) {
            self.owed.push(signal);
        }
        let waits_for_main = match self.main {
            Some(main) => !main.alien,
            None => self.pending == Some(Command::Start),
        };
        waits_for_main || self.control_alive() || others.is_some()
    }

    pub(super) fn enter_dead(&mut self, now: Duration, result: ServiceResult) {
        self.note(result);
        self.pending = None;
        self.starting = false;
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
}
