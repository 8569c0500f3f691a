//! Receiving, and passing on: how many messages a second come through, and what gets lost on the way.

use super::delay::Ended;
use crate::c::{self, Came};
use crate::group::{Bench, Group, Result, interleave};
use crate::machine;
use crate::peers;
use crate::processors::Processors;
use crate::result::{Role, Series, Table, Unit};
use crate::statistics::Quartiles;
use readyup::manager::{Batch, Incoming, Listener};
use rustix::fd::AsFd as _;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Receive;

/// How many descriptors are sent through each proxy, to see whether they come out again.
const DESCRIPTORS: u32 = 100;
/// When nothing has come for so long, nothing will.
const SILENCE: Duration = Duration::from_millis(500);

impl Group for Receive {
    fn id(&self) -> &'static str {
        "receive"
    }

    fn title(&self) -> &'static str {
        "Receiving, and passing on"
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        Ok(vec![receivers(bench)?, proxies(bench)?])
    }
}

/// What listens.
fn receivers(bench: &Bench) -> Result<Table> {
    let processors = Processors::find()?;
    if let Some(processors) = processors {
        processors.settle()?;
    }
    let count = if bench.quick { 50_000 } else { 200_000 };
    let mut series = [
        Series::new("c", "C: `recv()`, the text and nothing else", Role::Limit),
        Series::new("readyup", "readyup: `listener.without_pidfds()`, `receive_many()`", Role::Ours),
        Series::new("readyup-one", "readyup: `listener.receive()`, with pidfds", Role::Ours),
        Series::new("readyup-many", "readyup: `listener.receive_many()`, with pidfds", Role::Ours),
        Series::new("c-all", "C: `recvmsg()`, with credentials and pidfd, as systemd does", Role::Peer),
    ];
    let mut lost = vec![0; series.len()];
    interleave(bench.rounds(15, 5), bench.limit(40, 6), series.len(), |who, _| {
        let mut listener = Listener::private()?;
        let mut sender = flood(Path::new(&listener.address().to_string()), count, "", processors)?;
        let came = match series[who].id {
            "c" => c::receive(listener.as_fd(), count, false),
            "c-all" => c::receive(listener.as_fd(), count, true),
            "readyup-one" => one_by_one(&listener, count)?,
            "readyup-many" => many(&listener, count)?,
            _ => {
                listener = listener.without_pidfds();
                many(&listener, count)?
            }
        };
        sender.0.wait()?;
        lost[who] += count - came.messages;
        series[who].samples.push(Some(f64::from(came.messages) / came.time.as_secs_f64()));
        Ok(())
    })?;
    for (series, lost) in series.iter_mut().zip(lost) {
        series.number("lost", f64::from(lost));
    }
    let about = format!(
        "One sender, a C program that sends {count} heartbeats as fast as it can, on one processor; the receiver on another. \
         systemd-notify listens only from systemd 258 on (`--fork`), to one message; what a manager has to ask the kernel \
         for is in the line of C with credentials."
    );
    Ok(Table::new("listener", "Through the socket that listens", Unit::MessagesPerSecond, about, &series))
}

fn one_by_one(listener: &Listener, count: u32) -> Result<Came> {
    let (mut messages, mut start) = (0, None);
    while messages < count {
        match listener.receive(Some(SILENCE))? {
            Some(Incoming::Message(_)) => messages += 1,
            _ => break,
        }
        start.get_or_insert_with(Instant::now);
    }
    Ok(Came { messages, fds: 0, time: start.map_or(SILENCE, |start| start.elapsed()) })
}

fn many(listener: &Listener, count: u32) -> Result<Came> {
    let (mut batch, mut messages, mut start) = (Batch::new(), 0, None);
    while messages < count && listener.receive_many(&mut batch, Some(SILENCE))? {
        start.get_or_insert_with(Instant::now);
        for incoming in &mut batch {
            let Incoming::Message(_) = incoming else {
                return Err(format!("something else than a heartbeat came in: {incoming:?}").into());
            };
            messages += 1;
        }
    }
    Ok(Came { messages, fds: 0, time: start.map_or(SILENCE, |start| start.elapsed()) })
}

/// What passes on.
struct Proxy {
    id: &'static str,
    name: &'static str,
    role: Role,
    version: String,
    kind: Kind,
}

/// The command of a proxy that listens at the first path and passes on to the second.
type Starting = dyn Fn(&Path, &Path) -> Command;

enum Kind {
    /// Runs the sender itself.
    Trace,
    /// Listens at the path that the command gets.
    Listening(Box<Starting>),
}

