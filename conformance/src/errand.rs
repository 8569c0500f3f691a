//! Processes that have nothing to do with a case.

use crate::actor::SPEAK;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// A process that does nothing until it is dropped.
#[derive(Debug)]
pub(crate) struct Bystander(Pid);

impl Bystander {
    pub(crate) fn start(bin: &Path) -> io::Result<Self> {
        start(bin, "rest").map(Self)
    }

    pub(crate) fn process(&self) -> Pid {
        self.0
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
        let _ = waitid(WaitId::Pid(self.0), WaitIdOptions::EXITED);
    }
}

/// The id of a process that is gone.
pub(crate) fn gone(bin: &Path) -> io::Result<Pid> {
    let process = start(bin, "exit:0")?;
    waitid(WaitId::Pid(process), WaitIdOptions::EXITED)?;
    Ok(process)
}

/// Kills and reaps what became this process's child because its parent is gone, and says how many these were. There are
/// some only if a program on trial leaves its process group.
pub(crate) fn end_strays() -> usize {
    let mut strays = 0;
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    for child in children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)) {
        let _ = kill_process(child, Signal::KILL);
        let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED);
        strays += 1;
    }
    strays
}

fn start(bin: &Path, action: &str) -> io::Result<Pid> {
    let child = Command::new(bin.join(SPEAK)).arg(action).env_clear().process_group(0).spawn()?;
    Ok(Pid::from_child(&child))
}
