//! A program on trial while it runs: its output, its datagrams, and its end, within a bound.

use crate::actor::ARMED;
use crate::receiver::{Received, Receiver};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, pidfd_open, waitid,
};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a program may take: longer than it waits for a barrier.
const BOUND: Duration = Duration::from_secs(15);

/// How long to wait before looking at what cannot be waited for.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// A program on trial. Dropped, it is gone with all that it started.
#[derive(Debug)]
pub(crate) struct Running {
    process: Pid,
    pidfd: OwnedFd,
    /// Where what it writes comes out, until it is closed.
    outputs: [Option<OwnedFd>; 2],
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Attended {
    /// How it ended, if it did.
    pub(crate) end: Option<String>,
    /// What it wrote.
    pub(crate) written: [Vec<u8>; 2],
    /// Whether a signal stopped it.
    pub(crate) stopped: bool,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let process = Pid::from_child(&child);
        let outputs = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        match pidfd_open(process, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { process, pidfd, outputs }),
            Err(error) => {
                clear_away(process);
                Err(error.into())
            }
        }
    }

    pub(crate) fn process(&self) -> Pid {
        self.process
    }

    pub(crate) fn outputs(&self) -> &[Option<OwnedFd>; 2] {
        &self.outputs
    }

    /// Stays with it until it has ended, and all that could still write.
    pub(crate) fn attend(
        &mut self,
        signal: Option<Signal>,
        receiver: &Receiver,
        directory: &Path,
        mut take: impl FnMut(Received),
    ) -> io::Result<Attended> {
        let mut attended = Attended::default();
        let mut signaller = Signaller::new(signal);
        let start = Instant::now();
        loop {
            self.wait(receiver, attended.end.is_none())?;
            // Before the datagrams: what it sent until then is there.
            if attended.end.is_none() {
                attended.end = self.ended()?;
            }
            while let Some(received) = receiver.receive()? {
                take(received);
            }
            for (output, written) in self.outputs.iter_mut().zip(&mut attended.written) {
                read(output, written)?;
            }
            attended.stopped |= signaller.attend(self.process, directory);
            let silent = self.outputs.iter().all(Option::is_none);
            if (attended.end.is_some() && silent) || start.elapsed() > BOUND {
                return Ok(attended);
            }
        }
    }

    fn wait(&self, receiver: &Receiver, running: bool) -> io::Result<()> {
        let mut descriptors: Vec<PollFd<'_>> = self
            .outputs
            .iter()
            .flatten()
            .chain([receiver.socket()])
            .chain(running.then_some(&self.pidfd))
            .map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
            .collect();
        match poll(&mut descriptors, Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How it ended. It is not reaped, so that its id stays its own.
    fn ended(&self) -> io::Result<Option<String>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.process), options)?;
        Ok(status.map(|status: WaitIdStatus| match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => format!("with status {status}"),
            (None, Some(signal)) => format!("by signal {signal}"),
            (None, None) => "somehow".to_owned(),
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        clear_away(self.process);
    }
}

/// Kills a process and all in its group, and reaps them.
fn clear_away(process: Pid) {
    // The first of the group has not been reaped, so that the group cannot be another's.
    let _ = kill_process_group(process, Signal::KILL);
    // Those whose parents are gone have become this process's children.
    while waitid(WaitId::Pgid(Some(process)), WaitIdOptions::EXITED).is_ok() {}
}

fn read(output: &mut Option<OwnedFd>, written: &mut Vec<u8>) -> io::Result<()> {
    let Some(descriptor) = output else { return Ok(()) };
    let ready = poll(&mut [PollFd::new(&*descriptor, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    if ready == 0 {
        return Ok(());
    }
    let mut buffer = [0; 4096];
    match rustix::io::read(&*descriptor, &mut buffer)? {
        0 => *output = None,
        count => written.extend_from_slice(&buffer[..count]),
    }
    Ok(())
}

/// Sends a signal once the program and what it started wait for it, and then one that says that no more will come.
#[derive(Debug)]
struct Signaller {
    signal: Option<Signal>,
    sent: bool,
    /// How often the program was seen waiting, and how often it had gone to sleep by then.
    waiting: u32,
    sleeps: Option<String>,
}

impl Signaller {
    /// How often in a row it has to be found waiting.
    const SETTLED: u32 = 4;

    fn new(signal: Option<Signal>) -> Self {
        Self { signal, sent: false, waiting: 0, sleeps: None }
    }

    /// Does what is to be done now, and says whether the program is stopped.
    fn attend(&mut self, process: Pid, directory: &Path) -> bool {
        let Some(signal) = self.signal else { return false };
        if self.sent {
            let stopped = status(process, "State").is_some_and(|state| state.starts_with('T'));
            if stopped {
                let _ = kill_process(process, Signal::CONT);
            }
            return stopped;
        }
        // The program on trial may get to its own signals after what it started has got to those it waits for.
        let sleeps = status(process, "voluntary_ctxt_switches");
        let waits = status(process, "State").is_some_and(|state| state.starts_with('S')) && sleeps == self.sleeps;
        self.waiting = if waits { self.waiting + 1 } else { 0 };
        self.sleeps = sleeps;
        if self.waiting >= Self::SETTLED && directory.join(ARMED).exists() {
            let _ = kill_process(process, signal);
            let _ = kill_process(process, last_signal(signal));
            self.sent = true;
        }
        false
    }
}

/// The signal that says that no more will come after this one.
pub(crate) fn last_signal(signal: Signal) -> Signal {
    if signal == Signal::USR1 { Signal::USR2 } else { Signal::USR1 }
}

fn status(process: Pid, key: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}
