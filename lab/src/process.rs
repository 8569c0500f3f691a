//! A command that runs in a lab, and what became of it.

use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::cgroup::Group;
use crate::collect::Collector;
use crate::host::wait_child;
use crate::{Error, POLL};

/// How long a command may take to get from being started to being itself.
const ENTERING: Duration = Duration::from_secs(10);

/// How long `nsenter` may take to notice that its command was killed.
const REAPING: Duration = Duration::from_secs(1);

/// A command that runs in a lab. Dropped, it is killed, together with all that it started.
pub struct Process {
    command: String,
    child: Child,
    ended: bool,
    stdout: Collector,
    stderr: Collector,
    group: Group,
}

/// What became of a command.
#[derive(Clone, Debug)]
#[must_use = "whether the command succeeded is known only here: see `ok`"]
pub struct Output {
    /// The command, as given.
    pub command: String,
    /// How it ended. A command that a signal ended says so.
    pub status: ExitStatus,
    /// What it said on standard output; what is not UTF-8 is replaced.
    pub stdout: String,
    /// What it said on standard error; what is not UTF-8 is replaced.
    pub stderr: String,
}

impl Process {
    /// Starts `entering`, which is to put itself into `group` and turn into `command`.
    pub(crate) fn start(
        command: String,
        mut entering: Command,
        group: Group,
        stdin: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let mut child = entering
            .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io(command.clone()))?;
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // On a thread of its own, because the command need not read it: then this fails, once
            // the command has ended, and that is none of our business.
            thread::spawn(move || {
                let _ = pipe.write_all(&text);
            });
        }
        let stdout = Collector::start(child.stdout.take().expect("was asked for"));
        let stderr = Collector::start(child.stderr.take().expect("was asked for"));
        Ok(Self { command, child, ended: false, stdout, stderr, group })
    }

    /// The command's process id, as the lab counts.
    ///
    /// # Panics
    ///
    /// When the command has ended already.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.find().inside
    }

    /// Sends a signal to the command itself, and not to what it started.
    ///
    /// The command may not have got to the point of handling it: wait for a sign of life first.
    ///
    /// # Panics
    ///
    /// When the command has ended already.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(self.find().outside, signal) {
            panic!("{}: cannot send {signal:?}: {error}\n{}", self.command, self.said());
        }
    }

    /// Waits until the command has written `text` on standard output or standard error.
    ///
    /// # Panics
    ///
    /// When it has not within `timeout`, or has ended without.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        loop {
            // Looked at first: what came before the end is then there to be seen.
            let over = self.stdout.closed() && self.stderr.closed();
            if self.stdout.text().contains(text) || self.stderr.text().contains(text) {
                return;
            }
            if over {
                panic!("{}: ended without saying {text:?}\n{}", self.command, self.said());
            }
            if Instant::now() >= deadline {
                panic!("{}: no {text:?} after {timeout:?}\n{}", self.command, self.said());
            }
            thread::sleep(POLL);
        }
    }

    /// Waits for the command to end.
    ///
    /// # Panics
    ///
    /// When it does not within `timeout`; it is killed then.
    #[track_caller]
    pub fn wait(self, timeout: Duration) -> Output {
        self.finish(timeout).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`wait`](Self::wait), with a hang for an error.
    pub(crate) fn finish(mut self, timeout: Duration) -> Result<Output, Error> {
        let deadline = Instant::now() + timeout;
        let status = wait_child(&mut self.child, deadline)?;
        self.ended = status.is_some();
        let closed = self.stdout.wait_closed(deadline) && self.stderr.wait_closed(deadline);
        let command = self.command.clone();
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        match status {
            Some(status) if closed => Ok(Output { command, status, stdout, stderr }),
            _ => {
                self.kill();
                Err(Error::Hang { command, after: timeout, stdout, stderr })
            }
        }
    }

    /// Kills the command and all that it started.
    fn kill(&mut self) {
        if !self.ended {
            // The command goes first, so that `nsenter` is there to reap it. Killed together with
            // `nsenter`, it would be left to the host's PID 1, which may take its time.
            if let Some(ids) = self.look() {
                let _ = kill_process(ids.outside, Signal::KILL);
                let _ = wait_child(&mut self.child, Instant::now() + REAPING);
            }
        }
        self.group.kill();
        if !self.ended {
            // Our child may not have come as far as the cgroup.
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.ended = true;
        }
    }

    /// Finds the command: `nsenter` has to fork to put somebody into a process id namespace, so
    /// our child is not it, but its parent.
    fn look(&self) -> Option<Ids> {
        self.group.processes().into_iter().find_map(|pid| child_of(self.child.id(), pid))
    }

    /// Finds the command, as soon as it is there.
    #[track_caller]
    fn find(&self) -> Ids {
        let deadline = Instant::now() + ENTERING;
        loop {
            if let Some(ids) = self.look() {
                return ids;
            }
            if Instant::now() >= deadline || (self.stdout.closed() && self.stderr.closed()) {
                panic!("{}: is not running\n{}", self.command, self.said());
            }
            thread::sleep(POLL);
        }
    }

    fn said(&self) -> String {
        streams(&self.stdout.text(), &self.stderr.text())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What a command that has ended left running is none of our business.
        if !self.ended {
            self.kill();
        }
    }
}

/// A process under both of its names.
struct Ids {
    outside: Pid,
    inside: u32,
}

/// The names of process `pid`, if it is a child of `parent`.
fn child_of(parent: u32, pid: u32) -> Option<Ids> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        // NSpid has a number for each namespace, the innermost last.
        value.split_whitespace().next_back()?.parse::<u32>().ok()
    };
    if field("PPid:")? != parent {
        return None;
    }
    let outside = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    Some(Ids { outside, inside: field("NSpid:")? })
}

impl Output {
    /// Insists that the command succeeded, and gives its standard output.
    ///
    /// # Panics
    ///
    /// When it did not, saying all there is to say about it.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.status.success(), "{self}");
        self.stdout
    }

    /// Insists that the command failed, and gives its standard error.
    ///
    /// # Panics
    ///
    /// When it did not, saying all there is to say about it.
    #[track_caller]
    pub fn fails(self) -> String {
        assert!(!self.status.success(), "this was to fail: {self}");
        self.stderr
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams = streams(&self.stdout, &self.stderr);
        write!(f, "{}: {}\n{streams}", self.command, self.status)
    }
}

fn streams(stdout: &str, stderr: &str) -> String {
    format!("--- stdout\n{stdout}\n--- stderr\n{stderr}")
}
