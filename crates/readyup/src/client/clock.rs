//! `CLOCK_MONOTONIC`, and waiting up to a point of it.

use crate::error::{Call, Error};
use crate::sys::monotonic_time;
use core::time::Duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

/// The time since the start of `CLOCK_MONOTONIC`, in whole microseconds: what
/// [`MessageBuf::reloading`](crate::MessageBuf::reloading) wants.
///
/// ```
/// use readyup::{Assignment, MessageBuf, monotonic_now};
///
/// let mut message = MessageBuf::reloading(monotonic_now())?;
/// message.push(Assignment::Status("Reading the new configuration"))?;
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[must_use]
pub fn monotonic_now() -> Duration {
    monotonic_time()
}

/// A point in time up to which to wait. The clock is not read before it has to be.
pub(crate) struct Deadline {
    limit: Duration,
    end: Option<Duration>,
}

impl Deadline {
    pub(crate) const fn after(limit: Duration) -> Self {
        Self { limit, end: None }
    }

    /// Waits until one of `events` (or an error, or a hang-up) is there; false when the time is up.
    pub(crate) fn wait(&mut self, fd: BorrowedFd<'_>, events: PollFlags) -> Result<bool, Error> {
        if self.limit.is_zero() {
            return Ok(false);
        }
        let now = monotonic_now();
        let end = *self.end.get_or_insert(now.saturating_add(self.limit));
        let left = end.saturating_sub(now);
        if left.is_zero() {
            return Ok(false);
        }
        // Seconds too many for the kernel's type are cut to its largest, which is as good as for ever.
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::from_borrowed_fd(fd, events)], Some(&left)) {
            // A signal's handler ran. The caller tries again and comes back with what is left of the time.
            Ok(1..) | Err(Errno::INTR) => Ok(true),
            Ok(0) => Ok(false),
            Err(errno) => Err(Error::system(Call::Poll, errno)),
        }
    }
}
