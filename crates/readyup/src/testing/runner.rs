//! The thread that plays the manager, and what it shares with the test.

use super::unit::{Unit, Watched};
use crate::manager::Listener;
use crate::monotonic_now;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use std::io;
use std::process::Command;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) listener: Listener,
    unit: Mutex<Unit>,
    /// Something has happened.
    changed: Condvar,
    /// Ends the thread's waiting.
    wake: OwnedFd,
}

impl Shared {
    pub(super) fn new(listener: Listener, unit: Unit) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { listener, unit: Mutex::new(unit), changed: Condvar::new(), wake })
    }

    pub(super) fn unit(&self) -> MutexGuard<'_, Unit> {
        // A test that panicked elsewhere is no reason to fail here with a less useful message.
        self.unit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The unit, having heard what was sent until now.
    pub(super) fn unit_by_now(&self) -> MutexGuard<'_, Unit> {
        let mut unit = self.unit();
        if unit.receive(&self.listener) {
            self.tell();
        }
        unit
    }

    /// Tells everybody who waits that the unit has changed, the thread included: there may be something else to wait for.
    pub(super) fn tell(&self) {
        self.changed.notify_all();
        // It is full only if the thread was told often enough.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    pub(super) fn wait<'a>(&'a self, unit: MutexGuard<'a, Unit>, limit: Duration) -> MutexGuard<'a, Unit> {
        self.changed.wait_timeout(unit, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Starts the service, says how that went, and plays its manager until nobody wants one any more.
    pub(super) fn run(&self, command: Option<Command>, started: &Sender<io::Result<()>>) {
        let result = self.unit().start(command, self.listener.address());
        let is_started = result.is_ok();
        // Who started this waits for it.
        let _ = started.send(result);
        while is_started && self.step() {}
        end(&mut self.unit());
    }

    /// Waits for something and does what is to be done then. Whether to go on.
    fn step(&self) -> bool {
        let (watched, deadline) = {
            let unit = self.unit();
            if unit.is_closing {
                return false;
            }
            (unit.watched(), unit.life.deadline())
        };
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        fds.extend(watched.iter().map(poll_fd));
        // A time too long to be told is for ever.
        let limit = deadline.and_then(|at| Timespec::try_from(at.saturating_sub(monotonic_now())).ok());
        let count = poll(&mut fds, limit.as_ref());
        if !fds[1].revents().is_empty() {
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        }
        let mut unit = self.unit();
        // What was there in time counts before the deadline; but what comes only now is too late.
        if count == Ok(0) {
            unit.on_deadline()
        } else {
            self.settle(&mut unit)
        }
        self.changed.notify_all();
        true
    }

    /// Does what is to be done by now.
    pub(super) fn settle(&self, unit: &mut Unit) {
        let watched = unit.watched();
        let mut fds: Vec<_> = watched.iter().map(poll_fd).collect();
        let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        let happened = watched.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        let mut happened: Vec<Watched> = happened.map(|((watched, _), _)| *watched).collect();
        happened.dedup();
        // Whoever has ended said it before.
        unit.receive(&self.listener);
        for watched in happened {
            unit.on_event(watched);
        }
        unit.on_deadline();
    }
}

fn poll_fd((watched, fd): &(Watched, Arc<OwnedFd>)) -> PollFd<'_> {
    // A stored descriptor is none of ours to be read from: that it hangs up is told anyway.
    let events = if matches!(watched, Watched::Stored(_)) { PollFlags::empty() } else { PollFlags::IN };
    PollFd::from_borrowed_fd(fd.as_fd(), events)
}

/// Leaves no process behind.
fn end(unit: &mut Unit) {
    /// A process that cannot be killed is in the kernel's hands.
    const GIVE_UP: Duration = Duration::from_secs(10);
    let until = monotonic_now() + GIVE_UP;
    loop {
        let left = unit.kill();
        if left.is_empty() || monotonic_now() >= until {
            return;
        }
        for (what, pidfd) in left {
            let limit = Timespec::try_from(until.saturating_sub(monotonic_now())).ok();
            if poll(&mut [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)], limit.as_ref()) == Ok(1) {
                unit.on_event(what);
            }
        }
    }
}
