//! Descriptors that a manager passed over `execve`.

use core::ops::Range;
use rustix::fd::BorrowedFd;
#[cfg(feature = "std")]
use rustix::fd::{FromRawFd as _, OwnedFd};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

/// Makes the descriptors `range` close-on-exec, up to the first that is not open.
pub(crate) fn close_on_exec(range: Range<i32>) -> Result<(), Errno> {
    for fd in range {
        // SAFETY: the borrow ends within this round. A number that is not open gives EBADF and does no harm; it is
        // not -1, since ranges begin at LISTEN_FDS_START.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let flags = fcntl_getfd(fd)?;
        fcntl_setfd(fd, flags | FdFlags::CLOEXEC)?;
    }
    Ok(())
}

/// Takes over the descriptors `range`.
///
/// The caller answers for it that they are open, that the environment says that they were passed to this process, and
/// that nobody took them over before.
#[cfg(feature = "std")]
pub(crate) fn adopt(range: Range<i32>) -> Vec<OwnedFd> {
    range
        // SAFETY: `$LISTEN_PID` and `$LISTEN_FDS` are the manager's statement that it opened them for this process and
        // gave them away; the caller saw them open, and lets it be acted on only once.
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        .collect()
}
