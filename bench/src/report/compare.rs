//! This run beside the last one that was kept: what has become slower stands out.

use crate::result::{Role, Row, Run, Unit};

/// A change of less than this is none.
const NOTABLE: f64 = 1.15;

pub(crate) struct Comparison {
    /// What there is to compare with: its machine.
    pub(super) with: Option<String>,
    pub(super) changes: Vec<Change>,
}

/// A row of ours that has changed.
pub(crate) struct Change {
    pub(super) what: String,
    /// More than 1 is worse.
    pub(super) times: f64,
    /// Whether it is compared by how many times the limit's it is, which does not depend on the machine.
    pub(super) of_limit: bool,
}

/// Compares what is ours; the worst comes first.
pub(super) fn with(before: Option<&Run>, now: &Run) -> Comparison {
    let mut changes = Vec::new();
    let Some(before) = before else {
        return Comparison { with: None, changes };
    };
    for group in &now.groups {
        for table in &group.tables {
            for row in table.rows.iter().filter(|row| row.role == Role::Ours) {
                let path = format!("{}/{}/{}", group.id, table.id, row.id);
                if let Some(old) = before.row(&path) {
                    changes.extend(change(
                        &format!("{}, {}: {}", group.title, table.title, row.name),
                        table.unit,
                        old,
                        row,
                    ));
                }
            }
        }
    }
    changes.sort_by(|one, other| other.times.total_cmp(&one.times));
    Comparison { with: Some(before.machine.clone()), changes }
}

fn change(what: &str, unit: Unit, old: &Row, new: &Row) -> Option<Change> {
    let (ratio, of_limit) = match (old.times_limit, new.times_limit) {
        (Some(old), Some(new)) => (new / old, true),
        _ => (new.median / old.median, false),
    };
    let times = if unit.more_is_better() { 1.0 / ratio } else { ratio };
    (!(1.0 / NOTABLE..=NOTABLE).contains(&times)).then(|| Change { what: what.to_owned(), times, of_limit })
}

impl Comparison {
    /// Says on the standard error what has become slower, so that it is the last that is seen.
    pub(super) fn warn(&self) {
        for change in self.changes.iter().filter(|change| change.times > 1.0) {
            eprintln!("bench: SLOWER than the last results that were kept: {}", change.text());
        }
    }
}

impl Change {
    pub(super) fn text(&self) -> String {
        let (times, word) = if self.times > 1.0 { (self.times, "slower") } else { (1.0 / self.times, "faster") };
        let how = if self.of_limit { "beside the limit" } else { "by its median" };
        format!("{}: {times:.2} times {word}, {how}", self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(median: f64, times_limit: Option<f64>) -> Row {
        Row {
            id: String::new(),
            name: String::new(),
            role: Role::Ours,
            version: String::new(),
            rounds: 1,
            median,
            quartiles: [median; 2],
            times_limit,
            times_ours: None,
            facts: Vec::new(),
        }
    }

    fn times(unit: Unit, old: &Row, new: &Row) -> Option<f64> {
        change("", unit, old, new).map(|change| change.times)
    }

    #[test]
    fn ok_a_slower_machine_is_no_change() {
        assert_eq!(times(Unit::Nanoseconds, &row(100.0, Some(1.0)), &row(200.0, Some(1.05))), None);
        assert_eq!(times(Unit::Nanoseconds, &row(100.0, Some(1.0)), &row(100.0, Some(2.0))), Some(2.0));
    }

    #[test]
    fn ok_fewer_messages_are_worse() {
        assert_eq!(times(Unit::MessagesPerSecond, &row(100.0, None), &row(50.0, None)), Some(2.0));
        assert_eq!(times(Unit::Seconds, &row(100.0, None), &row(50.0, None)), Some(0.5));
    }
}
