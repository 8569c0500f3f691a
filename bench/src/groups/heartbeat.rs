//! What one heartbeat costs.
//!
//! Every contender is a process of its own, all on one processor; they take turns, a burst at a time, and between two
//! bursts this process, on another processor, empties the queue and looks at what came in. So no heartbeat ever waits
//! for room or wakes anybody up, and whatever else the machine does meets all of them alike. Now and then all of them are
//! started anew: where a process happens to lie in memory makes a difference of some percent.

use crate::calls::{self, Calls};
use crate::group::{Bench, Result, interleave};
use crate::machine;
use crate::processors::Processors;
use crate::result::{Role, Series, Table, Unit};
use crate::sender::{Burst, Sender, Start};
use readyup::manager::Listener;
use std::fmt::Write as _;
use std::time::Duration;

/// Enough for the longest queue that is worth it, and fewer than fit into a socket's default send buffer (some 270).
const LONG: Burst = Burst { warm: 48, timed: 192 };
/// What fits into Linux's default queue of 10.
const SHORT: Burst = Burst { warm: 0, timed: 8 };
/// For what takes milliseconds.
const SINGLE: Burst = Burst { warm: 0, timed: 1 };

/// One way to send a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// Its name for `worker` and in the results.
    pub(crate) id: &'static str,
    /// What is called, for people: `library: call`.
    pub(crate) call: &'static str,
    pub(crate) role: Role,
    pub(crate) language: Language,
    /// Whether it starts a process for each, so that it cannot be asked as often.
    pub(crate) spawns: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Ours, the C that it is measured against, and peers, all in this program.
    Native,
    Node,
}

impl Contender {
    pub(crate) const fn native(id: &'static str, call: &'static str, role: Role) -> Self {
        Self { id, call, role, language: Language::Native, spawns: false }
    }

    pub(crate) const fn node(id: &'static str, call: &'static str, role: Role) -> Self {
        Self { id, call, role, language: Language::Node, spawns: false }
    }

    pub(crate) const fn spawning(self) -> Self {
        Self { spawns: true, ..self }
    }

    fn series(self) -> Series {
        Series::new(self.id, self.call, self.role)
    }
}

/// What a table of heartbeats is made of.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// For all of them.
    pub(crate) limit: Duration,
    /// How often the contenders are started.
    pub(crate) sittings: usize,
    /// Rounds of each sitting before those that count, in which Node's compiler learns.
    pub(crate) warm: usize,
    /// Whoever starts processes takes part in one round of so many.
    pub(crate) spawn_every: usize,
}

pub(crate) fn table(
    bench: &Bench,
    id: &str,
    title: &str,
    contenders: &[Contender],
    plan: &Plan,
    finish: impl Fn(Contender, &mut Series) -> Result<()>,
) -> Result<Table> {
    let burst = if machine::queue_length() > LONG.warm + LONG.timed { LONG } else { SHORT };
    let listener = Listener::private()?;
    let processors = Processors::find()?;
    if let Some(processors) = processors {
        processors.settle()?;
    }
    let mut series: Vec<Series> = contenders.iter().map(|contender| contender.series()).collect();
    let mut absent = Vec::new();
    for sitting in 0..plan.sittings {
        // With each its place among the contenders.
        let mut senders = Vec::new();
        for (place, contender) in contenders.iter().enumerate() {
            match Sender::start(bench, *contender, &listener, &[])? {
                Start::Ready(sender) => {
                    series[place].version.clone_from(&sender.version);
                    if let Some(processors) = processors {
                        processors.place(sender.pid)?;
                    }
                    senders.push((place, sender));
                }
                Start::Absent(reason) if sitting == 0 => absent.push(format!("{}: {reason}", contender.call)),
                Start::Absent(_) => {}
            }
        }
        let count = senders.len();
        interleave(plan.warm, Duration::MAX, count, |who, _| {
            let (place, sender) = &mut senders[who];
            if !contenders[*place].spawns {
                sender.burst(&listener, burst)?;
            }
            Ok(())
        })?;
        interleave(plan.rounds / plan.sittings, plan.limit / plan.sittings as u32, count, |who, round| {
            let (place, sender) = &mut senders[who];
            let burst = if !contenders[*place].spawns {
                Some(burst)
            } else {
                (round % plan.spawn_every == 0).then_some(SINGLE)
            };
            let sample = match burst {
                Some(burst) => Some(sender.burst(&listener, burst)?.as_nanos() as f64 / f64::from(burst.timed)),
                None => None,
            };
            series[*place].samples.push(sample);
            Ok(())
        })?;
        for (_, sender) in senders {
            sender.end()?;
        }
    }
    let can_trace = calls::can_trace();
    for (contender, series) in contenders.iter().zip(&mut series) {
        if series.samples.is_empty() {
            continue;
        }
        finish(*contender, series)?;
        if can_trace
            && !contender.spawns
            && let Some(calls) = calls::count(bench, *contender, &listener, burst)?
        {
            series.text(&format!("system calls for {}", calls::HEARTBEATS), describe(&calls));
        }
    }
    let about = format!(
        "Bursts of {} heartbeats, between which the receiver empties the queue; {}. Whoever starts a process for each sends \
         one, in one round of {}.",
        burst.timed,
        if processors.is_some() {
            "senders on one processor, the receiver on another"
        } else {
            "one processor for all"
        },
        plan.spawn_every,
    );
    let mut table = Table::new(id, title, Unit::Nanoseconds, about, &series);
    table.absent = absent;
    Ok(table)
}

/// The calls that belong to every heartbeat, by name; what there is besides is the language's own housekeeping.
fn describe(calls: &Calls) -> String {
    let (mut each, rest): (Vec<_>, Vec<_>) = calls.sender.iter().partition(|(_, count)| **count >= calls::HEARTBEATS);
    each.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut text = each.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
    let rest: u32 = rest.iter().map(|(_, count)| **count).sum();
    if rest > 0 {
        let _ = write!(text, "; {rest} others");
    }
    text
}
