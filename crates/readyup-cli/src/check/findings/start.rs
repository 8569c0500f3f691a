//! The beginning.

use super::Findings;
use crate::check::plan::Plan;
use crate::check::timeline::{Kind, Timeline};
use crate::trace::event::duration;
use readyup::manager::service::{Exit, ServiceType, SubState};

pub(super) fn judge(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    judge_port(plan, timeline, findings);
    for event in &timeline.events {
        if let Kind::Activated { name, accepted: false } = &event.kind {
            let seen = format!("a connection to the socket \"{name}\" waited for a second after the start was over");
            findings.error("socket-ignored", Some(event.at), seen);
        }
    }
    if timeline.entered(SubState::Running).is_none() {
        judge_failure(plan, timeline, findings);
    }
}

fn judge_port(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    let refused = timeline.when(|kind| matches!(kind, Kind::PortAtReady { accepts: false }));
    if let Some((port, at)) = plan.port.zip(refused) {
        let opened = timeline.when(|kind| matches!(kind, Kind::PortOpened));
        let then = match opened {
            Some(opened) => format!("it did {} later", duration(opened.saturating_sub(at))),
            None => "it never did".to_owned(),
        };
        let seen = format!("{port} accepted no connection when READY=1 came; {then}");
        findings.error("ready-before-listen", Some(at), seen);
    }
}

/// It has never run. Whatever is known to be wrong by now is the reason.
fn judge_failure(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    let exited = timeline.events.iter().find_map(|event| match event.kind {
        Kind::Exited { main: true, exit, others, .. } => Some((event.at, exit, others)),
        _ => None,
    });
    let stopped = timeline.when(|kind| matches!(kind, Kind::State { to: SubState::StopSigterm, .. }));
    // Something that it should have said was lost.
    let is_known = findings.has_errors();
    match exited.filter(|(at, ..)| stopped.is_none_or(|stopped| *at < stopped)) {
        _ if timeline.is_interrupted() => {}
        Some((at, Exit::Code(0), others)) if others > 0 => {
            let processes = if others == 1 { "1 process".to_owned() } else { format!("{others} processes") };
            let seen = format!("the main process ended with exit status 0 before READY=1, and left {processes} behind");
            findings.error("daemonized", Some(at), seen);
        }
        Some(_) if is_known => {}
        Some((at, Exit::Code(0), _)) => {
            findings.error("exited-before-ready", Some(at), "the main process ended with exit status 0 before READY=1");
        }
        Some((at, exit, _)) => {
            findings.error(
                "start-failed",
                Some(at),
                format!("the main process {} before READY=1", super::stop::ended(exit)),
            );
        }
        None if is_known => {}
        None => judge_silence(plan, timeline, findings),
    }
}

/// The time was over.
fn judge_silence(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    for event in &timeline.events {
        match &event.kind {
            Kind::EnvironmentLost { who } => {
                let seen =
                    format!("{who} runs without the NOTIFY_SOCKET that the service was given, and READY=1 never came");
                findings.error("environment-lost", Some(event.at), seen);
                return;
            }
            Kind::SocketHidden { who } => {
                let seen = format!("{who} does not see the file of the notify socket, and READY=1 never came");
                findings.error("socket-hidden", Some(event.at), seen);
                return;
            }
            _ => {}
        }
    }
    if !matches!(plan.config.service_type, ServiceType::Notify | ServiceType::NotifyReload) {
        return;
    }
    let limit = plan.config.timeout_start.map(duration).unwrap_or_default();
    let at = timeline.when(|kind| matches!(kind, Kind::State { to: SubState::StopSigterm, .. }));
    let count = timeline.messages().filter(|(time, _)| at.is_none_or(|at| *time < at)).count();
    let said = match count {
        0 => "no message at all came".to_owned(),
        1 => "one message came, without READY=1".to_owned(),
        many => format!("{many} messages came, none with READY=1"),
    };
    let mut seen = format!("{said} in {limit}");
    if plan.is_abstract && count == 0 {
        seen += "; the socket is an abstract one, which not every library knows";
    }
    findings.error("never-ready", at, seen);
}
