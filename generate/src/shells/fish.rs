//! Completions for fish.

use super::{HELP, quote};
use crate::brief::brief;
use crate::model::{CommandLine, Hint, Opt};
use std::fmt::Write as _;

/// The script.
#[must_use]
pub fn script(command: &CommandLine) -> String {
    let mut lines = String::new();
    for verb in &command.verbs {
        let about = quote(brief(&verb.about));
        let _ = writeln!(lines, "complete -c readyup -n __readyup_at_verb -a {} -d {about}", verb.name);
    }
    let _ = writeln!(lines, "complete -c readyup -n __readyup_at_verb -a help -d {}", quote(HELP));
    for option in &command.options {
        let _ = writeln!(lines, "complete -c readyup -n __readyup_at_verb{}", describe(option));
    }
    for (option, verbs) in by_option(command) {
        let condition = quote(&format!("__readyup_takes {}", verbs.join(" ")));
        let _ = writeln!(lines, "complete -c readyup -n {condition}{}", describe(option));
    }
    let programs: Vec<&str> =
        command.verbs.iter().filter(|verb| verb.runs_program).map(|verb| verb.name.as_str()).collect();
    include_str!("../../shells/readyup.fish")
        .replace("@PROGRAM_VERBS@", &programs.join(" "))
        .replace("@WITH_VALUE@", &with_value(command).join(" "))
        .replace("@COMPLETIONS@", lines.trim_end())
}

/// Each option, with the verbs that have it just so.
fn by_option(command: &CommandLine) -> Vec<(&Opt, Vec<&str>)> {
    let mut found: Vec<(&Opt, Vec<&str>)> = Vec::new();
    for verb in &command.verbs {
        for option in &verb.options {
            match found.iter_mut().find(|(known, _)| *known == option) {
                Some((_, verbs)) => verbs.push(&verb.name),
                None => found.push((option, vec![&verb.name])),
            }
        }
    }
    found
}

/// The options whose value may be the next argument.
fn with_value(command: &CommandLine) -> Vec<String> {
    by_option(command)
        .into_iter()
        .filter(|(option, _)| option.value.as_ref().is_some_and(|value| !value.is_optional))
        .flat_map(|(option, _)| {
            option.short.map(|letter| format!("-{letter}")).into_iter().chain([format!("--{}", option.long)])
        })
        .collect()
}

fn describe(option: &Opt) -> String {
    let mut words = option.short.map(|letter| format!(" -s {letter}")).unwrap_or_default();
    let _ = write!(words, " -l {}", option.long);
    if let Some(value) = &option.value {
        words += match (value.is_optional, &value.hint) {
            (true, _) => " -f",
            (false, Hint::File) => " -r -F",
            (false, _) => " -x",
        };
        match &value.hint {
            Hint::Words(list) => words += &format!(" -a {}", quote(&list.join(" "))),
            Hint::User => words += " -a '(__fish_complete_users)'",
            Hint::File | Hint::Nothing => {}
        }
    }
    let _ = write!(words, " -d {}", quote(brief(&option.help)));
    words
}
