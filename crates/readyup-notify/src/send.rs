//! Saying it.

use crate::assignments;
use crate::exec;
use crate::exit::{Exit, Failure};
use crate::host::{Host, UnitAccess};
use crate::number;
use crate::options::Verb;
use crate::process::{Face, Process};
use crate::request::{Parent, Request, parent_to_speak_as};
use crate::streams::Streams;
use crate::sys;
use alloc::vec::Vec;
use core::time::Duration;
use readyup::protocol::MESSAGE_MAX;
use readyup::{Attachments, ErrorKind, Message, Notifier, Outcome, monotonic_now};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;

/// How long `systemd-notify` waits for the barrier, and `readyup` for everything.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Says what was asked for, waits until it was read, and becomes the program of `--exec`.
pub(crate) fn run(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    host: &mut dyn Host,
) -> Result<Exit, Failure> {
    let mut payload = assignments::build(request);
    let message = match process.face {
        Face::SystemdNotify => Message::verbatim(&payload),
        Face::Readyup(verb) => {
            if verb != Verb::Notify && payload.len() < MESSAGE_MAX {
                // It may be left out, but s6 waits for it. (`notify` says to the byte what `systemd-notify` says.)
                payload.push(b'\n');
            }
            assignments::check(request, &payload)?
        }
    };
    if let Some(user) = request.user {
        // The real ids only: those are what the credentials say, and the effective ones are what allows saying it.
        sys::set_real_ids(user.uid, user.gid).map_err(|errno| Failure::system("--uid: changing the user", errno))?;
    }
    match process.notify_socket() {
        None => no_manager(process, request, streams)?,
        Some(address) => tell(process, request, streams, host, address, message)?,
    }
    become_program(process, request)
}

/// Says it to the manager at `address`, waits until it was read, and sees whether that was to any purpose.
fn tell(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    host: &mut dyn Host,
    address: &[u8],
    message: Message<'_>,
) -> Result<(), Failure> {
    let mut time = Time::new(process, request);
    let notifier = Notifier::from_value(Some(address)).map_err(|error| Failure::library("", &error))?;
    let speak_as = match request.main_pid {
        Some(main) => Some(main.pid),
        None => match parent_to_speak_as(process, streams) {
            Parent::Is(pid) => Some(pid),
            Parent::IsManager | Parent::Elsewhere => None,
        },
    };
    if !request.no_block {
        time.start();
    }
    let notifier = notifier.with_timeout(time.limit);
    let outcome = match process.face {
        Face::Readyup(Verb::Barrier) => Outcome::Sent,
        _ => match say(&notifier, message, request, speak_as) {
            // To a manager that has come and gone, as `--fork` does: what it started goes on without one.
            Err(error) if error.kind() == ErrorKind::Refused && manager_is_gone(process) => {
                return no_manager(process, request, streams);
            }
            said => said.map_err(|error| Failure::library("", &error))?,
        },
    };
    if !request.no_block {
        wait(process, notifier, speak_as, &time)?;
    }
    if process.is_systemd_notify() || request.quiet {
        return Ok(());
    }
    was_it_heard(process, request, streams, outcome, speak_as, host, &time)
}

/// The end: what `--exec` names, if it names something.
fn become_program(process: &Process<'_>, request: &Request<'_>) -> Result<Exit, Failure> {
    if request.command.is_empty() { Ok(Exit::Success) } else { Err(exec::exec(process, &request.command)) }
}

/// Whether `$MANAGERPID` names a process that is no more.
fn manager_is_gone(process: &Process<'_>) -> bool {
    let pid = process.variable("MANAGERPID").and_then(|value| number::pid(value).ok());
    !process.is_systemd_notify() && pid.is_some_and(|pid| !sys::is_process(pid))
}

/// What is left of the time.
struct Time {
    limit: Duration,
    /// For the barrier alone, whatever the message took.
    barrier: Option<Duration>,
    start: Option<Duration>,
}

impl Time {
    fn new(process: &Process<'_>, request: &Request<'_>) -> Self {
        match process.face {
            // It waits for room as long as it takes.
            Face::SystemdNotify => Self { limit: Duration::MAX, barrier: Some(TIMEOUT), start: None },
            Face::Readyup(_) => Self { limit: request.timeout.unwrap_or(TIMEOUT), barrier: None, start: None },
        }
    }

    fn start(&mut self) {
        if self.barrier.is_none() && self.limit != Duration::MAX {
            self.start = Some(monotonic_now());
        }
    }

    fn for_barrier(&self) -> Duration {
        let used = self.start.map_or(Duration::ZERO, |start| monotonic_now().saturating_sub(start));
        self.barrier.unwrap_or_else(|| self.limit.saturating_sub(used))
    }
}

fn say(
    notifier: &Notifier,
    message: Message<'_>,
    request: &Request<'_>,
    speak_as: Option<u32>,
) -> Result<Outcome, readyup::Error> {
    let fds: Vec<BorrowedFd<'_>> = request.fds.iter().map(|fd| fd.as_fd()).collect();
    notifier.send_with(message, &Attachments { pid: speak_as, insist: false, fds: &fds })
}

