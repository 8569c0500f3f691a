//! What the numbers should be.

use crate::result::Run;
use std::fmt;

/// One target.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    measure: Measure,
    bound: Bound,
}

/// Where the number is found; rows are named `group/table/row`.
enum Measure {
    /// A row's median over another one's, as the median of the rounds if the table compares with it.
    Ratio(&'static str, &'static str),
    /// A row's number of that name.
    Fact(&'static str, &'static str),
    /// A row's median.
    Median(&'static str),
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What became of a target.
pub(crate) struct Verdict {
    pub(crate) value: Option<f64>,
    pub(crate) met: Option<bool>,
}

use Bound::{AtLeast, AtMost};
use Measure::{Fact, Median, Ratio};

const fn target(what: &'static str, measure: Measure, bound: Bound) -> Target {
    Target { what, measure, bound }
}

pub(crate) const TARGETS: &[Target] = &[
    target("Rust heartbeat ÷ C", Ratio("heartbeat-rust/time/readyup", "heartbeat-rust/time/c"), AtMost(1.10)),
    target(
        "Rust heartbeat: sd-notify ÷ ours",
        Ratio("heartbeat-rust/time/sd-notify", "heartbeat-rust/time/readyup"),
        AtLeast(7.0),
    ),
    target(
        "Rust heartbeat: libsystemd ÷ ours",
        Ratio("heartbeat-rust/time/libsystemd", "heartbeat-rust/time/readyup"),
        AtLeast(7.0),
    ),
    target(
        "Rust heartbeat: systemd ÷ ours",
        Ratio("heartbeat-rust/time/systemd", "heartbeat-rust/time/readyup"),
        AtLeast(7.0),
    ),
    target("Node heartbeat ÷ C", Ratio("heartbeat-node/time/ping", "heartbeat-node/time/c"), AtMost(1.15)),
    target(
        "Node heartbeat: sd-notify ÷ ours",
        Ratio("heartbeat-node/time/sd-notify", "heartbeat-node/time/ping"),
        AtLeast(8.0),
    ),
    target(
        "Node heartbeat: unix-dgram ÷ ours",
        Ratio("heartbeat-node/time/unix-dgram", "heartbeat-node/time/ping"),
        AtLeast(12.0),
    ),
    target(
        "Node heartbeat: spawning `systemd-notify` ÷ ours",
        Ratio("heartbeat-node/time/spawn-systemd-notify", "heartbeat-node/time/ping"),
        AtLeast(4000.0),
    ),
    target(
        "the event loop's delay with a stuck manager, ms",
        Fact("heartbeat-node/loop-stuck/ping", "over nothing, ms"),
        AtMost(1.0),
    ),
    target(
        "command: systemd-notify ÷ `readyup ready`",
        Ratio("command/read/systemd-notify", "command/read/readyup"),
        AtLeast(4.0),
    ),
    target(
        "command: systemd-notify ÷ the small one",
        Ratio("command/read/systemd-notify", "command/read/small"),
        AtLeast(10.0),
    ),
    target("the small one's system calls, not waiting", Fact("command/sent/small", "system calls"), AtMost(12.0)),
    target("the small one's peak memory, KiB", Fact("command/read/small", "peak memory, KiB"), AtMost(500.0)),
    target("`require()` over an empty module, ms", Fact("start/require/readyup", "over an empty one, ms"), AtMost(0.4)),
    target(
        "its memory over an empty module, kB",
        Fact("start/require/readyup", "memory over an empty one, kB"),
        AtMost(500.0),
    ),
    target("package download, all platforms, kB", Fact("install/with/readyup", "download, kB"), AtMost(60.0)),
    target("proxy ÷ a plain loop in C, messages/s", Ratio("receive/proxy/readyup", "receive/proxy/c"), AtLeast(1.5)),
    target("proxy: lost messages", Fact("receive/proxy/readyup", "lost messages"), AtMost(0.0)),
    target("`Listener`, messages/s", Median("receive/listener/readyup"), AtLeast(400_000.0)),
];

impl Target {
    pub(crate) fn judge(&self, run: &Run) -> Verdict {
        let value = match self.measure {
            Ratio(row, other) => run.row(row).zip(run.row(other)).map(|(row, other)| {
                // The rounds' own ratio, where the table has it: it does not see what changed between rounds.
                match (row.times_limit, row.times_ours) {
                    (Some(ratio), _) if other.times_limit == Some(1.0) => ratio,
                    (_, Some(ratio)) if other.times_ours == Some(1.0) => ratio,
                    _ => row.median / other.median,
                }
            }),
            Fact(row, name) => run.row(row).and_then(|row| row.number(name)),
            Median(row) => run.row(row).map(|row| row.median),
        };
        let met = value.map(|value| match self.bound {
            AtMost(bound) => value <= bound,
            AtLeast(bound) => value >= bound,
        });
        Verdict { value, met }
    }

    pub(crate) fn bound(&self) -> impl fmt::Display {
        let (sign, bound) = match self.bound {
            AtMost(bound) => ("≤", bound),
            AtLeast(bound) => ("≥", bound),
        };
        format!("{sign} {}", crate::report::number(bound))
    }
}
