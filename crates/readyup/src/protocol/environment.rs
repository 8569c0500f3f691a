//! What a manager tells a service through its environment, from values that the caller has read.

use super::LISTEN_FDS_START;
use super::text::{Decimal, Excerpt, display, parse_decimal};
use core::fmt;
use core::time::Duration;

/// Every variable of the protocol. A program that starts others should take them out of their environment, or they
/// speak in the service's name, or take descriptors that are not theirs.
///
/// What a manager puts into them is told in
/// [systemd.exec(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html).
///
/// ```no_run
/// let mut child = std::process::Command::new("worker");
/// for variable in readyup::protocol::NOTIFY_VARIABLES {
///     child.env_remove(variable);
/// }
/// child.spawn()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub const NOTIFY_VARIABLES: [&str; 8] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LISTEN_PIDFDID",
    "FDSTORE",
];

/// The watchdog that a manager set on this process.
///
/// The rules are those of
/// [sd_watchdog_enabled(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html).
///
/// ```
/// use readyup::protocol::WatchdogSettings;
/// use std::time::Duration;
///
/// let settings = WatchdogSettings::parse(Some(b"30000000"), Some(b"42"), 42)?.expect("meant for us");
/// assert_eq!(settings.period(), Duration::from_secs(30));
/// assert_eq!(settings.interval(), Duration::from_secs(15));
/// assert_eq!(WatchdogSettings::parse(Some(b"30000000"), Some(b"42"), 43)?, None);
/// # Ok::<(), readyup::protocol::EnvironmentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchdogSettings {
    period: Duration,
}

impl WatchdogSettings {
    /// Reads the values of `$WATCHDOG_USEC` and `$WATCHDOG_PID` for the process `pid`: `None` when no watchdog is
    /// set, or it is set on another process.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] when one of them is set and is no number, or the period is 0 or infinite.
    ///
    /// ```
    /// use readyup::WatchdogSettings;
    ///
    /// // Without `$WATCHDOG_PID` it is meant for whoever reads it.
    /// assert!(WatchdogSettings::parse(Some(b"30000000"), None, 42)?.is_some());
    /// assert!(WatchdogSettings::parse(None, None, 42)?.is_none());
    /// assert!(WatchdogSettings::parse(Some(b"30s"), None, 42).is_err());
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    pub fn parse(usec: Option<&[u8]>, watchdog_pid: Option<&[u8]>, pid: u32) -> Result<Option<Self>, EnvironmentError> {
        let Some(usec) = usec else {
            return Ok(None);
        };
        let variable = Variable("WATCHDOG_USEC", usec);
        let microseconds = variable.number()?;
        if microseconds == 0 || microseconds == u64::MAX {
            return Err(variable.error(EnvironmentProblem::OutOfRange));
        }
        if let Some(watchdog_pid) = watchdog_pid {
            if Variable("WATCHDOG_PID", watchdog_pid).pid()? != pid {
                return Ok(None);
            }
        }
        Ok(Some(Self { period: Duration::from_micros(microseconds) }))
    }

    /// How long the manager waits for a sign of life before it acts.
    ///
    /// ```
    /// use readyup::WatchdogSettings;
    /// use std::time::Duration;
    ///
    /// // The variable counts microseconds.
    /// let settings = WatchdogSettings::parse(Some(b"2500000"), None, 42)?.expect("a watchdog is set");
    /// assert_eq!(settings.period(), Duration::from_millis(2500));
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// How often to send one: half the period, so that one may be late or lost.
    ///
    /// ```
    /// use readyup::WatchdogSettings;
    /// use std::time::Duration;
    ///
    /// let settings = WatchdogSettings::parse(Some(b"30000000"), None, 42)?.expect("a watchdog is set");
    /// assert_eq!(settings.interval(), Duration::from_secs(15));
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.period.checked_div(2).unwrap_or(self.period)
    }
}

/// The values of `$LISTEN_PID`, `$LISTEN_FDS`, `$LISTEN_FDNAMES` and `$LISTEN_PIDFDID`, where they are set.
///
/// What they mean is told in
/// [systemd.exec(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html).
///
/// ```
/// use readyup::protocol::{ListenFds, ListenVariables};
///
/// let values = ListenVariables { pid: Some(b"42"), fds: Some(b"1"), ..ListenVariables::default() };
/// assert_eq!(ListenFds::parse(&values, 42, None)?.count(), 1);
/// # Ok::<(), readyup::protocol::EnvironmentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ListenVariables<'a> {
    /// `$LISTEN_PID`
    pub pid: Option<&'a [u8]>,
    /// `$LISTEN_FDS`
    pub fds: Option<&'a [u8]>,
    /// `$LISTEN_FDNAMES`
    pub names: Option<&'a [u8]>,
    /// `$LISTEN_PIDFDID`
    pub pidfd_id: Option<&'a [u8]>,
}

