//! What there is to complete and to describe, read from clap's definitions.

use clap::builder::ValueHint;
use clap::{Arg, Command};

/// The whole command line.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// The options before any verb.
    pub options: Vec<Opt>,
    /// The verbs, in the order of the help; none that is hidden.
    pub verbs: Vec<Verb>,
}

/// One word behind `readyup`.
#[derive(Clone, Debug)]
pub struct Verb {
    /// The word.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// The same, at length; empty where the line is all there is.
    pub long_about: String,
    /// Its options.
    pub options: Vec<Opt>,
    /// Whether what stands behind the options is always a program with its arguments.
    pub runs_program: bool,
    /// Whether anything may stand there.
    pub takes_operands: bool,
}

impl Verb {
    /// Whether it has an option of that name.
    #[must_use]
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().any(|option| option.long == long)
    }
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its name, without the two dashes.
    pub long: String,
    /// Its letter.
    pub short: Option<char>,
    /// What it takes.
    pub value: Option<Value>,
    /// Whether it may be given several times.
    pub is_repeatable: bool,
    /// What it does.
    pub help: String,
}

/// What an option takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is called.
    pub name: String,
    /// Whether it may be left out, and then must be attached with `=`.
    pub is_optional: bool,
    /// What it may be.
    pub hint: Hint,
}

/// What a value may be, as far as a shell can help with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Anything.
    Nothing,
    /// One of these, or something that is not known here.
    Words(Vec<String>),
    /// A file's name.
    File,
    /// A user's name.
    User,
}

impl CommandLine {
    /// The verbs, those with the same options and operands together.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<&Verb>> {
        let mut groups: Vec<Vec<&Verb>> = Vec::new();
        for verb in &self.verbs {
            let is_like = |other: &Verb| {
                (&verb.options, verb.runs_program, verb.takes_operands)
                    == (&other.options, other.runs_program, other.takes_operands)
            };
            match groups.iter_mut().find(|group| group.first().is_some_and(|other| is_like(other))) {
                Some(group) => group.push(verb),
                None => groups.push(vec![verb]),
            }
        }
        groups
    }
}

/// Reads what clap knows.
#[must_use]
pub fn read(command: &Command) -> CommandLine {
    let mut command = command.clone();
    // Adds what clap has by itself: `--help`, and `help`, which is written where it is wanted.
    command.build();
    let mut verbs: Vec<(usize, Verb)> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        // What is used most is given a place in front, which clap keeps to itself; the rest follows.
        .map(|verb| (place(verb.get_name()), read_verb(verb)))
        .collect();
    verbs.sort_by_key(|(place, _)| *place);
    CommandLine { options: options(&command), verbs: verbs.into_iter().map(|(_, verb)| verb).collect() }
}

/// Where a verb is among the short forms; behind them if it is none.
fn place(name: &str) -> usize {
    readyup_notify::VERBS.iter().position(|verb| verb.name == name).unwrap_or(usize::MAX)
}

fn read_verb(command: &Command) -> Verb {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long_about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    Verb {
        name: command.get_name().to_owned(),
        // The line is its first paragraph.
        long_about: long_about.strip_prefix(&about).unwrap_or(&long_about).trim().to_owned(),
        about,
        options: options(command),
        runs_program: command.get_positionals().any(Arg::is_trailing_var_arg_set),
        takes_operands: command.get_positionals().next().is_some(),
    }
}

fn options(command: &Command) -> Vec<Opt> {
    command.get_arguments().filter(|argument| !argument.is_hide_set()).filter_map(option).collect()
}

fn option(argument: &Arg) -> Option<Opt> {
    let long = argument.get_long()?.to_owned();
    let takes_value = argument.get_action().takes_values();
    let value = takes_value.then(|| Value {
        name: argument.get_value_names().and_then(|names| names.first()).map_or_else(String::new, ToString::to_string),
        is_optional: argument.get_num_args().is_some_and(|range| range.min_values() == 0),
        hint: hint(argument, &long),
    });
    Some(Opt {
        // Those whose values add up.
        is_repeatable: matches!(long.as_str(), "fd" | "socket" | "env"),
        help: help(argument, &long),
        short: argument.get_short(),
        long,
        value,
    })
}

fn help(argument: &Arg, long: &str) -> String {
    match long {
        // clap's own words tell of a longer help, which is not always there.
        "help" => "Show the help".to_owned(),
        "version" => "Show the version".to_owned(),
        _ => argument.get_help().map(ToString::to_string).unwrap_or_default(),
    }
}

fn hint(argument: &Arg, long: &str) -> Hint {
    let words = |words: &[&str]| Hint::Words(words.iter().map(ToString::to_string).collect());
    let possible: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() {
        return Hint::Words(possible);
    }
    match (long, argument.get_value_hint()) {
        ("pid", _) => words(&["auto", "parent", "self"]),
        ("uid", _) => Hint::User,
        // What a path is for, clap sees by its type.
        (_, ValueHint::AnyPath | ValueHint::FilePath) => Hint::File,
        _ => Hint::Nothing,
    }
}
