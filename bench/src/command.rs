//! What it costs a script to tell the manager something: starting a command, its end included.
//!
//! The commands take turns, one process each, and what they send is received and looked at between two turns, while
//! nothing is measured. With a barrier, the answer comes from another thread as soon as it is asked for.

use crate::machine;
use crate::statistics::Quartiles;
use crate::text::{quoted, thousands};
use readyup::manager::{Incoming, Listener};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Long enough for everything here.
const SOON: Duration = Duration::from_secs(10);

/// One way to say READY=1.
struct Contender {
    name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
    /// Whether it waits until it was read.
    waits: bool,
    version: String,
}

struct Measured {
    contender: Contender,
    /// Milliseconds, one number for each round.
    samples: Vec<f64>,
    /// The most memory that it had, in KiB.
    memory: Option<u64>,
    calls: Option<usize>,
}

/// Measures, and leaves `command.md` and `command.json` in `directory`.
pub(crate) fn run(rounds: u32, once: &Path, directory: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let load = machine::load();
    let listener = Listener::private()?;
    let mut all: Vec<Measured> = contenders(once)?
        .into_iter()
        .map(|contender| Measured { contender, samples: Vec::new(), memory: None, calls: None })
        .collect();
    eprintln!("bench: {rounds} rounds in which each command is run once");
    for round in 0..rounds + 5 {
        for measured in &mut all {
            let time = measure(&measured.contender, &listener)?;
            // The first ones bring everything into memory.
            if round >= 5 {
                measured.samples.push(time);
            }
        }
    }
    let can_trace = crate::calls::can_trace();
    for measured in &mut all {
        measured.memory = memory(&measured.contender, &listener)?;
        if can_trace {
            measured.calls = Some(calls(&measured.contender, &listener)?);
        }
    }
    let markdown = markdown(&all, rounds, &[&load, &machine::load()]);
    fs::write(directory.join("command.md"), &markdown)?;
    fs::write(directory.join("command.json"), json(&all, rounds))?;
    print!("{markdown}");
    Ok(())
}

fn contenders(once: &Path) -> Result<Vec<Contender>, Box<dyn Error>> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/static").canonicalize()?;
    let readyup = first_line(&ours.join("readyup")).ok_or("target/static/readyup does not say its version")?;
    let mut contenders = Vec::new();
    let mut add = |name, program: &Path, arguments, waits, version: &str| {
        let (program, version) = (program.to_owned(), version.to_owned());
        contenders.push(Contender { name, program, arguments, waits, version });
    };
    add("C, static: `socket()`, `sendto()`, no more", once, &[], false, "");
    add(
        "small `systemd-notify --no-block READY=1`",
        &ours.join("systemd-notify"),
        &["--no-block", "READY=1"],
        false,
        &readyup,
    );
    add("`readyup ready --no-block`", &ours.join("readyup"), &["ready", "--no-block"], false, &readyup);
    let installed = Command::new("systemd-notify").arg("--version").output().ok();
    let version =
        installed.map(|output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned());
    if let Some(version) = &version {
        let theirs = Path::new("systemd-notify");
        add("systemd's `systemd-notify --no-block READY=1`", theirs, &["--no-block", "READY=1"], false, version);
    }
    add("small `systemd-notify READY=1`", &ours.join("systemd-notify"), &["READY=1"], true, &readyup);
    add("`readyup ready`", &ours.join("readyup"), &["ready"], true, &readyup);
    if let Some(version) = &version {
        add("systemd's `systemd-notify READY=1`", Path::new("systemd-notify"), &["READY=1"], true, version);
    } else {
        eprintln!("bench: going on without systemd's systemd-notify, which is not installed");
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
fn measure(contender: &Contender, listener: &Listener) -> Result<f64, Box<dyn Error>> {
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
            Ok::<_, Box<dyn Error>>(time)
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

fn check(contender: &Contender, is_good: bool) -> Result<(), Box<dyn Error>> {
    if is_good { Ok(()) } else { Err(format!("{} did not say what it should", contender.name).into()) }
}

/// Receives, which answers barriers, until there will be no more.
fn answer(listener: &Listener, done: &AtomicBool) -> Result<usize, readyup::Error> {
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
fn memory(contender: &Contender, listener: &Listener) -> Result<Option<u64>, Box<dyn Error>> {
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

/// Does not outlive an error here.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn calls(contender: &Contender, listener: &Listener) -> Result<usize, Box<dyn Error>> {
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

fn markdown(all: &[Measured], rounds: u32, load: &[&str; 2]) -> String {
    let mut text = String::from("# What it costs a script to say READY=1\n\n");
    let _ = writeln!(text, "- {}", machine::machine());
    let mut versions: Vec<&str> = all.iter().map(|measured| measured.contender.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions.retain(|version| !version.is_empty());
    let _ = writeln!(text, "- {}", versions.join("; "));
    let _ = writeln!(
        text,
        "- {rounds} rounds; from before the process is started until it has ended; load {} before, {} after",
        load[0], load[1]
    );
    for (waits, title) in [(false, "Without waiting"), (true, "Until it was read (with a barrier)")] {
        let rows: Vec<&Measured> = all.iter().filter(|measured| measured.contender.waits == waits).collect();
        let _ = writeln!(text, "\n## {title}\n");
        let _ = writeln!(text, "| | median | middle half | × `readyup` | system calls | peak memory |");
        let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |");
        let ours = rows.iter().find(|measured| measured.contender.program.ends_with("readyup"));
        for measured in &rows {
            let Quartiles { first, median, third } = Quartiles::of(measured.samples.iter().copied());
            let _ = writeln!(
                text,
                "| {} | {median:.2} ms | {first:.2}–{third:.2} | {} | {} | {} |",
                measured.contender.name,
                ours.map_or("–".to_owned(), |ours| format!("{:.2}", ratio(measured, ours))),
                measured.calls.map_or("not counted".to_owned(), |calls| thousands(calls as u32)),
                measured.memory.map_or("–".to_owned(), |memory| format!("{} KiB", thousands(memory as u32))),
            );
        }
    }
    text
}

/// How many times as long, as the median of what it was in each round.
fn ratio(measured: &Measured, base: &Measured) -> f64 {
    Quartiles::of(measured.samples.iter().zip(&base.samples).map(|(own, base)| own / base)).median
}

fn json(all: &[Measured], rounds: u32) -> String {
    let objects: Vec<String> = all
        .iter()
        .map(|measured| {
            let Quartiles { first, median, third } = Quartiles::of(measured.samples.iter().copied());
            let number = |number: Option<u64>| number.map_or("null".to_owned(), |number| number.to_string());
            format!(
                "    {{\n      \"name\": {},\n      \"version\": {},\n      \"waits\": {},\n      \"milliseconds\": {{ \"median\": {median:.4}, \"quartiles\": [{first:.4}, {third:.4}] }},\n      \"systemCalls\": {},\n      \"peakMemoryKiB\": {}\n    }}",
                quoted(measured.contender.name),
                quoted(&measured.contender.version),
                measured.contender.waits,
                number(measured.calls.map(|calls| calls as u64)),
                number(measured.memory),
            )
        })
        .collect();
    format!(
        "{{\n  \"machine\": {},\n  \"rounds\": {rounds},\n  \"results\": [\n{}\n  ]\n}}\n",
        quoted(&machine::machine()),
        objects.join(",\n")
    )
}
