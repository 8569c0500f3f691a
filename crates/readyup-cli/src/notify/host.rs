//! What [`readyup_notify`] leaves to a program with a standard library.

use crate::unit;
use readyup_notify::{Event, Host, UnitAccess};
use serde::Serialize;
use std::io::Write as _;
use std::time::Duration;

/// Writes events to standard output as they come, and asks systemd.
pub(crate) struct Command;

/// An event, as `--fork --json` prints it: one object a line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    Started { pid: u32 },
    Status { text: &'a str },
    Ready { time: f64 },
    Exited { status: u8 },
    Killed { signal: i32 },
    TimedOut,
}

impl Host for Command {
    fn event(&mut self, event: &Event<'_>) {
        let shown;
        let line = match *event {
            Event::Started { pid } => Line::Started { pid },
            Event::Status { text } => {
                shown = String::from_utf8_lossy(text);
                Line::Status { text: &shown }
            }
            Event::Ready { time } => Line::Ready { time: time.as_secs_f64() },
            Event::Exited { status } => Line::Exited { status },
            Event::Killed { signal } => Line::Killed { signal },
            Event::TimedOut => Line::TimedOut,
        };
        // Strings and numbers only, so that it cannot fail; and who does not read on is not interested.
        let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string(&line).unwrap_or_default());
    }

    fn unit_access(&mut self, limit: Duration) -> Option<UnitAccess> {
        unit::access(limit)
    }
}
