//! `--fork`: starting a program and waiting until it is ready.

use crate::assignments;
use crate::exec::{self, Program};
use crate::exit::{Exit, Failure};
use crate::host::{Event, Host};
use crate::process::Process;
use crate::request::Request;
use crate::streams::Streams;
use crate::sys::{self, Disposition, Signals};
use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::time::Duration;
use readyup::manager::NotifySocket;
use readyup::protocol::MESSAGE_MAX;
use readyup::{Message, monotonic_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, waitpid};

/// What is passed on to the program.
const FORWARDED: [Signal; 8] =
    [Signal::HUP, Signal::TERM, Signal::INT, Signal::QUIT, Signal::TSTP, Signal::CONT, Signal::USR1, Signal::USR2];

/// Where a signal came from: the kernel itself.
const SI_KERNEL: i32 = 0x80;

/// What systemd's programs end with when they cannot run another.
const SYSTEMD_EXIT_EXEC: u8 = 203;

/// How long it takes a command to send a barrier after its message, and a little more.
const LINGER: Duration = Duration::from_millis(10);

/// How long a program that was not ready in time has to end when it is asked to.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the program, and waits until it is ready, has ended, or the time is up.
pub(crate) fn run(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    host: &mut dyn Host,
) -> Result<Exit, Failure> {
    let failed = |error| Failure::library("making a notify socket for the program: ", &error);
    // Nothing has to be cleaned up for it: its name is the kernel's choice, and gone with it.
    let socket = NotifySocket::bind(None).map_err(failed)?;
    let address = socket.address().map_err(failed)?;
    let address = variable(&[b"NOTIFY_SOCKET=", address.unix_name().unwrap_or_default()])?;
    let mut signals = Signals::EMPTY.with(Signal::CHILD.as_raw());
    if !process.is_systemd_notify() {
        // If nobody reads what we print, that must not end us, and leave the program to itself.
        signals = signals.with(Signal::PIPE.as_raw());
    }
    for signal in FORWARDED {
        signals = signals.with(signal.as_raw());
    }
    let manager_pid = variable(&[b"MANAGERPID=", assignments::decimal(sys::own_pid().into()).as_bytes()])?;
    let environment = environment(process, &address, &manager_pid);
    let program = Program::new(process, &request.command, environment);
    // If it is ignored, nobody hears how the program ends.
    let child_signal = sys::set_disposition(Signal::CHILD.as_raw(), Disposition::DEFAULT)
        .map_err(|errno| Failure::system("taking signals", errno))?;
    let (signals, blocked) = sys::take_signals(signals).map_err(|errno| Failure::system("taking signals", errno))?;
    let start = monotonic_now();
    let pid = sys::fork(|| {
        let inherited = Inherited { blocked, child_signal };
        become_program(process, request, streams, &program, inherited)
    })
    .map_err(|errno| Failure::system("starting a process", errno))?;
    let number = pid.as_raw_nonzero().get().unsigned_abs();
    let mut nobody = ();
    let host = if request.json { host } else { &mut nobody };
    if !request.quiet && !request.json {
        streams.print(&[&assignments::decimal(number.into()), "\n"].concat());
    }
    host.event(&Event::Started { pid: number });
    let limit = request.timeout.filter(|limit| *limit != Duration::MAX);
    let end = limit.map(|limit| start.saturating_add(limit));
    Child { process, quiet: request.quiet, streams, pid, socket, signals, start, end }.wait_until_ready(host)
}

/// A variable of the environment. (One that holds a NUL, which a number and a name of the kernel's choice do not, is none.)
fn variable(pieces: &[&[u8]]) -> Result<CString, Failure> {
    CString::new(pieces.concat()).map_err(|_| Failure::system("making the program's environment", Errno::INVAL))
}

