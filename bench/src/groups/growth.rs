//! Many services at once: does a heartbeat cost more when a thousand services send them?

use super::heartbeat::Contender;
use super::heartbeat_rust::{LIMIT, OURS};
use crate::group::{Bench, Group, Result, interleave};
use crate::machine;
use crate::processors::Processors;
use crate::result::{Role, Series, Table, Unit};
use crate::sender::{Burst, Sender, Start};
use readyup::manager::{Incoming, Listener};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

pub(crate) struct Growth;

impl Group for Growth {
    fn id(&self) -> &'static str {
        "growth"
    }

    fn title(&self) -> &'static str {
        "Many services at once"
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        // Each has two pipes here.
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
        let processors = Processors::find()?;
        if let Some(processors) = processors {
            processors.settle()?;
        }
        let mut sending = Vec::new();
        let mut receiving = Vec::new();
        for (id, services) in [("1", 1), ("10", 10), ("100", 100), ("1000", 1000)] {
            let [limit, ours] = measure(bench, services, processors)?;
            let name =
                |what: &str| format!("{services} {}: {what}", if services == 1 { "service" } else { "services" });
            let [c, rust] = match services {
                1 => ["c-1", "readyup-1"],
                10 => ["c-10", "readyup-10"],
                100 => ["c-100", "readyup-100"],
                _ => ["c-1000", "readyup-1000"],
            };
            // One service is what the others are compared with.
            let mut all = Series::new(c, name("C"), Role::Limit);
            all.samples = limit.sent;
            sending.push(all);
            let mut all = Series::new(rust, name("readyup"), Role::Ours);
            all.samples = ours.sent;
            sending.push(all);
            let mut all = Series::new(id, name("received by `Listener`"), Role::Ours);
            all.samples = ours.received;
            receiving.push(all);
        }
        let about = format!(
            "{} heartbeats in all from so many processes at once, on one processor; received on another. {} rounds, and \
             all begin at the same time.",
            messages(bench),
            rounds(bench)
        );
        Ok(vec![
            Table::new(
                "sending",
                "The senders' processor time, for each message",
                Unit::Nanoseconds,
                about.as_str(),
                &sending,
            ),
            Table::new(
                "receiving",
                "The receiver's processor time, for each message",
                Unit::Nanoseconds,
                about.as_str(),
                &receiving,
            ),
        ])
    }
}

/// In all, whoever sends them.
fn messages(bench: &Bench) -> u32 {
    if bench.quick { 5_000 } else { 20_000 }
}

fn rounds(bench: &Bench) -> usize {
    bench.rounds(15, 3)
}

/// Nanoseconds for each message, a number for each round.
#[derive(Default)]
struct Samples {
    sent: Vec<Option<f64>>,
    received: Vec<Option<f64>>,
}

/// The limit and ours, with so many services each.
fn measure(bench: &Bench, services: u32, processors: Option<Processors>) -> Result<[Samples; 2]> {
    let listener = Listener::private()?;
    let mut groups = Vec::new();
    for contender in [LIMIT, OURS] {
        groups.push(start(bench, contender, &listener, services, processors)?);
    }
    let mut samples = [Samples::default(), Samples::default()];
    let warm = 1;
    interleave(warm + rounds(bench), bench.limit(20, 3), groups.len(), |who, round| {
        let [sent, received] = run(&mut groups[who], &listener, messages(bench))?;
        if round >= warm {
            samples[who].sent.push(Some(sent));
            samples[who].received.push(Some(received));
        }
        Ok(())
    })?;
    for sender in groups.into_iter().flatten() {
        sender.end()?;
    }
    Ok(samples)
}

fn start(
    bench: &Bench,
    contender: Contender,
    listener: &Listener,
    services: u32,
    processors: Option<Processors>,
) -> Result<Vec<Sender>> {
    let mut senders = Vec::new();
    for _ in 0..services {
        let Start::Ready(sender) = Sender::start(bench, contender, listener, &[])? else {
            return Err(format!("{} cannot be started", contender.id).into());
        };
        if let Some(processors) = processors {
            processors.place(sender.pid)?;
        }
        senders.push(sender);
    }
    Ok(senders)
}

/// One round.
fn run(senders: &mut [Sender], listener: &Listener, messages: u32) -> Result<[f64; 2]> {
    let share = messages / senders.len() as u32;
    let sent_before = processor_times(senders)?;
    for sender in &mut *senders {
        sender.begin(Burst { warm: 0, timed: share })?;
    }
    let mut got = 0;
    let before = processor_time();
    while got < share * senders.len() as u32 {
        match listener.receive(Some(Duration::from_secs(5)))? {
            Some(Incoming::Message(_)) => got += 1,
            other => return Err(format!("{got} heartbeats came, and then {other:?}").into()),
        }
    }
    let received = processor_time() - before;
    for sender in &mut *senders {
        sender.finish()?;
    }
    let sent = processor_times(senders)? - sent_before;
    Ok([sent, received].map(|time| time.as_nanos() as f64 / f64::from(got)))
}

/// Of all senders.
fn processor_times(senders: &[Sender]) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for sender in senders {
        sum += machine::processor_time(sender.pid)?;
    }
    Ok(sum)
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
