//! What a test expects of a service.

use super::heard::Heard;
use super::service::TestService;
use super::unit::Unit;
use super::waiting::{Look, bounded, how_it_went};
use crate::manager::service::{ActiveState, ServiceResult};
use crate::protocol::Assignment;
use std::time::{Duration, Instant};

impl TestService {
    /// Waits until the manager believes that the service is up.
    ///
    /// # Panics
    ///
    /// When the time is up, or the service has failed or ended before, with what happened.
    ///
    /// ```
    /// use readyup::manager::service::{ActiveState, Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// assert_eq!(service.life().active_state(), ActiveState::Activating);
    /// service.notifier().ready()?;
    /// service.ready(Duration::from_secs(5));
    /// assert_eq!(service.life().active_state(), ActiveState::Active);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn ready(&self, within: Duration) {
        let look = |unit: &mut Unit| -> Look<()> {
            match unit.life.active_state() {
                _ if unit.was_up => Some(Ok(())),
                ActiveState::Activating => None,
                _ => Some(Err(format!("it {} before", how_it_went(unit)))),
            }
        };
        let result = self.wait(within, look, |unit| match (unit.heard.is_empty(), unit.ignored.is_empty()) {
            (true, true) => "it has said nothing".to_owned(),
            (_, false) => "some of what it said was ignored".to_owned(),
            (false, true) => "it has not said so".to_owned(),
        });
        self.check(result, || format!("the service to be ready within {within:?}"));
    }

    /// Waits for a believed message that holds `assignment` and returns it. Messages before it are skipped; those after it
    /// are there for the next call.
    ///
    /// # Panics
    ///
    /// When none comes in time, or the service ends before, with what happened, and whether one is among those that were
    /// skipped or returned before.
    ///
    /// ```
    /// use readyup::Assignment;
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().notify([Assignment::Ready, Assignment::Status("Up")])?;
    /// let heard = service.expect(Assignment::Ready, Duration::from_secs(5));
    /// assert!(heard.message().has(Assignment::Status("Up")));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect(&self, assignment: Assignment<'_>, within: Duration) -> Heard {
        self.expect_that(&format!("{assignment:?}"), within, |heard| heard.message().has(assignment))
    }

    /// Waits for the first believed message for which `matches` is true. `what` says in words what was expected.
    ///
    /// # Panics
    ///
    /// As [`expect`](Self::expect).
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let service = TestService::in_process(Config::new(ServiceType::Notify));
    /// service.notifier().status("Serving on :8080")?;
    /// service.expect_that("a status with a port", Duration::from_secs(5), |heard| {
    ///     heard.message().as_bytes().ends_with(b":8080")
    /// });
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect_that(&self, what: &str, within: Duration, matches: impl Fn(&Heard) -> bool) -> Heard {
        let end = Instant::now() + bounded(within);
        let passed = self.shared.unit_by_now().cursor;
        let next = |unit: &mut Unit| -> Look<Heard> {
            while let Some(heard) = unit.heard.get(unit.cursor) {
                unit.cursor += 1;
                if heard.believed {
                    return Some(Ok(heard.clone()));
                }
            }
            unit.is_over().then(|| Err(format!("it {} before", how_it_went(unit))))
        };
        loop {
            // `matches` is somebody else's, and may ask the service itself.
            let result =
                self.wait(end.saturating_duration_since(Instant::now()), next, |_| "it did not come".to_owned());
            let result = result.map_err(|why| why + &self.passed_over(passed, &matches));
            let heard = self.check(result, || format!("{what} within {within:?}"));
            if matches(&heard) {
                return heard;
            }
        }
    }

    /// What to say of a message that is looked for in vain, and is among the first `passed` ones.
    fn passed_over(&self, passed: usize, matches: impl Fn(&Heard) -> bool) -> String {
        let before = self.shared.unit().heard.get(..passed).unwrap_or_default().to_vec();
        match before.iter().find(|heard| heard.believed && matches(heard)) {
            Some(heard) => {
                format!("; one came at {:.3} s, but not after the last that was expected", heard.at.as_secs_f64())
            }
            None => String::new(),
        }
    }

    /// Waits for `count` believed `WATCHDOG=1` from now on.
    ///
    /// # Panics
    ///
    /// When they don't come in time, or the service ends before, or its `config` sets no watchdog.
    ///
    /// ```
    /// use readyup::Heartbeat;
    /// use readyup::manager::service::{Config, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new(ServiceType::Notify);
    /// config.watchdog = Some(Duration::from_secs(1));
    /// let service = TestService::in_process(config);
    /// let _heartbeat = Heartbeat::start(service.notifier(), Duration::from_millis(10), || true)?;
    /// service.expect_pings(3, Duration::from_secs(5));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect_pings(&self, count: usize, within: Duration) {
        let from = self.shared.unit_by_now().heard.len();
        let look = |unit: &mut Unit| -> Look<()> {
            if pings(unit, from).count() >= count {
                return Some(Ok(()));
            }
            needs_watchdog(unit).or_else(|| unit.is_over().then(|| Err(format!("it {}", how_it_went(unit)))))
        };
        let result = self.wait(within, look, |unit| format!("there were {}", pings(unit, from).count()));
        self.check(result, || format!("{count} × WATCHDOG=1 within {within:?}"));
    }

    /// Waits until the watchdog has waited for too long, as it must once the service hangs. Then the service was sent
    /// `WatchdogSignal=`, and its result is [`ServiceResult::Watchdog`].
    ///
    /// Await a ping ([`expect_pings`](Self::expect_pings)), then make the service hang, then call this.
    ///
    /// # Panics
    ///
    /// When that does not happen in time, with how many pings still came, or the service ends otherwise, or its `config`
    /// sets no watchdog. At once, if no believed `WATCHDOG=1` came before: a service that forgets its pings is ended by
    /// the watchdog, too, which says nothing of how it hangs.
    ///
    /// ```
    /// use readyup::manager::service::{Config, ServiceResult, ServiceType};
    /// use readyup::testing::TestService;
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new(ServiceType::Notify);
    /// config.watchdog = Some(Duration::from_millis(50));
    /// let service = TestService::in_process(config);
    /// service.notifier().ready()?;
    /// service.notifier().watchdog()?; // the only one
    /// service.expect_stall(Duration::from_secs(5));
    /// assert_eq!(service.life().result(), ServiceResult::Watchdog);
    /// assert_eq!(service.take_signals(), [6]); // SIGABRT
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[track_caller]
    pub fn expect_stall(&self, within: Duration) {
        let (from, began) = {
            let unit = self.shared.unit_by_now();
            (unit.heard.len(), pings(&unit, 0).next().is_some())
        };
        let look = |unit: &mut Unit| -> Look<()> {
            if !began {
                let why = "there was no WATCHDOG=1 before, and what never began cannot stop";
                return needs_watchdog(unit).or_else(|| Some(Err(why.to_owned())));
            }
            if unit.life.result() == ServiceResult::Watchdog {
                return Some(Ok(()));
            }
            let is_down = !matches!(
                unit.life.active_state(),
                ActiveState::Activating | ActiveState::Active | ActiveState::Reloading
            );
            needs_watchdog(unit).or_else(|| is_down.then(|| Err(format!("it {} before", how_it_went(unit)))))
        };
        let result = self.wait(within, look, |unit| match pings(unit, from).next_back() {
            Some(last) => format!(
                "WATCHDOG=1 still came, {} times, and the last time {:.3} s after the start",
                pings(unit, from).count(),
                last.at.as_secs_f64()
            ),
            None => "WATCHDOG=1 came no more, but that is too short a time for the watchdog".to_owned(),
        });
        self.check(result, || format!("the pings to stop, and the watchdog to notice, within {within:?}"));
    }
}

/// The believed pings among the messages from this one on.
fn pings(unit: &Unit, from: usize) -> impl DoubleEndedIterator<Item = &Heard> {
    let heard = unit.heard.get(from..).unwrap_or_default().iter();
    heard.filter(|heard| heard.believed && heard.message().has(Assignment::Watchdog))
}

fn needs_watchdog<T>(unit: &Unit) -> Look<T> {
    let none = unit.life.watchdog().is_none();
    none.then(|| Err("it has no watchdog: its Config sets none, or WATCHDOG_USEC=0 took it away".to_owned()))
}