/// Our environment, with the socket that is ours instead of the one that we may have been given.
///
/// We are the manager here, and say so: a command that the program becomes or starts, and that would speak for its
/// parent, must not speak for us. (`systemd-notify` does not think of that.)
fn environment<'a>(process: &Process<'a>, notify_socket: &'a CStr, manager_pid: &'a CStr) -> Vec<&'a CStr> {
    let ours: &[&CStr] = if process.is_systemd_notify() { &[notify_socket] } else { &[notify_socket, manager_pid] };
    let replaced: &[&[u8]] = if process.is_systemd_notify() {
        &[b"NOTIFY_SOCKET"]
    } else {
        &[b"NOTIFY_SOCKET", b"MANAGERPID", b"MANAGERPIDFDID"]
    };
    let is_replaced = |entry: &CStr| {
        let name = entry.to_bytes().split(|byte| *byte == b'=').next();
        name.is_some_and(|name| replaced.contains(&name))
    };
    process.environment.iter().copied().filter(|entry| !is_replaced(entry)).chain(ours.iter().copied()).collect()
}

/// What the program gets as we got it, and not as we changed it for ourselves.
struct Inherited {
    blocked: Signals,
    child_signal: Disposition,
}

/// In the child: does not return if all goes well.
fn become_program(
    process: &Process<'_>,
    request: &Request<'_>,
    streams: &Streams,
    program: &Program<'_>,
    inherited: Inherited,
) -> u8 {
    let prepared = sys::set_disposition(Signal::CHILD.as_raw(), inherited.child_signal).and_then(|_| {
        sys::set_signal_mask(inherited.blocked)?;
        let null = openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        sys::redirect(null.as_fd(), 0)?;
        sys::redirect(null.as_fd(), 1)?;
        if null.as_raw_fd() < 2 {
            // It took the place of one that was not open, and stays there.
            core::mem::forget(null);
        }
        Ok(())
    });
    let failure = match prepared {
        Ok(()) => exec::failure(&request.command, program.exec()),
        Err(errno) => Failure::system("opening /dev/null for the program's standard input and output", errno),
    };
    streams.complain(process, &failure.message);
    if process.is_systemd_notify() { SYSTEMD_EXIT_EXEC } else { failure.exit.code() }
}

/// The program that is being waited for.
struct Child<'a> {
    process: &'a Process<'a>,
    quiet: bool,
    streams: &'a Streams,
    pid: Pid,
    socket: NotifySocket,
    signals: OwnedFd,
    start: Duration,
    /// When the time is up.
    end: Option<Duration>,
}

