//! Reloads.

use super::Findings;
use crate::check::plan::Plan;
use crate::check::signals;
use crate::check::timeline::{Event, Kind, Said, Timeline};
use crate::trace::event::duration;
use readyup::manager::service::{Exit, Refusal, ServiceResult, ServiceType};
use std::time::Duration;

/// How far a time may be ahead of the moment at which it came: not at all, but for rounding.
const AHEAD: Duration = Duration::from_millis(1);

pub(super) fn judge(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    let mut asked = None;
    for (index, event) in timeline.events.iter().enumerate() {
        match event.kind {
            Kind::ReloadAsked { broken } => asked = Some((index, broken)),
            Kind::ReloadOver { result } => {
                if asked.is_none() && result == ServiceResult::Timeout {
                    let limit = plan.config.timeout_start.map(duration).unwrap_or_default();
                    let seen = format!("no READY=1 came within {limit} after RELOADING=1, which nobody waited for");
                    findings.error("reload-unfinished", Some(event.at), seen);
                }
                if let Some((start, broken)) = asked.take() {
                    let (events, after) = (&timeline.events[start..=index], &timeline.events[index..]);
                    Reload { plan, timeline, events, after, broken, result }.judge(findings);
                }
            }
            _ => {}
        }
    }
}

/// One of them.
struct Reload<'a> {
    plan: &'a Plan,
    timeline: &'a Timeline,
    events: &'a [Event],
    /// What came after the manager took it to be over.
    after: &'a [Event],
    broken: bool,
    result: ServiceResult,
}

impl Reload<'_> {
    fn messages(&self) -> impl Iterator<Item = (Duration, &Said)> {
        believed(self.events)
    }

    fn judge(&self, findings: &mut Findings) {
        let exited = self.events.iter().find_map(|event| match event.kind {
            Kind::Exited { main: true, exit, .. } => Some((event.at, exit)),
            _ => None,
        });
        if let Some((at, exit)) = exited {
            let signal = self.plan.config.reload_signal;
            if matches!(exit, Exit::Signal(by) | Exit::CoreDump(by) if by == signal) {
                let name = signals::name(signal);
                findings.error("reload-kills", Some(at), format!("{name} ended the main process"));
                return;
            }
            let seen = format!("the main process {} while it should reload", super::stop::ended(exit));
            findings.error("reload-failed", Some(at), seen);
            return;
        }
        self.judge_times(findings);
        if self.result == ServiceResult::Success {
            self.judge_rest(findings);
        } else {
            self.judge_failure(findings);
        }
    }

    /// The manager takes it to have ended well with its command. Does the service, too?
    fn judge_rest(&self, findings: &mut Findings) {
        let Some(limit) = self.plan.config.timeout_start else { return };
        let is_next = |event: &Event| matches!(event.kind, Kind::ReloadAsked { .. } | Kind::StopAsked);
        let Some(next) = self.after.iter().position(is_next) else { return };
        let ends = |said: &Said| said.says("READY", "1") || said.says("STOPPING", "1");
        let is_over = believed(&self.after[..next]).any(|(_, said)| ends(said));
        let last = self.messages().filter(|(_, said)| said.says("RELOADING", "1") || ends(said)).last();
        let Some((at, said)) = last.filter(|(_, said)| !is_over && !ends(said)) else { return };
        let waited = self.after[next].at.saturating_sub(said.received.saturating_sub(self.timeline.origin));
        if waited >= limit {
            let limit = duration(limit);
            let id = if self.broken { "reload-failure-unfinished" } else { "reload-unfinished" };
            let seen =
                format!("no READY=1 came within {limit} after RELOADING=1, which came before ExecReload= had ended");
            findings.error(id, Some(at), seen);
        }
    }

    fn judge_times(&self, findings: &mut Findings) {
        for (at, said) in self.messages().filter(|(_, said)| said.says("RELOADING", "1")) {
            let at = Some(at);
            for refusal in &said.refusals {
                match refusal {
                    Refusal::ReloadWithoutTime => {
                        let alone = self
                            .messages()
                            .find(|(_, other)| other.has_key("MONOTONIC_USEC") && !other.has_key("RELOADING"));
                        let id = if alone.is_some() { "reload-split" } else { "reload-without-time" };
                        findings.error(id, at, refusal.to_string());
                    }
                    Refusal::ReloadTooEarly { said, asked } if *said >= self.timeline.origin => {
                        let early = duration(asked.saturating_sub(*said));
                        let seen = format!("MONOTONIC_USEC= is {early} before the signal was sent");
                        findings.error("reload-too-early", at, seen);
                    }
                    Refusal::ReloadTooEarly { said, asked } => {
                        let seen = format!(
                            "MONOTONIC_USEC={}, and the signal was sent at {}",
                            said.as_micros(),
                            asked.as_micros()
                        );
                        findings.error("reload-wrong-clock", at, seen);
                    }
                    _ => {}
                }
            }
            let time = said.number("MONOTONIC_USEC").map(Duration::from_micros);
            if let Some(time) = time.filter(|time| *time > said.received + AHEAD) {
                let ahead = duration(time - said.received);
                let seen = format!("MONOTONIC_USEC={} is {ahead} ahead of when it came", time.as_micros());
                // It is taken all the same.
                findings.warning("reload-wrong-clock", at, seen);
            }
        }
    }

    /// It did not end well, by what the manager knows.
    fn judge_failure(&self, findings: &mut Findings) {
        let known = [
            "reload-without-time",
            "reload-split",
            "reload-too-early",
            "reload-wrong-clock",
            "wrong-sender",
            "bad-value",
        ];
        if known.into_iter().any(|id| findings.has(id)) {
            return;
        }
        let at = self.events.last().map(|event| event.at);
        let limit = self.plan.config.timeout_start.map(duration).unwrap_or_default();
        let begun = self.messages().any(|(_, said)| said.says("RELOADING", "1"));
        if self.plan.config.service_type != ServiceType::NotifyReload && !begun {
            let seen = format!("the reload ended with result {}", self.result);
            findings.error("reload-failed", at, seen);
        } else if begun && self.broken {
            let seen = format!("no READY=1 came within {limit} after a reload that failed");
            findings.error("reload-failure-unfinished", at, seen);
        } else if begun {
            findings.error("reload-unfinished", at, format!("no READY=1 came within {limit} after RELOADING=1"));
        } else {
            let signal = signals::name(self.plan.config.reload_signal);
            findings.error("reload-ignored", at, format!("no RELOADING=1 came within {limit} after {signal}"));
        }
    }
}

/// The messages among them that count.
fn believed<'a>(events: impl IntoIterator<Item = &'a Event>) -> impl Iterator<Item = (Duration, &'a Said)> {
    events.into_iter().filter_map(|event| match &event.kind {
        Kind::Message(said) if said.is_believed() && !said.lines.is_empty() => Some((event.at, said)),
        _ => None,
    })
}
