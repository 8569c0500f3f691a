//! What the command `readyup` is made of. It is a library so that the manual pages and the shells' completions can be made
//! from the same definitions; other programs want the crate `readyup`.

mod arguments;
mod check;
mod exec_as;
mod exit;
mod notify;
mod trace;
mod unit;

pub use arguments::command;
pub use check::findings;

use arguments::Command;
use exit::Exit;
use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, IntoRawFd as _};

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
    occupy_standard_streams();
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
        Command::Check(options) => check::run(&options),
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

/// Puts `/dev/null` where standard input, output or error is closed: what is opened next would get its number, and be
/// written to as if it were that.
fn occupy_standard_streams() {
    while let Ok(null) = std::fs::File::options().read(true).write(true).open("/dev/null") {
        if null.as_raw_fd() > 2 {
            return;
        }
        // It stays as long as the process does.
        let _ = null.into_raw_fd();
    }
}
