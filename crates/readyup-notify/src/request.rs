//! What the arguments ask for.
//!
//! They are looked at in their order, and what an option names (a process, a user, a descriptor) is looked up as it
//! comes, so that of several mistakes the first is the one that is told.

use crate::descriptors::Passed;
use crate::exit::{Exit, Failure, lossy};
use crate::getopt::{End, Found, Parser};
use crate::options::{Flag, Verb};
use crate::process::{Face, Process};
use crate::streams::Streams;
use crate::user::{self, User};
use crate::{assignments, number, sys, time};
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::time::Duration;
use readyup::FdName;
use rustix::fd::OwnedFd;
use rustix::io::Errno;

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Action {
    #[default]
    Notify,
    Booted,
    Fork,
    Help,
    Version,
}

/// A process, and what tells it from a later one with the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MainPid {
    pub(crate) pid: u32,
    pub(crate) pidfd_id: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) action: Action,
    pub(crate) ready: bool,
    pub(crate) reloading: bool,
    pub(crate) stopping: bool,
    pub(crate) watchdog: bool,
    pub(crate) status: Option<&'a [u8]>,
    pub(crate) main_pid: Option<MainPid>,
    pub(crate) user: Option<User>,
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) fd_name: Option<&'a [u8]>,
    pub(crate) assignments: Vec<&'a [u8]>,
    /// What to become, or to start.
    pub(crate) command: Vec<&'a CStr>,
    pub(crate) no_block: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) require: bool,
    pub(crate) quiet: bool,
    pub(crate) json: bool,
    exec: bool,
}

impl Request<'_> {
    /// Whether there is something to say.
    fn has_message(&self) -> bool {
        self.ready
            || self.reloading
            || self.stopping
            || self.watchdog
            || self.status.is_some()
            || self.main_pid.is_some()
            || !self.fds.is_empty()
    }
}

/// Reads the arguments, or says what is wrong with them.
pub(crate) fn read<'a>(process: &Process<'a>, streams: &Streams) -> Result<Request<'a>, Failure> {
    let request = read_arguments(process, streams);
    if process.is_systemd_notify() { request.map_err(Failure::with_status_of_systemd) } else { request }
}

fn read_arguments<'a>(process: &Process<'a>, streams: &Streams) -> Result<Request<'a>, Failure> {
    let mut request = Request::default();
    let mut passed = None;
    let posix = process.variable("POSIXLY_CORRECT").is_some();
    let mut parser = Parser::new(&process.arguments, process.face, posix);
    while let Some(found) = parser.next().map_err(|text| Failure::usage(hint(process, text)))? {
        request.option(process, found, &mut passed, streams)?;
        // What stands behind the program's name is the program's; `systemd-notify` takes it for its own, up to a `--`.
        match found.flag {
            Flag::Fork if !process.is_systemd_notify() => parser.end_options(End::AtOperand),
            Flag::Exec if !process.is_systemd_notify() => parser.end_options(End::AtSemicolon),
            _ => {}
        }
        if matches!(request.action, Action::Help | Action::Version) {
            return Ok(request);
        }
    }
    request.operands(process, parser.operands(), streams)?;
    if let Some(left) = passed.map(|passed| passed.left()).filter(|left| *left > 0 && !request.quiet) {
        let text = ["warning: ", &assignments::decimal(left as u64), " more descriptors were passed than --fd= names"]
            .concat();
        streams.complain(process, &text);
    }
    Ok(request)
}

/// An error of the parser, and where to read on.
fn hint(process: &Process<'_>, mut text: String) -> String {
    match process.face {
        Face::SystemdNotify => text.push_str("; see `systemd-notify --help`"),
        Face::Readyup(verb) => {
            if verb == Verb::Status {
                text.push_str(" (a text that begins with - goes behind --)");
            }
            text.push_str("; see `readyup ");
            text.push_str(verb.definition().name);
            text.push_str(" --help`");
        }
    }
    text
}

