//! The report: what all groups found, for people, for programs, and as a picture, beside what was found before.

mod compare;
mod markdown;
mod plot;

use crate::group::Result;
use crate::groups;
use crate::machine;
use crate::result::{GroupResult, Run};
use std::env;
use std::fs;
use std::path::Path;

pub(crate) use markdown::number;

/// Reads what each group left in `directory`, and writes `results.json`, `results.md` and `results.svg` beside that.
/// `BENCH_COMMITTED` names the results to compare with.
pub(crate) fn write(directory: &Path) -> Result<()> {
    let mut found: Vec<GroupResult> = Vec::new();
    for group in groups::all() {
        if let Ok(text) = fs::read(directory.join(format!("{}.json", group.id()))) {
            found.push(serde_json::from_slice(&text)?);
        }
    }
    let run = Run { machine: machine::machine(), quick: env::var_os("BENCH_QUICK").is_some(), groups: found };
    let before: Option<Run> = env::var_os("BENCH_COMMITTED")
        .and_then(|file| fs::read(file).ok())
        .and_then(|text| serde_json::from_slice(&text).ok());
    let comparison = compare::with(before.as_ref(), &run);
    let text = markdown::of(&run, &comparison);
    fs::write(directory.join("results.json"), serde_json::to_string_pretty(&run)? + "\n")?;
    fs::write(directory.join("results.md"), &text)?;
    fs::write(directory.join("results.svg"), plot::of(&run))?;
    print!("{text}");
    comparison.warn();
    Ok(())
}
