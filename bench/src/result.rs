//! The one shape that all results have.

use crate::statistics::Quartiles;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) machine: String,
    pub(crate) quick: bool,
    pub(crate) groups: Vec<GroupResult>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupResult {
    pub(crate) id: String,
    pub(crate) title: String,
    /// How long it took to measure.
    pub(crate) seconds: f64,
    /// The load averages before and after.
    pub(crate) load: [String; 2],
    /// Why there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<String>,
    pub(crate) tables: Vec<Table>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) title: String,
    /// How it was measured, in a sentence or two.
    pub(crate) about: String,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
    /// What could not be measured, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) id: String,
    /// What it is, for people.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// What it is made with: "sd-notify 0.5.0".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) version: String,
    pub(crate) rounds: usize,
    pub(crate) median: f64,
    /// A quarter of the rounds was below the first, and a quarter above the second.
    pub(crate) quartiles: [f64; 2],
    /// How many times the limit's: the median of the ratios of each round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times_limit: Option<f64>,
    /// How many times ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times_ours: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<Fact>,
}

/// What else is known of a row: a column of its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fact {
    /// With the unit: "peak memory, KiB".
    pub(crate) name: String,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Number(f64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    /// As little as it can be: what the kernel takes.
    Limit,
    Ours,
    Peer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Unit {
    Nanoseconds,
    Milliseconds,
    Seconds,
    MessagesPerSecond,
}

impl Unit {
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::MessagesPerSecond
    }
}

/// What was measured of one contender, before it is a [`Row`].
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) id: &'static str,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) version: String,
    /// One for each round in which it took part.
    pub(crate) samples: Vec<Option<f64>>,
    pub(crate) facts: Vec<Fact>,
}

impl Series {
    pub(crate) fn new(id: &'static str, name: impl Into<String>, role: Role) -> Self {
        Self { id, name: name.into(), role, version: String::new(), samples: Vec::new(), facts: Vec::new() }
    }

    pub(crate) fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    pub(crate) fn number(&mut self, name: &str, value: f64) {
        self.facts.push(Fact { name: name.to_owned(), value: Value::Number(value) });
    }

    pub(crate) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push(Fact { name: name.to_owned(), value: Value::Text(value.into()) });
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().copied().flatten()
    }

    /// How many times the other: a median of what it was in each round, so that neither a slow round nor a slow hour
    /// counts.
    fn times(&self, other: &Self) -> Option<f64> {
        let both = self.samples.iter().zip(&other.samples).filter_map(|(own, other)| Some((*own)? / (*other)?));
        let ratios: Vec<f64> = both.collect();
        (!ratios.is_empty()).then(|| Quartiles::of(ratios).median)
    }
}

impl Table {
    /// The first limit and the first of ours are what the rest is compared with. Series without a sample are left out.
    pub(crate) fn new(id: &str, title: &str, unit: Unit, about: impl Into<String>, series: &[Series]) -> Self {
        let find = |role| series.iter().find(|series| series.role == role);
        let (limit, ours) = (find(Role::Limit), find(Role::Ours));
        let rows = series.iter().filter(|series| series.known().next().is_some()).map(|series| {
            let Quartiles { first, median, third } = Quartiles::of(series.known());
            Row {
                id: series.id.to_owned(),
                name: series.name.clone(),
                role: series.role,
                version: series.version.clone(),
                rounds: series.known().count(),
                median,
                quartiles: [first, third],
                times_limit: limit.and_then(|limit| series.times(limit)),
                times_ours: ours.and_then(|ours| series.times(ours)),
                facts: series.facts.clone(),
            }
        });
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            about: about.into(),
            unit,
            rows: rows.collect(),
            absent: Vec::new(),
        }
    }
}

impl Row {
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.facts.iter().find(|fact| fact.name == name).and_then(|fact| match fact.value {
            Value::Number(number) => Some(number),
            Value::Text(_) => None,
        })
    }
}

impl Run {
    /// A row by `group/table/row`.
    pub(crate) fn row(&self, path: &str) -> Option<&Row> {
        let mut parts = path.split('/');
        let (group, table, row) = (parts.next()?, parts.next()?, parts.next()?);
        let group = self.groups.iter().find(|found| found.id == group)?;
        let table = group.tables.iter().find(|found| found.id == table)?;
        table.rows.iter().find(|found| found.id == row)
    }
}
