//! The timeline as a picture: states as a band, messages and signals as marks, and the watchdog's patience as a line that
//! falls until the next ping.

use crate::check::findings::{Judgment, Severity, ended};
use crate::check::plan::Plan;
use crate::check::signals;
use crate::check::timeline::{Kind, Said, Timeline};
use readyup::manager::service::ActiveState;
use std::fmt::Write as _;
use std::time::Duration;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 20.0;
/// Where the band of states is, and how high.
const BAND: (f64, f64) = (60.0, 26.0);
/// Where the watchdog's line is at its highest, and how far it falls.
const WATCHDOG: (f64, f64) = (110.0, 60.0);
/// Where the first label is; the others follow in rows.
const LABELS: f64 = 210.0;
const ROW: f64 = 16.0;

pub(super) fn svg(plan: &Plan, timeline: &Timeline, judgment: &Judgment) -> String {
    let end = timeline.events.last().map_or(0.001, |event| event.at.as_secs_f64().max(0.001));
    let x = |at: Duration| LEFT + at.as_secs_f64() / end * (WIDTH - LEFT - RIGHT);
    let marks = marks(timeline);
    let findings = &judgment.findings;
    let height = LABELS + ROW * (marks.len() + findings.len() + 2) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{title}</text>\n",
        title = escape(&plan.command_line()),
    );
    states(&mut svg, timeline, end, &x);
    watchdog(&mut svg, timeline, judgment, &x);
    for (index, (at, colour, label)) in marks.iter().enumerate() {
        let y = LABELS + ROW * index as f64;
        let x = x(*at);
        // On the right half the text is on the left of its line.
        let (anchor, text) = if x > WIDTH / 2.0 { ("end", x - 4.0) } else { ("start", x + 4.0) };
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"0.7\"/>\
             <text x=\"{text:.1}\" y=\"{y:.1}\" fill=\"{colour}\" text-anchor=\"{anchor}\">{:.3} s  {}</text>",
            at.as_secs_f64(),
            escape(label),
            top = BAND.0 + BAND.1,
        );
    }
    for (index, finding) in findings.iter().enumerate() {
        let y = LABELS + ROW * (marks.len() + index + 1) as f64;
        let colour = match finding.severity {
            Severity::Error => "#b00020",
            Severity::Warning => "#9a6700",
            Severity::Note => "#0b57a4",
        };
        let text = escape(&format!("{}: {}", finding.rule.id, finding.seen));
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{y:.1}\" fill=\"{colour}\">{text}</text>");
    }
    svg + "</svg>\n"
}

/// The band: which state it was in, and for how long.
fn states(svg: &mut String, timeline: &Timeline, end: f64, x: &dyn Fn(Duration) -> f64) {
    let mut changes: Vec<(Duration, ActiveState, String)> = timeline
        .events
        .iter()
        .filter_map(|event| match event.kind {
            Kind::State { to, .. } => Some((event.at, to.active_state(), format!("{} ({to})", to.active_state()))),
            _ => None,
        })
        .collect();
    changes.push((Duration::from_secs_f64(end), ActiveState::Inactive, String::new()));
    for pair in changes.windows(2) {
        let (from, width) = (x(pair[0].0), x(pair[1].0) - x(pair[0].0));
        let colour = match pair[0].1 {
            ActiveState::Activating => "#ffd866",
            ActiveState::Active => "#9ad29a",
            ActiveState::Reloading => "#9cc3f0",
            ActiveState::Deactivating => "#d9c2e9",
            ActiveState::Failed => "#f2a0a0",
            _ => "#dddddd",
        };
        let (y, height) = BAND;
        let label = escape(&pair[0].2);
        let _ = writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{colour}\"><title>{label}</title></rect>"
        );
        if width > 7.0 * pair[0].2.len() as f64 {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{}\">{label}</text>", from + 4.0, y + 17.0);
        }
    }
}

/// How much of the watchdog's period is left: full at each ping, nothing when systemd kills.
fn watchdog(svg: &mut String, timeline: &Timeline, judgment: &Judgment, x: &dyn Fn(Duration) -> f64) {
    let period = timeline.messages().last().and_then(|(_, said)| said.watchdog);
    let (Some(period), Some(ready)) = (period, judgment.measures.ready) else { return };
    let (top, depth) = WATCHDOG;
    let bottom = top + depth;
    let end = timeline.events.last().map_or(ready, |event| event.at);
    let end = timeline.stop_asked().unwrap_or(end);
    let mut path = format!("M{:.1} {top}", x(ready));
    let pings = judgment.measures.pings.iter().copied().filter(|at| *at >= ready);
    let mut from = ready;
    for at in pings.chain([end]) {
        let used = (at.saturating_sub(from).as_secs_f64() / period.as_secs_f64()).min(1.0);
        let _ = write!(path, " L{:.1} {:.1}", x(at), top + used * depth);
        if at != end {
            let _ = write!(path, " L{:.1} {top}", x(at));
        }
        from = at;
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#33691e\"/>\n\
         <line x1=\"{:.1}\" y1=\"{bottom}\" x2=\"{:.1}\" y2=\"{bottom}\" stroke=\"#b00020\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{:.1}\" y=\"{}\" fill=\"#b00020\">WatchdogSec={}</text>",
        x(ready),
        x(end),
        x(ready),
        bottom + 13.0,
        crate::trace::event::duration(period),
    );
}

/// What is worth a line and a label.
fn marks(timeline: &Timeline) -> Vec<(Duration, &'static str, String)> {
    let mark = |kind: &Kind| match kind {
        Kind::Started { .. } => Some(("#444", "start".to_owned())),
        Kind::Message(said) => message(said),
        Kind::Dropped { reason, .. } => Some(("#b00020", format!("dropped: {reason}"))),
        Kind::HurriedAway { who, .. } => Some(("#b00020", format!("{who} ended right after it spoke"))),
        Kind::Signal { signal, .. } => Some(("#6a1b9a", signals::name(*signal))),
        Kind::Exited { main: true, exit, .. } => Some(("#444", ended(*exit))),
        Kind::PortAtReady { accepts: false } => Some(("#b00020", "the port accepts no connections".to_owned())),
        Kind::PortOpened => Some(("#444", "the port accepts connections".to_owned())),
        Kind::StallBegun => Some(("#444", "it is to hang".to_owned())),
        _ => None,
    };
    timeline
        .events
        .iter()
        .filter_map(|event| mark(&event.kind).map(|(colour, label)| (event.at, colour, label)))
        .collect()
}

fn message(said: &Said) -> Option<(&'static str, String)> {
    // Pings are the watchdog's line.
    if said.is_believed() && said.lines.iter().all(|line| line.key == "WATCHDOG") {
        return None;
    }
    let words: Vec<String> = said
        .lines
        .iter()
        .map(|line| match &line.value {
            Some(value) => format!("{}={value}", line.key),
            None => line.key.clone(),
        })
        .collect();
    let text = crate::trace::event::printable(&words.join("  "));
    let shown: String = text.chars().take(90).collect();
    Some((if said.is_believed() { "#1b5e20" } else { "#b00020" }, shown))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
