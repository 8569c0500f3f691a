//! The watchdog's rhythm.

use super::{Findings, Measures};
use crate::check::plan::Plan;
use crate::check::timeline::{Kind, Timeline};
use crate::trace::event::duration;
use readyup::manager::service::SubState;
use std::time::Duration;

pub(super) fn judge(plan: &Plan, timeline: &Timeline, measures: &Measures, findings: &mut Findings) {
    let triggered = timeline.messages().find(|(_, said)| said.is_believed() && said.says("WATCHDOG", "trigger"));
    if let Some((at, said)) = triggered {
        findings.error("watchdog-triggered", Some(at), format!("{} sent WATCHDOG=trigger", said.who));
        return;
    }
    // The last word on it.
    let Some(period) = timeline.messages().last().map_or(plan.config.watchdog, |(_, said)| said.watchdog) else {
        return;
    };
    let stall = timeline.when(|kind| matches!(kind, Kind::StallBegun));
    let bitten = timeline.entered(SubState::StopWatchdog).filter(|at| stall.is_none_or(|stall| *at < stall));
    if let Some(at) = bitten {
        // If they were not believed, or could not be read, that is what is wrong.
        let reasons = timeline.messages().any(|(_, said)| said.has_key("WATCHDOG") && !said.says("WATCHDOG", "1"));
        let unheard = timeline.messages().any(|(_, said)| said.has_key("WATCHDOG") && !said.is_believed());
        if reasons || unheard {
        } else if measures.pings.is_empty() {
            let seen = format!("no WATCHDOG=1 came in {}", duration(period));
            findings.error("watchdog-never", Some(at), seen);
        } else {
            let seen = format!("no WATCHDOG=1 came in {} after the last one", duration(period));
            findings.error("watchdog-late", Some(at), seen);
        }
    } else if let Some((gap, at)) = measures.largest_gap.filter(|_| !measures.pings.is_empty()) {
        // No timer is exact.
        if gap > period / 2 + period / 20 {
            let seen = format!("{} passed without WATCHDOG=1, of {}", duration(gap), duration(period));
            findings.warning("watchdog-tight", Some(at), seen);
        }
    }
    if let Some(begun) = stall {
        judge_stall(timeline, begun, period, findings);
    }
}

fn judge_stall(timeline: &Timeline, begun: Duration, period: Duration, findings: &mut Findings) {
    // A ping may have been on its way.
    let begun = begun + period / 20;
    let over = timeline.when(|kind| matches!(kind, Kind::StallOver | Kind::StallAnswered)).unwrap_or(Duration::MAX);
    let during = timeline
        .messages()
        .filter(|(at, said)| said.is_believed() && said.says("WATCHDOG", "1") && *at > begun && *at < over)
        .count();
    if during > 0 {
        let seen = format!("{during} × WATCHDOG=1 came while a request made the service hang");
        findings.error("watchdog-blind", Some(begun), seen);
    } else if let Some(at) = timeline.when(|kind| matches!(kind, Kind::StallAnswered)) {
        findings.warning("stall-answered", Some(at), "the request of --stall-check was answered or refused");
    }
}
