//! What a package costs a service at its start: the time that `require()` and `import` take, and the memory.

use crate::group::{Bench, Group, Result, interleave};
use crate::node;
use crate::peers;
use crate::result::{Role, Series, Table, Unit};
use crate::statistics::Quartiles;
use std::process::{Command, Stdio};

pub(crate) struct Start;

impl Group for Start {
    fn id(&self) -> &'static str {
        "start"
    }

    fn title(&self) -> &'static str {
        "What a package costs at start-up"
    }

    fn missing(&self) -> Option<String> {
        node::missing()
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let ours = format!("readyup {}", env!("CARGO_PKG_VERSION"));
        let ours = npm_version(bench).unwrap_or(ours);
        let peer = |name: &str| peers::npm_version(bench, name).map(|version| format!("{name} {version}"));
        let mut required = vec![
            Series::new("empty", "an empty module", Role::Limit),
            Series::new("readyup", "`require('readyup')`", Role::Ours).version(&ours),
            Series::new("first-message", "the same, and a first message, which loads the addon", Role::Ours)
                .version(&ours),
            Series::new("serve", "`require('readyup/serve')`", Role::Ours).version(&ours),
        ];
        for (id, name) in [
            ("sd-notify", "`require('sd-notify')`"),
            ("unix-dgram", "`require('unix-dgram')`"),
            ("systemd-daemon", "`require('systemd-daemon')`"),
        ] {
            if let Some(version) = peer(id) {
                required.push(Series::new(id, name, Role::Peer).version(version));
            }
        }
        let imported = vec![
            Series::new("empty-import", "an empty module", Role::Limit),
            Series::new("readyup-import", "`import 'readyup'`", Role::Ours).version(&ours),
            Series::new("serve-import", "`import 'readyup/serve'`", Role::Ours).version(&ours),
        ];
        Ok(vec![
            measure(bench, "require", "With `require()`", required)?,
            measure(bench, "import", "With `import`", imported)?,
        ])
    }
}

fn npm_version(bench: &Bench) -> Option<String> {
    let manifest = std::fs::read(bench.root.join("packages/readyup/package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    Some(format!("readyup {}", manifest["version"].as_str()?))
}

/// Each in a process of its own, in turns.
fn measure(bench: &Bench, id: &str, title: &str, mut series: Vec<Series>) -> Result<Table> {
    let mut memory = vec![Vec::new(); series.len()];
    interleave(bench.rounds(101, 11), bench.limit(50, 6), series.len(), |who, _| {
        let (time, bytes) = load(bench, series[who].id)?;
        series[who].samples.push(Some(time));
        memory[who].push(bytes);
        Ok(())
    })?;
    let over = |own: &[f64], empty: &[f64]| Quartiles::of(own.iter().zip(empty).map(|(own, empty)| own - empty)).median;
    let empty: Vec<f64> = series[0].known().collect();
    for (place, series) in series.iter_mut().enumerate() {
        let own: Vec<f64> = series.known().collect();
        if place > 0 {
            series.number("over an empty one, ms", over(&own, &empty));
            series.number("memory over an empty one, kB", over(&memory[place], &memory[0]) / 1000.0);
        }
    }
    let about = format!(
        "Node {}, a fresh process each time; only the loading is timed, and the resident memory compared before and after.",
        node::version().unwrap_or_default()
    );
    Ok(Table::new(id, title, Unit::Milliseconds, about, &series))
}

/// Milliseconds and bytes.
fn load(bench: &Bench, id: &str) -> Result<(f64, f64)> {
    let output = Command::new("node")
        .arg(bench.script("start.cjs"))
        .arg(id)
        .env("BENCH_PEERS", bench.peers())
        .env("BENCH_ROOT", &bench.root)
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers = said.lines().last().and_then(|line| line.split_once(' '));
    let (time, bytes) = numbers.ok_or_else(|| format!("{id}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((time.parse::<f64>()? / 1e6, bytes.parse()?))
}
