//! What is asked of the service, one thing after the other.

use super::Runner;
use crate::check::probe::Request;
use crate::check::spawn;
use crate::check::timeline::Kind;
use crate::exit::Failure;
use readyup::manager::service::{ActiveState, ServiceResult};
use readyup::monotonic_now;
use std::time::Duration;

/// How long a reload that was begun by a command goes on after that at the most, where the service says nothing of it.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a service may take to accept a connection to a socket that it was given.
const ACCEPT_WITHIN: Duration = Duration::from_secs(1);

/// What is being waited for.
#[derive(Debug)]
pub(super) enum Phase {
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

impl Runner<'_> {
    /// Goes on to what is to be done next.
    pub(super) fn advance(&mut self) {
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
                self.phase = Phase::Watch { until: now.saturating_add(self.plan.watch) };
                self.try_sockets(now);
            }
            Phase::Watch { until } if now >= *until && state == ActiveState::Active => self.after_watching(now),
            Phase::Reload { broken } if state == ActiveState::Active => {
                let broken = *broken;
                self.record(Kind::ReloadOver { result: self.service.reload_result() });
                let settles = self.plan.config.exec_reload;
                self.phase = Phase::Settle { until: if settles { now + SETTLE } else { now }, broken };
            }
            Phase::Settle { until, broken } if now >= *until && state == ActiveState::Active => {
                // From 259 on systemd does not wait for it, where it was said before the command ended.
                let limit = self.plan.config.timeout_start;
                let patience = self.reloading_since.zip(limit).map(|(since, limit)| since.saturating_add(limit));
                match (patience.filter(|end| now < *end), &self.plan.break_config) {
                    (Some(end), _) => *until = end,
                    (None, Some(command)) if !*broken => self.break_config(&command.clone()),
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

    pub(super) fn after_watching(&mut self, now: Duration) {
        if self.plan.reload && self.reloads == 0 { self.reload(false) } else { self.after_reloads(now) }
    }

    pub(super) fn reload(&mut self, broken: bool) {
        self.reloads += 1;
        self.record(Kind::ReloadAsked { broken });
        self.phase = Phase::Reload { broken };
        let effects = self.service.reload(monotonic_now());
        self.carry_out(effects);
    }

    pub(super) fn break_config(&mut self, command: &str) {
        let words = ["sh", "-c", command].map(str::to_owned);
        match spawn::command(&words, self.plan, None, self.service.main_pid(), &[]) {
            Ok(pid) => {
                self.helper = Some(pid);
                self.phase = Phase::Break;
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    pub(super) fn after_reloads(&mut self, now: Duration) {
        let Some(url) = &self.plan.stall else { return self.stop() };
        match Request::send(url) {
            Ok(request) => {
                self.record(Kind::StallBegun);
                // In one period pings that come from a healthy service must have stopped; in the second one they are missed.
                let period = self.service.watchdog().unwrap_or(Duration::from_secs(1));
                self.phase =
                    Phase::Stall { request, until: now.saturating_add(period.saturating_mul(2)), answered: false };
            }
            Err(error) => self.failure = Some(Failure::new("--stall-check: asking the service", &error)),
        }
    }

    pub(super) fn stop(&mut self) {
        self.record(Kind::StopAsked);
        self.phase = Phase::Stop;
        self.count_processes(monotonic_now());
        let effects = self.service.stop(monotonic_now());
        self.carry_out(effects);
    }

    /// Connects to what the service was given, and waits for it to accept.
    pub(super) fn try_sockets(&mut self, now: Duration) {
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
}
