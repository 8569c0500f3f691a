//! What is printed.

use crate::compare::{Outcome, Row, Verdict};
use crate::difference::rules;
use crate::observation::FOUND;
use crate::program::Program;
use crate::text::shorten;

/// Prints what came of the cases, and says the exit status.
pub(crate) fn print(outcomes: &[Outcome], theirs: &Program, ours: &Program, all_facts: bool, whole: bool) -> i32 {
    println!("theirs: {theirs}\nours:   {ours}");
    let [mut agree, mut documented, mut wrong] = [0; 3];
    for outcome in outcomes {
        let name = &outcome.name;
        match &outcome.verdict {
            Verdict::Agree => {
                println!("ok      {name}");
                agree += 1;
            }
            Verdict::AsDocumented(reasons) => {
                println!("differs {name}: {}", reasons.join("; "));
                documented += 1;
            }
            Verdict::Differ => {
                println!("NOT ok  {name}");
                wrong += 1;
            }
            Verdict::Stale(reasons) => {
                println!("NOT ok  {name}: they agree, though this was said: {}", reasons.join("; "));
                wrong += 1;
            }
            Verdict::Failed(message) => {
                println!("NOT ok  {name}: {message}");
                wrong += 1;
            }
        }
        if all_facts || matches!(outcome.verdict, Verdict::Differ) {
            print_rows(&outcome.rows, all_facts);
        }
    }
    for (index, rule) in rules().iter().enumerate() {
        if !rule.difference.applies(theirs.kind, ours.kind) {
            continue;
        }
        let count = outcomes.iter().filter(|outcome| outcome.rules.contains(&index)).count();
        let reason = &rule.difference.reason;
        if count > 0 {
            println!("everywhere: {reason}, which is left out of {count} comparisons");
        } else if whole {
            println!("NOT ok  everywhere: no case shows that {reason}");
            wrong += 1;
        }
    }
    println!("{} cases: {agree} agree, {documented} differ as documented, {wrong} do not", outcomes.len());
    i32::from(wrong > 0)
}

/// Prints the facts of both sides. If a program was started on one side only, to say so is enough.
fn print_rows(rows: &[Row], all_facts: bool) {
    let (found, other): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.key.starts_with(FOUND));
    other.iter().for_each(|row| print_row(row));
    let started = |value: fn(&Row) -> bool| found.iter().any(|row| value(row));
    let theirs = started(|row| row.theirs.is_some());
    let ours = started(|row| row.ours.is_some());
    if all_facts || theirs == ours {
        found.iter().for_each(|row| print_row(row));
    } else {
        println!("        ! a program was started by {} only", if theirs { "theirs" } else { "ours" });
    }
}

fn print_row(row: &Row) {
    let value = |value: &Option<String>| value.as_deref().map_or("(nothing)".to_owned(), shorten);
    if row.theirs == row.ours {
        println!("          both    {}: {}", row.key, value(&row.theirs));
    } else {
        println!("        ! theirs  {}: {}", row.key, value(&row.theirs));
        println!("        ! ours    {}: {}", row.key, value(&row.ours));
    }
}
