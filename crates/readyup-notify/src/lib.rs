//! `systemd-notify`, and `readyup notify`, which is the same with a friendlier face.
//!
//! It needs no standard library, so that it also makes a program of a few tens of kilobytes that runs where there is
//! nothing else. Both programs call [`run`] with what they were called with; everything else is shared: one table of
//! [options](OPTIONS), one parser that accepts what `getopt_long` accepts, and one way to send.
//!
//! - [`Face`] says who is speaking: `systemd-notify`, whose options, exit statuses and datagrams it has to the byte, or
//!   `readyup`, which checks what it is told to send and goes on where there is no manager.
//! - [`Process`] is what the process was given: arguments and environment.
#![cfg_attr(not(test), no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod assignments;
mod descriptors;
mod exec;
mod exit;
mod fork;
mod getopt;
mod help;
mod host;
mod number;
mod options;
mod process;
mod request;
mod send;
mod streams;
mod sys;
mod time;
mod user;

pub use exit::Exit;
pub use host::{Event, Host, UnitAccess};
pub use options::{Argument, Flag, OPTIONS, OptionDefinition, VERBS, Verb, VerbDefinition, Whose};
pub use process::{Face, Process};
pub use sys::{c_strings, exit};

use request::{Action, Request};
use streams::Streams;

/// Does what the arguments ask for, and says how the process is to end.
///
/// It may also not return: `--exec` becomes another program.
pub fn run(process: &Process<'_>, host: &mut dyn Host) -> Exit {
    let streams = Streams::look();
    let request = request::read(process, &streams);
    let action = request.as_ref().map_or(Action::Notify, |request| request.action);
    let (exit, errno) = match request.and_then(|request| act(process, &request, &streams, host)) {
        Ok(exit) if action == Action::Notify => return exit,
        Ok(exit) => (exit, None),
        Err(failure) => {
            streams.complain(process, &failure.message);
            (failure.exit, Some(failure.errno))
        }
    };
    if process.is_systemd_notify() {
        send::farewell(process, errno, exit);
    }
    exit
}

fn act(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    host: &mut dyn Host,
) -> Result<Exit, exit::Failure> {
    match request.action {
        Action::Help => streams.print(&help::text(process)),
        Action::Version => streams.print(&help::version(process)),
        Action::Booted if !readyup::booted() => return Ok(Exit::Failure),
        Action::Booted => {}
        Action::Fork => return fork::run(process, request, streams, host),
        Action::Notify => return send::run(process, request, streams, host),
    }
    Ok(Exit::Success)
}

/// Whether a child of this process is in its process group, so that it gets what a terminal sends.
#[must_use]
pub fn is_in_our_group(pid: u32) -> bool {
    i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).is_some_and(sys::is_in_our_group)
}
