//! For people.

use crate::check::findings::{Finding, Judgment, Measures, Severity};
use crate::check::runner::Waiting;
use crate::check::signals;
use crate::check::timeline::{Event, Kind, Said, Timeline, To};
use crate::trace::event::duration;
use crate::trace::text::assigned;
use readyup::manager::service::{Exit, Refusal};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

/// What the terminal is capable of.
#[derive(Debug)]
pub(super) struct Terminal {
    has_colours: bool,
    /// Whether there is a terminal to show progress at, and whether there is something to be wiped out.
    has_progress: bool,
    is_dirty: bool,
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const GREEN: &str = "\x1b[1;32m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

impl Terminal {
    pub(super) fn new() -> Self {
        let wants_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            has_colours: io::stdout().is_terminal() && wants_colours,
            has_progress: io::stdout().is_terminal() && io::stderr().is_terminal(),
            is_dirty: false,
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.has_colours { format!("{colour}{text}{RESET}") } else { text.to_owned() }
    }

    pub(super) fn progress(&mut self, waiting: &Waiting<'_>) {
        if self.has_progress {
            let limit = waiting.until.map(|until| format!(" of {:.0} s", until.as_secs_f64())).unwrap_or_default();
            let _ = write!(
                io::stderr(),
                "\r\x1b[K{:>9.1} s{limit}  waiting for {}",
                waiting.at.as_secs_f64(),
                waiting.what
            );
            self.is_dirty = true;
        }
    }

    pub(super) fn clear_progress(&mut self) {
        if std::mem::take(&mut self.is_dirty) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// A line for something that happened.
    pub(super) fn event(&self, event: &Event) -> String {
        let text = describe(&event.kind);
        let is_aside = matches!(event.kind, Kind::State { .. });
        let text = if is_aside { self.paint(DIM, &text) } else { text };
        format!("{:>9.3} s  {text}\n", event.at.as_secs_f64())
    }

    /// The findings, and what was measured.
    pub(super) fn conclusion(&self, timeline: &Timeline, judgment: &Judgment) -> String {
        let mut text = String::new();
        for finding in &judgment.findings {
            let _ = write!(text, "\n{}", self.finding(finding));
        }
        let _ = write!(text, "\nmeasured: {}\n", measured(&judgment.measures));
        let count = |severity| judgment.findings.iter().filter(|finding| finding.severity == severity).count();
        let counts: Vec<String> =
            [(count(Severity::Error), "error"), (count(Severity::Warning), "warning"), (count(Severity::Note), "note")]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
                .collect();
        let (colour, result) = match count(Severity::Error) {
            0 if timeline.is_interrupted() => (RED, "interrupted".to_owned()),
            0 if counts.is_empty() => (GREEN, "all is well".to_owned()),
            0 => (GREEN, format!("all is well, with {}", counts.join(" and "))),
            _ => (RED, counts.join(", ")),
        };
        let _ = writeln!(text, "result: {}", self.paint(colour, &result));
        text
    }

    fn finding(&self, finding: &Finding) -> String {
        let (colour, name) = match finding.severity {
            Severity::Error => (RED, "error"),
            Severity::Warning => (YELLOW, "warning"),
            Severity::Note => (BLUE, "note"),
        };
        let title = self.paint(colour, &format!("{name}[{}]", finding.rule.id));
        let at = finding.at.map(|at| format!(" (at {:.3} s)", at.as_secs_f64())).unwrap_or_default();
        format!("{title}: {}{at}\n  why: {}\n  fix: {}\n", finding.seen, finding.rule.why, finding.fix)
    }
}

fn measured(measures: &Measures) -> String {
    let mut parts = Vec::new();
    parts.push(measures.ready.map_or_else(|| "never ready".to_owned(), |at| format!("ready after {}", duration(at))));
    if let Some((gap, _)) = measures.largest_gap.filter(|_| !measures.pings.is_empty()) {
        parts.push(format!("{} × WATCHDOG=1, at most {} apart", measures.pings.len(), duration(gap)));
    }
    parts.extend(measures.reloads.iter().map(|took| format!("reloaded in {}", duration(*took))));
    if let Some(took) = measures.stop {
        parts.push(format!("stopped in {}", duration(took)));
    }
    if let Some(exit) = measures.exit {
        parts.push(match exit {
            Exit::Code(code) => format!("exit status {code}"),
            Exit::Signal(signal) | Exit::CoreDump(signal) => signals::name(signal),
        });
    }
    parts.join(", ")
}

/// What happened, in words.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Started { pid, command } => format!("process {pid} started: {command}"),
        Kind::Message(said) => message(said),
        Kind::Barrier { who } => format!("{who}  BARRIER=1  (answered)"),
        Kind::Stranger { who } => format!("{who}  [! is none of the service's, and not heard]"),
        Kind::Dropped { who, reason } => {
            let who = who.as_ref().map_or_else(|| "(unknown)".to_owned(), ToString::to_string);
            format!("{who}  [! dropped: {reason}]")
        }
        Kind::HurriedAway { who, .. } => format!("{who}  [! ended right after it spoke]"),
        Kind::State { from, to } => {
            format!("{} ({from}) → {} ({to})", from.active_state().as_str(), to.active_state().as_str())
        }
        Kind::Signal { to, signal } => {
            let to = match to {
                To::Main => "the main process",
                To::Control => "the control process",
                To::Others => "the other processes",
            };
            format!("{} is sent to {to}", signals::name(*signal))
        }
        Kind::Command { name, pid, .. } => format!("process {pid} started: {name}="),
        Kind::Exited { who, exit, .. } => format!("{who} {}", crate::check::findings::ended(*exit)),
        Kind::ReloadAsked { broken: false } => "it is to reload".to_owned(),
        Kind::ReloadAsked { broken: true } => "it is to reload, and to fail at that".to_owned(),
        Kind::ReloadOver { result } => format!("the reload is over: {result}"),
        Kind::StopAsked => "it is to stop".to_owned(),
        Kind::PortAtReady { accepts: true } => "the port accepts connections".to_owned(),
        Kind::PortAtReady { accepts: false } => {
            "[! the port accepts no connections, and here comes READY=1]".to_owned()
        }
        Kind::PortOpened => "the port accepts connections now".to_owned(),
        Kind::Activated { name, accepted: true } => format!("the socket \"{name}\" accepts connections"),
        Kind::Activated { name, accepted: false } => format!("[! the socket \"{name}\" accepts no connections]"),
        Kind::StallBegun => "it is to hang".to_owned(),
        Kind::StallAnswered => "it answers".to_owned(),
        Kind::StallOver => "it may end hanging".to_owned(),
        Kind::Inherits { who } => format!("{who}  has NOTIFY_SOCKET, too"),
        Kind::EnvironmentLost { who } => format!("{who}  [! runs without NOTIFY_SOCKET]"),
        Kind::SocketHidden { who } => format!("{who}  [! does not see the notify socket]"),
        Kind::Interrupted => "interrupted".to_owned(),
    }
}

fn message(said: &Said) -> String {
    let mut text = said.who.to_string();
    for line in &said.lines {
        let _ = write!(text, "  {}", assigned(line));
    }
    if said.lines.is_empty() {
        text.push_str("  an empty message");
    }
    if said.fds > 0 {
        let _ = write!(text, "  [{} descriptors]", said.fds);
    }
    for refusal in &said.refusals {
        let _ = match refusal {
            Refusal::Access { access, .. } => write!(text, "  [! not believed: NotifyAccess={}]", access.as_str()),
            other => write!(text, "  [! {other}]"),
        };
    }
    text
}
