//! A service under test.

use super::heard::{Heard, Ignored};
use super::runner::Shared;
use super::timeline;
use super::unit::Unit;
use crate::client::Notifier;
use crate::manager::Listener;
use crate::manager::service::{Config, Service};
use crate::protocol::Address;
use std::fmt;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// A service that a test runs as systemd would: every message is judged, signals are sent, time-outs and the watchdog kill.
///
/// What is awaited fails the test with all that happened until then, as soon as it cannot come any more; that is also what
/// a `TestService` says when it is formatted with `{}`.
///
/// Dropping it kills every process that it started and that those started. Should the test be killed before (by Ctrl-C, or
/// by a CI job that takes too long), the kernel kills the process that was started, unless that is of a set-user-ID
/// program, and a shell that waits for it kills all of its process group. Who has left that outlives such an end.
///
/// ```
/// use readyup::manager::service::{Config, ServiceType};
/// use readyup::testing::TestService;
/// use std::time::Duration;
///
/// let service = TestService::in_process(Config::new(ServiceType::Notify));
/// service.notifier().ready()?;
/// service.ready(Duration::from_secs(5));
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct TestService {
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl TestService {
    /// Starts a program, whose process is the main process.
    ///
    /// It gets a session of its own and the environment of a service of this manager and of no other: `$INVOCATION_ID`;
    /// `$NOTIFY_SOCKET`, unless the access that holds is [`none`](crate::NotifyAccess::None), as it is with a type that
    /// does not notify, no watchdog and no fd store, unless `config` says otherwise; as `config` has it `$WATCHDOG_USEC`,
    /// `$WATCHDOG_PID` and `$FDSTORE`; `$LISTEN_PID`, too, if the command sets `$LISTEN_FDS`. Everything else is as the
    /// command says, but for [`arg0`](std::os::unix::process::CommandExt::arg0), which the standard library does not tell. (Of
    /// [`Stdio::piped`](std::process::Stdio::piped) nobody has the other end: pass one of a pipe of yours.)
    ///
    /// There are no `Exec…=` commands but this one, whatever `config` says of others.
    ///
    /// # Panics
    ///
    /// When there is no such program, or the operating system gives no process, socket, pidfd (Linux 5.3) or thread for it.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut command = Command::new("sleep");
    /// command.arg("1000");
    /// let service = TestService::start(command, Config::new(ServiceType::Exec));
    /// service.ready(Duration::from_secs(5));
    /// assert!(service.life().main_pid().is_some());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn start(command: Command, config: Config) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        match Self::run(Some(command), config) {
            Ok(service) => service,
            Err(error) => panic!("cannot start {name}: {error}"),
        }
    }

    /// Takes the test's own process for the main process. Signals are not sent, but kept for
    /// [`take_signals`](Self::take_signals).
    ///
    /// # Panics
    ///
    /// When the operating system gives no socket or thread for it.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// assert_eq!(service.life().main_pid(), Some(std::process::id()));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn in_process(config: Config) -> Self {
        Self::run(None, config).unwrap_or_else(|error| panic!("cannot play the manager: {error}"))
    }

    fn run(command: Option<Command>, mut config: Config) -> std::io::Result<Self> {
        config.exec_start_pre = false;
        config.exec_start_post = false;
        config.exec_reload = false;
        config.exec_stop = false;
        config.exec_stop_post = false;
        let listener = Listener::private().map_err(std::io::Error::other)?.without_pidfds();
        let unit = Unit::new(config, command.is_none());
        let shared = Arc::new(Shared::new(listener, unit)?);
        let own = Arc::clone(&shared);
        let (started, is_started) = mpsc::channel();
        let thread =
            thread::Builder::new().name("test-service".to_owned()).spawn(move || own.run(command, &started))?;
        let service = Self { shared, thread: Some(thread) };
        is_started.recv().map_err(std::io::Error::other)??;
        Ok(service)
    }

    /// Where its manager listens.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use readyup::{Notifier, Outcome};
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// assert_eq!(Notifier::new(*service.address()).ready()?, Outcome::Sent);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn address(&self) -> &Address {
        self.shared.listener.address()
    }

    /// What code that runs in the test itself notifies its manager with.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().status("Loading")?;
    /// assert_eq!(service.life().status_text(), Some("Loading"));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        Notifier::new(*self.address())
    }

    /// The numbers of the signals that the main process was sent, or would have been, since the last call.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.begin_stop();
    /// assert_eq!(service.take_signals(), [15]);
    /// assert!(service.take_signals().is_empty());
    /// ```
    #[must_use]
    pub fn take_signals(&self) -> Vec<i32> {
        std::mem::take(&mut self.shared.unit_by_now().signals)
    }

    /// Everything until now that a real manager ignores, mostly without a word.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Refusal, ServiceType};
    /// use readyup::testing::{IgnoredReason, TestService};
    /// use readyup::{Attachments, Message};
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// let null = std::fs::File::open("/dev/null")?;
    /// let fds = [std::os::fd::AsFd::as_fd(&null)];
    /// service.notifier().send_with(Message::raw(b"FDSTORE=1")?, &Attachments { fds: &fds, ..Attachments::default() })?;
    /// let reason = IgnoredReason::Refused(Refusal::StoreFull { max: 0 }); // nothing was said of an fd store
    /// assert_eq!(service.ignored()[0].reason, reason);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ignored(&self) -> Vec<Ignored> {
        self.shared.unit_by_now().ignored.clone()
    }

    /// All messages until now, in order, whether they were believed or not.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().ready()?;
    /// service.notifier().stopping()?;
    /// assert_eq!(service.messages().len(), 2);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn messages(&self) -> Vec<Heard> {
        self.shared.unit_by_now().heard.clone()
    }

    /// What the manager thinks of it by now: its state, its result and so on, by the names of `systemctl show`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().status("Loading")?;
    /// let life = service.life();
    /// assert_eq!((life.sub_state().as_str(), life.status_text()), ("start", Some("Loading")));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn life(&self) -> Service {
        self.shared.unit_by_now().life.clone()
    }
}

impl fmt::Display for TestService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, timeline) = {
            let unit = self.shared.unit_by_now();
            (timeline::state(&unit.life), unit.timeline.clone())
        };
        write!(f, "state: {state}\n{timeline}")
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        self.shared.unit().is_closing = true;
        self.shared.tell();
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, that was told already.
            let _ = thread.join();
        }
    }
}
