//! The shells' completions.

pub mod bash;
pub mod fish;
pub mod zsh;

use crate::model::Verb;

/// What `readyup help` does.
const HELP: &str = "Show the help of a command";

/// A pattern that bash and zsh match each of the verbs with.
fn pattern(verbs: &[&Verb]) -> String {
    verbs.iter().map(|verb| verb.name.as_str()).collect::<Vec<_>>().join(" | ")
}

/// A string as all three shells read it: in single quotes.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
