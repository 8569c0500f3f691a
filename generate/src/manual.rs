//! The manual pages: texts of `pages/`, with what the definitions know put into them.

use crate::model::{CommandLine, Hint, Opt, Verb};
use crate::roff;
use readyup_notify::{Face, OPTIONS, Verb as NotifyVerb, Whose};
use std::collections::BTreeMap;

/// When the pages were last gone over. (The day on which they are made would change them each time.)
const DATE: &str = "2026-11-21";

/// `readyup(1)`.
///
/// # Errors
///
/// As the others: where text and definitions don't fit.
pub fn overview(command: &CommandLine) -> Result<String, String> {
    let verbs: String = command
        .verbs
        .iter()
        .map(|verb| {
            let page = match verb.name.as_str() {
                "trace" => "readyup-trace",
                "check" => "readyup-check",
                _ => "readyup-notify",
            };
            format!("**readyup {}**::\n{}; see **{page}**(1).\n\n", verb.name, verb.about)
        })
        .collect();
    page("readyup", include_str!("../pages/readyup.md"), &[("COMMANDS", verbs)])
}

/// `readyup-notify(1)`.
///
/// # Errors
///
/// Where the text describes an option that there is not.
pub fn notify(command: &CommandLine) -> Result<String, String> {
    let texts = texts(include_str!("../pages/readyup-notify-options.md"))?;
    let notify = verb(command, "notify")?;
    known(&texts, notify)?;
    let of = |whose: Whose| -> String {
        let is_of = |option: &&Opt| OPTIONS.iter().any(|known| known.long == option.long && known.whose == whose);
        notify.options.iter().filter(is_of).map(|option| describe(option, &texts)).collect()
    };
    page(
        "readyup-notify",
        include_str!("../pages/readyup-notify.md"),
        &[("VERBS", verbs()), ("OPTIONS OF BOTH", of(Whose::Both)), ("OPTIONS OF READYUP", of(Whose::ReadyupAlone))],
    )
}

/// `readyup-trace(1)`.
///
/// # Errors
///
/// As above.
pub fn trace(command: &CommandLine) -> Result<String, String> {
    let texts = texts(include_str!("../pages/readyup-trace-options.md"))?;
    let trace = verb(command, "trace")?;
    known(&texts, trace)?;
    let options = trace.options.iter().map(|option| describe(option, &texts)).collect();
    page(
        "readyup-trace",
        include_str!("../pages/readyup-trace.md"),
        &[("ABOUT", trace.long_about.clone()), ("OPTIONS", options)],
    )
}

/// `readyup-check(1)`.
///
/// # Errors
///
/// As above.
pub fn check(command: &CommandLine) -> Result<String, String> {
    let texts = texts(include_str!("../pages/readyup-check-options.md"))?;
    let check = verb(command, "check")?;
    known(&texts, check)?;
    let options = check.options.iter().map(|option| describe(option, &texts)).collect();
    let findings = readyup_cli::findings().map(|(id, title)| format!("`{id}`::\nThe service {title}.\n\n")).collect();
    page(
        "readyup-check",
        include_str!("../pages/readyup-check.md"),
        &[("ABOUT", check.long_about.clone()), ("OPTIONS", options), ("FINDINGS", findings)],
    )
}

fn verb<'a>(command: &'a CommandLine, name: &str) -> Result<&'a Verb, String> {
    command.verbs.iter().find(|verb| verb.name == name).ok_or_else(|| format!("there is no `readyup {name}`"))
}

