//! What is wrong, read off a timeline.

mod catalogue;
mod commands;
mod measures;
mod messages;
mod reload;
mod start;
mod stop;
mod watchdog;

pub(super) use catalogue::{Needs, RULES, Rule, rule};
pub(super) use measures::Measures;
pub(super) use stop::ended;

use super::plan::Plan;
use super::timeline::Timeline;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Something that works as it is, and could be better.
    Note,
    /// Something that goes wrong one day.
    Warning,
    /// Something that does not work.
    Error,
}

/// One mistake.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    /// What was seen.
    pub(super) seen: String,
    /// What mends it.
    pub(super) fix: String,
    /// When it was seen first.
    pub(super) at: Option<Duration>,
}

/// All that comes of a timeline.
#[derive(Debug)]
pub(super) struct Judgment {
    /// The worst first.
    pub(super) findings: Vec<Finding>,
    pub(super) measures: Measures,
}

pub(super) fn judge(plan: &Plan, timeline: &Timeline) -> Judgment {
    let measures = Measures::of(timeline);
    let mut findings = Findings::default();
    messages::judge(timeline, &mut findings);
    watchdog::judge(plan, timeline, &measures, &mut findings);
    reload::judge(plan, timeline, &mut findings);
    commands::judge(plan, timeline, &mut findings);
    stop::judge(timeline, &mut findings);
    // Last, as a start that fails has its reason in what was found before.
    start::judge(plan, timeline, &mut findings);
    let mut findings = findings.0;
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), place(finding.rule)));
    Judgment { findings, measures }
}

fn place(wanted: &Rule) -> usize {
    RULES.iter().position(|rule| rule.id == wanted.id).unwrap_or_default()
}

/// What has been found so far: each rule once.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, id: &'static str, at: Option<Duration>, seen: impl Into<String>) -> &mut Finding {
        self.add(id, Severity::Error, at, seen.into())
    }

    fn warning(&mut self, id: &'static str, at: Option<Duration>, seen: impl Into<String>) -> &mut Finding {
        self.add(id, Severity::Warning, at, seen.into())
    }

    fn note(&mut self, id: &'static str, at: Option<Duration>, seen: impl Into<String>) -> &mut Finding {
        self.add(id, Severity::Note, at, seen.into())
    }

    fn has(&self, id: &str) -> bool {
        self.0.iter().any(|finding| finding.rule.id == id)
    }

    fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Adds a finding, unless there is one of that rule that is as bad.
    fn add(&mut self, id: &'static str, severity: Severity, at: Option<Duration>, seen: String) -> &mut Finding {
        let position = self.0.iter().position(|finding| finding.rule.id == id).unwrap_or_else(|| {
            #[allow(clippy::expect_used)]
            let rule = rule(id).expect("the ids of the code are those of the catalogue, which a test proves");
            self.0.push(Finding { rule, severity, seen: seen.clone(), fix: rule.fix.to_owned(), at });
            self.0.len() - 1
        });
        let finding = &mut self.0[position];
        if finding.severity < severity {
            (finding.severity, finding.seen, finding.at) = (severity, seen, at);
        }
        finding
    }
}