impl<'a> Request<'a> {
    fn option(
        &mut self,
        process: &Process<'a>,
        found: Found<'a>,
        passed: &mut Option<Passed>,
        streams: &Streams,
    ) -> Result<(), Failure> {
        let value = found.value.map(CStr::to_bytes);
        // The parser sees to it that those options that need a value have one.
        let needed = value.unwrap_or_default();
        match found.flag {
            Flag::Help => self.action = Action::Help,
            Flag::Version => self.action = Action::Version,
            Flag::Ready => self.ready = true,
            Flag::Reloading => self.reloading = true,
            Flag::Stopping => self.stopping = true,
            Flag::Pid => self.main_pid = Some(main_pid(process, value, streams)?),
            Flag::Uid => {
                let user = user::look_up(needed)?;
                // A number that is not listed has no group, and then an earlier one stays.
                let gid = user.gid.or(self.user.and_then(|earlier| earlier.gid));
                self.user = Some(User { gid, ..user });
            }
            Flag::Status => self.status = Some(needed),
            Flag::Booted => self.action = Action::Booted,
            Flag::NoBlock => self.no_block = true,
            Flag::Exec => self.exec = true,
            Flag::Fd => {
                let passed = match passed {
                    Some(passed) => passed,
                    None => passed.insert(Passed::take_over()?),
                };
                self.fds.push(passed.find(needed)?);
            }
            Flag::FdName => {
                if !needed.is_empty() {
                    check_fd_name(needed)?;
                }
                self.fd_name = Some(needed);
            }
            Flag::Fork => self.action = Action::Fork,
            Flag::Quiet => self.quiet = true,
            Flag::Timeout => {
                self.timeout = Some(time::parse(needed).ok_or_else(|| {
                    let shown = lossy(needed);
                    Failure::usage(
                        ["--timeout=", &shown, ": this is no time; 5, 500ms, 2min and infinity are"].concat(),
                    )
                })?);
            }
            Flag::Require => self.require = true,
            Flag::Json => self.json = true,
        }
        Ok(())
    }

    fn operands(&mut self, process: &Process<'a>, operands: Vec<&'a CStr>, streams: &Streams) -> Result<(), Failure> {
        match self.action {
            Action::Notify => self.notify_operands(process, operands, streams),
            Action::Booted if !operands.is_empty() => Err(Failure::usage("--booted takes no arguments")),
            Action::Fork if operands.is_empty() => {
                Err(Failure::usage("--fork needs a program to start: --fork -- CMD…"))
            }
            Action::Booted | Action::Fork if self.has_message() => Err(Failure::usage(
                "--fork and --booted say nothing, so they don't go together with --ready, --reloading, --stopping, \
                 --status=, --pid or --fd=",
            )),
            // What makes no sense with it is ignored by `systemd-notify`.
            Action::Fork
                if !process.is_systemd_notify()
                    && (self.exec || self.no_block || self.user.is_some() || self.fd_name.is_some()) =>
            {
                Err(Failure::usage("--fork does not go together with --exec, --no-block, --uid= or --fdname="))
            }
            Action::Fork => {
                self.command = operands;
                Ok(())
            }
            Action::Booted if self.json => Err(Failure::usage("--json shows what --fork sees, so it needs --fork")),
            Action::Booted | Action::Help | Action::Version => Ok(()),
        }
    }

    fn notify_operands(
        &mut self,
        process: &Process<'a>,
        mut operands: Vec<&'a CStr>,
        streams: &Streams,
    ) -> Result<(), Failure> {
        if self.fd_name.is_some() && self.fds.is_empty() {
            return Err(Failure::usage("--fdname= names the descriptors of --fd=, and there is none"));
        }
        if self.json {
            return Err(Failure::usage("--json shows what --fork sees, so it needs --fork"));
        }
        if self.exec {
            let Some(separator) = operands.iter().position(|operand| operand.to_bytes() == b";") else {
                return Err(Failure::usage("--exec needs a `;` argument and a program behind it: --exec … \\; CMD…"));
            };
            self.command = operands.split_off(separator + 1);
            operands.truncate(separator);
            if self.command.is_empty() {
                return Err(Failure::usage("--exec needs a program behind the `;` argument"));
            }
        }
        self.assignments = operands.iter().map(|operand| operand.to_bytes()).collect();
        if let Face::Readyup(verb) = process.face {
            self.verb(verb)?;
            if verb == Verb::Barrier {
                return Ok(());
            }
        }
        if self.has_message() || !self.assignments.is_empty() {
            return Ok(());
        }
        if self.exec {
            return Err(Failure::usage("there is nothing to say before the program of --exec is run"));
        }
        // The help first, so that the error is what is seen last.
        streams.advise(&crate::help::text(process));
        Err(Failure::usage("there is nothing to say"))
    }

