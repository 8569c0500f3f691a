//! What a program on trial did, in a form that can be compared.

use crate::text::escape;

/// What the names of facts begin with that a program that was started has found.
pub(crate) const FOUND: &str = "found: ";

/// A datagram, with its numbers replaced.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) text: Vec<u8>,
    /// In whose name it came: the process, the user, and the group.
    pub(crate) sender: String,
    pub(crate) owner: String,
    /// What the descriptors are of, sorted.
    pub(crate) descriptors: Vec<String>,
}

impl Datagram {
    /// Whether it is nothing but the question for a barrier.
    pub(crate) fn is_barrier(&self) -> bool {
        self.text == b"BARRIER=1" && self.descriptors.len() == 1
    }

    fn describe(&self) -> String {
        let descriptors = match &*self.descriptors {
            [] => String::new(),
            some => format!(" with {}", some.join(", ")),
        };
        format!("\"{}\" from {} {}{descriptors}", escape(&self.text), self.sender, self.owner)
    }
}

/// What a program on trial did.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    pub(crate) end: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) datagrams: Vec<Datagram>,
    /// What a program that it started found.
    pub(crate) found: Vec<(String, String)>,
    /// What was seen of it meanwhile.
    pub(crate) seen: Vec<(String, String)>,
}

impl Observation {
    /// Everything, as names and values.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("it ended".to_owned(), self.end.clone()),
            ("standard output".to_owned(), self.stdout.clone()),
            ("standard error".to_owned(), self.stderr.clone()),
        ];
        for (index, datagram) in self.datagrams.iter().enumerate() {
            facts.push((format!("datagram {}", index + 1), datagram.describe()));
        }
        facts.extend(self.seen.iter().cloned());
        for (key, value) in &self.found {
            facts.push((format!("{FOUND}{key}"), value.clone()));
        }
        facts
    }
}
