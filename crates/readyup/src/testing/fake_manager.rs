//! A manager that believes everybody.

use crate::manager::{Dropped, Incoming, Listener, Received};
use crate::protocol::{Address, Assignment, NOTIFY_VARIABLES};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A manager that believes everybody. It receives from a thread of its own, so that barriers are answered and no
/// queue fills up while a test is busy, and keeps what came in until it is expected.
///
/// ```
/// use readyup::testing::FakeManager;
/// use readyup::{Assignment, Notifier};
/// use std::time::Duration;
///
/// let manager = FakeManager::new();
/// Notifier::new(*manager.address()).ready()?;
/// manager.expect(Assignment::Ready, Duration::from_secs(5));
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct FakeManager {
    address: Address,
    watchdog: Option<Duration>,
    shared: Arc<Shared>,
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    waiting: VecDeque<Received>,
    dropped: Vec<Dropped>,
    barriers: usize,
    /// Everything that ever came in, for the text of a failure.
    log: Vec<String>,
}

impl Shared {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // A test that panicked elsewhere is no reason to fail here with a less useful message.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeManager {
    /// Begins to listen.
    ///
    /// # Panics
    ///
    /// When the operating system gives no socket or thread for it.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    ///
    /// let (one, other) = (FakeManager::new(), FakeManager::new());
    /// assert_ne!(one.address(), other.address());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        let listener = Listener::private().expect("a socket for the fake manager").keeping_barriers();
        let address = *listener.address();
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe for the fake manager");
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("fake-manager".to_owned())
            .spawn(move || listen(&listener, &stopped, &own))
            .expect("a thread for the fake manager");
        Self { address, watchdog: None, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Sets a watchdog on the programs that [`command`](Self::command) starts. Nothing happens when it runs out.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new().with_watchdog(Duration::from_secs(2));
    /// let mut service = manager.command("sh"); // which finds microseconds in its environment
    /// assert!(service.args(["-c", "test $WATCHDOG_USEC = 2000000"]).status()?.success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn with_watchdog(mut self, period: Duration) -> Self {
        self.watchdog = Some(period);
        self
    }

    /// Where it listens.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Notifier, Outcome};
    ///
    /// let manager = FakeManager::new();
    /// assert_eq!(Notifier::new(*manager.address()).ready()?, Outcome::Sent);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// A command with the environment of a service of this manager, and of no other.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    ///
    /// let manager = FakeManager::new();
    /// let output = manager.command("sh").args(["-c", "printf %s \"$NOTIFY_SOCKET\""]).output()?;
    /// assert_eq!(output.stdout, manager.address().to_string().into_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for variable in NOTIFY_VARIABLES {
            command.env_remove(variable);
        }
        command.env("NOTIFY_SOCKET", self.address.to_os_string());
        if let Some(period) = self.watchdog {
            command.env("WATCHDOG_USEC", period.as_micros().to_string());
        }
        command
    }

    /// Waits for a message that holds `assignment` and returns it. Messages before it are skipped; those after it are
    /// kept for the next call.
    ///
    /// # Panics
    ///
    /// When none comes in time, with all that did.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).notify([Assignment::Ready, Assignment::Status("Up")])?;
    /// let received = manager.expect(Assignment::Ready, Duration::from_secs(5));
    /// assert!(received.message().has(Assignment::Status("Up")));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect(&self, assignment: Assignment<'_>, within: Duration) -> Received {
        self.expect_that(&format!("{assignment:?}"), within, |received| received.message().has(assignment))
    }

    /// Waits for the first message for which `matches` is true. `what` says in words what was expected.
    ///
    /// # Panics
    ///
    /// As [`expect`](Self::expect).
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::testing::FakeManager;
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).status("Serving on :8080")?;
    /// manager.expect_that("a status with a port", Duration::from_secs(5), |received| {
    ///     received.message().as_bytes().ends_with(b":8080")
    /// });
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect_that(&self, what: &str, within: Duration, matches: impl Fn(&Received) -> bool) -> Received {
        // A time too long to be told is as good as for ever: a year.
        let end = Instant::now() + within.min(Duration::from_secs(365 * 24 * 3600));
        let mut inbox = self.shared.inbox();
        loop {
            while let Some(received) = inbox.waiting.pop_front() {
                if matches(&received) {
                    return received;
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let log = if inbox.log.is_empty() { "nothing".to_owned() } else { inbox.log.join("\n  ") };
                // Not while panicking with the lock held, so that the thread can go on.
                drop(inbox);
                panic!("expected {what} within {within:?}; there came:\n  {log}");
            }
            inbox = self.shared.changed.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The messages that came in and were not expected yet.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    /// use std::time::Duration;
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// notifier.ready()?;
    /// notifier.barrier()?.expect("there is a manager").wait(Duration::from_secs(5))?; // so that it is there
    /// assert!(manager.take_messages()[0].message().has(Assignment::Ready));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn take_messages(&self) -> Vec<Received> {
        self.shared.inbox().waiting.drain(..).collect()
    }

    /// What came in and was dropped, as a manager would drop it.
    ///
    /// ```
    /// use readyup::manager::DropReason;
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Message, Notifier};
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// notifier.send(Message::raw(b"BARRIER=1\nSTATUS=Up")?)?;
    /// notifier.ready()?;
    /// manager.expect(Assignment::Ready, std::time::Duration::from_secs(5)); // so that the first one is there
    /// assert_eq!(manager.take_dropped()[0].reason(), DropReason::BarrierNotAlone);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn take_dropped(&self) -> Vec<Dropped> {
        std::mem::take(&mut self.shared.inbox().dropped)
    }

    /// How many barriers were answered.
    ///
    /// ```
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier};
    ///
    /// let manager = FakeManager::new();
    /// let notifier = Notifier::new(*manager.address());
    /// notifier.barrier()?;
    /// notifier.stopping()?;
    /// manager.expect(Assignment::Stopping, std::time::Duration::from_secs(5)); // so that the barrier is counted
    /// assert_eq!(manager.barriers(), 1);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn barriers(&self) -> usize {
        self.shared.inbox().barriers
    }
}

impl Default for FakeManager {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FakeManager {
    fn drop(&mut self) {
        // The thread sees the pipe hang up.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(listener: &Listener, stopped: &OwnedFd, shared: &Shared) {
    loop {
        while let Ok(Some(incoming)) = listener.receive(Some(Duration::ZERO)) {
            let mut inbox = shared.inbox();
            match incoming {
                Incoming::Message(received) => {
                    let pid = received.sender().pid();
                    inbox.log.push(format!("\"{}\" from process {pid}", received.message().as_bytes().escape_ascii()));
                    inbox.waiting.push_back(received);
                }
                // Answered at the end of this block, once it is counted.
                Incoming::Barrier(request) => {
                    inbox.log.push(format!("a barrier from process {}", request.sender().pid()));
                    inbox.barriers += 1;
                }
                Incoming::Dropped(dropped) => {
                    inbox.log.push(format!("something to be dropped: {}", dropped.reason()));
                    inbox.dropped.push(dropped);
                }
            }
            shared.changed.notify_all();
        }
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        // An interrupted wait ends early, and the loop comes back to it.
        let _ = poll(&mut fds, None);
        if !fds[1].revents().is_empty() {
            return;
        }
    }
}