/// A whole page, with `{{NAME}}` replaced.
fn page(name: &str, text: &str, parts: &[(&str, String)]) -> Result<String, String> {
    let mut text = text.to_owned();
    for (part, content) in parts {
        let place = format!("{{{{{part}}}}}");
        if !text.contains(&place) {
            return Err(format!("{name}: the page has no {place}"));
        }
        text = text.replace(&place, content);
    }
    if let Some(at) = text.find("{{") {
        let place = text[at..].lines().next().unwrap_or_default();
        return Err(format!("{name}: nothing is known of {place}"));
    }
    let title = name.to_uppercase().replace('-', "\\-");
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!(
        ".\\\" Made by `make generate` from generate/pages: don't edit.\n\
         .TH \"{title}\" \"1\" \"{DATE}\" \"readyup {version}\" \"readyup\"\n{}",
        roff::render(&text)
    ))
}

/// The short forms, as the help knows them, and which options they have.
fn verbs() -> String {
    let mut text = String::new();
    for definition in readyup_notify::VERBS.iter().filter(|definition| definition.verb != NotifyVerb::Notify) {
        let face = Face::Readyup(definition.verb);
        let names = |has: bool| -> String {
            let options = OPTIONS.iter().filter(|option| option.is_of(face) == has);
            options.map(|option| format!("**--{}**", option.long)).collect::<Vec<_>>().join(", ")
        };
        let has = OPTIONS.iter().filter(|option| option.is_of(face)).count();
        let options =
            if has * 2 > OPTIONS.len() { format!("all but {}", names(false)) } else { format!("only {}", names(true)) };
        let operands = definition.operands;
        let operands = if operands.is_empty() { String::new() } else { format!(" {operands}") };
        text += &format!(
            "**readyup {}** [*OPTION*…]{}::\n{}.\nOptions: {options}.\n\n",
            definition.name,
            emphasize(&operands),
            definition.help
        );
    }
    text
}

/// Operands as a manual shows them.
fn emphasize(operands: &str) -> String {
    ["TEXT", "VARIABLE", "VALUE"]
        .into_iter()
        .fold(operands.to_owned(), |text, name| text.replace(name, &format!("*{name}*")))
}

/// An option, with what is said of it.
fn describe(option: &Opt, texts: &BTreeMap<&str, Text<'_>>) -> String {
    let mut term = option.short.map(|letter| format!("**-{letter}**, ")).unwrap_or_default();
    term += &format!("**--{}**", option.long);
    if let Some(value) = &option.value {
        term += &match value.is_optional {
            true => format!("[**=***{}*]", value.name),
            false => format!("**=***{}*", value.name),
        };
    }
    let text = texts.get(option.long.as_str());
    let mut described = match text {
        Some(text) if text.replaces => String::new(),
        _ => format!("{}.\n", option.help),
    };
    // The values of `--pid` are told in its text.
    if let Some(Hint::Words(words)) = option.value.as_ref().filter(|value| !value.is_optional).map(|value| &value.hint)
    {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        described += &format!("One of {}.\n", words.join(", "));
    }
    described += text.map(|text| text.more).unwrap_or_default();
    format!("{term}::\n{}\n\n", described.trim_end())
}

/// What is said of an option beyond the help.
struct Text<'a> {
    more: &'a str,
    /// Or instead of it.
    replaces: bool,
}

/// A file of such texts: each below `# --option`, or `# --option instead`.
fn texts(file: &str) -> Result<BTreeMap<&str, Text<'_>>, String> {
    let mut texts = BTreeMap::new();
    for section in file.split("\n# --").skip(1) {
        let (title, more) = section.split_once('\n').unwrap_or((section, ""));
        let (name, replaces) = title.strip_suffix(" instead").map_or((title, false), |name| (name, true));
        if texts.insert(name, Text { more: more.trim_start_matches('\n').trim_end(), replaces }).is_some() {
            return Err(format!("--{name} is described twice"));
        }
    }
    Ok(texts)
}

/// That each text is about an option that there is.
fn known(texts: &BTreeMap<&str, Text<'_>>, verb: &Verb) -> Result<(), String> {
    match texts.keys().find(|name| !verb.has(name)) {
        Some(name) => Err(format!("--{name} is described, but `readyup {}` has no such option", verb.name)),
        None => Ok(()),
    }
}
