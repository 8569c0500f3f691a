//! Answering the watchdog from a thread.

use super::connection::{Attachments, Delivery};
use super::notifier::{Notifier, Outcome};
use crate::error::{Call, Error};
use crate::protocol::{Message, WatchdogSettings};
use rustix::io::Errno;
use std::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

impl WatchdogSettings {
    /// The watchdog that the manager set on this process, from `$WATCHDOG_USEC` and `$WATCHDOG_PID`; `None` when
    /// there is none:
    /// [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Environment`](crate::ErrorKind::Environment) when one of them is garbage.
    ///
    /// ```
    /// use readyup::WatchdogSettings;
    ///
    /// if let Some(settings) = WatchdogSettings::from_env()? {
    ///     println!("a sign of life is due every {:?}", settings.interval());
    /// }
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn from_env() -> Result<Option<Self>, Error> {
        use std::os::unix::ffi::OsStrExt as _;

        let usec = std::env::var_os("WATCHDOG_USEC");
        let pid = std::env::var_os("WATCHDOG_PID");
        let bytes = |value: &Option<std::ffi::OsString>| value.as_deref().map(|value| value.as_bytes().to_owned());
        Ok(Self::parse(bytes(&usec).as_deref(), bytes(&pid).as_deref(), std::process::id())?)
    }
}

/// A thread that sends `WATCHDOG=1` for as long as the program says that it is healthy.
///
/// It is stopped by [`stop`](Self::stop) or by dropping it, both of which wait for the thread to end: it never
/// outlives its handle.
///
/// A watchdog is only worth something if the check looks at what the program is for. A thread that pings whatever
/// happens elsewhere hides the hang that the watchdog is there to find.
///
/// ```no_run
/// use readyup::{Heartbeat, Notifier, WatchdogSettings};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// let notifier = Arc::new(Notifier::from_env()?);
/// let progress = Arc::new(AtomicBool::new(true)); // set by the main loop on each round
/// let heartbeat = match WatchdogSettings::from_env()? {
///     Some(settings) => {
///         let progress = Arc::clone(&progress);
///         Some(Heartbeat::start(notifier, settings.interval(), move || progress.swap(false, Ordering::Relaxed))?)
///     }
///     None => None,
/// };
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Heartbeat {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    no_manager: AtomicU64,
    withheld: AtomicU64,
    failed: AtomicU64,
}

/// What a [`Heartbeat`] did so far.
///
/// ```
/// use readyup::{Heartbeat, Notifier};
/// use std::time::Duration;
///
/// // A program that is never healthy.
/// let report = Heartbeat::start(Notifier::disabled(), Duration::from_secs(15), || false)?.stop();
/// assert_eq!((report.sent, report.withheld, report.failed), (0, 1, 0));
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeartbeatReport {
    /// Pings sent.
    pub sent: u64,
    /// Pings to nobody: there is no manager.
    pub no_manager: u64,
    /// Pings not sent, because the program said that it is not healthy (or its check panicked).
    pub withheld: u64,
    /// Pings that could not be sent: the manager's queue was full, or it was gone.
    pub failed: u64,
}

impl Heartbeat {
    /// Pings at once and then every `interval`, each time if `healthy` returns true. A panic in `healthy` counts as
    /// false.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::System`](crate::ErrorKind::System) when the thread cannot be started.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Heartbeat, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// let heartbeat = Heartbeat::start(notifier, Duration::from_secs(15), || true)?;
    /// manager.expect(Assignment::Watchdog, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn start(
        notifier: impl Borrow<Notifier> + Send + 'static,
        interval: Duration,
        mut healthy: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Self, Error> {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = channel::<()>();
        let own_counters = Arc::clone(&counters);
        let run = move || {
            let mut due = Instant::now();
            loop {
                let counter = if !catch_unwind(AssertUnwindSafe(&mut healthy)).unwrap_or(false) {
                    &own_counters.withheld
                } else {
                    match ping(notifier.borrow(), &stopped) {
                        Ok(Some(Outcome::NoManager)) => &own_counters.no_manager,
                        Ok(Some(_)) => &own_counters.sent,
                        // The manager is busy or being replaced. The next ping may get through in time.
                        Ok(None) | Err(_) => &own_counters.failed,
                    }
                };
                counter.fetch_add(1, Ordering::Relaxed);

                // From when it was due, so that slow checks don't add up; but what was missed is not made up for.
                let now = Instant::now();
                due = due.checked_add(interval).unwrap_or(now).max(now);
                let pause = due.saturating_duration_since(now).max(Duration::from_millis(1));
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("readyup-beat".to_owned())
            .spawn(run)
            .map_err(|error| Error::system(Call::Spawn, Errno::from_io_error(&error).unwrap_or(Errno::AGAIN)))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), counters })
    }

    /// What it did so far.
    ///
    /// ```
    /// use readyup::{Heartbeat, Notifier};
    /// use std::time::Duration;
    ///
    /// let heartbeat = Heartbeat::start(Notifier::disabled(), Duration::from_secs(15), || false)?;
    /// while heartbeat.report().withheld == 0 {
    ///     std::thread::sleep(Duration::from_millis(1));
    /// }
    /// assert_eq!(heartbeat.report().failed, 0);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn report(&self) -> HeartbeatReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HeartbeatReport {
            sent: count(&self.counters.sent),
            no_manager: count(&self.counters.no_manager),
            withheld: count(&self.counters.withheld),
            failed: count(&self.counters.failed),
        }
    }

    /// Stops it, and waits for a check or a ping that is under way.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Heartbeat, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let heartbeat = Heartbeat::start(Notifier::new(*manager.address()), Duration::from_secs(15), || true)?;
    /// assert_eq!(heartbeat.stop().sent, 1);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn stop(mut self) -> HeartbeatReport {
        self.end();
        self.report()
    }

    fn end(&mut self) {
        // The thread's receiver wakes up when the sender is gone.
        self.stop = None;
        // Dropped by its own check, it ends by itself.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            // It catches what its check panics with, so there is nothing to pass on.
            let _ = thread.join();
        }
    }
}

/// Sends one ping, without waiting for room: the next one is as good, and stopping must not take long. `None` when the
/// queue is full.
fn ping(notifier: &Notifier, stopped: &Receiver<()>) -> Result<Option<Outcome>, Error> {
    /// How long to bring a ping to its end that has a connection of its own.
    const TRIES: u32 = 500;
    const PAUSE: Duration = Duration::from_millis(2);
    let mut delivery = Delivery::default();
    for _ in 0..TRIES {
        match notifier.try_send(Message::WATCHDOG, &Attachments::default(), &mut delivery)? {
            Poll::Ready(outcome) => return Ok(Some(outcome)),
            Poll::Pending if !delivery.is_under_way() => return Ok(None),
            Poll::Pending => {}
        }
        if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return Ok(None);
        }
    }
    Ok(None)
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.end();
    }
}
