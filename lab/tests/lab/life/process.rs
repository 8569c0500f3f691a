//! The processes of a scripted service, from outside.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use readyup::manager::service::FdKey;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How long a process may take to be there, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a pidfd hangs up when its process was waited for, which is for the kernel to decide: from 6.9 on it does.
pub(crate) fn pidfds_hang_up() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let mut child = Command::new("true").spawn().unwrap();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        child.wait().unwrap();
        let mut fds = [PollFd::new(&pidfd, PollFlags::empty())];
        poll(&mut fds, Some(&Timespec::default())).unwrap();
        fds[0].revents().contains(PollFlags::HUP)
    })
}

/// A process that acts: see `lab/probe/act.rs`.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) pidfd_id: Option<u64>,
    /// Which of the service's processes started it; none if it was systemd, or if that one has ended.
    pub(crate) parent: Option<usize>,
    pub(crate) alive: bool,
    /// What it sent, in that order.
    pub(crate) sent: Vec<FdKey>,
    stream: BufReader<UnixStream>,
}

impl Process {
    /// Waits for the process that acts under this name, and was not met before.
    pub(crate) fn meet(place: &Path, name: &str, parent: Option<usize>) -> io::Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        let path = place.join(name);
        loop {
            match Self::greet(&path, name, parent) {
                Ok(process) => return Ok(process),
                Err(error) if Instant::now() >= deadline => {
                    return Err(io::Error::other(format!("nobody acts as {name}: {error}")));
                }
                Err(_) => {}
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn greet(path: &Path, name: &str, parent: Option<usize>) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::new(stream);
        let mut process =
            Self { name: name.to_owned(), pid: 0, pidfd_id: None, parent, alive: true, sent: Vec::new(), stream };
        let ids = process.ask(&["pid"])?.unwrap_or_default();
        let mut ids = ids.split(' ').map(str::parse::<u64>);
        process.pid = ids.next().and_then(Result::ok).ok_or_else(|| io::Error::other("it has no pid"))? as u32;
        process.pidfd_id = ids.next().and_then(Result::ok);
        // Whoever takes this name next is not to be mistaken for this one, which may live on.
        fs::remove_file(path)?;
        Ok(process)
    }

    /// Has it do something; none if it ended over that.
    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<Option<String>> {
        let sent = self.stream.get_mut().write_all(format!("{}\n", words.join("\0")).as_bytes());
        let mut answer = String::new();
        match sent.and_then(|()| self.stream.read_line(&mut answer)) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                return Ok(None);
            }
            Err(error) => return Err(io::Error::other(format!("{}: {words:?}: {error}", self.name))),
        }
        match answer.trim_end_matches('\n').split_at_checked(1) {
            Some(("+", text)) => Ok(Some(text.to_owned())),
            _ => Err(io::Error::other(format!("{}: {words:?}: {answer}", self.name))),
        }
    }
}
