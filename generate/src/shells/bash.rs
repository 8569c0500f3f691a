//! Completions for bash.

use super::{pattern, quote};
use crate::model::{CommandLine, Hint, Opt};
use std::collections::BTreeMap;

/// The script.
#[must_use]
pub fn script(command: &CommandLine) -> String {
    let verbs: Vec<&str> = command.verbs.iter().map(|verb| verb.name.as_str()).collect();
    let mut options = String::new();
    for group in command.groups() {
        let words = quote(&words(&group[0].options));
        options += &format!("        {})\n            options={words}\n            ;;\n", pattern(&group));
    }
    let with_value =
        all_options(command).filter(|option| option.value.as_ref().is_some_and(|value| !value.is_optional));
    let programs: Vec<&str> =
        command.verbs.iter().filter(|verb| verb.runs_program).map(|verb| verb.name.as_str()).collect();
    include_str!("../../shells/readyup.bash")
        .replace("@VERBS@", &verbs.join(" "))
        .replace("@OWN_OPTIONS@", &words(&command.options))
        .replace("@OPTIONS@", options.trim())
        .replace("@WITH_VALUE@", &with_value.map(names).collect::<Vec<_>>().join(" | "))
        .replace("@PROGRAM_VERBS@", &programs.join(" | "))
        .replace("@VALUES@", values(command).trim())
}

/// Each option once, whoever has it.
fn all_options(command: &CommandLine) -> impl Iterator<Item = &Opt> {
    let by_name: BTreeMap<&str, &Opt> =
        command.verbs.iter().flat_map(|verb| &verb.options).map(|option| (option.long.as_str(), option)).collect();
    by_name.into_values()
}

/// A pattern for its names.
fn names(option: &Opt) -> String {
    let short = option.short.map(|letter| format!("-{letter} | ")).unwrap_or_default();
    format!("{short}--{}", option.long)
}

/// What to offer: with a `=` where a value may follow it.
fn words(options: &[Opt]) -> String {
    let mut words = Vec::new();
    for option in options {
        words.extend(option.short.map(|letter| format!("-{letter}")));
        match &option.value {
            Some(value) if !value.is_optional => words.push(format!("--{}=", option.long)),
            Some(_) => words.extend([format!("--{}", option.long), format!("--{}=", option.long)]),
            None => words.push(format!("--{}", option.long)),
        }
    }
    words.join(" ")
}

/// What values there are, for those options where something is known of them.
fn values(command: &CommandLine) -> String {
    let mut cases = String::new();
    for option in all_options(command) {
        let (before, list) = match option.value.as_ref().map(|value| &value.hint) {
            Some(Hint::Words(words)) => ("", format!("-W {}", quote(&words.join(" ")))),
            Some(Hint::User) => ("", "-u".to_owned()),
            // So that a directory goes on, and what is odd in a name is quoted.
            Some(Hint::File) => ("compopt -o filenames 2>/dev/null; ", "-f".to_owned()),
            Some(Hint::Nothing) | None => continue,
        };
        let names = names(option);
        cases += &format!(
            "        {names}) {before}mapfile -t COMPREPLY < <(compgen {list} -P \"$prefix\" -- \"$cur\") ;;\n"
        );
    }
    cases
}
