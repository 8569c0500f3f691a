//! The sending side: a process that does nothing but heartbeats of one kind, as many as it is told to.
//!
//! It says `ready PID [VERSION]`, or `absent REASON`, and then answers each line `WARM COUNT` with the nanoseconds that
//! COUNT heartbeats took, after WARM that nobody timed. `node/worker.mjs` does the same for Node.

use crate::c;
use crate::group::Result;
use std::env;
use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

/// Is the worker called `name` until the end of its input.
pub(crate) fn run(name: &str) -> Result<()> {
    let socket = env::var("NOTIFY_SOCKET")?;
    match name {
        "c" => {
            let socket = c::Socket::connect(&socket)?;
            serve("", |count| Ok(socket.send(count)?))
        }
        "c-inline" => {
            let socket = c::Socket::connect(&socket)?;
            serve("", |count| Ok(socket.send_inline(count)?))
        }
        "sd_notify" => match c::Libsystemd::load() {
            Some((library, file)) => serve(&file, |count| Ok(library.notify(count)?)),
            None => {
                println!("absent there is no libsystemd.so.0 here");
                Ok(())
            }
        },
        "readyup" => {
            let notifier = readyup::Notifier::from_env()?;
            serve(&version("readyup"), each(|| Ok(notifier.watchdog()?)))
        }
        "sd-notify" => {
            use sd_notify::{NotifyState, notify};
            serve(&version("sd-notify"), each(|| Ok(notify(&[NotifyState::Watchdog])?)))
        }
        "libsystemd" => {
            use libsystemd::daemon::{NotifyState, notify};
            serve(&version("libsystemd"), each(|| Ok(notify(false, &[NotifyState::Watchdog])?)))
        }
        #[cfg(feature = "systemd")]
        "systemd" => {
            use systemd::daemon::{STATE_WATCHDOG, notify};
            serve(&version("systemd"), each(|| Ok(notify([(STATE_WATCHDOG, "1")].iter()).map(drop)?)))
        }
        #[cfg(not(feature = "systemd"))]
        "systemd" => {
            println!("absent libsystemd's headers are not here");
            Ok(())
        }
        _ => Err(format!("there is no worker {name}").into()),
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

/// Sends so many heartbeats as fast as it can; each with a descriptor to be kept, where `what` is `fds`.
pub(crate) fn flood(count: &str, what: &str) -> Result<()> {
    let socket = c::Socket::connect(&env::var("NOTIFY_SOCKET")?)?;
    Ok(if what == "fds" { socket.send_fds(count.parse()?) } else { socket.send(count.parse()?) }?)
}

/// The name and version of a crate that this was built with.
fn version(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")));
    let version = entry.and_then(|entry| entry.split("\nversion = \"").nth(1)?.split('"').next());
    format!("{name} {}", version.unwrap_or_default())
}
