//! `readyup check`, run as a user runs it, on services that make one mistake each, and on some that make none.

mod reports;
mod right;
mod units;
mod wrong;

use serde_json::Value;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

/// What a check told.
struct Outcome {
    output: Output,
    lines: Vec<Value>,
}

/// `readyup check`, without anything of a manager in its environment, and not for ever.
fn readyup(arguments: &[&str]) -> Command {
    readyup_in(&[], arguments)
}

/// The same, by a command that changes what it runs in.
fn readyup_in(wrapper: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        command.env_remove(variable);
    }
    command.args(["--kill-after=5", "60"]).args(wrapper).args([env!("CARGO_BIN_EXE_readyup"), "check"]);
    command.args(arguments).stdin(Stdio::null());
    // For services that are scripts, and for what those in Python begin with.
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("READYUP", env!("CARGO_BIN_EXE_readyup"));
    command
}

fn check(options: &[&str], program: &[&str]) -> Outcome {
    // Most have said all they have to say by then.
    let is_told = options.iter().any(|option| ["--for", "--watchdog"].contains(option));
    let watch = if is_told { &[][..] } else { &["--for", "300ms"] };
    readyup(&["--json"]).args(watch).args(options).arg("--").args(program).output().unwrap().into()
}

/// A service in Python.
fn python(options: &[&str], script: &str) -> Outcome {
    check(options, &["python3", "-c", &format!("from service import *\n{script}")])
}

fn shell(options: &[&str], script: &str) -> Outcome {
    check(options, &["sh", "-c", script])
}

fn node(options: &[&str], script: &str) -> Outcome {
    check(options, &["node", "-e", script])
}

/// A port that nobody listens at.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        Self { lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output }
    }
}

impl Outcome {
    /// The findings of a severity, by their ids.
    fn ids(&self, severity: &str) -> Vec<&str> {
        self.of("finding")
            .filter(|line| line["severity"] == severity)
            .map(|line| line["id"].as_str().unwrap())
            .collect()
    }

    fn of(&self, event: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["event"] == event)
    }

    #[track_caller]
    fn assert(&self, status: i32, errors: &[&str], warnings: &[&str]) {
        assert_eq!(
            (self.output.status.code(), self.ids("error"), self.ids("warning")),
            (Some(status), errors.to_vec(), warnings.to_vec()),
            "stdout: {:#?}\nstderr: {}",
            // The last ones say what is wrong.
            self.lines.iter().rev().take(30).rev().map(ToString::to_string).collect::<Vec<_>>(),
            String::from_utf8_lossy(&self.output.stderr)
        );
    }

    /// It makes this mistake, and no other.
    #[track_caller]
    fn assert_error(&self, id: &str) {
        self.assert(1, &[id], &[]);
    }

    /// It works, with this to be said about it.
    #[track_caller]
    fn assert_warning(&self, id: &str) {
        self.assert(0, &[], &[id]);
    }

    #[track_caller]
    fn assert_clean(&self) {
        self.assert(0, &[], &[]);
    }
}
