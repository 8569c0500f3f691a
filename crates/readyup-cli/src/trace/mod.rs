//! `readyup trace`: runs a program with a notify socket of its own, and shows what it says.

mod child;
mod descriptor;
pub(crate) mod event;
mod relay;
mod text;

use crate::exec_as;
use crate::exit::{Exit, Failure};
use child::Child;
use clap::{Args, ValueEnum};
use event::{Event, Kind, Sender};
use readyup::manager::{Believing, Incoming, Listener};
use readyup::{Notifier, NotifyAccess};
use relay::Relay;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use std::ffi::OsString;
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

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let manager = Notifier::from_env()
        .map_err(|error| Failure::new("the manager to pass messages on to", &error))?
        .with_timeout(RELAY_TIMEOUT);
    let mut listener =
        Listener::private().map_err(|error| Failure::new("making a notify socket for the program", &error))?;
    if manager.is_enabled() {
        listener = listener.for_relay();
    }
    let (mut out, start) = (Output::open(options)?, Instant::now());
    let (mut child, mut signals) = Child::start(&options.command, listener.address())?;
    out.write(&Event { time: 0.0, kind: Kind::Start { pid: child.pid(), command: &lossy(&options.command) } });
    let relay = Relay::new(manager, child.pid());
    let mut trace = Trace { out, start, relay };

    let mut believing = Believing::new(child.pid(), options.notify_access.into());
    loop {
        let ready = wait([listener.as_fd(), child.as_fd(), signals.as_fd()])?;
        // Signals first, and then one message at a time: passing one on can take a while.
        if ready[2] {
            signals.pass_on(&child);
        }
        let incoming = listener.receive(Some(Duration::ZERO)).map_err(|error| Failure::new("receiving", &error))?;
        match incoming {
            Some(incoming) => trace.on_incoming(&incoming, &mut believing),
            // Only now, so that what the program said last is shown and passed on.
            None if ready[1] => {
                let status = child.wait()?;
                trace.show(Kind::exit(status));
                // Nothing is cleaned up in the end that this may be.
                drop(listener);
                die_as(status);
                return Ok(Exit::Of(status));
            }
            None => {}
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

/// Waits until one of the descriptors has something.
fn wait<const N: usize>(fds: [BorrowedFd<'_>; N]) -> Result<[bool; N], Failure> {
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    match poll(&mut polled, None) {
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
}

impl Trace {
    fn on_incoming(&mut self, incoming: &Incoming, believing: &mut Believing) {
        match incoming {
            Incoming::Message(received) => {
                let standing = believing.standing(received.sender().pid());
                let before = *believing;
                let believed = believing.on_message(received);
                let passed_on = self.relay.message(received, &before, believed);
                let message = received.message();
                self.show(Kind::Message {
                    sender: Sender::look_up(received.sender()),
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
                let passed_on = request.fd().map(|fd| self.relay.barrier(fd));
                self.show(Kind::Barrier { sender: Sender::look_up(request.sender()), passed_on });
            }
            Incoming::Dropped(dropped) => {
                let sender = dropped.sender().map(Sender::look_up);
                self.show(Kind::Dropped { sender, reason: dropped.reason().to_string() });
            }
            // A kind that a later version of the library knows.
            _ => {}
        }
    }

    fn show(&mut self, kind: Kind<'_>) {
        self.out.write(&Event { time: self.start.elapsed().as_secs_f64(), kind });
    }
}

/// Where the trace goes.
struct Output {
    json: bool,
    to: Box<dyn Write>,
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
        Ok(Self { json: options.json, to, broken: false })
    }

    fn write(&mut self, event: &Event<'_>) {
        if self.broken {
            return;
        }
        let line = if self.json {
            // Strings and numbers only, so that it cannot fail; an empty line would be seen.
            serde_json::to_string(event).unwrap_or_default()
        } else {
            text::line(event)
        };
        // When nobody reads the trace any more the program goes on all the same.
        if let Err(error) = writeln!(self.to, "{line}").and_then(|()| self.to.flush()) {
            self.broken = true;
            // A reader that has seen enough is no news.
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                let _ = writeln!(std::io::stderr(), "readyup: warning: the trace ends here: {error}");
            }
        }
    }
}
