//! What ends a state: the end of a process, or of the time for it.

use super::life::Said;
use super::signal::{SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM};
use super::steps::{Alive, RELOADS_IN_STEPS};
use super::{Exit, Service, ServiceResult, SubState, Target, TimeoutFailureMode};
use crate::protocol::NotifyAccess;
use core::time::Duration;

impl Service {
    /// How the end of a process is to be taken.
    pub(super) fn judge(&self, exit: Exit, main: bool) -> ServiceResult {
        const CLEAN: [i32; 4] = [SIGHUP, SIGINT, SIGTERM, SIGPIPE];
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

    pub(super) fn on_main_exit(&mut self, now: Duration, result: ServiceResult) {
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

    pub(super) fn on_control_exit(&mut self, now: Duration, result: ServiceResult) {
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

    /// Does what is to be done once there is no process left.
    pub(super) fn look_for_processes(&mut self, now: Duration) {
        if !self.others && !self.control_alive() && self.main_alive() != Alive::Yes {
            self.on_empty(now);
        }
    }

    /// The unit's cgroup is empty. For most states the end of the process that is waited for tells more.
    pub(super) fn on_empty(&mut self, now: Duration) {
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

    pub(super) fn on_timer(&mut self, now: Duration) {
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
                    self.signal(Target::Process(pid), SIGKILL);
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
    pub(super) fn time_out(&mut self, now: Duration, mode: TimeoutFailureMode) {
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
