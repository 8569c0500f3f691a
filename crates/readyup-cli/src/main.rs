//! The command `readyup`.

mod exec_as;
mod exit;
mod trace;

use clap::{Parser, Subcommand};
use exit::Exit;
use std::process::ExitCode;

/// Says and sees what services tell their service manager.
#[derive(Debug, Parser)]
#[command(
    name = "readyup",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  readyup trace -- node server.js      what does it tell its manager, and when?
  readyup trace --json -o t.json -- ./service

See `readyup trace --help`."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Trace(trace::Options),
    #[command(name = exec_as::NAME, hide = true)]
    ExecAs(exec_as::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to standard output and is no failure; a broken pipe there is nobody's concern.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let result = match arguments.command {
        Command::Trace(options) => trace::run(&options),
        Command::ExecAs(options) => exec_as::run(&options),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("readyup: {}", failure.message);
            failure.exit.into()
        }
    }
}
