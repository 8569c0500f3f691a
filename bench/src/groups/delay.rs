//! How long the event loop of a Node program stands still for a heartbeat: with a manager that reads, and with one whose
//! queue is full and stays so.
//!
//! The program turns its loop as fast as it can and notes the longest turn between two heartbeats. What turns the loop and
//! sends nothing shows how much of that is the machine's.

use super::heartbeat::{Contender, Language};
use crate::c;
use crate::group::{Bench, Result, interleave};
use crate::result::{Role, Series, Table, Unit};
use crate::statistics::Quartiles;
use readyup::manager::Listener;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Whoever has not come back after this has hung.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The two managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Reads,
    Stuck,
}

pub(crate) fn tables(bench: &Bench, contenders: &[Contender]) -> Result<Vec<Table>> {
    let kinds = [
        (Manager::Reads, "loop", "How long the event loop stands still, with a manager that reads"),
        (Manager::Stuck, "loop-stuck", "How long the event loop stands still, with a manager that is stuck"),
    ];
    let about = format!(
        "20 heartbeats, one every 5 ms, in a loop that turns as fast as it can. Of the longest turns after each of them: the \
         median, and the longest. Each round is a process of its own, warmed up before; whoever did not come back within {} ms \
         was ended.",
        PATIENCE.as_millis()
    );
    let mut tables = Vec::new();
    for (manager, id, title) in kinds {
        let mut series = vec![Series::new("nothing", "a loop that sends nothing", Role::Limit)];
        for contender in contenders.iter().filter(|contender| contender.language == Language::Node) {
            series.push(Series::new(contender.id, contender.call, contender.role));
        }
        let mut longest = vec![Vec::new(); series.len()];
        let mut hung = vec![0; series.len()];
        interleave(bench.rounds(15, 2), bench.limit(60, 6), series.len(), |who, _| {
            // There is no use in waiting more than twice for what never comes back.
            let turns = if hung[who] < 2 { measure(bench, series[who].id, manager)? } else { Turns::Hung };
            let [median, most] = match turns {
                Turns::Of(turns) => turns,
                Turns::Hung => {
                    hung[who] += 1;
                    [PATIENCE; 2]
                }
                Turns::Absent => return Ok(()),
            }
            .map(|time| time.as_secs_f64() * 1e3);
            series[who].samples.push(Some(median));
            longest[who].push(most);
            Ok(())
        })?;
        let idle: Vec<f64> = series[0].known().collect();
        for (place, series) in series.iter_mut().enumerate().filter(|(place, _)| !longest[*place].is_empty()) {
            let over = Quartiles::of(series.known().zip(&idle).map(|(own, idle)| own - idle)).median;
            series.number("over nothing, ms", over);
            series.number("longest, ms", Quartiles::of(longest[place].iter().copied()).median);
            series.text("came back", if hung[place] == 0 { "yes" } else { "no" });
        }
        tables.push(Table::new(id, title, Unit::Milliseconds, about.as_str(), &series));
    }
    Ok(tables)
}

/// What one process found.
enum Turns {
    /// The median of the longest, and the longest.
    Of([Duration; 2]),
    Hung,
    /// It is not installed.
    Absent,
}

fn measure(bench: &Bench, id: &str, manager: Manager) -> Result<Turns> {
    let listener = Listener::private()?;
    if manager == Manager::Stuck {
        // The queue is longer than what one sender's buffer holds.
        while c::Socket::connect(&listener.address().to_string())?.fill()? > 0 {}
    }
    let mut child = Ended(
        Command::new("node")
            .arg(bench.script("delay.mjs"))
            .args([id, if manager == Manager::Stuck { "stuck" } else { "reads" }])
            .env("BENCH_PEERS", bench.peers())
            .env("BENCH_ROOT", &bench.root)
            .env("NOTIFY_SOCKET", listener.address().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let output = child.0.stdout.take().ok_or("no pipe")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            let _ = tell.send(line);
        }
    });
    loop {
        // While it starts there is nothing to be impatient about.
        match told.recv_timeout(Duration::from_millis(1)) {
            Ok(line) if line == "go" => break,
            Ok(_) | Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(Turns::Absent),
            Err(mpsc::RecvTimeoutError::Timeout) => drain(&listener, manager)?,
        }
    }
    let end = Instant::now() + PATIENCE;
    loop {
        match told.recv_timeout(Duration::from_millis(1)) {
            Ok(line) => {
                let (median, longest) = line.split_once(' ').ok_or("two numbers were expected")?;
                return Ok(Turns::Of([Duration::from_nanos(median.parse()?), Duration::from_nanos(longest.parse()?)]));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(format!("{id}: it ended early").into()),
            Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() > end => return Ok(Turns::Hung),
            Err(mpsc::RecvTimeoutError::Timeout) => drain(&listener, manager)?,
        }
    }
}

fn drain(listener: &Listener, manager: Manager) -> Result<()> {
    while manager == Manager::Reads && listener.receive(Some(Duration::ZERO))?.is_some() {}
    Ok(())
}

/// Does not outlive what it is started for.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
