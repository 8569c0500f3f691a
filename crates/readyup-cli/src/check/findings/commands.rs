//! What was run beside the service itself. A reload is looked at as a whole.

use super::Findings;
use crate::check::plan::Plan;
use crate::check::timeline::{Kind, Timeline, To};
use readyup::manager::service::Command;

pub(super) fn judge(plan: &Plan, timeline: &Timeline, findings: &mut Findings) {
    let (mut running, mut is_late) = (None, false);
    for event in &timeline.events {
        match &event.kind {
            Kind::Command { name, pid, may_fail } => (running, is_late) = (Some((*name, *pid, *may_fail)), false),
            Kind::Signal { to: To::Control, .. } => is_late = true,
            Kind::Exited { who, main: false, exit, .. } => {
                let failed = running.filter(|(name, pid, may_fail)| {
                    let is_its_own = *name != Command::Reload.as_str() && !may_fail;
                    *pid == who.pid && is_its_own && !plan.is_well(*exit) && !timeline.is_interrupted()
                });
                if let Some((name, ..)) = failed {
                    let late = if is_late { " took too long, and" } else { "" };
                    let seen = format!("{name}={late} {}", super::stop::ended(*exit));
                    findings.error("command-failed", Some(event.at), seen);
                }
            }
            _ => {}
        }
    }
}
