//! What is expected to differ, and why.

use crate::observation::Observation;
use crate::program::Kind;
use std::ops::{Bound, RangeBounds};

/// Some originals do something else than the newest form, and than the program that follows it.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    first: Bound<u32>,
    last: Bound<u32>,
    pub(crate) reason: String,
}

impl Difference {
    pub(crate) fn new(versions: impl RangeBounds<u32>, reason: &str) -> Self {
        Self { first: versions.start_bound().cloned(), last: versions.end_bound().cloned(), reason: reason.to_owned() }
    }

    /// Whether it stands between these two: one is such an original, the other is not.
    pub(crate) fn applies(&self, theirs: Kind, ours: Kind) -> bool {
        self.covers(theirs) != self.covers(ours)
    }

    /// Whether it is about this one.
    pub(crate) fn covers(&self, kind: Kind) -> bool {
        match kind {
            Kind::Original(version) => (self.first, self.last).contains(&version),
            Kind::Follower => false,
        }
    }
}

/// A difference that would be in so many cases that it is left out of the comparison instead.
pub(crate) struct Rule {
    pub(crate) difference: Difference,
    /// Takes out of an observation what is not to be compared.
    pub(crate) ignore: fn(&mut Observation),
}

/// What is left out of every comparison between programs of which one is such an original.
pub(crate) fn rules() -> Vec<Rule> {
    vec![
        Rule {
            difference: Difference::new(..=252, "systemd 252 asks for the barrier in its own name"),
            ignore: |observation| {
                for datagram in observation.datagrams.iter_mut().filter(|datagram| datagram.is_barrier()) {
                    datagram.sender.clear();
                }
            },
        },
        Rule {
            difference: Difference::new(..=252, "systemd 252 does not say MAINPIDFDID="),
            ignore: |observation| {
                for datagram in &mut observation.datagrams {
                    // As a whole line, and never the only one: it stands after MAINPID=.
                    for process in ["<self>", "<parent>", "<other>", "<init>"] {
                        let line = format!("\nMAINPIDFDID={process}");
                        datagram.text = crate::text::replace(&datagram.text, line.as_bytes(), b"");
                    }
                }
            },
        },
        Rule {
            difference: Difference::new(..=252, "systemd 252 does not say EXIT_STATUS= when it ends"),
            ignore: |observation| observation.datagrams.retain(|datagram| !datagram.text.starts_with(b"EXIT_STATUS=")),
        },
    ]
}
