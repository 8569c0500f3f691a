//! `readyup trace`: runs a program with a notify socket of its own, and shows what it says.

mod child;
mod descriptor;
pub(crate) mod event;
mod relay;
pub(crate) mod text;

use crate::exec_as;
use crate::exit::{Exit, Failure};
use child::Child;
use clap::{Args, ValueEnum};
use event::{Kind, Names};
use readyup::manager::{Batch, Believing, Incoming, Listener};
use readyup::{Assignment, Notifier, NotifyAccess};
use relay::Relay;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Write, stdout};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Run a program and show each message that it sends to its service manager
///
/// The program gets a notify socket of its own, so that no systemd is needed. A line is printed for each message:
/// the time since the start, who sent it, its assignments, the descriptors that came along, and whether a manager would
/// believe it. Signals are passed on to the program, and its exit status is passed back.
///
/// If NOTIFY_SOCKET is set (in a unit, say, with `readyup trace --` put before the program in ExecStart=), everything
/// is passed on to the manager there: messages, descriptors and barriers. Give such a unit KillMode=mixed, or the
/// program gets each signal twice, from the manager and from here. The program must run as the same user.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  readyup trace -- node server.js
  readyup trace --json -o trace.jsonl -- ./service --port 8080
  readyup trace --notify-access all -- ./start.sh

Exit status: the program's own; 128 and the signal's number if a signal ended it (of HUP, INT, TERM and PIPE the trace
dies as well, since to systemd those are no failure); 125 if tracing failed, 126 if the program cannot be run, 127 if
there is no such program.")]
pub(crate) struct Options {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,

    /// Write the trace to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Whose messages the manager would believe: NotifyAccess= of the unit
    #[arg(long, value_enum, default_value_t = Access::Main, value_name = "WHOSE")]
    notify_access: Access,

    /// The program, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Access {
    None,
    Main,
    Exec,
    All,
}

impl From<Access> for NotifyAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::None => Self::None,
            Access::Main => Self::Main,
            Access::Exec => Self::Exec,
            Access::All => Self::All,
        }
    }
}

/// How long one message may take to be passed on. Signals wait as long at the most.
const RELAY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long messages that came in together are dealt with before signals get their turn.
const LOOK_UP: Duration = Duration::from_millis(10);

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let manager = Notifier::from_env()
        .map_err(|error| Failure::new("the manager to pass messages on to", &error))?
        .with_timeout(RELAY_TIMEOUT);
    let mut listener = Listener::private()
        .map_err(|error| Failure::new("making a notify socket for the program", &error))?
        .without_pidfds();
    if manager.is_enabled() {
        listener = listener.for_relay();
    }
    let (mut out, start) = (Output::open(options)?, Instant::now());
    let (mut child, mut signals) = Child::start(&options.command, listener.address())?;
    out.write(0.0, &Kind::Start { pid: child.pid(), command: &lossy(&options.command) });
    out.flush();
    let relay = Relay::new(manager, child.pid());
    let mut trace = Trace { out, start, relay, names: Names::default(), said: None };

    let mut believing = Believing::new(child.pid(), options.notify_access.into());
    let mut batch = Batch::new();
    loop {
        let ready = wait([listener.as_fd(), child.as_fd(), signals.as_fd()], None)?;
        if ready[2] {
            signals.pass_on(&child);
        }
        let received = listener.receive_many(&mut batch, Some(Duration::ZERO));
        if received.map_err(|error| Failure::new("receiving", &error))? {
            trace.names.forget();
            trace.said = None;
            let mut looked = Instant::now();
            // How many of those that come next are passed on already.
            let mut passed_on = 0;
            loop {
                if passed_on == 0 {
                    passed_on = trace.relay.plain(batch.waiting());
                }
                let Some(incoming) = batch.next() else { break };
                trace.on_incoming(&incoming, &mut believing, passed_on > 0);
                passed_on = passed_on.saturating_sub(1);
                // Passing one on can take a while, and then nobody is to wait for the rest of them.
                if looked.elapsed() > LOOK_UP {
                    trace.out.flush();
                    if wait([signals.as_fd()], Some(Timespec::default()))? == [true] {
                        signals.pass_on(&child);
                    }
                    looked = Instant::now();
                }
            }
            trace.out.flush();
        } else if ready[1] {
            // Only now, so that what the program said last is shown and passed on.
            let status = child.wait()?;
            trace.show(Kind::exit(status));
            trace.out.flush();
            // Nothing is cleaned up in the end that this may be.
            drop(listener);
            die_as(status);
            return Ok(Exit::Of(status));
        }
    }
}

