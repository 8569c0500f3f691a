//! Whose numbers are whose: process ids, inodes and times are different each time, and what they stand for is not.

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, fstat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::{ClockId, clock_gettime};

/// What is known about the numbers of one run.
#[derive(Debug)]
pub(crate) struct Labels {
    processes: Vec<(i32, &'static str)>,
    /// Inodes of pidfds.
    pidfds: Vec<(u64, &'static str)>,
    /// Devices and inodes of files.
    files: Vec<(u64, u64, String)>,
    /// When the run began, in microseconds.
    start: u64,
}

impl Labels {
    pub(crate) fn new() -> Self {
        let mut labels = Self { processes: Vec::new(), pidfds: Vec::new(), files: Vec::new(), start: now() };
        labels.add_process(rustix::process::getpid(), "<parent>");
        labels.add_process(Pid::INIT, "<init>");
        labels
    }

    pub(crate) fn add_process(&mut self, process: Pid, label: &'static str) {
        self.add_id(process.as_raw_nonzero().get(), label);
        if let Some(inode) = pidfd_inode(process) {
            self.pidfds.push((inode, label));
        }
    }

    /// Adds a process that may be gone.
    pub(crate) fn add_id(&mut self, process: i32, label: &'static str) {
        self.processes.push((process, label));
    }

    pub(crate) fn add_file(&mut self, file: impl AsFd, label: &str) {
        if let Some((device, inode)) = identity(file.as_fd()) {
            self.files.push((device, inode, label.to_owned()));
        }
    }

    /// Whose id it is, if it is anybody's that is known.
    pub(crate) fn process(&self, id: i32) -> Option<&'static str> {
        self.processes.iter().find(|(process, _)| *process == id).map(|(_, label)| *label)
    }

    /// What a descriptor is of.
    pub(crate) fn file(&self, file: BorrowedFd<'_>) -> String {
        let known = identity(file)
            .and_then(|(device, inode)| self.files.iter().find(|known| (known.0, known.1) == (device, inode)));
        match (known, fstat(file)) {
            (Some((_, _, label)), _) => label.clone(),
            (None, Ok(status)) => format!("a {:?}", FileType::from_raw_mode(status.st_mode)),
            (None, Err(error)) => format!("unknown: {error}"),
        }
    }

    /// What a link in `/proc/self/fd` leads to.
    pub(crate) fn link(&self, target: &str) -> String {
        // Such as `pipe:[123]`.
        let inode = |rest: &str| rest.strip_prefix(":[")?.strip_suffix(']')?.parse::<u64>().ok();
        if let Some(inode) = target.strip_prefix("pipe").and_then(inode) {
            let known = self.files.iter().find(|known| known.1 == inode);
            return known.map_or("a pipe".to_owned(), |(_, _, label)| label.clone());
        }
        match target.strip_prefix("socket").and_then(inode) {
            Some(_) => "a socket".to_owned(),
            None => target.to_owned(),
        }
    }

    /// A message, with its numbers replaced.
    pub(crate) fn text(&self, text: &[u8]) -> Vec<u8> {
        let lines: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(|line| self.line(line)).collect();
        lines.join(&b'\n')
    }

    fn line(&self, line: &[u8]) -> Vec<u8> {
        let known = || {
            let (key, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
            let label = match key {
                "MAINPID" => self.process(value.parse().ok()?)?,
                "MAINPIDFDID" => {
                    let inode: u64 = value.parse().ok()?;
                    self.pidfds.iter().find(|known| known.0 == inode)?.1
                }
                // A time outside the run stays what it is, and is then a difference.
                "MONOTONIC_USEC" if (self.start..=now()).contains(&value.parse().ok()?) => "<now>",
                _ => return None,
            };
            Some(format!("{key}={label}").into_bytes())
        };
        known().unwrap_or_else(|| line.to_vec())
    }
}

/// Processes have inodes of their own since Linux 6.9.
pub(crate) fn pidfd_inode(process: Pid) -> Option<u64> {
    let pidfd = pidfd_open(process, PidfdFlags::empty()).ok()?;
    Some(fstat(&pidfd).ok()?.st_ino)
}

fn identity(file: BorrowedFd<'_>) -> Option<(u64, u64)> {
    fstat(file).ok().map(|status| (status.st_dev, status.st_ino))
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64) * 1_000_000 + (now.tv_nsec as u64) / 1_000
}
