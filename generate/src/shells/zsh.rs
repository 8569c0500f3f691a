//! Completions for zsh.

use super::{HELP, pattern, quote};
use crate::brief::brief;
use crate::model::{CommandLine, Hint, Opt, Value, Verb};

/// The script.
#[must_use]
pub fn script(command: &CommandLine) -> String {
    let mut names: Vec<String> = command.verbs.iter().map(|verb| described(&verb.name, &verb.about)).collect();
    names.push(described("help", HELP));
    let verbs: Vec<String> = command.groups().iter().map(|group| case(group)).collect();
    include_str!("../../shells/readyup.zsh")
        .replace("@OWN_OPTIONS@", &specs(&command.options).join(" \\\n        "))
        .replace("@NAMES@", &names.join("\n        "))
        .replace("@VERBS@", &verbs.join("\n                "))
}

fn described(name: &str, about: &str) -> String {
    quote(&format!("{name}:{}", brief(about).replace(':', "\\:")))
}

fn case(verbs: &[&Verb]) -> String {
    let function = match verbs[0] {
        verb if verb.runs_program => "_readyup_runs",
        verb if verb.takes_operands => "_readyup_says",
        _ => "_arguments -s -S",
    };
    let indent = " ".repeat(20);
    let specs = specs(&verbs[0].options).join(&format!(" \\\n{indent}    "));
    format!("{})\n{indent}{function} \\\n{indent}    {specs} && ret=0\n{indent};;", pattern(verbs))
}

/// What `_arguments` calls specifications.
fn specs(options: &[Opt]) -> Vec<String> {
    options.iter().flat_map(spec).collect()
}

fn spec(option: &Opt) -> Vec<String> {
    // In brackets, and with colons for what follows.
    let help = brief(&option.help).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let long = format!("--{}", option.long);
    let (mark, value) = match &option.value {
        // Behind a `=` only, or behind one or as the next argument.
        Some(value) if value.is_optional => ("=-", format!("::{}", action(value))),
        Some(value) => ("=", format!(":{}", action(value))),
        None => ("", String::new()),
    };
    let body = format!("[{help}]{value}");
    // Help and version stand alone.
    let is_alone = matches!(option.long.as_str(), "help" | "version");
    let Some(letter) = option.short else {
        let before = match option {
            _ if is_alone => "(- *)",
            option if option.is_repeatable => "*",
            _ => "",
        };
        return vec![quote(&format!("{before}{long}{mark}{body}"))];
    };
    let excluded = if is_alone { "(- *)".to_owned() } else { format!("(-{letter} {long})") };
    let letter_mark = if mark.is_empty() { "" } else { "+" };
    vec![quote(&format!("{excluded}-{letter}{letter_mark}{body}")), quote(&format!("{excluded}{long}{mark}{body}"))]
}

fn action(value: &Value) -> String {
    let action = match &value.hint {
        // A blank: the name of the value is shown, and nothing offered.
        Hint::Nothing => " ".to_owned(),
        Hint::Words(words) => format!("({})", words.join(" ")),
        Hint::File => "_files".to_owned(),
        Hint::User => "_users".to_owned(),
    };
    format!("{}:{action}", value.name)
}
