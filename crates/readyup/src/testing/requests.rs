//! What a test has a service do.

use super::heard::Stopped;
use super::service::TestService;
use super::timeline;
use super::unit::{Reload, Unit};
use super::waiting::Look;
use crate::protocol::Assignment;
use std::time::Duration;

impl TestService {
    /// Has the service reload, unless [`begin_reload`](Self::begin_reload) has done so, and waits until that is over: the
    /// signal is sent, and `RELOADING=1` with `MONOTONIC_USEC=` comes, and then `READY=1`.
    ///
    /// # Panics
    ///
    /// When that takes too long, or the service breaks a rule on the way, or its type is not
    /// [`NotifyReload`](crate::manager::service::ServiceType::NotifyReload).
    ///
    /// ```no_run
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let service = TestService::start(Command::new("target/debug/server"), Config::new(ServiceType::NotifyReload));
    /// service.ready(Duration::from_secs(5));
    /// service.reload(Duration::from_secs(5));
    /// ```
    #[track_caller]
    pub fn reload(&self, within: Duration) {
        if self.shared.unit().reload == Reload::None {
            self.begin_reload();
        }
        let look = |unit: &mut Unit| -> Look<()> {
            let result = match &unit.reload {
                Reload::Broken(why) => Err(why.clone()),
                Reload::Over(result) => result.clone(),
                Reload::None | Reload::Asked => return None,
            };
            unit.reload = Reload::None;
            Some(result)
        };
        let result = self.wait(within, look, |unit| match unit.life.sub_state().as_str() {
            "reload-signal" => "RELOADING=1 with its MONOTONIC_USEC= did not come".to_owned(),
            _ => "READY=1 did not come".to_owned(),
        });
        self.check(result, || format!("the service to have reloaded within {within:?}"));
    }

    /// Has the service reload, and does not wait. For a look at it while it reloads, and for code that runs in the test
    /// itself, which is to be told then.
    ///
    /// # Panics
    ///
    /// When it cannot reload now.
    ///
    /// ```
    /// use readyup::MessageBuf;
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::NotifyReload));
    /// let notifier = service.notifier();
    /// notifier.ready()?;
    /// service.ready(Duration::from_secs(5));
    ///
    /// service.begin_reload();
    /// assert_eq!(service.take_signals(), [1]); // SIGHUP
    /// notifier.send(MessageBuf::reloading(readyup::monotonic_now())?.as_message()?)?;
    /// notifier.ready()?;
    /// service.reload(Duration::from_secs(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn begin_reload(&self) {
        let result = self.shared.unit_by_now().begin_reload();
        self.shared.tell();
        self.check(result, || "the service to reload".to_owned());
    }

    /// Sends a signal to the main process, as `systemctl kill --kill-whom=main` does: for what `ExecReload=` would do, say.
    /// Code that runs in the test itself is sent none, nor is a process of somebody else's that `MAINPID=` has named; all
    /// are kept for [`take_signals`](Self::take_signals).
    ///
    /// # Panics
    ///
    /// When there is no such signal, or no main process.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut command = Command::new("sleep");
    /// command.arg("1000");
    /// let service = TestService::start(command, Config::new(ServiceType::Exec));
    /// service.kill(10); // SIGUSR1
    /// assert_eq!(service.expect_end(Duration::from_secs(5)).exit, Some(Exit::Signal(10)));
    /// ```
    #[track_caller]
    pub fn kill(&self, signal: i32) {
        let result = self.shared.unit_by_now().send_to_main(signal);
        self.shared.tell();
        self.check(result, || format!("{} to be sent", timeline::signal(signal)));
    }

    /// Has the service end, unless [`begin_stop`](Self::begin_stop) has done so, and waits until it has: `KillSignal=` is
    /// sent, and `FinalKillSignal=` once `TimeoutStopSec=` is over.
    ///
    /// Code that runs in the test itself has come to its end by this call, and that well.
    ///
    /// # Panics
    ///
    /// When it has not ended in time.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceResult, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut command = Command::new("sleep");
    /// command.arg("1000");
    /// let service = TestService::start(command, Config::new(ServiceType::Exec));
    /// let stopped = service.stop(Duration::from_secs(5));
    /// assert_eq!(stopped.result, ServiceResult::Success);
    /// ```
    #[track_caller]
    pub fn stop(&self, within: Duration) -> Stopped {
        self.begin_stop();
        let look = |unit: &mut Unit| {
            if unit.is_own && !unit.is_over() {
                unit.end_own();
            }
            stopped(unit)
        };
        let result = self.wait(within, look, |_| "it has not".to_owned());
        self.check(result, || format!("the service to have ended within {within:?}"))
    }

    /// Waits until the service has ended by itself, or because of what it did.
    ///
    /// # Panics
    ///
    /// When it has not in time.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, ServiceResult, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "exit 3"]);
    /// let service = TestService::start(command, Config::new(ServiceType::Notify));
    /// let stopped = service.expect_end(Duration::from_secs(5));
    /// assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(3)), ServiceResult::ExitCode));
    /// ```
    #[track_caller]
    pub fn expect_end(&self, within: Duration) -> Stopped {
        let result = self.wait(within, |unit| stopped(unit), |_| "it has not".to_owned());
        self.check(result, || format!("the service to end by itself within {within:?}"))
    }

    /// Has the service end, and does not wait. For a look at it while it ends, and for code that runs in the test itself,
    /// which is to be told then.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().ready()?;
    /// service.ready(Duration::from_secs(5));
    ///
    /// service.begin_stop();
    /// assert_eq!(service.take_signals(), [15]); // SIGTERM
    /// service.notifier().stopping()?;
    /// assert!(service.stop(Duration::from_secs(5)).said_stopping);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn begin_stop(&self) {
        self.shared.unit_by_now().begin_stop();
        self.shared.tell();
    }
}

fn stopped(unit: &Unit) -> Look<Stopped> {
    let over_at = unit.over_at?;
    Some(Ok(Stopped {
        exit: unit.exit,
        result: unit.life.result(),
        took: unit.stop_asked.map_or(Duration::ZERO, |asked| over_at.saturating_sub(asked)),
        said_stopping: unit.heard.iter().any(|heard| heard.believed && heard.message().has(Assignment::Stopping)),
    }))
}
