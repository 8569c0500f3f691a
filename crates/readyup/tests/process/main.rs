//! What concerns a whole process: what it inherits, what it leaks, which system calls it makes. Each test runs a copy of
//! this program with a role, so that the others' descriptors and environment don't get in the way.

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod hostile;
mod leaks;
mod system_calls;

use std::process::{Command, Output};

const ROLE: &str = "READYUP_TEST_ROLE";

/// Whether this process is the copy that plays `role`.
fn is_role(role: &str) -> bool {
    std::env::var_os(ROLE).is_some_and(|own| own == role)
}

/// A copy of this program that runs just the test `test`, which finds itself in `role`.
fn copy(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        command.env_remove(variable);
    }
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// The output of a program that must succeed.
#[track_caller]
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\nstdout: {}\nstderr: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