/// The descriptors that a manager passed: how many, from [`LISTEN_FDS_START`](super::LISTEN_FDS_START) on, and their
/// names.
///
/// The rules are those of
/// [sd_listen_fds_with_names(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
///
/// ```
/// use readyup::protocol::{ListenFds, ListenVariables};
///
/// let values = ListenVariables {
///     pid: Some(b"42"),
///     fds: Some(b"2"),
///     names: Some(b"http:admin"),
///     ..ListenVariables::default()
/// };
/// let passed = ListenFds::parse(&values, 42, None)?;
/// assert_eq!(passed.names().collect::<Vec<_>>(), [&b"http"[..], b"admin"]);
/// assert_eq!(ListenFds::parse(&values, 43, None)?.count(), 0);
/// # Ok::<(), readyup::protocol::EnvironmentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenFds<'a> {
    count: u32,
    names: Option<&'a [u8]>,
}

impl<'a> ListenFds<'a> {
    /// More descriptors than this can't be meant: the most that Linux lets one process have (`fs.nr_open`).
    const COUNT_MAX: u64 = 1 << 30;

    /// What was passed to the process `pid`: nothing when the variables are unset, or meant for another process.
    ///
    /// `pidfd_id` is the inode number of a pidfd of this process, where the kernel gives one: with it, a process
    /// that merely got the same pid later is told apart.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] when a variable is no number, or there are more or fewer names than descriptors.
    ///
    /// ```
    /// use readyup::protocol::{ListenFds, ListenVariables};
    ///
    /// let values =
    ///     ListenVariables { pid: Some(b"42"), fds: Some(b"1"), names: Some(b"http"), pidfd_id: Some(b"7") };
    /// assert_eq!(ListenFds::parse(&values, 42, Some(7))?.count(), 1);
    /// // The pid was given to another process since.
    /// assert_eq!(ListenFds::parse(&values, 42, Some(8))?.count(), 0);
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    pub fn parse(values: &ListenVariables<'a>, pid: u32, pidfd_id: Option<u64>) -> Result<Self, EnvironmentError> {
        let nothing = Self { count: 0, names: None };
        let (Some(listen_pid), Some(fds)) = (values.pid, values.fds) else {
            return Ok(nothing);
        };
        if Variable("LISTEN_PID", listen_pid).pid()? != pid {
            return Ok(nothing);
        }
        if let (Some(listen_id), Some(own_id)) = (values.pidfd_id, pidfd_id) {
            if Variable("LISTEN_PIDFDID", listen_id).number()? != own_id {
                return Ok(nothing);
            }
        }
        let variable = Variable("LISTEN_FDS", fds);
        let count = variable.number()?;
        if count > Self::COUNT_MAX {
            return Err(variable.error(EnvironmentProblem::OutOfRange));
        }
        let passed = Self { count: count as u32, names: values.names };
        if let Some(names) = values.names {
            let listed = if names.is_empty() { 0 } else { names.split(|byte| *byte == b':').count() as u64 };
            // One passed descriptor with an empty name is spelled as an empty list.
            let agree = listed == count || (names.is_empty() && count == 1);
            if !agree {
                return Err(Variable("LISTEN_FDNAMES", names)
                    .error(EnvironmentProblem::NameCount { names: listed, fds: count }));
            }
        }
        Ok(passed)
    }

    /// How many descriptors were passed.
    ///
    /// ```
    /// use readyup::protocol::{ListenFds, ListenVariables};
    ///
    /// let values = ListenVariables { pid: Some(b"42"), fds: Some(b"2"), ..ListenVariables::default() };
    /// assert_eq!(ListenFds::parse(&values, 42, None)?.count(), 2);
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The descriptors' numbers.
    ///
    /// ```
    /// use readyup::protocol::{ListenFds, ListenVariables};
    ///
    /// let values = ListenVariables { pid: Some(b"42"), fds: Some(b"2"), ..ListenVariables::default() };
    /// assert_eq!(ListenFds::parse(&values, 42, None)?.range(), 3..5);
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    #[must_use]
    pub const fn range(&self) -> core::ops::Range<i32> {
        LISTEN_FDS_START..LISTEN_FDS_START.saturating_add_unsigned(self.count)
    }

