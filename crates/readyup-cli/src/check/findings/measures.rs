//! How long things took.

use crate::check::timeline::{Kind, Timeline};
use readyup::manager::service::{Exit, ServiceResult, SubState};
use std::time::Duration;

#[derive(Debug, Default)]
pub(in crate::check) struct Measures {
    /// From the start to `READY=1`.
    pub(in crate::check) ready: Option<Duration>,
    /// `WATCHDOG=1` that counted, and came while it ran.
    pub(in crate::check) pings: Vec<Duration>,
    /// The largest time without one while one was due, and when it began.
    pub(in crate::check) largest_gap: Option<(Duration, Duration)>,
    /// How long each reload took.
    pub(in crate::check) reloads: Vec<Duration>,
    /// From the signal to the main process's end.
    pub(in crate::check) stop: Option<Duration>,
    pub(in crate::check) exit: Option<Exit>,
}

impl Measures {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let ready = timeline.entered(SubState::Running);
        // From here on nobody expects a ping.
        let end = timeline.when(|kind| {
            matches!(kind, Kind::StallBegun | Kind::StopAsked | Kind::Exited { main: true, .. })
                || matches!(kind, Kind::State { to: SubState::StopWatchdog, .. })
        });
        let is_before_end = |at: &Duration| end.is_none_or(|end| *at <= end);
        let pings: Vec<Duration> = timeline
            .messages()
            .filter(|(_, said)| said.is_believed() && said.says("WATCHDOG", "1"))
            .map(|(at, _)| at)
            .filter(is_before_end)
            .collect();
        let marks: Vec<Duration> =
            ready.into_iter().chain(pings.iter().copied().filter(|at| Some(*at) >= ready)).chain(end).collect();
        let gaps = marks.windows(2).map(|pair| (pair[1].saturating_sub(pair[0]), pair[0]));
        let exit = timeline.events.iter().find_map(|event| match event.kind {
            Kind::Exited { main: true, exit, .. } => Some((event.at, exit)),
            _ => None,
        });
        Self {
            ready,
            largest_gap: gaps.max(),
            pings,
            reloads: reloads(timeline),
            stop: timeline.stop_asked().zip(exit).map(|(asked, (at, _))| at.saturating_sub(asked)),
            exit: exit.map(|(_, exit)| exit),
        }
    }
}

/// From the request to the last change of state before it was seen to be over.
fn reloads(timeline: &Timeline) -> Vec<Duration> {
    let (mut asked, mut changed, mut reloads) = (None, Duration::ZERO, Vec::new());
    for event in &timeline.events {
        match event.kind {
            Kind::ReloadAsked { .. } => asked = Some(event.at),
            Kind::State { .. } => changed = event.at,
            Kind::ReloadOver { result } => {
                // Where it is not given up, the state stays what it was.
                let over = if result == ServiceResult::Timeout { event.at } else { changed };
                reloads.extend(asked.take().map(|asked| over.saturating_sub(asked)));
            }
            _ => {}
        }
    }
    reloads
}