fn proxies(bench: &Bench) -> Result<Table> {
    let count: u32 = if bench.quick { 50_000 } else { 200_000 };
    let proxies = all(bench);
    let mut series: Vec<Series> =
        proxies.iter().map(|proxy| Series::new(proxy.id, proxy.name, proxy.role).version(&proxy.version)).collect();
    let mut lost = vec![0; proxies.len()];
    let mut processor_times = vec![Vec::new(); proxies.len()];
    interleave(bench.rounds(9, 3), bench.limit(50, 6), proxies.len(), |who, _| {
        let (came, processor_time) = pass(bench, &proxies[who], count, "")?;
        lost[who] += count - came.messages;
        processor_times[who].push(processor_time.as_nanos() as f64 / f64::from(count));
        series[who].samples.push(Some(f64::from(came.messages) / came.time.as_secs_f64()));
        Ok(())
    })?;
    for (((proxy, series), lost), times) in proxies.iter().zip(&mut series).zip(lost).zip(processor_times) {
        series.number("processor time for each, ns", Quartiles::of(times).median);
        series.number("lost messages", f64::from(lost));
        let fds = pass(bench, proxy, DESCRIPTORS, "fds")?.0.fds;
        series.text("lost descriptors", format!("{} of {DESCRIPTORS}", DESCRIPTORS - fds));
    }
    let mut table = Table::new(
        "proxy",
        "Through a proxy",
        Unit::MessagesPerSecond,
        format!(
            "One sender, the proxy and a receiver that drains, {count} heartbeats; no process is tied to a processor. \
             `readyup trace` writes its trace, a line for each message, to a file meanwhile; the others write nothing."
        ),
        &series,
    );
    if peers::socat(bench).is_none() {
        table.absent.push("socat: it could not be unpacked".to_owned());
    }
    Ok(table)
}

fn all(bench: &Bench) -> Vec<Proxy> {
    let [plain, many] = [bench.target.join("proxy"), bench.target.join("proxy")];
    let mut proxies = vec![
        Proxy {
            id: "c",
            name: "C: a loop of `read()` and `write()`",
            role: Role::Limit,
            version: String::new(),
            kind: Kind::Listening(Box::new(move |own, _| {
                let mut command = Command::new(&plain);
                command.arg(own);
                command
            })),
        },
        Proxy {
            id: "c-many",
            name: "C: 64 at a time, with `recvmmsg()` and `sendmmsg()`",
            role: Role::Limit,
            version: String::new(),
            kind: Kind::Listening(Box::new(move |own, _| {
                let mut command = Command::new(&many);
                command.arg(own).arg("many");
                command
            })),
        },
        Proxy { id: "readyup", name: "`readyup trace`", role: Role::Ours, version: String::new(), kind: Kind::Trace },
    ];
    if let Some((program, libraries)) = peers::socat(bench) {
        proxies.push(Proxy {
            id: "socat",
            name: "`socat UNIX-RECV:… UNIX-SENDTO:…`",
            role: Role::Peer,
            version: socat_version(&program, &libraries),
            kind: Kind::Listening(Box::new(move |own, manager| {
                let mut command = Command::new(&program);
                command.args(["-u", &format!("UNIX-RECV:{}", own.display())]);
                command.arg(format!("UNIX-SENDTO:{}", manager.display())).env("LD_LIBRARY_PATH", &libraries);
                command
            })),
        });
    }
    proxies
}

fn socat_version(program: &Path, libraries: &std::ffi::OsStr) -> String {
    let output = Command::new(program).arg("-V").env("LD_LIBRARY_PATH", libraries).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.split_once("socat version ").and_then(|(_, rest)| rest.split(' ').next());
    format!("socat {}", version.unwrap_or("unknown"))
}

/// Has `count` messages pass through a proxy, and sees what comes out, and the processor time that it took.
fn pass(bench: &Bench, proxy: &Proxy, count: u32, what: &str) -> Result<(Came, Duration)> {
    let listener = Listener::private()?;
    let manager = PathBuf::from(listener.address().to_string());
    let trace = bench.target.join("trace.txt");
    let mut children = Vec::new();
    match &proxy.kind {
        Kind::Trace => {
            let mut command = Command::new(bench.command("readyup"));
            command.args(["trace", "--output"]).arg(&trace).arg("--").arg(env::current_exe()?);
            command.args(["flood", &count.to_string(), what]).env("NOTIFY_SOCKET", &manager);
            children.push(Ended(command.stdin(Stdio::null()).spawn()?));
        }
        Kind::Listening(command) => {
            let own = manager.with_file_name("proxy");
            let mut command = command(&own, &manager);
            children.push(Ended(command.env("NOTIFY_SOCKET", &manager).stdin(Stdio::null()).spawn()?));
            let end = Instant::now() + Duration::from_secs(5);
            while !own.exists() {
                if Instant::now() > end {
                    return Err(format!("{} does not listen", proxy.name).into());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            children.push(flood(&own, count, what, None)?);
        }
    }
    // A receiver that asks for more than it needs would be what is measured.
    let came = c::receive(listener.as_fd(), count, what == "fds");
    // The proxy is the first of them in either case.
    let processor_time = machine::processor_time(children[0].0.id())?;
    if let Kind::Listening(_) = proxy.kind {
        let _ = std::fs::remove_file(manager.with_file_name("proxy"));
    } else {
        children[0].0.wait()?;
        std::fs::remove_file(trace)?;
    }
    Ok((came, processor_time))
}

/// Starts the sender.
fn flood(manager: &Path, count: u32, what: &str, processors: Option<Processors>) -> Result<Ended> {
    let child = Command::new(env::current_exe()?)
        .args(["flood", &count.to_string(), what])
        .env("NOTIFY_SOCKET", manager)
        .stdin(Stdio::null())
        .spawn()?;
    if let Some(processors) = processors {
        processors.place(child.id())?;
    }
    Ok(Ended(child))
}
