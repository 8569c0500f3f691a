//! For programs: one object a line, as the manual page tells.

use crate::check::findings::{Judgment, Severity};
use crate::check::timeline::{Event, Kind, Timeline, To, Who};
use readyup::manager::service::Exit;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn event(event: &Event) -> String {
    let (name, members) = members(&event.kind);
    line(Some(event.at), name, members)
}

/// The findings, and a line that sums it all up.
pub(super) fn conclusion(timeline: &Timeline, judgment: &Judgment) -> String {
    let mut text = String::new();
    for finding in &judgment.findings {
        let members = json!({
            "id": finding.rule.id,
            "severity": finding.severity,
            "seen": finding.seen,
            "why": finding.rule.why,
            "fix": finding.fix,
        });
        text += &line(finding.at, "finding", members);
    }
    let measures = &judgment.measures;
    let count = |wanted| judgment.findings.iter().filter(|finding| finding.severity == wanted).count();
    let members = json!({
        "result": timeline.result.map(|result| result.as_str()),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
        "ready": measures.ready.map(seconds),
        "pings": measures.pings.len(),
        "largest_gap": measures.largest_gap.filter(|_| !measures.pings.is_empty()).map(|(gap, _)| seconds(gap)),
        "reloads": measures.reloads.iter().copied().map(seconds).collect::<Vec<_>>(),
        "stop": measures.stop.map(seconds),
    });
    text + &line(None, "summary", members)
}

fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// What all objects have, first; then what is particular to the event.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    event: &'a str,
    #[serde(flatten)]
    members: Value,
}

fn line(at: Option<Duration>, event: &str, members: Value) -> String {
    // Strings and numbers only, so that it cannot fail; an empty line would be seen.
    let line = serde_json::to_string(&Line { time: at.map(seconds), event, members }).unwrap_or_default();
    line + "\n"
}

fn members(kind: &Kind) -> (&'static str, Value) {
    match kind {
        Kind::Started { pid, command } => ("start", json!({ "pid": pid, "command": command })),
        Kind::Message(said) => (
            "message",
            json!({
                "pid": said.who.pid,
                "command": said.who.comm,
                "main": said.main,
                "state": said.state.as_str(),
                "believed": said.is_believed(),
                "assignments": said.lines,
                "fds": said.fds,
                "closed_fds": said.closed_fds,
                "refused": said.refusals.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
        ),
        Kind::Barrier { who } => ("barrier", by(who)),
        Kind::Stranger { who } => ("stranger", by(who)),
        Kind::Dropped { who, reason } => {
            let who = who.as_ref();
            let members = json!({ "pid": who.map(|who| who.pid), "command": who.and_then(|who| who.comm.clone()), "reason": reason.to_string() });
            ("dropped", members)
        }
        Kind::HurriedAway { who, keys } => {
            ("hurried_away", json!({ "pid": who.pid, "command": who.comm, "keys": keys }))
        }
        Kind::State { from, to } => {
            let active = to.active_state().as_str();
            ("state", json!({ "from": from.as_str(), "to": to.as_str(), "active": active }))
        }
        Kind::Signal { to, signal } => {
            let to = match to {
                To::Main => "main",
                To::Control => "control",
                To::Others => "others",
            };
            ("signal", json!({ "to": to, "signal": signal }))
        }
        Kind::Command { name, pid, .. } => ("command", json!({ "name": name, "pid": pid })),
        Kind::Exited { who, main, exit, others } => {
            let (key, number) = match exit {
                Exit::Code(code) => ("status", code),
                Exit::Signal(signal) | Exit::CoreDump(signal) => ("signal", signal),
            };
            ("exit", json!({ "pid": who.pid, "command": who.comm, "main": main, key: number, "others": others }))
        }
        Kind::ReloadAsked { broken } => ("reload", json!({ "broken": broken })),
        Kind::ReloadOver { result } => ("reloaded", json!({ "result": result.as_str() })),
        Kind::StopAsked => ("stop", json!({})),
        Kind::PortAtReady { accepts } => ("port", json!({ "accepts": accepts })),
        Kind::PortOpened => ("port", json!({ "accepts": true })),
        Kind::Activated { name, accepted } => ("socket", json!({ "name": name, "accepted": accepted })),
        Kind::StallBegun => ("stall", json!({})),
        Kind::StallAnswered => ("stall_answered", json!({})),
        Kind::StallOver => ("stalled", json!({})),
        Kind::Inherits { who } => ("inherits", by(who)),
        Kind::EnvironmentLost { who } => ("environment_lost", by(who)),
        Kind::SocketHidden { who } => ("socket_hidden", by(who)),
        Kind::Interrupted => ("interrupted", json!({})),
    }
}

fn by(who: &Who) -> Value {
    json!({ "pid": who.pid, "command": who.comm })
}
