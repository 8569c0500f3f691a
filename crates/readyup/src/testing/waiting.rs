//! Waiting for what is expected, or for the reason why it does not come.

use super::heard::{Ignored, IgnoredReason};
use super::service::TestService;
use super::timeline;
use super::unit::Unit;
use crate::manager::service::{Refusal, ServiceResult};
use crate::protocol::NotifyAccess;
use std::time::{Duration, Instant};

/// Why something that is awaited cannot come any more, or what came; nothing while it may still come.
pub(super) type Look<T> = Option<Result<T, String>>;

impl TestService {
    /// Looks until there is something to see. `late` says how far it came if the time is up before.
    pub(super) fn wait<T>(
        &self,
        within: Duration,
        look: impl Fn(&mut Unit) -> Look<T>,
        late: impl Fn(&Unit) -> String,
    ) -> Result<T, String> {
        let end = Instant::now() + bounded(within);
        let mut unit = self.shared.unit_by_now();
        loop {
            if let Some(result) = look(&mut unit) {
                return result;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // On a busy machine the thread may be late, too.
                self.shared.settle(&mut unit);
                self.shared.tell();
                return look(&mut unit).unwrap_or_else(|| Err(late(&unit)));
            }
            unit = self.shared.wait(unit, left);
        }
    }

    /// Fails the test if what was expected did not come.
    #[track_caller]
    pub(super) fn check<T>(&self, result: Result<T, String>, what: impl Fn() -> String) -> T {
        match result {
            Ok(value) => value,
            // Nothing is locked here, so that the thread can go on.
            Err(why) => panic!("expected {}: {why}\n{}{self}", what(), self.hint()),
        }
    }

    /// What to do about messages that are not believed.
    fn hint(&self) -> &'static str {
        let unit = self.shared.unit();
        let is_of_another = |ignored: &Ignored| match ignored.reason {
            IgnoredReason::Refused(Refusal::Access { access, .. }) => access != NotifyAccess::None,
            _ => false,
        };
        if !unit.is_own && unit.ignored.iter().any(is_of_another) {
            "some messages are not believed: start the program that sends them itself, or set \
             notify_access = NotifyAccess::All\n"
        } else {
            ""
        }
    }
}

/// A time too long to be told is as good as for ever: a year.
pub(super) fn bounded(limit: Duration) -> Duration {
    limit.min(Duration::from_secs(365 * 24 * 3600))
}

/// How the service went down.
pub(super) fn how_it_went(unit: &Unit) -> String {
    match (unit.exit, unit.life.result()) {
        (Some(exit), result) => format!("{}, result {result},", timeline::ending(exit)),
        (None, ServiceResult::Timeout) => "took longer than its Config allows".to_owned(),
        (None, ServiceResult::Success) => "went down".to_owned(),
        (None, result) => format!("failed with result {result}"),
    }
}
