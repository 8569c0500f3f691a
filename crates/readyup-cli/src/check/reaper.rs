//! Ends of processes, and signals that are meant for the check itself.

use readyup::manager::service::Exit;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};
use signal_hook::consts::signal::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

pub(super) struct Reaper {
    caught: SignalDelivery<UnixStream, SignalOnly>,
}

impl Reaper {
    /// From now on every process of the service that loses its parent becomes our child.
    pub(super) fn new() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let caught = SignalDelivery::with_pipe(read, write, SignalOnly, [SIGCHLD, SIGHUP, SIGINT, SIGTERM])?;
        // To the kernel it is a flag; any pid sets it.
        set_child_subreaper(Pid::from_raw(1))?;
        Ok(Self { caught })
    }

    /// How often somebody wanted us to end since the last time.
    pub(super) fn interruptions(&mut self) -> usize {
        self.caught.pending().filter(|signal| *signal != SIGCHLD).count()
    }

    /// Waits for a child that has ended; none if it has not, or not yet with all its threads. Before that, whoever asks
    /// `/proc` for the sender of a message still finds it.
    pub(super) fn release(&self, pid: u32) -> Option<Exit> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
        let (_, status) = waitpid(Some(pid), WaitOptions::NOHANG).ok()??;
        Some(ExitStatus::from_raw(status.as_raw()).into())
    }
}

impl AsFd for Reaper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.caught.get_read().as_fd()
    }
}
