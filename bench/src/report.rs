//! The results, for people and for programs.

use crate::calls::{Calls, HEARTBEATS};
use crate::contender::{Contender, Language, Role};
use crate::machine;
use crate::sender::{Burst, Sender};
use crate::statistics::Quartiles;
use crate::text::{quoted, thousands};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

pub(crate) struct Report {
    pub(crate) rounds: u32,
    pub(crate) burst: Burst,
    /// Whether senders and receiver had a processor each.
    pub(crate) placed: bool,
    /// The load averages before and after.
    pub(crate) load: [String; 2],
    pub(crate) measured: Vec<Measured>,
    pub(crate) absent: Vec<(Contender, String)>,
}

pub(crate) struct Measured {
    pub(crate) contender: Contender,
    pub(crate) version: String,
    /// The version of what runs it, where that is not the machine itself.
    pub(crate) runtime: String,
    /// Nanoseconds per heartbeat, one number for each round.
    pub(crate) samples: Vec<f64>,
    pub(crate) calls: Option<Calls>,
}

impl Measured {
    /// Nothing measured yet.
    pub(crate) fn new(sender: &Sender) -> Self {
        let Sender { contender, version, runtime, .. } = sender;
        let (version, runtime) = (version.clone(), runtime.clone());
        Self { contender: *contender, version, runtime, samples: Vec::new(), calls: None }
    }
}

/// One line of the results.
struct Row<'a> {
    measured: &'a Measured,
    nanoseconds: Quartiles,
    /// How many times as long as a bare `send`, and as ours.
    of_limit: f64,
    of_ours: Option<f64>,
}

impl Report {
    /// The rows of the contenders for which `is_in` is true, beside our first one in `language`.
    fn rows(&self, language: Language, is_in: impl Fn(&Contender) -> bool) -> Vec<Row<'_>> {
        let find = |role, language| {
            self.measured
                .iter()
                .find(|measured| (measured.contender.role, measured.contender.language) == (role, language))
        };
        let limit = find(Role::Limit, Language::C);
        let ours = find(Role::Ours, language);
        self.measured
            .iter()
            .filter(|measured| is_in(&measured.contender))
            .map(|measured| Row {
                measured,
                nanoseconds: Quartiles::of(measured.samples.iter().copied()),
                of_limit: limit.map_or(f64::NAN, |limit| ratio(measured, limit)),
                of_ours: ours.map(|ours| ratio(measured, ours)),
            })
            .collect()
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let Burst { timed, .. } = self.burst;
        let _ = writeln!(text, "# What a heartbeat costs\n");
        let _ = writeln!(text, "- {}", machine::machine());
        let _ = writeln!(text, "- {}", self.versions());
        let _ = writeln!(
            text,
            "- {} rounds in which each sent {timed} heartbeats in its turn; {}; load {} before, {} after",
            self.rounds,
            if self.placed { "senders on one processor, the receiver on another" } else { "one processor for all" },
            self.load[0],
            self.load[1]
        );
        for (contender, reason) in &self.absent {
            let _ = writeln!(text, "- not measured: {}: {reason}", contender.call);
        }
        let languages = [
            (Language::Rust, "Rust and C", "notifier.watchdog()", [Language::C, Language::Rust]),
            (Language::Node, "Node", "watchdog.ping()", [Language::Node, Language::Node]),
        ];
        for (language, title, ours, shown) in languages {
            let is_in = |contender: &Contender| shown.contains(&contender.language) || contender.role == Role::Limit;
            let rows = self.rows(language, is_in);
            if rows.iter().all(|row| row.measured.contender.role == Role::Limit) {
                continue;
            }
            let _ = writeln!(text, "\n## {title}\n");
            let _ = writeln!(
                text,
                "| | median | middle half | × C | × `{ours}` | system calls for {} |",
                thousands(HEARTBEATS)
            );
            let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: | --- |");
            for row in rows {
                let Quartiles { first, median, third } = row.nanoseconds;
                let _ = writeln!(
                    text,
                    "| {} | {median:.0} ns | {first:.0}–{third:.0} | {:.2} | {} | {} |",
                    row.measured.contender.call,
                    row.of_limit,
                    row.of_ours.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
                    row.measured.calls.as_ref().map_or("not counted".to_owned(), describe)
                );
            }
        }
        text
    }

    /// "Rust 1.95.0: readyup 0.1.0, sd-notify 0.5.0; …"
    fn versions(&self) -> String {
        let mut groups = Vec::new();
        for language in [Language::Rust, Language::C, Language::Node] {
            let of_language = || self.measured.iter().filter(|measured| measured.contender.language == language);
            let mut libraries: Vec<String> = Vec::new();
            for measured in of_language().filter(|measured| !measured.version.is_empty()) {
                let library = match language {
                    Language::C => measured.version.clone(),
                    _ => format!("{} {}", measured.contender.library(), measured.version),
                };
                if !libraries.contains(&library) {
                    libraries.push(library);
                }
            }
            let runtime = match language {
                Language::Rust => format!("Rust {}: ", env!("BENCH_RUSTC")),
                Language::C => String::new(),
                Language::Node => of_language().next().map_or(String::new(), |node| format!("Node {}: ", node.runtime)),
            };
            if !libraries.is_empty() {
                groups.push(format!("{runtime}{}", libraries.join(", ")));
            }
        }
        groups.join("; ")
    }

    fn json(&self) -> String {
        let mut text = String::from("{\n");
        let _ = writeln!(text, "  \"machine\": {},", quoted(&machine::machine()));
        let _ = writeln!(text, "  \"rustc\": {},", quoted(env!("BENCH_RUSTC")));
        let _ = writeln!(text, "  \"load\": [{}, {}],", quoted(&self.load[0]), quoted(&self.load[1]));
        let _ = writeln!(text, "  \"separateProcessors\": {},", self.placed);
        let _ = writeln!(text, "  \"rounds\": {},", self.rounds);
        let _ = writeln!(text, "  \"heartbeatsPerRound\": {},", self.burst.timed);
        let mut objects = Vec::new();
        for language in [Language::Rust, Language::Node] {
            let is_in = |contender: &Contender| (contender.language == Language::Node) == (language == Language::Node);
            for row in self.rows(language, is_in) {
                objects.push(row.json());
            }
        }
        let _ = writeln!(text, "  \"results\": [\n{}\n  ]", objects.join(",\n"));
        text.push_str("}\n");
        text
    }
}