    /// Their names, one for each; `unknown` where the manager gave none.
    ///
    /// ```
    /// use readyup::protocol::{ListenFds, ListenVariables};
    ///
    /// let values = ListenVariables { pid: Some(b"42"), fds: Some(b"2"), ..ListenVariables::default() };
    /// let passed = ListenFds::parse(&values, 42, None)?;
    /// assert!(passed.names().eq([b"unknown", b"unknown"]));
    /// # Ok::<(), readyup::protocol::EnvironmentError>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut listed = self.names.map(|names| names.split(|byte: &u8| *byte == b':'));
        (0..self.count).map(move |_| match &mut listed {
            Some(listed) => listed.next().unwrap_or_default(),
            None => b"unknown",
        })
    }
}

/// A variable and its value.
struct Variable<'a>(&'static str, &'a [u8]);

impl Variable<'_> {
    fn error(&self, problem: EnvironmentProblem) -> EnvironmentError {
        EnvironmentError { variable: self.0, value: Excerpt::new(self.1), problem }
    }

    fn number(&self) -> Result<u64, EnvironmentError> {
        parse_decimal(self.1).ok_or_else(|| self.error(EnvironmentProblem::NotANumber))
    }

    fn pid(&self) -> Result<u32, EnvironmentError> {
        match i32::try_from(self.number()?) {
            Ok(pid @ 1..) => Ok(pid as u32),
            _ => Err(self.error(EnvironmentProblem::OutOfRange)),
        }
    }
}

/// Why a variable of the environment can't be meant.
///
/// ```
/// use readyup::WatchdogSettings;
///
/// let error = WatchdogSettings::parse(Some(b"30s"), None, 42).unwrap_err();
/// assert!(error.to_string().starts_with("$WATCHDOG_USEC is \"30s\", which is not a number"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvironmentError {
    variable: &'static str,
    value: Excerpt,
    problem: EnvironmentProblem,
}

/// What is wrong with a variable of the environment.
///
/// ```
/// use readyup::protocol::{EnvironmentProblem, ListenFds, ListenVariables};
///
/// let values =
///     ListenVariables { pid: Some(b"42"), fds: Some(b"1"), names: Some(b"a:b"), ..ListenVariables::default() };
/// let error = ListenFds::parse(&values, 42, None).unwrap_err();
/// assert_eq!(error.problem(), EnvironmentProblem::NameCount { names: 2, fds: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvironmentProblem {
    /// A number is wanted.
    NotANumber,
    /// The number is out of range: 0, infinity, or too much.
    OutOfRange,
    /// `$LISTEN_FDNAMES` names more or fewer descriptors than `$LISTEN_FDS` counts.
    NameCount {
        /// How many names there are.
        names: u64,
        /// How many descriptors there are.
        fds: u64,
    },
}

impl EnvironmentError {
    /// The variable's name.
    ///
    /// ```
    /// let error = readyup::WatchdogSettings::parse(Some(b"30s"), None, 42).unwrap_err();
    /// assert_eq!(error.variable(), "WATCHDOG_USEC");
    /// ```
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// What is wrong with it.
    ///
    /// ```
    /// use readyup::WatchdogSettings;
    /// use readyup::protocol::EnvironmentProblem;
    ///
    /// let error = WatchdogSettings::parse(Some(b"0"), None, 42).unwrap_err();
    /// assert_eq!(error.problem(), EnvironmentProblem::OutOfRange);
    /// ```
    #[must_use]
    pub const fn problem(&self) -> EnvironmentProblem {
        self.problem
    }

