//! `readyup trace`, run as a user runs it. The traced program is a copy of this one with a role.

mod command_line;
mod messages;
mod relay;
mod signals;

use serde_json::Value;
use std::process::{Command, Output, Stdio};

const ROLE: &str = "READYUP_TEST_ROLE";

/// Whether this process is the copy that plays `role`.
fn is_role(role: &str) -> bool {
    std::env::var_os(ROLE).is_some_and(|own| own == role)
}

/// `readyup trace` with `options`, without anything of a manager in its environment.
fn trace(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readyup"));
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        command.env_remove(variable);
    }
    command.arg("trace").args(options).arg("--").stdin(Stdio::null());
    command
}

/// `readyup trace` on a copy of this program that runs just the test `test`, which finds itself in `role`.
fn trace_role(options: &[&str], test: &str, role: &str) -> Command {
    let mut command = trace(options);
    command.arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--test-threads=1"]).env(ROLE, role);
    command
}

/// The trace's events. The test runner of the traced copy writes to the same standard output, and leaves the beginning
/// of a line there.
fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| line.find("{\"time\":").map(|start| serde_json::from_str(&line[start..]).unwrap()))
        .collect()
}

/// Those of one kind.
fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[track_caller]
fn assert_status(output: &Output, status: i32) {
    assert_eq!(
        output.status.code(),
        Some(status),
        "stdout: {}\nstderr: {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
