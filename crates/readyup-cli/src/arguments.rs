//! The command line, but for what [`crate::notify`] takes, whose parser is its own.

use crate::{Start, check, exec_as, notify, trace};
use clap::{FromArgMatches as _, Parser};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Says and sees what services tell their service manager.
#[derive(Debug, Parser)]
#[command(
    name = "readyup",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  readyup ready                        start-up is over, says a script
  readyup status 'Loaded 3 of 7 tables'
  readyup notify --fork -- ./server    start it, and wait until it is ready
  readyup trace -- node server.js      what does it tell its manager, and when?
  readyup check -- node server.js      and what is wrong with that?

See `readyup notify --help`, `readyup trace --help` and `readyup check --help`."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    Trace(trace::Options),
    Check(Box<check::Options>),
    #[command(name = exec_as::NAME, hide = true)]
    ExecAs(exec_as::Options),
}

/// The whole command line: for help, the manual pages and the shells' completions.
#[must_use]
pub fn command() -> clap::Command {
    let command = <Arguments as clap::CommandFactory>::command();
    // First what is used most.
    notify::commands()
        .into_iter()
        .enumerate()
        .fold(command, |command, (position, verb)| command.subcommand(verb.display_order(position)))
}

/// What the arguments ask for, once it is known that they are not for [`notify`].
pub(crate) fn parse(start: &Start) -> Result<Command, clap::Error> {
    let arguments = start.arguments.iter().map(|argument| OsStr::from_bytes(argument.to_bytes()));
    let matches = command()
        .mut_subcommand("trace", |trace| trace.display_order(100))
        .mut_subcommand("check", |check| check.display_order(101))
        .try_get_matches_from(arguments)?;
    Command::from_arg_matches(&matches)
}