impl Row<'_> {
    fn json(&self) -> String {
        let Quartiles { first, median, third } = self.nanoseconds;
        let contender = self.measured.contender;
        let mut fields = vec![
            format!("\"name\": {}", quoted(contender.name)),
            format!("\"call\": {}", quoted(contender.call)),
            format!("\"version\": {}", quoted(&self.measured.version)),
            format!("\"runtime\": {}", quoted(&self.measured.runtime)),
            format!("\"nanoseconds\": {{ \"median\": {median:.1}, \"quartiles\": [{first:.1}, {third:.1}] }}"),
            format!("\"timesC\": {:.3}", self.of_limit),
        ];
        if let Some(of_ours) = self.of_ours {
            fields.push(format!("\"timesOurs\": {of_ours:.3}"));
        }
        if let Some(calls) = &self.measured.calls {
            let counts: Vec<_> =
                calls.sender.iter().map(|(name, count)| format!("{}: {count}", quoted(name))).collect();
            fields.push(format!("\"systemCalls\": {{ {} }}", counts.join(", ")));
            fields.push(format!("\"systemCallsOfOtherThreads\": {}", calls.others));
        }
        format!("    {{\n      {}\n    }}", fields.join(",\n      "))
    }
}

/// How many times as long, as the median of what it was in each round: so neither a slow round nor a slow hour counts.
fn ratio(measured: &Measured, base: &Measured) -> f64 {
    Quartiles::of(measured.samples.iter().zip(&base.samples).map(|(own, base)| own / base)).median
}

/// The calls that belong to every heartbeat, by name; what there is besides is the language's own housekeeping.
fn describe(calls: &Calls) -> String {
    let (mut each, rest): (Vec<_>, Vec<_>) = calls.sender.iter().partition(|(_, count)| **count >= HEARTBEATS);
    each.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut text =
        each.iter().map(|(name, count)| format!("{} {name}", thousands(**count))).collect::<Vec<_>>().join(", ");
    let rest: u32 = rest.iter().map(|(_, count)| **count).sum();
    if rest > 0 {
        let _ = write!(text, "; {} others", thousands(rest));
    }
    text
}

/// Writes the results to `directory`, and those for people to the standard output as well.
pub(crate) fn write(report: &Report, directory: &Path) -> Result<(), Box<dyn Error>> {
    let markdown = report.markdown();
    fs::write(directory.join("heartbeat.md"), &markdown)?;
    fs::write(directory.join("heartbeat.json"), report.json())?;
    print!("{markdown}");
    Ok(())
}