    /// What a short form says by itself.
    fn verb(&mut self, verb: Verb) -> Result<(), Failure> {
        match verb {
            Verb::Notify => {}
            Verb::Ready => self.ready = true,
            Verb::Reloading => self.reloading = true,
            Verb::Stopping => self.stopping = true,
            Verb::Watchdog => self.watchdog = true,
            Verb::Status => {
                if self.assignments.is_empty() && self.status.is_some() {
                    return Ok(());
                }
                if self.assignments.is_empty() {
                    return Err(Failure::usage("what is the status? For example: readyup status 'Loading the index'"));
                }
                let text = self.assignments.remove(0);
                if self.assignments.iter().any(|assignment| !assignment.contains(&b'=')) {
                    return Err(Failure::usage("the status is one argument: put it in quotes"));
                }
                self.status = Some(text);
            }
            Verb::Barrier => {
                if !self.assignments.is_empty() {
                    return Err(Failure::usage("a barrier says nothing besides; use `readyup notify` for more"));
                }
            }
        }
        Ok(())
    }
}

fn check_fd_name(name: &[u8]) -> Result<(), Failure> {
    // What is no UTF-8 is not ASCII either, which the empty name cannot tell but this one can.
    let name = core::str::from_utf8(name).unwrap_or("\u{fffd}");
    FdName::new(name).map(|_| ()).map_err(|error| Failure::library("--fdname=: ", &error.into()))
}

/// The process that `--pid` means.
fn main_pid(process: &Process<'_>, value: Option<&[u8]>, streams: &Streams) -> Result<MainPid, Failure> {
    let pid = match value {
        None | Some(b"" | b"auto") => match parent_to_speak_as(process, streams) {
            Parent::Is(pid) => Some(pid),
            Parent::IsManager => Some(sys::own_pid()),
            Parent::Elsewhere => None,
        },
        Some(b"parent") => sys::parent_pid(),
        Some(b"self") => Some(sys::own_pid()),
        Some(text) => Some(number::pid(text).map_err(|errno| {
            let text = ["--pid=", &lossy(text), ": this is no pid; a number, self, parent and auto are"].concat();
            Failure { errno, ..Failure::usage(text) }
        })?),
    };
    let pid = pid.ok_or_else(|| {
        Failure::system(
            "--pid: the parent is in another pid namespace, where it has a pid that is not ours",
            Errno::SRCH,
        )
    })?;
    let pidfd_id = readyup::pidfd_id(pid)
        .map_err(|error| Failure::library(&["--pid=", &assignments::decimal(pid.into()), ": "].concat(), &error))
        .map_err(|failure| Failure { exit: Exit::Usage, ..failure })?;
    Ok(MainPid { pid, pidfd_id })
}

/// Who our parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// A process of the service, a script usually, that we speak for.
    Is(u32),
    /// PID 1 or the manager itself: so we are the service's process, and speak for ourselves.
    IsManager,
    /// In another pid namespace: it cannot be named.
    Elsewhere,
}

pub(crate) fn parent_to_speak_as(process: &Process<'_>, streams: &Streams) -> Parent {
    match sys::parent_pid() {
        None => Parent::Elsewhere,
        Some(1) => Parent::IsManager,
        Some(parent) if manager_pid(process, streams) == Some(parent) => Parent::IsManager,
        Some(parent) => Parent::Is(parent),
    }
}

/// Who `$MANAGERPID` says is the manager, if that is still the same process.
fn manager_pid(process: &Process<'_>, streams: &Streams) -> Option<u32> {
    // `systemd-notify` complains of a manager that is gone. What was started by one that came before us has every reason to
    // be there still.
    let complain = |text: &[&str]| {
        if process.is_systemd_notify() {
            streams.complain(process, &text.concat());
        }
    };
    let value = process.variable("MANAGERPID")?;
    let pid = number::pid(value).ok().filter(|pid| sys::is_process(*pid));
    if pid.is_none() {
        complain(&["warning: MANAGERPID=", &lossy(value), " is no process; ignored"]);
    }
    let is_same = match process.variable("MANAGERPIDFDID") {
        None => true,
        Some(id) => {
            let number = number::unsigned(id).ok();
            if number.is_none() {
                complain(&["warning: MANAGERPIDFDID=", &lossy(id), " is no number; ignored"]);
            }
            number.is_some() && pid.and_then(|pid| readyup::pidfd_id(pid).ok().flatten()) == number
        }
    };
    pid.filter(|_| is_same)
}
