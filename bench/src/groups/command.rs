//! What it costs a script to tell the manager something: starting a command, its end included.
//!
//! The commands take turns, one process each, and what they send is received and looked at between two turns, while
//! nothing is measured. With a barrier, the answer comes from another thread as soon as it is asked for.

use super::delay::Ended;
use crate::c;
use crate::calls;
use crate::group::{Bench, Group, Result, interleave};
use crate::peers;
use crate::result::{Role, Series, Table, Unit};
use readyup::manager::{Incoming, Listener};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) struct OneShot;

/// Long enough for everything here.
const SOON: Duration = Duration::from_secs(10);

/// One way to say READY=1.
struct Contender {
    id: &'static str,
    name: &'static str,
    role: Role,
    program: PathBuf,
    arguments: &'static [&'static str],
    /// Whether it waits until it was read.
    waits: bool,
    version: String,
}

impl Group for OneShot {
    fn id(&self) -> &'static str {
        "command"
    }

    fn title(&self) -> &'static str {
        "A command that says READY=1"
    }

    fn missing(&self) -> Option<String> {
        let bench = Bench::from_env().ok()?;
        (!bench.command("readyup").exists()).then(|| "the static commands are not built (make build)".to_owned())
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let listener = Listener::private()?;
        let contenders = contenders(bench)?;
        let mut series: Vec<Series> = contenders
            .iter()
            .map(|contender| Series::new(contender.id, contender.name, contender.role).version(&contender.version))
            .collect();
        let mut processor_time = vec![Duration::ZERO; contenders.len()];
        let (rounds, warm) = (bench.rounds(300, 50), 5);
        interleave(warm + rounds, bench.limit(40, 10), contenders.len(), |who, round| {
            let before = c::children_time();
            let time = measure(&contenders[who], &listener)?;
            // The first ones bring everything into memory.
            if round >= warm {
                processor_time[who] += c::children_time() - before;
                series[who].samples.push(Some(time));
            }
            Ok(())
        })?;
        let can_trace = calls::can_trace();
        for ((contender, series), processor_time) in contenders.iter().zip(&mut series).zip(processor_time) {
            series.number("processor time, ms", processor_time.as_secs_f64() * 1e3 / series.known().count() as f64);
            if can_trace {
                series.number("system calls", calls(contender, &listener)? as f64);
            }
            if let Some(memory) = memory(contender, &listener)? {
                series.number("peak memory, KiB", memory as f64);
            }
        }
        let about = "From before the process is started until it has ended and was waited for. System calls are counted by \
                     strace, those of starting included; the peak of the memory is VmHWM, read while it waits for its answer.";
        let (waiting, not_waiting): (Vec<_>, Vec<_>) =
            contenders.iter().zip(series).partition(|(contender, _)| contender.waits);
        let table = |id, title, series: Vec<(&Contender, Series)>| {
            let series: Vec<Series> = series.into_iter().map(|(_, series)| series).collect();
            Table::new(id, title, Unit::Milliseconds, about, &series)
        };
        Ok(vec![
            table("sent", "Without waiting", not_waiting),
            table("read", "Until it was read (with a barrier)", waiting),
        ])
    }
}

fn contenders(bench: &Bench) -> Result<Vec<Contender>> {
    let once = bench.target.join("once");
    let [command, small] = ["readyup", "systemd-notify"].map(|name| bench.command(name));
    let ours = first_line(&command).ok_or("target/static/readyup does not say its version")?;
    let mut contenders = Vec::new();
    let mut add = |id, name, role, program: &Path, arguments, waits, version: &str| {
        let (program, version) = (program.to_owned(), version.to_owned());
        contenders.push(Contender { id, name, role, program, arguments, waits, version });
    };
    let (quick, slow): (&[_], &[_]) = (&["--no-block", "READY=1"], &["READY=1"]);
    add("c", "C, static: `socket()`, `sendto()`, no more", Role::Limit, &once, &[], false, "");
    add("readyup", "`readyup ready --no-block`", Role::Ours, &command, &["ready", "--no-block"], false, &ours);
    add("small", "small `systemd-notify --no-block READY=1`", Role::Ours, &small, quick, false, &ours);
    add("readyup", "`readyup ready`", Role::Ours, &command, &["ready"], true, &ours);
    add("small", "small `systemd-notify READY=1`", Role::Ours, &small, slow, true, &ours);
    match peers::systemd_notify() {
        Some(version) => {
            let theirs = Path::new("systemd-notify");
            let name = "systemd's `systemd-notify --no-block READY=1`";
            add("systemd-notify", name, Role::Peer, theirs, quick, false, &version);
            add("systemd-notify", "systemd's `systemd-notify READY=1`", Role::Peer, theirs, slow, true, &version);
        }
        None => eprintln!("bench: going on without systemd's systemd-notify, which is not installed"),
    }
    Ok(contenders)
}