impl Child<'_> {
    fn wait_until_ready(&mut self, host: &mut dyn Host) -> Result<Exit, Failure> {
        loop {
            if self.poll(self.end)? {
                return self.end_it(host);
            }
            let ended = self.pass_on_signals()?;
            // After having looked whether it has ended, so that what it said last counts.
            if self.receive(host)? {
                host.event(&Event::Ready { time: monotonic_now().saturating_sub(self.start) });
                self.linger();
                return Ok(Exit::Success);
            }
            if let Some(status) = ended {
                return self.ended(status, host);
            }
        }
    }

    /// Waits a moment for the barrier that a command sends after READY=1: it would complain that we are gone.
    fn linger(&mut self) {
        if self.process.is_systemd_notify() {
            return;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: LINGER.subsec_nanos().into() };
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        if poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0) {
            let _ = self.socket.receive(&mut [0; MESSAGE_MAX], &mut drop);
        }
    }

    /// Waits for something to happen; true when the time is up.
    fn poll(&self, end: Option<Duration>) -> Result<bool, Failure> {
        let left = end.map(|end| end.saturating_sub(monotonic_now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(true);
        }
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut fds = [
            PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(Failure::system("waiting", errno)),
        }
    }

    /// Reads what there is; true if the program itself said that it is ready.
    fn receive(&mut self, host: &mut dyn Host) -> Result<bool, Failure> {
        let mut payload = [0; MESSAGE_MAX + 1];
        let mut is_ready = false;
        loop {
            // Descriptors that come along are closed, which is what answers a barrier.
            let received = match self.socket.receive(&mut payload, &mut drop) {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(is_ready),
                Err(error) => return Err(Failure::library("", &error)),
            };
            let message = payload.get(..received.len).and_then(|payload| Message::parse(payload).ok());
            // Line by line at newlines alone, as `systemd-notify` does it; a manager takes a carriage return as well.
            let says_ready = message
                .is_some_and(|message| message.as_bytes().split(|byte| *byte == b'\n').any(|line| line == b"READY=1"));
            let sender = received.credentials.and_then(|sender| Pid::from_raw(sender.pid as i32));
            if sender != Some(self.pid) {
                if says_ready || self.process.is_systemd_notify() {
                    self.ignored(
                        "it came from another process than the program itself; whatever says READY=1 must `exec` \
                         from it, or be root",
                    );
                }
                continue;
            }
            let Some(message) = message else {
                self.ignored("it is longer than 4096 bytes or has a NUL inside");
                continue;
            };
            if let Some(line) = message.lines().find(|line| line.key() == b"STATUS") {
                host.event(&Event::Status { text: line.value().unwrap_or_default() });
            }
            is_ready |= says_ready;
        }
    }

    fn ignored(&self, why: &str) {
        // As quiet as `systemd-notify` is when it is asked to be: not.
        if self.process.is_systemd_notify() || !self.quiet {
            self.streams.complain(self.process, &["warning: ignored a message: ", why].concat());
        }
    }

    /// Passes signals on, and looks whether the program has ended.
    fn pass_on_signals(&self) -> Result<Option<WaitStatus>, Failure> {
        // A `struct signalfd_siginfo`: the signal's number, an error, and where it came from.
        let mut info = [0u8; 128];
        while matches!(read(&self.signals, &mut info), Ok(128)) {
            let number = |at: usize| info.get(at..).and_then(|info| info.first_chunk()).map(|n| i32::from_ne_bytes(*n));
            let signal = FORWARDED.into_iter().find(|forwarded| number(0) == Some(forwarded.as_raw()));
            // A terminal sends to the whole foreground group, so that the program has it already.
            let is_from_terminal = number(8) == Some(SI_KERNEL);
            let has_it = is_from_terminal && sys::is_in_our_group(self.pid) && !self.process.is_systemd_notify();
            if let Some(signal) = signal.filter(|_| !has_it) {
                // If it is gone the look below tells.
                let _ = kill_process(self.pid, signal);
            }
            if is_from_terminal && signal == Some(Signal::TSTP) {
                // Stopped with the program, as a shell's job; otherwise nobody would get the terminal back.
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
        match waitpid(Some(self.pid), WaitOptions::NOHANG) {
            Ok(ended) => Ok(ended.map(|(_, status)| status)),
            Err(Errno::INTR) => Ok(None),
            Err(errno) => Err(Failure::system("waiting for the program", errno)),
        }
    }

    /// It ended before it was ready: we end as it did.
    fn ended(&self, status: WaitStatus, host: &mut dyn Host) -> Result<Exit, Failure> {
        if let Some(signal) = status.terminating_signal() {
            host.event(&Event::Killed { signal });
            let number = assignments::decimal(signal.unsigned_abs().into());
            let text = ["signal ", &number, " ended the program before it was ready"].concat();
            let exit = Exit::Of(128u8.saturating_add(signal as u8));
            let failure = Failure::new(exit, Errno::PROTO, text);
            return Err(if self.process.is_systemd_notify() { failure.with_status_of_systemd() } else { failure });
        }
        let status = status.exit_status().unwrap_or_default() as u8;
        host.event(&Event::Exited { status });
        if !self.process.is_systemd_notify() && !self.quiet {
            let number = assignments::decimal(status.into());
            let text = ["warning: the program ended with status ", &number, " and never said READY=1"].concat();
            self.streams.complain(self.process, &text);
        }
        Ok(if status == 0 { Exit::Success } else { Exit::Of(status) })
    }

    /// The time is up: half a service is worse than none.
    fn end_it(&mut self, host: &mut dyn Host) -> Result<Exit, Failure> {
        let _ = kill_process(self.pid, Signal::TERM);
        // A stopped program would not notice.
        let _ = kill_process(self.pid, Signal::CONT);
        let end = monotonic_now().saturating_add(END_TIMEOUT);
        let mut nobody = ();
        while matches!(self.pass_on_signals(), Ok(None)) {
            if self.poll(Some(end))? {
                let _ = kill_process(self.pid, Signal::KILL);
                let _ = waitpid(Some(self.pid), WaitOptions::empty());
                break;
            }
            self.receive(&mut nobody)?;
        }
        host.event(&Event::TimedOut);
        Err(Failure::new(
            Exit::TimedOut,
            Errno::TIMEDOUT,
            "the program did not say READY=1 in the time allowed, and was ended".into(),
        ))
    }
}
