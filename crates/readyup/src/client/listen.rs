//! Looking at the descriptors that the manager passed, without taking them over.

use crate::client::pidfd::pidfd_id;
use crate::error::{Call, Error};
use crate::protocol::{ListenFds, ListenVariables};
use crate::sys;
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
    let own_pid = getpid().as_raw_nonzero().get().unsigned_abs();
    let own_id = values.pidfd_id.and_then(|_| pidfd_id(own_pid).ok().flatten());
    Ok(ListenFds::parse(values, own_pid, own_id)?)
}

/// Sees that the descriptors are there, and makes them close-on-exec.
pub(super) fn claim(listed: &ListenFds<'_>) -> Result<(), Error> {
    sys::close_on_exec(listed.range()).map_err(|errno| Error::system(Call::Adopt, errno))
}
