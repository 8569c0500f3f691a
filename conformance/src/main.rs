//! Runs one table of invocations against the original `systemd-notify` and against another program that claims to be
//! one, and compares what they did: the datagrams, in whose name they came, the descriptors with them, the exit status,
//! whether they spoke, and what a program that they started found.
//!
//! ```text
//! notify-conformance --theirs /usr/bin/systemd-notify --ours target/static/systemd-notify
//! notify-conformance --theirs /usr/bin/systemd-notify --theirs-root target/lab/roots/sid --ours …
//! ```
//!
//! It runs as root, because half of what `systemd-notify` does is about in whose name it speaks.
//!
//! # How it is made
//!
//! - [`table`] is what is run: a list of [`case::Case`]s.
//! - [`run`] runs one case against one [`program::Program`] and comes back with an [`observation::Observation`]: facts in
//!   which process ids, times and inodes have been replaced by whose they are, so that two of them can be compared.
//! - [`difference`] knows what is expected to differ between versions, each with a reason. An expected difference that is
//!   not there any more is a failure, too.
//! - [`actor`] is the other half of this program: what it does when it is started by the `systemd-notify` on trial, as
//!   `probe` (writes down what it finds) or as `speak` (does what its arguments say).
//!
//! Nothing stays behind: each run has a process group, which is killed and reaped, and a directory, which is removed.

#![no_main]

mod actor;
mod case;
mod compare;
mod difference;
mod errand;
mod labels;
mod observation;
mod options;
mod places;
mod program;
mod receiver;
mod report;
mod run;
mod running;
mod sys;
mod table;
mod text;

use crate::options::Options;
use crate::places::Places;
use crate::program::{Kind, Program};
use rustix::fs::Mode;
use std::ffi::OsString;
use std::path::Path;

/// The exit status if something stood in the way of a comparison.
const COULD_NOT_RUN: i32 = 2;

/// What the program does, under whatever name it was started.
fn start() -> i32 {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    match Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some(actor::PROBE) => return actor::probe(&name, &arguments),
        Some(actor::SPEAK) => return actor::speak(&name, &arguments),
        _ => {}
    }
    match Options::parse(&arguments).and_then(|options| conform(&options)) {
        Ok(status) => status,
        Err(message) => {
            eprintln!("notify-conformance: {message}");
            COULD_NOT_RUN
        }
    }
}

fn conform(options: &Options) -> Result<i32, String> {
    let table = table::all();
    let chosen: Vec<_> = table.iter().filter(|case| options.chooses(case)).collect();
    if options.list {
        for case in &chosen {
            println!("{}", case.name);
        }
        return Ok(0);
    }
    if chosen.is_empty() {
        return Err("no case has such a name; `--list` shows them all".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        return Err("it has to run as root, or nobody could speak in another's name".to_owned());
    }
    sys::prepare_descriptors();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|error| error.to_string())?;
    let places = Places::create()?;
    let theirs = Program::prepare("theirs", &options.theirs, options.theirs_root.as_deref(), &places)?;
    if theirs.kind == Kind::Follower {
        return Err(format!("theirs is not systemd's: it says {:?}", theirs.to_string()));
    }
    let ours = Program::prepare("ours", &options.ours, options.ours_root.as_deref(), &places)?;
    let outcomes = compare::all(&chosen, &theirs, &ours, &places);
    let strays = errand::end_strays();
    // Before anything is printed, which ends this process if nobody reads it.
    drop(places);
    if strays > 0 {
        return Err(format!("{strays} processes had left their group, and were killed"));
    }
    let whole = chosen.len() == table.len();
    Ok(report::print(&outcomes, &theirs, &ours, options.show.is_some(), whole))
}
