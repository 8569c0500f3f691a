//! All cases, with both programs.

use crate::case::Case;
use crate::difference::rules;
use crate::observation::Observation;
use crate::places::Places;
use crate::program::{Kind, Program};
use crate::run::observe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many cases run at a time. Most of them wait for most of their time.
const AT_A_TIME: usize = 8;

/// What came of a case.
#[derive(Debug)]
pub(crate) enum Verdict {
    Agree,
    /// They differ for these reasons.
    AsDocumented(Vec<String>),
    /// They differ, and should not.
    Differ,
    /// They agree, though these were reasons not to.
    Stale(Vec<String>),
    /// It could not be run.
    Failed(String),
}

/// A case, and what came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// Everything that was observed, with what is the same on both sides.
    pub(crate) rows: Vec<Row>,
    /// Rules without which more would differ.
    pub(crate) rules: Vec<usize>,
}

/// A fact on both sides.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) theirs: Option<String>,
    pub(crate) ours: Option<String>,
}

/// Runs all cases with both programs.
pub(crate) fn all(cases: &[&Case], theirs: &Program, ours: &Program, places: &Places) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((index, case)) = take(&next, cases) {
                    let outcome = one(case, theirs, ours, places);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn take<'a>(next: &AtomicUsize, cases: &[&'a Case]) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    cases.get(index).map(|case| (index, *case))
}

fn one(case: &Case, theirs: &Program, ours: &Program, places: &Places) -> Outcome {
    // Both at the same time, since some cases take as long as a program waits for an answer.
    let observed = std::thread::scope(|scope| {
        let first = scope.spawn(|| observe(case, theirs, places));
        let second = observe(case, ours, places);
        let first = first.join().unwrap_or_else(|_| Err("the thread that ran it panicked".to_owned()));
        Ok((first?, second?))
    });
    let (mut first, mut second) = match observed {
        Ok(both) => both,
        Err(message) => {
            let verdict = Verdict::Failed(message);
            return Outcome { name: case.name.clone(), verdict, rows: Vec::new(), rules: Vec::new() };
        }
    };
    let shown = rows(&first, &second);
    let mut needed = Vec::new();
    for (index, rule) in rules().iter().enumerate() {
        if rule.difference.applies(theirs.kind, ours.kind) {
            let before = differing(&first, &second);
            (rule.ignore)(&mut first);
            (rule.ignore)(&mut second);
            if differing(&first, &second) < before {
                needed.push(index);
            }
        }
    }
    let verdict = judge(case, theirs.kind, ours.kind, differing(&first, &second) > 0);
    // With a rule's omissions it would be hard to see what happened; without them, what they leave out is in the way.
    let rows = if matches!(verdict, Verdict::Differ) { rows(&first, &second) } else { shown };
    Outcome { name: case.name.clone(), verdict, rows, rules: needed }
}

fn judge(case: &Case, theirs: Kind, ours: Kind, differ: bool) -> Verdict {
    let about = |kind| case.differences.iter().map(move |difference| difference.covers(kind));
    let reasons: Vec<String> = case
        .differences
        .iter()
        .filter(|difference| difference.applies(theirs, ours))
        .map(|difference| difference.reason.clone())
        .collect();
    // Two that both do not do what the newest form does, for different reasons, may well do the same.
    let both = about(theirs).any(|covers| covers) && about(ours).any(|covers| covers);
    match (differ, reasons.is_empty()) {
        (false, true) => Verdict::Agree,
        (false, false) if both => Verdict::Agree,
        (false, false) => Verdict::Stale(reasons),
        (true, true) => Verdict::Differ,
        (true, false) => Verdict::AsDocumented(reasons),
    }
}

fn differing(theirs: &Observation, ours: &Observation) -> usize {
    rows(theirs, ours).iter().filter(|row| row.theirs != row.ours).count()
}

/// The facts of both, beside each other. A key that is there more often is matched in its order.
fn rows(theirs: &Observation, ours: &Observation) -> Vec<Row> {
    let mut rest = ours.facts();
    let mut rows = Vec::new();
    for (key, value) in theirs.facts() {
        let position = rest.iter().position(|(other, _)| *other == key);
        let ours = position.map(|position| rest.remove(position).1);
        rows.push(Row { key, theirs: Some(value), ours });
    }
    rows.extend(rest.into_iter().map(|(key, value)| Row { key, theirs: None, ours: Some(value) }));
    rows
}
