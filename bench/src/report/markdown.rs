//! The report for people.

use super::compare::Comparison;
use crate::result::{GroupResult, Row, Run, Table, Unit, Value};
use crate::targets::TARGETS;
use std::fmt::Write as _;

pub(super) fn of(run: &Run, comparison: &Comparison) -> String {
    let mut text = String::from("# Where we stand\n\n");
    let _ = writeln!(text, "- {}", run.machine);
    let _ = writeln!(text, "- {}", versions(run));
    let seconds: f64 = run.groups.iter().map(|group| group.seconds).sum();
    let kind = if run.quick { "a quick run: a tenth of the rounds, and so less certain" } else { "a whole run" };
    let _ = writeln!(text, "- {kind}; measured in {seconds:.0} s");
    compared(&mut text, comparison);
    if run.groups.iter().any(|group| !group.tables.is_empty()) {
        targets(&mut text, run);
    }
    for group in &run.groups {
        of_group(&mut text, group);
    }
    text
}

fn versions(run: &Run) -> String {
    let rows = run.groups.iter().flat_map(|group| &group.tables).flat_map(|table| &table.rows);
    let mut versions: Vec<&str> = rows.map(|row| row.version.as_str()).filter(|version| !version.is_empty()).collect();
    versions.sort_unstable();
    versions.dedup();
    let node = crate::node::version().map(|version| format!("Node {version}; ")).unwrap_or_default();
    format!("Rust {}; {node}{}", env!("BENCH_RUSTC"), versions.join(", "))
}

fn compared(text: &mut String, comparison: &Comparison) {
    let Some(machine) = &comparison.with else {
        text.push_str("- there are no results that were kept before, to compare with\n");
        return;
    };
    if comparison.changes.is_empty() {
        let _ = writeln!(text, "- as the last results that were kept ({machine})");
        return;
    }
    let _ = writeln!(text, "\n## Beside the last results that were kept\n\nThose were measured on: {machine}\n");
    for change in &comparison.changes {
        let line = change.text();
        let _ = if change.times > 1.0 { writeln!(text, "- **SLOWER** {line}") } else { writeln!(text, "- {line}") };
    }
}

fn targets(text: &mut String, run: &Run) {
    text.push_str("\n## Targets\n\n| | target | measured | |\n| --- | ---: | ---: | --- |\n");
    for target in TARGETS {
        let verdict = target.judge(run);
        let value = verdict.value.map_or("not measured".to_owned(), number);
        let met = match verdict.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let _ = writeln!(text, "| {} | {} | {value} | {met} |", target.what, target.bound());
    }
}

fn of_group(text: &mut String, group: &GroupResult) {
    let _ = writeln!(text, "\n## {}", group.title);
    if let Some(reason) = &group.left_out {
        let _ = writeln!(text, "\nLeft out: {}", reason.lines().next().unwrap_or_default());
        return;
    }
    for table in &group.tables {
        let _ = writeln!(text, "\n### {}\n\n{}\n", table.title, table.about);
        of_table(text, table);
        for absent in &table.absent {
            let _ = writeln!(text, "\nNot measured: {absent}");
        }
    }
    let [before, after] = &group.load;
    let _ = writeln!(text, "\n({:.0} s; load {before} before, {after} after)", group.seconds);
}

fn of_table(text: &mut String, table: &Table) {
    let mut facts: Vec<&str> = Vec::new();
    for fact in table.rows.iter().flat_map(|row| &row.facts) {
        if !facts.contains(&fact.name.as_str()) {
            facts.push(&fact.name);
        }
    }
    let limit = table.rows.iter().any(|row| row.times_limit.is_some());
    let ours = table.rows.iter().any(|row| row.times_ours.is_some());
    let mut head = vec![("", "---"), ("median", "---:"), ("middle half", "---:")];
    head.extend(limit.then_some(("× limit", "---:")));
    head.extend(ours.then_some(("× ours", "---:")));
    head.extend(facts.iter().map(|fact| (*fact, "---:")));
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(head.iter().map(|(title, _)| (*title).to_owned()).collect()));
    text.push_str(&line(head.iter().map(|(_, rule)| (*rule).to_owned()).collect()));
    for row in &table.rows {
        let mut cells = vec![row.name.clone(), quantity(row.median, table.unit), middle_half(row, table.unit)];
        let ratio = |ratio: Option<f64>| ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        cells.extend(limit.then(|| ratio(row.times_limit)));
        cells.extend(ours.then(|| ratio(row.times_ours)));
        for name in &facts {
            let value = row.facts.iter().find(|fact| fact.name == **name).map(|fact| match &fact.value {
                Value::Number(value) => number(*value),
                Value::Text(value) => value.clone(),
            });
            cells.push(value.unwrap_or_else(|| "–".to_owned()));
        }
        text.push_str(&line(cells));
    }
}

fn middle_half(row: &Row, unit: Unit) -> String {
    let [first, third] = row.quartiles;
    format!("{}–{}", value(first, unit), value(third, unit))
}

/// With the unit, as it is best read.
pub(super) fn quantity(median: f64, unit: Unit) -> String {
    let name = match unit {
        Unit::Nanoseconds => "ns",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::MessagesPerSecond => "/s",
    };
    format!("{} {name}", value(median, unit))
}

fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds | Unit::MessagesPerSecond => thousands(value.round() as u64),
        Unit::Milliseconds | Unit::Seconds => number(value),
    }
}

/// Three digits, or as many as it has before the point.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => thousands(value.round() as u64),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A number with a comma between its thousands.
fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_numbers_as_they_are_read() {
        let cases = [
            (0.0, "0"),
            (0.404, "0.40"),
            (12.34, "12.3"),
            (1234.5, "1,235"),
            (4_000_000.0, "4,000,000"),
            (-0.2, "-0.20"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
