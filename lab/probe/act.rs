//! A process of a scripted service: says, starts and ends what it is told to, over a socket that the host reaches.
//!
//! Requests and answers are lines; words are separated by NULs.
//!
//! ```text
//! pid                                     its process id, and the number of its pidfd
//! say MESSAGE [new=N] [again=N] [pidfd=PID]   send it as it is, with new descriptors, ones that were sent before, or a
//!                                         pidfd; the answer comes once the manager has read it
//! hang-up                                 close our ends of what was sent
//! spawn NAME                              start a child that acts under that name, and give its pid
//! wait PID                                wait until a child has ended and was reaped
//! exit STATUS
//! die SIGNAL
//! ```

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command};
use std::time::Duration;

use readyup::{Attachments, Message, Notifier, pidfd_id};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open};

use crate::Failure;
use crate::text::unescape;

/// Where the sockets are.
const PLACE: &str = "/run/life";

/// How long the manager may take to read a message.
const PATIENCE: Duration = Duration::from_secs(20);

struct Actor {
    notifier: Notifier,
    /// Our ends of the connections whose other ends were sent, and those.
    sent: Vec<(Option<UnixStream>, OwnedFd)>,
    children: HashMap<u32, Child>,
}

pub(crate) fn act(name: &str) -> Result<String, Failure> {
    let mut actor = Actor { notifier: Notifier::from_env()?, sent: Vec::new(), children: HashMap::new() };
    let path = format!("{PLACE}/{name}");
    // Under another name first: who waits for the file finds somebody listening.
    let unfinished = format!("{path}.new");
    let listener = UnixListener::bind(&unfinished)?;
    std::fs::rename(&unfinished, &path)?;
    loop {
        let (stream, _) = listener.accept()?;
        let mut answers = stream.try_clone()?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            let words: Vec<&str> = line.split('\0').collect();
            let (answer, end) = match words.as_slice() {
                ["exit", _] | ["die", _] => ("+".to_owned(), true),
                words => {
                    (actor.carry_out(words).map_or_else(|error| format!("-{error}"), |text| format!("+{text}")), false)
                }
            };
            writeln!(answers, "{answer}")?;
            if end {
                leave(&words)?;
            }
        }
    }
}

/// Ends this process.
fn leave(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["exit", status] => std::process::exit(status.parse()?),
        ["die", signal] => {
            let signal = Signal::from_named_raw(signal.parse()?).ok_or("there is no such signal")?;
            kill_process(getpid(), signal)?;
            Ok(())
        }
        _ => Err("how?".into()),
    }
}

impl Actor {
    fn carry_out(&mut self, words: &[&str]) -> Result<String, Failure> {
        match words {
            ["pid"] => {
                let pid = std::process::id();
                // Without a number for its pidfd where the kernel has none.
                Ok(pidfd_id(pid)?.map_or(pid.to_string(), |id| format!("{pid} {id}")))
            }
            ["say", message, options @ ..] => self.say(message, options),
            ["hang-up"] => {
                self.sent.iter_mut().for_each(|(own, _)| *own = None);
                Ok(String::new())
            }
            ["spawn", name] => {
                let child = Command::new(std::env::current_exe()?).args(["act", name]).spawn()?;
                let pid = child.id();
                self.children.insert(pid, child);
                Ok(pid.to_string())
            }
            ["wait", pid] => {
                let mut child = self.children.remove(&pid.parse()?).ok_or("it is no child")?;
                child.wait()?;
                Ok(String::new())
            }
            _ => Err(format!("{words:?}: what is that?").into()),
        }
    }

    fn say(&mut self, message: &str, options: &[&str]) -> Result<String, Failure> {
        let mut pidfd = None;
        let mut first = self.sent.len();
        for option in options {
            match option.split_once('=') {
                Some(("new", count)) => {
                    for _ in 0..count.parse()? {
                        let (own, other) = UnixStream::pair()?;
                        self.sent.push((Some(own), other.into()));
                    }
                }
                Some(("again", count)) => first = first.saturating_sub(count.parse()?),
                Some(("pidfd", pid)) => {
                    let pid = Pid::from_raw(pid.parse()?).ok_or("no pid")?;
                    pidfd = Some(pidfd_open(pid, PidfdFlags::empty())?);
                }
                _ => return Err(format!("{option}: what is that?").into()),
            }
        }
        let sent = self.sent.get(first..).unwrap_or_default();
        let fds: Vec<BorrowedFd<'_>> =
            sent.iter().map(|(_, other)| other.as_fd()).chain(pidfd.iter().map(OwnedFd::as_fd)).collect();
        let message = unescape(message)?;
        self.notifier.send_with(Message::verbatim(&message), &Attachments { pid: None, insist: false, fds: &fds })?;
        self.notifier.barrier()?.ok_or("there is no manager")?.wait(PATIENCE)?;
        Ok(String::new())
    }
}
