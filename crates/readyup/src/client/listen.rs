//! Looking at the descriptors that the manager passed, without taking them over.

use crate::error::{Call, Error};
use crate::protocol::{ListenFds, ListenVariables};
use crate::sys;
use rustix::fs::{fstat, fstatfs};
use rustix::process::getpid;

/// The descriptors that the manager passed to this process, each made close-on-exec:
/// [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
///
/// They are those from [`LISTEN_FDS_START`](crate::protocol::LISTEN_FDS_START) on, and nobody owns them yet. It is for
/// bindings to languages that know descriptors as numbers; in Rust, [`PassedFds`](crate::PassedFds) owns them.
///
/// # Errors
///
/// [`ErrorKind::Environment`](crate::ErrorKind::Environment) when a value is garbage,
/// [`ErrorKind::System`](crate::ErrorKind::System) when they count descriptors that are not open.
///
/// ```
/// use readyup::protocol::ListenVariables;
///
/// assert_eq!(readyup::listen_fds(&ListenVariables::default())?.count(), 0);
/// # Ok::<(), readyup::Error>(())
/// ```
pub fn listen_fds<'a>(values: &ListenVariables<'a>) -> Result<ListenFds<'a>, Error> {
    let listed = listed(values)?;
    claim(&listed)?;
    Ok(listed)
}

/// What the values say was passed to this process.
pub(super) fn listed<'a>(values: &ListenVariables<'a>) -> Result<ListenFds<'a>, Error> {
    let own_id = values.pidfd_id.and_then(|_| own_pidfd_id());
    Ok(ListenFds::parse(values, getpid().as_raw_nonzero().get().unsigned_abs(), own_id)?)
}

/// Sees that the descriptors are there, and makes them close-on-exec.
pub(super) fn claim(listed: &ListenFds<'_>) -> Result<(), Error> {
    sys::close_on_exec(listed.range()).map_err(|errno| Error::system(Call::Adopt, errno))
}

/// The inode number of a pidfd of this process; none on kernels whose pidfds all have the same one.
fn own_pidfd_id() -> Option<u64> {
    /// Only the file system made for pidfds gives each process an inode of its own.
    const PIDFS_MAGIC: u64 = 0x5049_4446;
    let pidfd = sys::pidfd_open(getpid()).ok()?;
    let magic = fstatfs(sys::borrow(&pidfd)).ok()?.f_type as u64;
    if magic == PIDFS_MAGIC { fstat(sys::borrow(&pidfd)).ok().map(|stat| stat.st_ino) } else { None }
}
