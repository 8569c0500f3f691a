//! A descriptor that is opened on first use and then kept, without a lock and without the standard library.

use core::sync::atomic::{AtomicI32, Ordering};
use rustix::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd};

/// At most one descriptor, set once and closed when the cell is dropped.
pub(crate) struct FdCell(AtomicI32);

impl FdCell {
    const EMPTY: i32 = -1;

    pub(crate) const fn new() -> Self {
        Self(AtomicI32::new(Self::EMPTY))
    }

    /// The descriptor, opened by `open` if there is none yet. Of two threads that open at once one wins, and the
    /// other's descriptor is closed.
    #[inline]
    pub(crate) fn get_or_try_init<E>(&self, open: impl FnOnce() -> Result<OwnedFd, E>) -> Result<BorrowedFd<'_>, E> {
        match self.get() {
            Some(fd) => Ok(fd),
            None => Ok(self.init(open()?)),
        }
    }

    /// The descriptor, if there is one yet.
    #[inline]
    pub(crate) fn get(&self) -> Option<BorrowedFd<'_>> {
        match self.0.load(Ordering::Acquire) {
            Self::EMPTY => None,
            // SAFETY: a value other than EMPTY came out of an `OwnedFd` in `init` and belongs to the cell from then on.
            // It is closed only in `drop`, which the lifetime of `&self` outlasts.
            fd => Some(unsafe { BorrowedFd::borrow_raw(fd) }),
        }
    }

    #[cold]
    fn init(&self, new: OwnedFd) -> BorrowedFd<'_> {
        let kept = match self.0.compare_exchange(Self::EMPTY, new.as_raw_fd(), Ordering::AcqRel, Ordering::Acquire) {
            // The cell owns it now.
            Ok(_) => new.into_raw_fd(),
            // `new` is closed on return.
            Err(earlier) => earlier,
        };
        // SAFETY: an `OwnedFd` is never -1, and a failed exchange found something else than EMPTY.
        unsafe { core::hint::assert_unchecked(kept != Self::EMPTY) };
        // SAFETY: as in `get`.
        unsafe { BorrowedFd::borrow_raw(kept) }
    }
}

impl Drop for FdCell {
    fn drop(&mut self) {
        let fd = *self.0.get_mut();
        if fd != Self::EMPTY {
            // SAFETY: the cell owns what it holds, and no borrow of it is left.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }
}
