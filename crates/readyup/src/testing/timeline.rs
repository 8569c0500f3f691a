//! What happened, in words.

use crate::manager::service::{Exit, Service};
use crate::protocol::{Line, Message};
use std::fmt;
use std::process::Command;
use std::time::Duration;

/// All that happened, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline(Vec<(Duration, String)>);

impl Timeline {
    pub(super) fn push(&mut self, at: Duration, text: String) {
        self.0.push((at, text));
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, text)) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{:>9.3} s  {text}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

/// The state and what is left to be said about it.
pub(super) fn state(life: &Service) -> String {
    let mut text = format!("{} ({}), result {}", life.active_state(), life.sub_state(), life.result());
    if let Some(status) = life.status_text() {
        text += &format!(", status \"{}\"", printable(status));
    }
    text
}

/// The lines of a message, next to each other.
pub(super) fn lines(message: Message<'_>) -> String {
    let lines: Vec<_> = message.lines().map(line).collect();
    if lines.is_empty() { "an empty message".to_owned() } else { lines.join("  ") }
}

pub(super) fn line(line: Line<'_>) -> String {
    printable(&String::from_utf8_lossy(line.as_bytes()))
}

/// How a person would write the command.
pub(super) fn command_line(command: &Command) -> String {
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    printable(&words.join(" "))
}

pub(super) fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit status {code}"),
        Exit::Signal(number) => format!("was ended by {}", signal(number)),
        Exit::CoreDump(number) => format!("was ended by {}, with a core dump", signal(number)),
    }
}

pub(super) fn signal(number: i32) -> String {
    let name = match number {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGTERM => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

/// On one line, and without what a terminal would take for a command.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character.is_control() {
            true => character.escape_default().to_string(),
            false => character.to_string(),
        })
        .collect()
}