    pub(crate) fn describe(&self, put: &mut dyn FnMut(&str)) {
        put("$");
        put(self.variable);
        put(" is \"");
        self.value.describe(put);
        put("\", which is ");
        match self.problem {
            EnvironmentProblem::NotANumber => put("not a number"),
            EnvironmentProblem::OutOfRange => put("out of range"),
            EnvironmentProblem::NameCount { names, fds } => {
                put(Decimal::new(names).as_str());
                put(" names for ");
                put(Decimal::new(fds).as_str());
                put(" descriptors");
            }
        }
        put("; it is the service manager that sets it");
    }
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

impl core::error::Error for EnvironmentError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog(usec: Option<&str>, pid: Option<&str>) -> Result<Option<Duration>, String> {
        WatchdogSettings::parse(usec.map(str::as_bytes), pid.map(str::as_bytes), 42)
            .map(|settings| settings.map(|settings| settings.period()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ok_watchdog() {
        let second = Some(Duration::from_secs(1));
        for (usec, pid, expected) in [
            (None, None, None),
            (None, Some("junk"), None),
            (Some("1000000"), None, second),
            (Some("1000000"), Some("42"), second),
            (Some("1000000"), Some("43"), None),
            (Some("1"), None, Some(Duration::from_micros(1))),
            (Some("18446744073709551614"), None, Some(Duration::from_micros(u64::MAX - 1))),
        ] {
            assert_eq!(watchdog(usec, pid), Ok(expected), "{usec:?} {pid:?}");
        }
    }

    #[test]
    fn ok_watchdog_interval_of_the_longest_period() {
        let longest = WatchdogSettings::parse(Some(b"18446744073709551614"), None, 1).unwrap().unwrap();
        assert_eq!(longest.interval(), longest.period() / 2);
        let odd = WatchdogSettings::parse(Some(b"3"), None, 1).unwrap().unwrap();
        assert_eq!(odd.interval(), Duration::from_nanos(1500));
    }

    #[test]
    fn err_watchdog() {
        let end = "; it is the service manager that sets it";
        for (usec, pid, text) in [
            ("", None, "$WATCHDOG_USEC is \"\", which is not a number"),
            ("0", None, "$WATCHDOG_USEC is \"0\", which is out of range"),
            ("18446744073709551615", None, "$WATCHDOG_USEC is \"18446744073709551615\", which is out of range"),
            ("infinity", None, "$WATCHDOG_USEC is \"infinity\", which is not a number"),
            ("-1", None, "$WATCHDOG_USEC is \"-1\", which is not a number"),
            ("1s", None, "$WATCHDOG_USEC is \"1s\", which is not a number"),
            ("1", Some(""), "$WATCHDOG_PID is \"\", which is not a number"),
            ("1", Some("0"), "$WATCHDOG_PID is \"0\", which is out of range"),
            ("1", Some("x\n"), "$WATCHDOG_PID is \"x?\", which is not a number"),
            ("1", Some("2147483648"), "$WATCHDOG_PID is \"2147483648\", which is out of range"),
        ] {
            assert_eq!(watchdog(Some(usec), pid), Err(format!("{text}{end}")));
        }
    }

    fn listen(pid: Option<&str>, fds: Option<&str>, names: Option<&str>) -> Result<Vec<String>, String> {
        let bytes = |value: Option<&'static str>| value.map(str::as_bytes);
        // Leaked so that the table can be written in place; the test ends soon.
        let leak = |value: Option<&str>| value.map(|value| &*Box::leak(value.to_owned().into_boxed_str()));
        let values = ListenVariables {
            pid: bytes(leak(pid)),
            fds: bytes(leak(fds)),
            names: bytes(leak(names)),
            pidfd_id: Some(b"7"),
        };
        ListenFds::parse(&values, 42, Some(7))
            .map(|passed| passed.names().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ok_listen() {
        for (pid, fds, names, expected) in [
            (None, None, None, &[][..]),
            (Some("42"), None, None, &[]),
            (None, Some("1"), None, &[]),
            (Some("43"), Some("junk"), Some("a:b"), &[]),
            (Some("42"), Some("0"), None, &[]),
            (Some("42"), Some("0"), Some(""), &[]),
            (Some("42"), Some("2"), None, &["unknown", "unknown"]),
            (Some("42"), Some("1"), Some("http"), &["http"]),
            (Some("42"), Some("1"), Some(""), &[""]),
            (Some("42"), Some("3"), Some("a::b"), &["a", "", "b"]),
        ] {
            let expected: Vec<_> = expected.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(listen(pid, fds, names), Ok(expected), "{pid:?} {fds:?} {names:?}");
        }
    }

    #[test]
    fn ok_listen_tells_a_reused_pid_apart() {
        let values = ListenVariables { pid: Some(b"42"), fds: Some(b"1"), names: None, pidfd_id: Some(b"7") };
        assert_eq!(ListenFds::parse(&values, 42, Some(8)).unwrap().count(), 0);
        assert_eq!(ListenFds::parse(&values, 42, None).unwrap().count(), 1);
    }

    #[test]
    fn err_listen() {
        let end = "; it is the service manager that sets it";
        for (pid, fds, names, text) in [
            ("x", "1", None, "$LISTEN_PID is \"x\", which is not a number"),
            ("0", "1", None, "$LISTEN_PID is \"0\", which is out of range"),
            ("42", "-1", None, "$LISTEN_FDS is \"-1\", which is not a number"),
            ("42", "4294967295", None, "$LISTEN_FDS is \"4294967295\", which is out of range"),
            ("42", "2", Some("a"), "$LISTEN_FDNAMES is \"a\", which is 1 names for 2 descriptors"),
            ("42", "1", Some("a:b"), "$LISTEN_FDNAMES is \"a:b\", which is 2 names for 1 descriptors"),
        ] {
            assert_eq!(listen(Some(pid), Some(fds), names), Err(format!("{text}{end}")));
        }
    }
}
