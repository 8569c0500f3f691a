//! What the command `readyup` is made of. It is a library so that the manual pages and the shells' completions can be made
//! from the same definitions; other programs want the crate `readyup`.

mod arguments;
mod exec_as;
mod exit;
mod notify;
mod trace;
mod unit;

pub use arguments::command;

use arguments::Command;
use exit::Exit;
use std::ffi::CStr;

/// What the process was given when it was started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program's name, and its arguments.
    pub arguments: Vec<&'static CStr>,
    /// `NAME=VALUE`, each.
    pub environment: Vec<&'static CStr>,
}

/// Does what the arguments say; returns the exit status.
#[must_use]
pub fn run(start: &Start) -> u8 {
    // First what scripts call often.
    if let Some(status) = notify::run(start) {
        return status;
    }
    let command = match arguments::parse(start) {
        Ok(command) => command,
        Err(error) => {
            // Help goes to standard output and is no failure; a broken pipe there is nobody's concern.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.code() } else { Exit::Success.code() };
        }
    };
    let result = match command {
        Command::Trace(options) => trace::run(&options),
        Command::ExecAs(options) => exec_as::run(&options),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(failure) => {
            eprintln!("readyup: {}", failure.message);
            failure.exit.code()
        }
    }
}
