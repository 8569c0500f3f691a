//! What tells a process from one that gets its pid later.

use crate::error::{Call, Error};
use crate::sys;
use rustix::fs::{fstat, fstatfs};
use rustix::io::Errno;
use rustix::process::Pid;

/// The number that the kernel gives to a process and to no other until it is booted again: what
/// [`Assignment::MainPidFdId`](crate::Assignment::MainPidFdId) wants, and what `$LISTEN_PIDFDID` says. `None` where the
/// kernel, older than 6.9, has no such number, or where it cannot be asked for it.
///
/// See `MAINPIDFDID=` in [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// # Errors
///
/// [`ErrorKind::NoProcess`](crate::ErrorKind::NoProcess) when there is no process `pid`.
///
/// ```
/// use readyup::{Assignment, MessageBuf, pidfd_id};
///
/// let pid = std::process::id();
/// let mut message = MessageBuf::new([Assignment::MainPid(pid)])?;
/// if let Some(id) = pidfd_id(pid)? {
///     message.push(Assignment::MainPidFdId(id))?;
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
pub fn pidfd_id(pid: u32) -> Result<Option<u64>, Error> {
    /// Only the file system made for pidfds gives each process an inode of its own.
    const PIDFS_MAGIC: u64 = 0x5049_4446;
    let failed = |errno| Error::system(Call::Pidfd, errno);
    // Not even a number that could be one.
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| failed(Errno::SRCH))?;
    let pidfd = match sys::pidfd_open(pid) {
        // Not known, or not allowed by a container's filter of system calls, or no descriptor left: it is an extra.
        Err(Errno::NOSYS | Errno::PERM | Errno::MFILE | Errno::NFILE) => return Ok(None),
        pidfd => pidfd.map_err(failed)?,
    };
    let magic = fstatfs(sys::borrow(&pidfd)).map_err(failed)?.f_type as u64;
    if magic == PIDFS_MAGIC {
        fstat(sys::borrow(&pidfd)).map(|stat| Some(stat.st_ino)).map_err(failed)
    } else {
        Ok(None)
    }
}
