//! Reading the lab's journal.

use crate::{Lab, Manager};

impl Lab {
    /// What `journalctl` finds by these words.
    #[track_caller]
    pub(crate) fn read_journal(&self, matching: &[&str]) -> String {
        // Much of what was written by now is still on its way into the journal.
        self.run(["journalctl", "--sync"]).ok();
        self.command(["journalctl", "--quiet", "--no-pager", "--output", "cat"]).args(matching).run().ok()
    }

    /// What a unit has written, and what its manager has to say about it: the entries whose field
    /// `by` or `about` has the unit's name.
    ///
    /// Before 255, those alone would lack what a service says in its first moments. The process
    /// that the manager forks logs at debug level, too, before it has joined the unit's cgroup, and
    /// for a second journald goes by what it saw then. So those processes are looked for by their
    /// ids, which the manager logs.
    #[track_caller]
    pub(crate) fn read_unit_journal(&self, by: &str, about: &str, unit: &str) -> String {
        let about = format!("{about}={unit}");
        let mut matching = vec![format!("{by}={unit}"), about.clone()];
        for line in self.read_journal(&[&about]).lines() {
            matching.extend(forked(line).map(|pid| format!("_PID={pid}")));
        }
        let words: Vec<_> = matching.iter().flat_map(|one| [one.as_str(), "+"]).collect();
        // A plus is between two.
        self.read_journal(&words[..words.len() - 1])
    }
}

/// The process id in `x.service: Forked /bin/sh as 268`. Newer versions add how it was forked.
fn forked(line: &str) -> Option<u32> {
    let (_, tail) = line.split_once(": Forked ")?.1.rsplit_once(" as ")?;
    tail.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::forked;

    #[test]
    fn forked_processes_are_found() {
        let table = [
            ("x.service: Forked /bin/sh as 268", Some(268)),
            ("x.service: Forked /opt/run as root as 7 (with CLONE_INTO_CGROUP)", Some(7)),
            ("x.service: Child 268 belongs to x.service.", None),
            ("x.service: Forked /bin/sh as", None),
            ("", None),
        ];
        for (line, pid) in table {
            assert_eq!(forked(line), pid, "{line}");
        }
    }
}
