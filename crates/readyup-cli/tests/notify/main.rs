//! `readyup notify` and its short forms, run as a script runs them. What they have in common with `systemd-notify` is
//! tested beside the original, in `conformance`.

mod anywhere;
mod exec;
mod fork;
mod messages;
mod refused;

use readyup::manager::{Incoming, Listener};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Long enough for a busy machine; nothing here waits for it when all is well.
const SOON: Duration = Duration::from_secs(20);

/// `readyup` with these arguments, without anything of a manager in its environment.
fn readyup(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readyup"));
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        command.env_remove(variable);
    }
    for variable in ["MANAGERPID", "MANAGERPIDFDID", "POSIXLY_CORRECT"] {
        command.env_remove(variable);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The same, with a manager that answers barriers. Returns what it was told.
fn tell(arguments: &[&str]) -> (Output, Vec<Told>) {
    let listener = Listener::private().unwrap();
    let mut command = readyup(arguments);
    command.env("NOTIFY_SOCKET", listener.address().to_os_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = Vec::new();
    while child.try_wait().unwrap().is_none() {
        told.extend(listener.receive(Some(Duration::from_millis(20))).unwrap().map(Told::new));
    }
    while let Some(incoming) = listener.receive(Some(Duration::ZERO)).unwrap() {
        told.push(Told::new(incoming));
    }
    (child.wait_with_output().unwrap(), told)
}

/// What the manager received.
#[derive(Debug, PartialEq)]
enum Told {
    Message { text: String, pid: u32, fds: usize },
    Barrier { pid: u32 },
}

impl Told {
    fn new(incoming: Incoming) -> Self {
        match incoming {
            Incoming::Message(received) => Self::Message {
                text: String::from_utf8_lossy(received.message().as_bytes()).into_owned(),
                pid: received.sender().pid(),
                fds: received.fds().len(),
            },
            Incoming::Barrier(request) => Self::Barrier { pid: request.sender().pid() },
            other => panic!("{other:?}"),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Message { text, .. } => text,
            Self::Barrier { .. } => "(barrier)",
        }
    }
}

fn texts(told: &[Told]) -> Vec<&str> {
    told.iter().map(Told::text).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn assert_status(output: &Output, status: i32) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(status), "stdout: {stdout}\nstderr: {}", stderr(output));
}
