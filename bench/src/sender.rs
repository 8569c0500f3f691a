//! A worker process, as the receiving side sees it.

use crate::group::{Bench, Result};
use crate::groups::heartbeat::{Contender, Language};
use readyup::manager::{Incoming, Listener};
use readyup::{Assignment, Message};
use std::env;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How many heartbeats are sent at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    /// These first, and nobody looks at the clock.
    pub(crate) warm: u32,
    pub(crate) timed: u32,
}

/// What became of starting a worker.
pub(crate) enum Start {
    Ready(Sender),
    /// It cannot work on this machine, for this reason.
    Absent(String),
}

pub(crate) struct Sender {
    pub(crate) contender: Contender,
    pub(crate) pid: u32,
    pub(crate) version: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Sender {
    /// Starts the contender's worker, with `tracer` in front of its command.
    pub(crate) fn start(
        bench: &Bench,
        contender: Contender,
        listener: &Listener,
        tracer: &[OsString],
    ) -> Result<Start> {
        let failed = |what: &str| format!("{}: the worker {what}", contender.id);
        let mut command: Vec<OsString> = tracer.to_vec();
        match contender.language {
            Language::Node => command.extend(["node".into(), bench.script("worker.mjs").into()]),
            Language::Native => command.extend([env::current_exe()?.into(), "worker".into()]),
        }
        command.push(contender.id.into());
        let spawned = Command::new(&command[0])
            .args(&command[1..])
            .env("BENCH_PEERS", bench.peers())
            .env("BENCH_ROOT", &bench.root)
            .env("NOTIFY_SOCKET", listener.address().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => return Ok(Start::Absent(format!("{}: {error}", command[0].display()))),
        };
        let input = child.stdin.take().ok_or("no pipe")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no pipe")?);

        let mut line = String::new();
        output.read_line(&mut line)?;
        if let Some(reason) = line.strip_prefix("absent ") {
            child.wait()?;
            return Ok(Start::Absent(reason.trim_end().to_owned()));
        }
        let mut words = line.split_whitespace();
        match words.next() {
            Some("ready") => {
                let pid = words.next().unwrap_or_default().parse()?;
                let version = words.collect::<Vec<_>>().join(" ");
                Ok(Start::Ready(Self { contender, pid, version, child, input, output }))
            }
            _ => Err(failed("did not start").into()),
        }
    }

    /// Has it begin a burst.
    pub(crate) fn begin(&mut self, burst: Burst) -> Result<()> {
        Ok(writeln!(self.input, "{} {}", burst.warm, burst.timed)?)
    }

    /// Waits until a burst is over, and says how long it took.
    pub(crate) fn finish(&mut self) -> Result<Duration> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("{}: the worker ended early", self.contender.id).into());
        }
        Ok(Duration::from_nanos(line.trim_end().parse()?))
    }

    /// One burst, and how long it took. Every heartbeat of it must have arrived.
    pub(crate) fn burst(&mut self, listener: &Listener, burst: Burst) -> Result<Duration> {
        let name = self.contender.id;
        self.begin(burst)?;
        let time = self.finish()?;
        let mut arrived = 0;
        while let Some(incoming) = listener.receive(Some(Duration::ZERO))? {
            let good = match &incoming {
                Incoming::Message(received) => {
                    let sender = received.sender().pid() == self.pid || self.contender.spawns;
                    sender && is_heartbeat(received.message())
                }
                _ => false,
            };
            if !good {
                return Err(format!("{name}: something else than its heartbeat came in: {incoming:?}").into());
            }
            arrived += 1;
        }
        if arrived != burst.warm + burst.timed {
            return Err(format!("{name}: {arrived} heartbeats of {} came in", burst.warm + burst.timed).into());
        }
        Ok(time)
    }

    /// Ends it, and waits until it has.
    pub(crate) fn end(self) -> Result<()> {
        let Self { contender, mut child, input, .. } = self;
        drop(input);
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{}: the worker ended: {status}", contender.id).into()) }
    }
}

/// `WATCHDOG=1` and nothing beside it, however it is spelled.
fn is_heartbeat(message: Message<'_>) -> bool {
    message.assignments().eq([Ok(Assignment::Watchdog)])
}
