//! The sending side: a process that does nothing but heartbeats of one kind, as many as it is told to.
//!
//! It says `ready PID [VERSION [RUNTIME]]`, or `absent REASON`, and then answers each line `WARM COUNT` with the nanoseconds that
//! COUNT heartbeats took, after WARM that nobody timed. `node/worker.mjs` does the same for Node.

use crate::c;
use crate::contender::CONTENDERS;
use std::env;
use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Is the worker called `name` until the end of its input.
pub(crate) fn run(name: &str) -> Result<()> {
    let socket = env::var("NOTIFY_SOCKET")?;
    match name {
        "c-send" => {
            let socket = c::Socket::connect(&socket)?;
            serve("", |count| Ok(socket.send(count)?))
        }
        "c-libsystemd" => match c::Libsystemd::load() {
            Some((library, file)) => serve(&file, |count| Ok(library.notify(count)?)),
            None => {
                println!("absent there is no libsystemd.so.0 here");
                Ok(())
            }
        },
        "rust-readyup" => {
            let notifier = readyup::Notifier::from_env()?;
            serve(&version("readyup"), each(|| Ok(notifier.watchdog()?)))
        }
        "rust-sd-notify" => {
            use sd_notify::{NotifyState, notify};
            serve(&version("sd-notify"), each(|| Ok(notify(&[NotifyState::Watchdog])?)))
        }
        "rust-libsystemd" => {
            use libsystemd::daemon::{NotifyState, notify};
            serve(&version("libsystemd"), each(|| Ok(notify(false, &[NotifyState::Watchdog])?)))
        }
        _ => {
            let names = CONTENDERS.map(|contender| contender.name).join(", ");
            Err(format!("there is no worker {name}; there are {names}").into())
        }
    }
}

/// Many heartbeats out of one.
fn each<T>(beat: impl Fn() -> Result<T>) -> impl Fn(u32) -> Result<()> {
    move |count| {
        for _ in 0..count {
            beat()?;
        }
        Ok(())
    }
}

fn serve(version: &str, beat: impl Fn(u32) -> Result<()>) -> Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ready {} {version}", std::process::id())?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (warm, count) = line.split_once(' ').ok_or("expected WARM COUNT")?;
        let (warm, count) = (warm.parse()?, count.parse()?);
        beat(warm)?;
        let start = Instant::now();
        beat(count)?;
        let time: Duration = start.elapsed();
        writeln!(out, "{}", time.as_nanos())?;
    }
    Ok(())
}

/// The version of a crate that this was built with.
fn version(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")));
    let version = entry.and_then(|entry| entry.split("\nversion = \"").nth(1)?.split('"').next());
    version.unwrap_or_default().to_owned()
}
