//! What one heartbeat costs: ours beside a bare `send` and beside other libraries.
//!
//! Every contender is a process of its own, all on one processor; they take turns, a burst at a time, and between two
//! bursts this process, on another processor, empties the queue and looks at what came in. So no heartbeat ever waits
//! for room or wakes anybody up, and whatever else the machine does meets all of them alike. Now and then all of them are
//! started anew: where a process happens to lie in memory makes a difference of some percent.

use crate::calls;
use crate::contender::CONTENDERS;
use crate::machine;
use crate::report::{self, Measured, Report};
use crate::sender::{Burst, Sender, Start};
use readyup::manager::Listener;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::error::Error;
use std::path::Path;

/// Enough for the longest queue that is worth it, and fewer than fit into a socket's default send buffer (some 270).
const LONG: Burst = Burst { warm: 16, timed: 192 };
/// What fits into Linux's default queue of 10.
const SHORT: Burst = Burst { warm: 0, timed: 8 };

/// How often the contenders are started.
const SITTINGS: u32 = 6;
/// Rounds of each sitting before those that count, in which Node's compiler learns.
const WARM_ROUNDS: u32 = 50;

/// Measures, and leaves `heartbeat.md` and `heartbeat.json` in `directory`.
pub(crate) fn run(rounds: u32, directory: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let burst = if machine::queue_length() > LONG.warm + LONG.timed { LONG } else { SHORT };
    let load = machine::load();
    let listener = Listener::private()?;

    let rounds = rounds.next_multiple_of(SITTINGS);
    eprintln!("bench: {rounds} rounds of {} heartbeats of each kind", burst.timed);
    let mut measured: Vec<Measured> = Vec::new();
    let mut absent = Vec::new();
    let processor = processor_for_senders()?;
    for sitting in 0..SITTINGS {
        let mut senders = Vec::new();
        for contender in CONTENDERS {
            match Sender::start(contender, &listener, &[])? {
                Start::Ready(sender) => senders.push(sender),
                Start::Absent(reason) if sitting == 0 => {
                    eprintln!("bench: going on without {}: {reason}", contender.call);
                    absent.push((contender, reason));
                }
                Start::Absent(_) => {}
            }
        }
        if sitting == 0 {
            measured.extend(senders.iter().map(Measured::new));
        }
        if let Some(processor) = &processor {
            // Of Node only the main thread, as it has others for its own work.
            for sender in &senders {
                let pid = i32::try_from(sender.pid).ok().and_then(Pid::from_raw);
                sched_setaffinity(pid, processor)?;
            }
        }
        sit(&mut senders, &listener, burst, rounds / SITTINGS, &mut measured)?;
        for sender in senders {
            sender.end()?;
        }
    }

    if calls::can_trace() {
        eprintln!("bench: counting the system calls of {} heartbeats of each", calls::HEARTBEATS);
        for measured in &mut measured {
            measured.calls = calls::count(measured.contender, &listener, burst)?;
        }
    } else {
        eprintln!("bench: not counting system calls: there is no strace, or it may not trace");
    }

    let placed = processor.is_some();
    let report = Report { rounds, burst, placed, load: [load, machine::load()], measured, absent };
    report::write(&report, directory)
}

/// Some rounds with the same processes.
fn sit(
    senders: &mut [Sender],
    listener: &Listener,
    burst: Burst,
    rounds: u32,
    measured: &mut [Measured],
) -> Result<(), Box<dyn Error>> {
    for round in 0..WARM_ROUNDS + rounds {
        // Each in turn begins a round, so that nobody always follows the same one.
        for turn in 0..senders.len() {
            let index = (turn + round as usize) % senders.len();
            let time = senders[index].burst(listener, burst)?;
            if round >= WARM_ROUNDS {
                measured[index].samples.push(time.as_nanos() as f64 / f64::from(burst.timed));
            }
        }
    }
    Ok(())
}

/// The first processor that there is, for the senders, once this process has settled on the last; none where there is
/// only one.
fn processor_for_senders() -> Result<Option<CpuSet>, Box<dyn Error>> {
    let allowed = sched_getaffinity(None)?;
    let mut processors = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
    let (Some(first), Some(last)) = (processors.next(), processors.next_back()) else {
        return Ok(None);
    };
    let only = |processor| {
        let mut set = CpuSet::new();
        set.set(processor);
        set
    };
    sched_setaffinity(None, &only(last))?;
    Ok(Some(only(first)))
}