/// Waits until the manager has read what was said.
fn wait(process: &Process<'_>, notifier: Notifier, speak_as: Option<u32>, time: &Time) -> Result<(), Failure> {
    let notifier = notifier.with_timeout(time.for_barrier());
    let error = match notifier.barrier_as(speak_as) {
        Ok(Some(barrier)) => return barrier.wait(time.for_barrier()).map_err(|error| Failure::library("", &error)),
        Ok(None) => return Ok(()),
        Err(error) => error,
    };
    match (error.kind(), process.face) {
        // Over a vsock a message is only sent once it was read.
        (ErrorKind::Unsupported, _) => Ok(()),
        (_, Face::Readyup(Verb::Barrier)) => Err(Failure::library("", &error)),
        // The message went through the same socket a moment ago. If its owner is gone since, nobody will read any more;
        // if it takes no descriptors, as `systemd-notify --fork` does not, nobody can be asked.
        (ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::PermissionDenied, Face::Readyup(_)) => Ok(()),
        _ => Err(Failure::library("the message was sent, but asking whether it was read failed: ", &error)),
    }
}

fn no_manager(process: &Process<'_>, request: &Request<'_>, streams: &Streams) -> Result<(), Failure> {
    const UNSET: &str = "NOTIFY_SOCKET is not set, so there is no service manager to tell";
    if process.is_systemd_notify() || request.require {
        let text = [
            UNSET,
            "; under systemd, the unit needs Type=notify or NotifyAccess=, and whatever runs this must pass the variable on",
        ];
        return Err(Failure::new(Exit::Failure, Errno::OPNOTSUPP, text.concat()));
    }
    // Somebody at a terminal may wonder; a log need not be filled with it.
    if !request.quiet && streams.has_reader() {
        streams.complain(process, &["note: ", UNSET, " (--require makes this an error)"].concat());
    }
    Ok(())
}

/// Finds out whether the manager listens to the process that has spoken, where there is reason to doubt it.
///
/// That is the unit's setting, which can be asked for. Asking takes longer than saying, so it is left where it matters
/// less: for a heartbeat, before which there was a message that was looked after, and for those who don't wait.
fn was_it_heard(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    outcome: Outcome,
    speak_as: Option<u32>,
    host: &mut dyn Host,
    time: &Time,
) -> Result<(), Failure> {
    const REMEDY: &str = "set NotifyAccess=all in the unit, or `exec` this command where it is the script's last";
    let name = |pid: Option<u32>| pid.map(|pid| assignments::decimal(pid.into())).unwrap_or_default();
    let as_self = outcome == Outcome::SentAsSelf && process.face != Face::Readyup(Verb::Watchdog);
    // Who was started by the manager: if that is not whom we spoke for, there is a process between.
    let started = process.variable("SYSTEMD_EXEC_PID").and_then(|value| number::pid(value).ok());
    let for_another =
        request.ready && outcome == Outcome::Sent && speak_as.is_some() && started.is_some() && started != speak_as;
    let (what, unit) = if as_self {
        // Only a privileged process may speak for another one.
        let what = ["only root may speak for process ", &name(speak_as), ", so this was said by a process of its own"];
        (what.concat(), if request.no_block { None } else { host.unit_access(time.for_barrier()) })
    } else if for_another && !request.no_block {
        let Some(unit) = host.unit_access(time.for_barrier()).filter(|unit| unit.main_pid != speak_as) else {
            return Ok(());
        };
        let main = name(unit.main_pid);
        let what = ["this was said for process ", &name(speak_as), ", which is not the main process (", &main, ")"];
        (what.concat(), Some(unit))
    } else {
        return Ok(());
    };
    match unit {
        Some(UnitAccess { access, .. }) if access == "all" => Ok(()),
        Some(UnitAccess { unit, access, .. }) => {
            let text =
                [&what, ", and systemd ignored it, because ", &unit, " has NotifyAccess=", &access, ": ", REMEDY];
            Err(Failure::new(Exit::Failure, Errno::PERM, text.concat()))
        }
        None => {
            let text = ["warning: ", &what, ", which systemd ignores unless the unit allows it: ", REMEDY];
            streams.complain(process, &text.concat());
            Ok(())
        }
    }
}

/// What `systemd-notify` says at its end, unless it has said what it was asked to: as every program of systemd it
/// reports how it ends, and the manager takes that for the service's end.
pub(crate) fn farewell(process: &Process<'_>, errno: Option<Errno>, exit: Exit) {
    let send = || -> Result<(), readyup::Error> {
        let notifier = Notifier::from_value(process.notify_socket())?.with_timeout(TIMEOUT);
        if let Some(errno) = errno {
            let number = assignments::decimal(errno.raw_os_error().unsigned_abs().into());
            notifier.send(Message::verbatim(["ERRNO=", &number].concat().as_bytes()))?;
        }
        let status = assignments::decimal(exit.code().into());
        notifier.send(Message::verbatim(["EXIT_STATUS=", &status].concat().as_bytes()))?;
        Ok(())
    };
    // That it failed has been said to whoever called us.
    let _ = send();
}
