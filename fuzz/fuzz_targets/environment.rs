//! Every value of `$WATCHDOG_*` and `$LISTEN_*` is settings or an error, by the rules of the manual pages.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use readyup::WatchdogSettings;
use readyup::protocol::{ListenFds, ListenVariables};
use readyup_fuzz::assert_presentable;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
struct Given<'a> {
    pid: u16,
    pidfd_id: Option<u64>,
    watchdog_usec: Option<Value<'a>>,
    watchdog_pid: Option<Value<'a>>,
    listen_pid: Option<Value<'a>>,
    listen_fds: Option<Value<'a>>,
    listen_names: Option<Names<'a>>,
    listen_pidfd_id: Option<Value<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Bytes(&'a [u8]),
    Number(u64),
    SmallNumber(u8),
    OurPid,
    OurPidFdId,
}

#[derive(Arbitrary, Debug)]
enum Names<'a> {
    Bytes(&'a [u8]),
    /// This many.
    Count(u8),
}

impl Given<'_> {
    fn pid(&self) -> u32 {
        u32::from(self.pid).max(1)
    }

    fn bytes(&self, value: &Option<Value<'_>>) -> Option<Vec<u8>> {
        Some(match value.as_ref()? {
            Value::Bytes(bytes) => bytes.to_vec(),
            Value::Number(number) => number.to_string().into(),
            Value::SmallNumber(number) => number.to_string().into(),
            Value::OurPid => self.pid().to_string().into(),
            Value::OurPidFdId => self.pidfd_id.unwrap_or_default().to_string().into(),
        })
    }

    fn names(&self) -> Option<Vec<u8>> {
        Some(match self.listen_names.as_ref()? {
            Names::Bytes(bytes) => bytes.to_vec(),
            Names::Count(count) => vec!["name"; usize::from(*count)].join(":").into(),
        })
    }
}

/// Decimal digits and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let text = str::from_utf8(value).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn pid(value: &[u8]) -> Option<u32> {
    number(value).filter(|pid| (1..=i32::MAX as u64).contains(pid)).map(|pid| pid as u32)
}

fuzz_target!(|given: Given<'_>| {
    watchdog(&given);
    listen(&given);
});

fn watchdog(given: &Given<'_>) {
    let usec = given.bytes(&given.watchdog_usec);
    let watchdog_pid = given.bytes(&given.watchdog_pid);
    let own = WatchdogSettings::parse(usec.as_deref(), watchdog_pid.as_deref(), given.pid());

    let Some(usec) = usec else {
        return assert_eq!(own, Ok(None));
    };
    let period = number(&usec).filter(|period| (1..u64::MAX).contains(period));
    let ours = watchdog_pid.map(|value| pid(&value).map(|pid| pid == given.pid()));
    match own {
        Ok(Some(settings)) => {
            assert!(matches!(ours, None | Some(Some(true))));
            assert_eq!(Some(settings.period()), period.map(Duration::from_micros));
            assert_eq!(settings.interval() * 2, settings.period());
            assert!(!settings.interval().is_zero());
        }
        Ok(None) => {
            assert!(period.is_some());
            assert_eq!(ours, Some(Some(false)));
        }
        Err(error) => {
            assert!(period.is_none() || ours == Some(None), "{error}");
            assert_presentable(&error);
        }
    }
}

fn listen(given: &Given<'_>) {
    let listen_pid = given.bytes(&given.listen_pid);
    let fds = given.bytes(&given.listen_fds);
    let names = given.names();
    let pidfd_id = given.bytes(&given.listen_pidfd_id);
    let values = ListenVariables {
        pid: listen_pid.as_deref(),
        fds: fds.as_deref(),
        names: names.as_deref(),
        pidfd_id: pidfd_id.as_deref(),
    };
    let expected = expected_count(&values, given);
    let passed = match ListenFds::parse(&values, given.pid(), given.pidfd_id) {
        Ok(passed) => passed,
        Err(error) => {
            assert_eq!(expected, None, "{error}");
            return assert_presentable(&error);
        }
    };
    let count = passed.count() as usize;
    assert_eq!(expected, Some(count));
    assert_eq!((passed.range().start, passed.range().len()), (3, count));
    assert_eq!(passed.names().size_hint(), (count, Some(count)));
    match values.names {
        Some(names) if count > 0 => {
            let own: Vec<_> = passed.names().collect();
            assert_eq!(own.len(), count);
            assert_eq!(own.join(&b':'), names);
        }
        Some(_) => assert_eq!(passed.names().count(), 0),
        // There may be a thousand million of them.
        None => {
            let some = count.min(1000);
            assert!(passed.names().take(some).eq(std::iter::repeat_n(&b"unknown"[..], some)));
        }
    }
}

/// How many descriptors these variables give to the process; none where one of them must be refused.
fn expected_count(values: &ListenVariables<'_>, given: &Given<'_>) -> Option<usize> {
    let (Some(listen_pid), Some(fds)) = (values.pid, values.fds) else {
        return Some(0);
    };
    if pid(listen_pid)? != given.pid() {
        return Some(0);
    }
    if let (Some(listed), Some(own)) = (values.pidfd_id, given.pidfd_id)
        && number(listed)? != own
    {
        return Some(0);
    }
    // No process can have more descriptors than this.
    let count = number(fds).filter(|count| *count <= 1 << 30)? as usize;
    let enough = match values.names {
        None => true,
        // The same text says "one, without a name" and "none".
        Some([]) => count <= 1,
        Some(names) => names.split(|byte| *byte == b':').count() == count,
    };
    enough.then_some(count)
}
