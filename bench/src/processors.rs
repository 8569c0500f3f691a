//! Who runs on which processor.

use crate::group::Result;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two processors of the machine: one for whoever sends, and one for this process, which receives. None where there is
/// only one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processors {
    pub(crate) sender: CpuSet,
    pub(crate) receiver: CpuSet,
}

impl Processors {
    pub(crate) fn find() -> Result<Option<Self>> {
        let allowed = sched_getaffinity(None)?;
        let mut processors = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
        let (Some(first), Some(last)) = (processors.next(), processors.next_back()) else {
            return Ok(None);
        };
        Ok(Some(Self { sender: only(first), receiver: only(last) }))
    }

    /// Puts this thread, and those that it starts from now on, onto the receiver's.
    pub(crate) fn settle(&self) -> Result<()> {
        Ok(sched_setaffinity(None, &self.receiver)?)
    }

    /// Puts the main thread of another process onto the sender's. (Of Node only that: it has others for its own work.)
    pub(crate) fn place(&self, pid: u32) -> Result<()> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Ok(sched_setaffinity(pid, &self.sender)?)
    }
}

fn only(processor: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(processor);
    set
}
