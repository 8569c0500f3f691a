//! A descriptor that is opened on first use and then kept, without a lock and without the standard library.

use core::sync::atomic::{AtomicI32, Ordering};
use rustix::fd::{BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd};

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
        let mut fd = self.0.load(Ordering::Acquire);
        if fd == Self::EMPTY {
            fd = self.init(open()?);
        }
        // SAFETY: a value other than EMPTY came out of an `OwnedFd` in `init` and belongs to the cell from then on.
        // It is closed only in `drop`, which the lifetime of `&self` outlasts.
        Ok(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// The descriptor, if there is one yet.
    pub(crate) fn get(&self) -> Option<BorrowedFd<'_>> {
        let fd = self.0.load(Ordering::Acquire);
        // SAFETY: as in `get_or_try_init`.
        (fd != Self::EMPTY).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    #[cold]
    fn init(&self, new: OwnedFd) -> i32 {
        let new = new.into_raw_fd();
        match self.0.compare_exchange(Self::EMPTY, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(earlier) => {
                // SAFETY: `new` was just taken out of an `OwnedFd` and was not stored, so nothing else owns it.
                drop(unsafe { OwnedFd::from_raw_fd(new) });
                earlier
            }
        }
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
