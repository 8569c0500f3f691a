//! What a trace tells: the values behind a line of text and an object of JSON.

use readyup::manager::Standing as LibraryStanding;

use readyup::{Assignment, Message, monotonic_now};
use serde::Serialize;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use super::descriptor::Descriptor;

/// One line of a trace, but for the time.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Kind<'a> {
    Start {
        pid: u32,
        command: &'a [String],
    },
    Message {
        #[serde(flatten)]
        sender: Sender,
        assignments: Vec<Line>,
        fds: Vec<Descriptor>,
        /// How many more descriptors came along and were closed, since no assignment asks to keep them.
        closed_fds: usize,
        standing: Standing,
        /// Whom the manager believes at this moment.
        notify_access: &'static str,
        believed: bool,
        /// Whether it was passed on to the manager above; left out where there is none.
        #[serde(serialize_with = "serialize_result", skip_serializing_if = "Option::is_none")]
        passed_on: Option<Result<(), String>>,
    },
    Barrier {
        #[serde(flatten)]
        sender: Sender,
        #[serde(serialize_with = "serialize_result", skip_serializing_if = "Option::is_none")]
        passed_on: Option<Result<(), String>>,
    },
    Dropped {
        #[serde(flatten)]
        sender: Option<Sender>,
        reason: String,
    },
    Exit {
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
}

impl Kind<'_> {
    pub(super) fn exit(status: ExitStatus) -> Self {
        Self::Exit { status: status.code(), signal: status.signal() }
    }
}

/// Who sent something.
#[derive(Debug, Serialize)]
pub(super) struct Sender {
    pub(super) pid: u32,
    uid: u32,
    gid: u32,
    /// The process's name; none when it was gone before it could be looked up.
    pub(super) command: Option<String>,
}

/// The names of processes that were looked up already. A process may take another one, so they are good for one batch of
/// messages only: those came in before the first of them was looked up.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<(u32, Option<String>)>,
}

impl Names {
    /// Looks at processes anew from here on.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    pub(super) fn look_up(&mut self, sender: &readyup::manager::Sender) -> Sender {
        let pid = sender.pid();
        let known = self.known.iter().find(|(known, _)| *known == pid).map(|(_, command)| command.clone());
        let command = known.unwrap_or_else(|| {
            let command = std::fs::read(format!("/proc/{pid}/comm"))
                .ok()
                .map(|name| printable(&String::from_utf8_lossy(name.trim_ascii_end())));
            self.known.push((pid, command.clone()));
            command
        });
        Sender { pid, uid: sender.uid(), gid: sender.gid(), command }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    Main,
    Other,
}

impl From<LibraryStanding> for Standing {
    fn from(standing: LibraryStanding) -> Self {
        match standing {
            LibraryStanding::Main => Self::Main,
            LibraryStanding::Other => Self::Other,
        }
    }
}

/// One line of a message.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    /// What it means, where that is not plain to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meaning: Option<String>,
    /// Why it has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ignored: Option<String>,
}

/// The lines of a message, each with what is to be said about it.
pub(crate) fn assignments(message: &Message<'_>) -> Vec<Line> {
    message
        .lines()
        .map(|line| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let decoded = line.decode();
            let ignored = match &decoded {
                _ if line.is_shadowed() => Some("an earlier line gave the same key".to_owned()),
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            Line {
                key: text(line.key()),
                value: line.value().map(text),
                meaning: decoded.ok().and_then(meaning),
                ignored,
            }
        })
        .collect()
}

/// What an assignment means, where its own spelling is not plain.
fn meaning(assignment: Assignment<'_>) -> Option<String> {
    match assignment {
        Assignment::MonotonicUsec(time) => {
            let now = monotonic_now();
            Some(match now.checked_sub(time) {
                Some(ago) if ago < Duration::from_secs(3600) => format!("{} ago", duration(ago)),
                Some(_) => "long ago; is it CLOCK_MONOTONIC?".to_owned(),
                None => "in the future; is it CLOCK_MONOTONIC?".to_owned(),
            })
        }
        Assignment::WatchdogUsec(time) | Assignment::ExtendTimeoutUsec(time) => Some(duration(time)),
        Assignment::Other { key, .. } if !key.starts_with(b"X_") => Some("no manager knows this key".to_owned()),
        _ => None,
    }
}

/// A time as a person would say it.
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.3} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.3} s", time.as_secs_f64())
    }
}

/// A text without anything that a terminal would act upon.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

fn serialize_result<S: serde::Serializer>(
    result: &Option<Result<(), String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match result {
        Some(Err(error)) => serializer.serialize_str(error),
        other => serializer.serialize_bool(other.is_some()),
    }
}