/// What a program says its version is.
fn first_line(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

fn command(contender: &Contender, listener: &Listener) -> Command {
    let mut command = Command::new(&contender.program);
    command.args(contender.arguments).env("NOTIFY_SOCKET", listener.address().to_os_string()).stdin(Stdio::null());
    command
}

/// Milliseconds from before the command is started until it has ended.
fn measure(contender: &Contender, listener: &Listener) -> Result<f64> {
    let mut command = command(contender, listener);
    let time = if contender.waits {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let answering = scope.spawn(|| answer(listener, &done));
            let start = Instant::now();
            let status = command.status();
            let time = start.elapsed();
            done.store(true, Ordering::Relaxed);
            let received = answering.join().map_err(|_| "the receiver failed")??;
            check(contender, status?.success() && received == 2)?;
            Ok::<_, Box<dyn std::error::Error>>(time)
        })?
    } else {
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed();
        check(contender, status.success() && matches!(listener.receive(Some(SOON))?, Some(Incoming::Message(_))))?;
        time
    };
    Ok(time.as_secs_f64() * 1e3)
}

fn check(contender: &Contender, is_good: bool) -> Result<()> {
    if is_good { Ok(()) } else { Err(format!("{} did not say what it should", contender.name).into()) }
}

/// Receives, which answers barriers, until there will be no more.
fn answer(listener: &Listener, done: &AtomicBool) -> std::result::Result<usize, readyup::Error> {
    let mut received = 0;
    loop {
        // A command that ends before it was answered would be noticed by the number.
        match listener.receive(Some(Duration::from_millis(5)))? {
            Some(_) => received += 1,
            None if done.load(Ordering::Relaxed) => return Ok(received),
            None => {}
        }
    }
}

/// The peak of a command's memory, read while it waits for an answer; those that don't wait have less than the same
/// command that does.
fn memory(contender: &Contender, listener: &Listener) -> Result<Option<u64>> {
    if !contender.waits {
        return Ok(None);
    }
    let mut child = Ended(command(contender, listener).stderr(Stdio::null()).spawn()?);
    // In the queue, and so not answered, until the peak is read.
    let status = format!("/proc/{}/status", child.0.id());
    let end = Instant::now() + Duration::from_secs(2);
    let mut peak = None;
    while Instant::now() < end
        && fs::read_to_string(format!("/proc/{}/wchan", child.0.id())).is_ok_and(|call| !call.contains("poll"))
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    for line in fs::read_to_string(status)?.lines() {
        if let Some(size) = line.strip_prefix("VmHWM:") {
            peak = size.trim().trim_end_matches(" kB").parse().ok();
        }
    }
    while listener.receive(Some(Duration::from_millis(100)))?.is_some() {}
    child.0.wait()?;
    Ok(peak)
}

fn calls(contender: &Contender, listener: &Listener) -> Result<usize> {
    let file = std::env::temp_dir().join(format!("readyup-bench-{}.strace", std::process::id()));
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(&file).arg(&contender.program).args(contender.arguments);
    traced.env("NOTIFY_SOCKET", listener.address().to_os_string());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let answering = scope.spawn(|| answer(listener, &done));
        let status = traced.status();
        done.store(true, Ordering::Relaxed);
        answering.join().map_err(|_| "the receiver failed")??;
        check(contender, status?.success())
    })?;
    let trace = fs::read_to_string(&file)?;
    fs::remove_file(file)?;
    // "123 execve(…) = 0", and not "123 +++ exited with 0 +++".
    Ok(trace
        .lines()
        .filter(|line| line.split_once(' ').is_some_and(|(_, call)| call.contains('(') && !call.starts_with("---")))
        .count())
}
