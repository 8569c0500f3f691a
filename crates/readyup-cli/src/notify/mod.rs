//! `readyup notify` and its short forms: see [`readyup_notify`], which has its own parser for them.

mod host;

use crate::Start;
use clap::{Arg, ArgAction, Command};
use readyup_notify::{Argument, Face, OPTIONS, OptionDefinition, Process, VERBS, Verb, VerbDefinition};
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Does it, if the arguments ask for it: by the program's name, or by a verb.
pub(crate) fn run(start: &Start) -> Option<u8> {
    let (face, arguments) = face(&start.arguments)?;
    let process = Process { face, arguments, environment: start.environment.clone() };
    Some(readyup_notify::run(&process, &mut host::Command).code())
}

/// Who is asked, and the arguments that are for them.
fn face(arguments: &[&'static CStr]) -> Option<(Face, Vec<&'static CStr>)> {
    let (name, rest) = arguments.split_first()?;
    if Path::new(OsStr::from_bytes(name.to_bytes())).file_name() == Some(OsStr::new("systemd-notify")) {
        return Some((Face::SystemdNotify, rest.to_vec()));
    }
    let (verb, rest) = rest.split_first()?;
    if verb.to_bytes() == b"help" {
        // `readyup help ready` is `readyup ready --help`.
        let verb = Verb::from_name(rest.first()?.to_bytes())?;
        return Some((Face::Readyup(verb), vec![c"--help"]));
    }
    Some((Face::Readyup(Verb::from_name(verb.to_bytes())?), rest.to_vec()))
}

/// The verbs as clap knows commands. It does not parse them; it shows them.
pub(crate) fn commands() -> Vec<Command> {
    VERBS.iter().map(command).collect()
}

fn command(verb: &'static VerbDefinition) -> Command {
    let command = Command::new(verb.name).about(verb.help).disable_help_flag(true);
    let options = OPTIONS.iter().filter(|option| option.is_of(Face::Readyup(verb.verb)));
    let command = options.fold(command, |command, option| command.arg(argument(option)));
    if verb.operands.is_empty() {
        return command;
    }
    command.arg(Arg::new("operands").value_name(verb.operands).num_args(0..).help("What else to say"))
}

fn argument(option: &'static OptionDefinition) -> Arg {
    let argument = Arg::new(option.long).long(option.long).help(option.help);
    let argument = option.short.map_or(argument.clone(), |letter| argument.short(char::from(letter)));
    match option.argument {
        Argument::None => argument.action(ArgAction::SetTrue),
        Argument::Required(what) => argument.value_name(what),
        Argument::Optional(what) => argument.value_name(what).num_args(0..=1).require_equals(true),
    }
}
