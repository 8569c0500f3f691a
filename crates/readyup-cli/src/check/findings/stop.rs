//! The end.

use super::Findings;
use crate::check::signals;
use crate::check::timeline::{Kind, Timeline, To};
use crate::trace::event::duration;
use readyup::manager::service::{Exit, ServiceResult, SubState};

/// How a process ended, for people.
pub(in crate::check) fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit status {code}"),
        Exit::Signal(signal) => format!("was ended by {}", signals::name(signal)),
        Exit::CoreDump(signal) => format!("was ended by {} with a core dump", signals::name(signal)),
    }
}

pub(super) fn judge(timeline: &Timeline, findings: &mut Findings) {
    let Some(ready) = timeline.entered(SubState::Running) else { return };
    let exited = timeline.events.iter().find_map(|event| match event.kind {
        Kind::Exited { main: true, exit, others, .. } => Some((event.at, exit, others)),
        _ => None,
    });
    let stopped = timeline.stop_asked();
    let is_killed_by_watchdog = timeline.entered(SubState::StopWatchdog).is_some();
    if let Some((at, exit, others)) = exited.filter(|(at, ..)| stopped.is_none_or(|stopped| *at < stopped)) {
        // What happens during a reload is looked at there.
        let reloads = timeline.events.iter().rev().find_map(|event| match event.kind {
            Kind::ReloadAsked { .. } => Some(event.at <= at),
            Kind::ReloadOver { .. } => Some(event.at >= at),
            _ => None,
        });
        if is_killed_by_watchdog || reloads == Some(true) {
            return;
        }
        let left = match others {
            0 => String::new(),
            1 => ", and left 1 process behind".to_owned(),
            many => format!(", and left {many} processes behind"),
        };
        let after = duration(at.saturating_sub(ready));
        let seen = format!("the main process {} {after} after READY=1{left}", ended(exit));
        if timeline.result == Some(ServiceResult::Success) {
            findings.warning("ended-by-itself", Some(at), seen);
        } else {
            findings.error("crashed", Some(at), seen);
        }
        return;
    }
    // One that is not waited for is killed at once.
    let is_waited_for = !findings.has("main-pid-foreign");
    let Some(asked) = stopped.filter(|_| !is_killed_by_watchdog && is_waited_for) else { return };
    for event in timeline.events.iter().filter(|event| event.at >= asked) {
        let Kind::Signal { to, signal: libc::SIGKILL } = event.kind else { continue };
        let after = duration(event.at.saturating_sub(asked));
        match to {
            To::Main => {
                let seen = format!("the main process was still there {after} after it was told to end, and was killed");
                findings.error("stop-timeout", Some(event.at), seen);
            }
            To::Others if !findings.has("stop-timeout") => {
                let seen = format!("processes of the service were still there after {after}, and were killed");
                findings.error("children-left", Some(event.at), seen);
            }
            _ => {}
        }
    }
    if findings.has("stop-timeout") {
        return;
    }
    if let Some((at, exit, _)) = exited {
        let is_well = matches!(timeline.result, Some(ServiceResult::Success | ServiceResult::Timeout));
        if !is_well && !findings.has("command-failed") {
            let seen = format!("the main process {} when it was told to end", ended(exit));
            let finding = findings.error("stop-failed", Some(at), seen);
            if let Exit::Code(code) = exit {
                finding.fix = format!("end with exit status 0, or SuccessExitStatus={code}");
            }
        }
        let says_so = timeline.messages().any(|(_, said)| said.is_believed() && said.says("STOPPING", "1"));
        if !says_so {
            findings.note("no-stopping", Some(at), "it ended without STOPPING=1");
        }
    }
}
