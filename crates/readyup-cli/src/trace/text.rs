//! A trace for people.

use super::event::{Kind, Line, Sender, Standing, printable};
use std::fmt::Write as _;

/// The beginning of a line: the seconds since the program was started.
pub(super) fn time(line: &mut String, seconds: f64) -> std::fmt::Result {
    write!(line, "{seconds:>9.3} s  ")
}

/// The rest of a line for an event.
pub(super) fn rest(event: &Kind<'_>) -> String {
    let mut line = String::new();
    match event {
        Kind::Start { pid, command } => {
            let _ = write!(line, "process {pid} started: {}", printable(&command.join(" ")));
        }
        Kind::Message { sender, assignments, fds, closed_fds, standing, notify_access, believed, passed_on } => {
            let _ = write!(line, "{}", who(Some(sender)));
            for assignment in assignments {
                let _ = write!(line, "  {}", assigned(assignment));
            }
            if assignments.is_empty() {
                line.push_str("  an empty message");
            }
            for fd in fds {
                let _ = write!(line, "  [{}]", fd.description);
            }
            if *closed_fds > 0 {
                let _ = write!(line, "  [! {closed_fds} descriptors closed: no assignment asks to keep them]");
            }
            if !believed {
                let _ = match standing {
                    Standing::Main => write!(line, "  [! not believed: NotifyAccess={notify_access}]"),
                    Standing::Other => write!(
                        line,
                        "  [! not believed: not the main process, and NotifyAccess={notify_access}; all would do]"
                    ),
                };
            }
            line.push_str(&not_passed_on(passed_on.as_ref()));
        }
        Kind::Barrier { sender, passed_on } => {
            let _ = write!(line, "{}  BARRIER=1", who(Some(sender)));
            line.push_str(if passed_on.is_some() { "" } else { "  (answered)" });
            line.push_str(&not_passed_on(passed_on.as_ref()));
        }
        Kind::Dropped { sender, reason } => {
            let _ = write!(line, "{}  [! dropped: {reason}]", who(sender.as_ref()));
        }
        Kind::Exit { status: Some(status), .. } => {
            let _ = write!(line, "ended with exit status {status}");
        }
        Kind::Exit { signal, .. } => {
            let _ = write!(line, "ended by signal {}", signal.unwrap_or(0));
        }
    }
    line
}

fn who(sender: Option<&Sender>) -> String {
    match sender {
        Some(Sender { pid, command, .. }) => format!("{}[{pid}]", command.as_deref().unwrap_or("(gone)")),
        None => "(unknown)".to_owned(),
    }
}

/// One assignment of a message, with what is known of it.
pub(crate) fn assigned(line: &Line) -> String {
    let mut text = printable(&line.key);
    if let Some(value) = &line.value {
        let _ = write!(text, "={}", printable(value));
    }
    if let Some(meaning) = &line.meaning {
        let _ = write!(text, " ({meaning})");
    }
    if let Some(why) = &line.ignored {
        let _ = write!(text, " [! ignored: {why}]");
    }
    text
}

fn not_passed_on(passed_on: Option<&Result<(), String>>) -> String {
    match passed_on {
        Some(Err(error)) => format!("  [! not passed on: {error}]"),
        _ => String::new(),
    }
}