/// Ends as the program did, if that was by a signal that systemd takes for a clean end of a service: 128 and its number
/// would be a failure to it.
fn die_as(status: ExitStatus) {
    if let Some(signal @ (SIGHUP | SIGINT | SIGTERM | SIGPIPE)) = status.signal() {
        // Should it not work, there is still the exit status.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// Waits until one of the descriptors has something, or the time is up.
fn wait<const N: usize>(fds: [BorrowedFd<'_>; N], limit: Option<Timespec>) -> Result<[bool; N], Failure> {
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    match poll(&mut polled, limit.as_ref()) {
        Ok(_) => Ok(polled.map(|fd| !fd.revents().is_empty())),
        Err(Errno::INTR) => Ok([false; N]),
        Err(errno) => Err(Failure::new("waiting", &errno)),
    }
}

fn lossy(command: &[OsString]) -> Vec<String> {
    command.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

struct Trace {
    out: Output,
    start: Instant,
    relay: Relay,
    names: Names,
    /// What the last line tells of, if another one is the same but for the time when the same is said again.
    said: Option<Said>,
}

/// All that a line tells of a message without descriptors.
#[derive(PartialEq, Eq)]
struct Said {
    sender: u32,
    payload: Vec<u8>,
    before: Believing,
    believed: bool,
    passed_on: Option<Result<(), String>>,
}

impl Trace {
    fn on_incoming(&mut self, incoming: &Incoming, believing: &mut Believing, is_passed_on: bool) {
        match incoming {
            Incoming::Message(received) => {
                let standing = believing.standing(received.sender().pid());
                let before = *believing;
                let believed = believing.on_message(received);
                let passed_on =
                    if is_passed_on { Some(Ok(())) } else { self.relay.message(received, &before, believed) };
                let message = received.message();
                let said = Said {
                    sender: received.sender().pid(),
                    payload: message.as_bytes().to_vec(),
                    before,
                    believed,
                    passed_on: passed_on.clone(),
                };
                let bare = received.fds().is_empty() && received.closed_fds() == 0;
                if bare && self.said.as_ref() == Some(&said) {
                    return self.out.write_again(self.start.elapsed().as_secs_f64());
                }
                // How long ago it was changes.
                let lasts = !message.assignments().flatten().any(|one| matches!(one, Assignment::MonotonicUsec(_)));
                self.said = (bare && lasts).then_some(said);
                let sender = self.names.look_up(received.sender());
                self.show(Kind::Message {
                    sender,
                    assignments: event::assignments(&message),
                    fds: descriptor::describe_all(received.fds()),
                    closed_fds: received.closed_fds(),
                    standing: standing.into(),
                    notify_access: before.access().as_str(),
                    believed,
                    passed_on,
                });
            }
            Incoming::Barrier(request) => {
                self.said = None;
                let passed_on = request.fd().map(|fd| self.relay.barrier(fd));
                let sender = self.names.look_up(request.sender());
                self.show(Kind::Barrier { sender, passed_on });
            }
            Incoming::Dropped(dropped) => {
                self.said = None;
                let sender = dropped.sender().map(|sender| self.names.look_up(sender));
                self.show(Kind::Dropped { sender, reason: dropped.reason().to_string() });
            }
            // A kind that a later version of the library knows.
            _ => {}
        }
    }

    fn show(&mut self, kind: Kind<'_>) {
        self.out.write(self.start.elapsed().as_secs_f64(), &kind);
    }
}

/// Where the trace goes.
struct Output {
    json: bool,
    to: Box<dyn Write>,
    /// Lines that are not written yet.
    lines: String,
    /// The last line, without its time.
    last: String,
    broken: bool,
}

impl Output {
    fn open(options: &Options) -> Result<Self, Failure> {
        // A reader that goes away is an error of `write`, not our end, and not the program's.
        // (Not to be changed where it is ignored, as in a service: the program is to get it as we got it.)
        if exec_as::ignored_signals() & 1 << (SIGPIPE - 1) == 0 {
            signal_hook::flag::register(SIGPIPE, Arc::default())
                .map_err(|error| Failure::new("catching a signal", &error))?;
        }
        let to: Box<dyn Write> = match &options.output {
            None => Box::new(stdout()),
            Some(path) => Box::new(
                File::create(path).map_err(|error| Failure::new(&format!("writing to {}", path.display()), &error))?,
            ),
        };
        Ok(Self { json: options.json, to, lines: String::new(), last: String::new(), broken: false })
    }

    fn write(&mut self, time: f64, event: &Kind<'_>) {
        self.last = if self.json {
            // Strings and numbers only, so that it cannot fail; a line without them would be seen.
            let object = serde_json::to_string(event).unwrap_or_default();
            object.strip_prefix('{').unwrap_or_default().to_owned()
        } else {
            text::rest(event)
        };
        self.write_again(time);
    }

    /// Writes the last line with another time.
    fn write_again(&mut self, time: f64) {
        if self.broken {
            return;
        }
        let _ = if self.json { write!(self.lines, "{{\"time\":{time:?},") } else { text::time(&mut self.lines, time) };
        self.lines.push_str(&self.last);
        self.lines.push('\n');
    }

    /// Writes what there is, in one go: lines of messages that came together are not worth a system call each.
    fn flush(&mut self) {
        if self.broken || self.lines.is_empty() {
            return;
        }
        let written = self.to.write_all(self.lines.as_bytes()).and_then(|()| self.to.flush());
        self.lines.clear();
        // When nobody reads the trace any more the program goes on all the same.
        if let Err(error) = written {
            self.broken = true;
            // A reader that has seen enough is no news.
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                let _ = writeln!(std::io::stderr(), "readyup: warning: the trace ends here: {error}");
            }
        }
    }
}
