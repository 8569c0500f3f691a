//! An entry for the journal.

use std::io::Read as _;

use readyup::journal::{Field, Journal, Outcome};

use crate::Failure;

/// Writes an entry of these names and values; `-` is a value that comes from standard input.
pub(crate) fn write(words: &[&str]) -> Result<String, Failure> {
    let mut input = Vec::new();
    if words.contains(&"-") {
        std::io::stdin().read_to_end(&mut input)?;
    }
    let fields: Result<Vec<_>, _> = words
        .chunks_exact(2)
        .map(|pair| Field::new(pair[0], if pair[1] == "-" { input.as_slice() } else { pair[1].as_bytes() }))
        .collect();
    match Journal::new().send(&fields?)? {
        Outcome::Sent => Ok("sent".into()),
        Outcome::NoJournal => Err("there is no journal".into()),
    }
}
