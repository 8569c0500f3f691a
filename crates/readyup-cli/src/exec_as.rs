//! A step between us and a program that we start in our place: what the manager meant for our pid is meant for its.
//!
//! `$LISTEN_PID` and `$WATCHDOG_PID` name the process that they are for. The program's pid is only known once it is
//! there, so a hidden command of ours, in the program's process, sets them and then becomes the program.

use crate::exit::{Exit, Failure};
use clap::Args;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The hidden command's name.
pub(crate) const NAME: &str = "exec-as-service";

const PID_VARIABLES: [&str; 2] = ["LISTEN_PID", "WATCHDOG_PID"];

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// A command that runs `program` in our place.
pub(crate) fn command(program: &[OsString]) -> Result<Command, Failure> {
    let own_pid = std::process::id().to_string();
    let for_us = |variable: &&str| std::env::var(variable).is_ok_and(|pid| pid == own_pid);
    let variables: Vec<&str> = PID_VARIABLES.into_iter().filter(for_us).collect();
    let mut command = command_for(program, &variables)?;
    leave_ignored(&mut command);
    Ok(command)
}

/// A command that runs `program` with its own pid in these of [`PID_VARIABLES`].
pub(crate) fn command_for(program: &[OsString], variables: &[&str]) -> Result<Command, Failure> {
    let (name, arguments) = split(program);
    if variables.is_empty() {
        let mut command = Command::new(name);
        command.args(arguments);
        return Ok(command);
    }
    let own_program =
        std::env::current_exe().map_err(|error| Failure::new("finding the program file of readyup", &error))?;
    let mut command = Command::new(own_program);
    command.arg(NAME).arg("--").args(program);
    for variable in variables {
        // Marks it as meant for whichever process this becomes.
        command.env(variable, "0");
        // It names this process in another way, and is not needed where the pid is right.
        command.env_remove("LISTEN_PIDFDID");
    }
    Ok(command)
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let (name, arguments) = split(&options.command);
    let mut command = Command::new(name);
    command.args(arguments);
    leave_ignored(&mut command);
    for variable in PID_VARIABLES {
        if std::env::var(variable).is_ok_and(|pid| pid == "0") {
            command.env(variable, std::process::id().to_string());
        }
    }
    Err(Failure::start(name, &command.exec()))
}

/// What a program may find ignored and should, if we did: SIGPIPE is ignored for every service (`IgnoreSIGPIPE=`), and the
/// standard library puts it back to its default; SIGCHLD we cannot leave ignored for ourselves.
const LEFT_IGNORED: [i32; 2] = [libc::SIGPIPE, libc::SIGCHLD];

/// Leaves those signals ignored for the program that are ignored now.
#[allow(unsafe_code)]
fn leave_ignored(command: &mut Command) {
    let ignored = ignored_signals();
    let ignored = LEFT_IGNORED.map(|signal| (ignored & 1 << (signal - 1) != 0).then_some(signal));
    if ignored == [None, None] {
        return;
    }
    let ignore = move || {
        for signal in ignored.into_iter().flatten() {
            // SAFETY: it names no function.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
        Ok(())
    };
    // SAFETY: nothing but system calls, which is allowed between fork and exec.
    unsafe { command.pre_exec(ignore) };
}

/// The set of signals that this process ignores, bit 0 being signal 1.
pub(crate) fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
        .unwrap_or(0)
}

fn split(program: &[OsString]) -> (&std::ffi::OsStr, &[OsString]) {
    match program {
        [name, arguments @ ..] => (name, arguments),
        // The command line asks for one.
        [] => (std::ffi::OsStr::new(""), &[]),
    }
}
