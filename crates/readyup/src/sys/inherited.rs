//! Descriptors that a manager passed over `execve`.

use rustix::fd::{BorrowedFd, FromRawFd as _, OwnedFd};
use rustix::io::{Errno, FdFlags};
use std::ops::Range;

/// Takes over the descriptors `range`, each made close-on-exec. On an error none is taken over.
///
/// The caller answers for it that the environment says that they were passed to this process, and that nobody
/// took them over before.
pub(crate) fn adopt(range: Range<i32>) -> Result<Vec<OwnedFd>, Errno> {
    for fd in range.clone() {
        // SAFETY: the borrow ends within this statement. A number that is not open gives EBADF and does no harm.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let flags = rustix::io::fcntl_getfd(fd)?;
        rustix::io::fcntl_setfd(fd, flags | FdFlags::CLOEXEC)?;
    }
    Ok(range
        // SAFETY: the loop above saw each one open. `$LISTEN_PID` and `$LISTEN_FDS` are the manager's statement that
        // it opened them for this process and gave them away; the caller lets it be acted on only once.
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        .collect())
}
