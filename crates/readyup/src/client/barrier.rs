//! Waiting until the manager has read everything.

use super::clock::Deadline;
use crate::error::{Call, Error};
use crate::sys::borrow;
use core::time::Duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

/// A question to the manager that it answers once it has read every message sent before:
/// [sd_notify_barrier(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// Made by [`Notifier::barrier`](crate::Notifier::barrier). Wait for it with [`wait`](Self::wait), or put its
/// descriptor into an event loop: once it is readable or hung up, [`is_done`](Self::is_done) says yes.
///
/// That the manager answered proves that it *read* what was sent before, not that it *believed* it: `NotifyAccess=`
/// may have refused the sender. A manager that goes away without reading lets go of the question too, which looks the
/// same.
///
/// ```no_run
/// use readyup::Notifier;
/// use std::time::Duration;
///
/// let notifier = Notifier::from_env()?;
/// notifier.stopping()?;
/// if let Some(barrier) = notifier.barrier()? {
///     barrier.wait(Duration::from_secs(5))?;
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Barrier {
    /// The reading end of a pipe whose writing end only the manager holds.
    fd: OwnedFd,
}

impl Barrier {
    pub(super) const fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Waits up to `limit` for the answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BarrierTimeout`](crate::ErrorKind::BarrierTimeout) when it did not come in time; one can wait
    /// again.
    ///
    /// ```
    /// use readyup::manager::Listener;
    /// use readyup::{ErrorKind, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = Listener::private()?;
    /// let barrier = Notifier::new(*manager.address()).barrier()?.expect("there is a manager");
    /// let error = barrier.wait(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::BarrierTimeout);
    /// manager.receive(Some(Duration::from_secs(1)))?; // which answers it
    /// barrier.wait(Duration::from_secs(1))?;
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn wait(&self, limit: Duration) -> Result<(), Error> {
        let mut deadline = Deadline::after(limit);
        while !self.is_done()? {
            if !deadline.wait(self.as_fd(), PollFlags::IN)? {
                return Err(Error::barrier_timeout());
            }
        }
        Ok(())
    }

    /// Whether the answer is there. Does not wait.
    ///
    /// # Errors
    ///
    /// [`Error`] when the operating system does not let the descriptor be polled.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::Listener;
    /// use std::time::Duration;
    ///
    /// let manager = Listener::private()?;
    /// let barrier = Notifier::new(*manager.address()).barrier()?.expect("there is a manager");
    /// assert!(!barrier.is_done()?);
    /// manager.receive(Some(Duration::from_secs(1)))?; // which answers it
    /// barrier.wait(Duration::from_secs(1))?;
    /// assert!(barrier.is_done()?);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn is_done(&self) -> Result<bool, Error> {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::from_borrowed_fd(self.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&at_once)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(Error::system(Call::Poll, errno)),
        }
    }
}

impl AsFd for Barrier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow(&self.fd)
    }
}
