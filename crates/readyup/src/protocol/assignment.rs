//! One `KEY=VALUE` line of a message, typed.

use super::fd_name::FdName;
use super::key::Key;
use super::message::{MessageError, MessageProblem};
use super::text::{Decimal, parse_decimal};
use core::time::Duration;

/// One `KEY=VALUE` line of a message.
///
/// Times are [`Duration`]s, cut to whole microseconds on the wire; texts are one line. What a manager does with
/// each is told in [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// ```
/// use readyup::{Assignment, MessageBuf};
///
/// let message = MessageBuf::new([Assignment::Ready, Assignment::Status("Serving on :8080")])?;
/// assert_eq!(message.as_message()?.as_bytes(), b"READY=1\nSTATUS=Serving on :8080");
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignment<'a> {
    /// `READY=1`: start-up, or a reload, is over.
    Ready,
    /// `RELOADING=1`: the service reloads its configuration. Goes together with [`MonotonicUsec`](Self::MonotonicUsec);
    /// [`MessageBuf::reloading`](super::MessageBuf::reloading) adds both.
    Reloading,
    /// `STOPPING=1`: the service is going down.
    Stopping,
    /// `MONOTONIC_USEC=`: when this message was made, as the time since the start of `CLOCK_MONOTONIC`.
    MonotonicUsec(Duration),
    /// `STATUS=`: one line for humans, shown by `systemctl status`.
    Status(&'a str),
    /// `NOTIFYACCESS=`: whom the manager is to listen to from now on.
    NotifyAccess(NotifyAccess),
    /// `ERRNO=`: the error that made the service fail.
    Errno(ErrnoValue<'a>),
    /// `BUSERROR=`: the D-Bus error name that made the service fail.
    BusError(&'a str),
    /// `VARLINKERROR=`: the Varlink error name that made the service fail.
    VarlinkError(&'a str),
    /// `EXIT_STATUS=`: the exit status of a whole system, told to *its* supervisor.
    ExitStatus(u8),
    /// `MAINPID=`: the service's main process is another one now.
    MainPid(u32),
    /// `MAINPIDFDID=`: the inode number of a pidfd of the main process, which tells it from a later one of the same pid.
    MainPidFdId(u64),
    /// `MAINPIDFD=1`: the one descriptor beside this message is a pidfd of the main process.
    MainPidFd,
    /// `WATCHDOG=1`: still alive.
    Watchdog,
    /// `WATCHDOG=trigger`: act as if the watchdog had run out, at once.
    WatchdogTrigger,
    /// `WATCHDOG_USEC=`: the watchdog's period from now on.
    WatchdogUsec(Duration),
    /// `EXTEND_TIMEOUT_USEC=`: starting, running (up to `RuntimeMaxSec=`) or stopping may take at least this much
    /// longer from now.
    ExtendTimeoutUsec(Duration),
    /// `RESTART_RESET=1`: forget how often the service was restarted.
    RestartReset,
    /// `FDSTORE=1`: keep the descriptors beside this message.
    FdStore,
    /// `FDSTOREREMOVE=1`: drop the stored descriptors of the name given by [`FdName`](Self::FdName).
    FdStoreRemove,
    /// `FDNAME=`: the name for `FDSTORE=1` and `FDSTOREREMOVE=1`.
    FdName(FdName<'a>),
    /// `FDPOLL=0`: keep a stored descriptor even once it hangs up.
    FdPollOff,
    /// `BARRIER=1`: the one descriptor beside this message is closed when everything before it was read.
    Barrier,
    /// `X_SYSTEMD_HOSTNAME=`: a system's hostname, told to its supervisor (as are all that begin so).
    SystemdHostname(&'a str),
    /// `X_SYSTEMD_MACHINE_ID=`: a system's machine id.
    SystemdMachineId(&'a str),
    /// `X_SYSTEMD_SIGNALS_LEVEL=`: which of its signals a system's manager understands by now.
    SystemdSignalsLevel(u32),
    /// `X_SYSTEMD_UNIT_ACTIVE=`: a unit of the system became active.
    SystemdUnitActive(&'a str),
    /// `X_SYSTEMD_UNIT_INACTIVE=`: a unit of the system became inactive.
    SystemdUnitInactive(&'a str),
    /// `X_SYSTEMD_SHUTDOWN=`: the system goes down, and how.
    SystemdShutdown(&'a str),
    /// `X_SYSTEMD_REBOOT_PARAMETER=`: the argument of its reboot.
    SystemdRebootParameter(&'a str),
    /// Any other key, as it is. Managers ignore those that they don't know; private ones begin with `X_`.
    Other {
        /// What stands before the first `=`.
        key: &'a [u8],
        /// What stands after it.
        value: &'a [u8],
    },
}

/// Whose messages a manager believes: `NotifyAccess=` in
/// [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html).
///
/// ```
/// use readyup::{Assignment, MessageBuf, NotifyAccess};
///
/// let message = MessageBuf::new([Assignment::NotifyAccess(NotifyAccess::All)])?;
/// assert_eq!(message.as_message()?.as_bytes(), b"NOTIFYACCESS=all");
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotifyAccess {
    /// Nobody's.
    None,
    /// The main process's.
    Main,
    /// The main process's, and those of the unit's `Exec…=` commands.
    Exec,
    /// Those of every process of the unit.
    All,
}

impl NotifyAccess {
    /// The spelling in a message and in a unit file.
    ///
    /// ```
    /// assert_eq!(readyup::NotifyAccess::Exec.as_str(), "exec");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Main => "main",
            Self::Exec => "exec",
            Self::All => "all",
        }
    }

    pub(crate) fn find(text: &[u8]) -> Option<Self> {
        [Self::None, Self::Main, Self::Exec, Self::All].into_iter().find(|access| access.as_str().as_bytes() == text)
    }
}

/// The value of `ERRNO=`: a number, or a name such as `ENOENT`.
///
/// ```
/// use readyup::protocol::{Assignment, ErrnoValue, MessageBuf};
///
/// let message = MessageBuf::new([Assignment::Errno(ErrnoValue::Name("ENOENT"))])?;
/// assert_eq!(message.as_message()?.as_bytes(), b"ERRNO=ENOENT");
/// assert!(MessageBuf::new([Assignment::Errno(ErrnoValue::Number(4096))]).is_err());
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrnoValue<'a> {
    /// 0 to 4095.
    Number(u16),
    /// `E` and then capital letters and digits.
    Name(&'a str),
}

impl<'a> ErrnoValue<'a> {
    const NUMBER_MAX: u16 = 4095;

    fn is_valid(self) -> bool {
        match self {
            Self::Number(number) => number <= Self::NUMBER_MAX,
            Self::Name(name) => match name.as_bytes() {
                [b'E', rest @ ..] => {
                    !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                }
                _ => false,
            },
        }
    }

    fn decode(text: &'a [u8]) -> Option<Self> {
        let value = match parse_decimal(text) {
            Some(number) => Self::Number(u16::try_from(number).ok()?),
            None => Self::Name(core::str::from_utf8(text).ok()?),
        };
        value.is_valid().then_some(value)
    }
}

/// A value on its way into a message.
pub(super) enum Value<'a> {
    Fixed(&'static str),
    Number(Decimal),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Fixed(text) => text.as_bytes(),
            Self::Number(number) => number.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Whole microseconds, as they stand on the wire.
pub(crate) fn microseconds(time: Duration) -> Option<u64> {
    time.as_secs().checked_mul(1_000_000)?.checked_add(u64::from(time.subsec_micros()))
}

impl<'a> Assignment<'a> {
    /// The line `key=value`, typed where the key is a known one.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when a known key has a value that a manager would not take.
    ///
    /// ```
    /// use readyup::Assignment;
    ///
    /// assert_eq!(Assignment::decode(b"READY", b"1")?, Assignment::Ready);
    /// assert!(Assignment::decode(b"READY", b"yes").is_err());
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn decode(key: &'a [u8], value: &'a [u8]) -> Result<Self, MessageError> {
        let Some(known) = Key::find(key) else {
            return Ok(Self::Other { key, value });
        };
        let error = |problem| MessageError::field(key, problem);
        let flag = |assignment| if value == b"1" { Ok(assignment) } else { Err(error(MessageProblem::NotOne)) };
        let text = || core::str::from_utf8(value).map_err(|_| error(MessageProblem::NotUtf8));
        let number = || parse_decimal(value).ok_or_else(|| error(MessageProblem::NotANumber));
        let out_of_range = || error(MessageProblem::OutOfRange);
        let time = || number().map(Duration::from_micros);

        let assignment = match known {
            Key::Ready => flag(Self::Ready)?,
            Key::Reloading => flag(Self::Reloading)?,
            Key::Stopping => flag(Self::Stopping)?,
            Key::MonotonicUsec => Self::MonotonicUsec(time()?),
            Key::Status => Self::Status(text()?),
            Key::NotifyAccess => {
                Self::NotifyAccess(NotifyAccess::find(value).ok_or_else(|| error(MessageProblem::UnknownWord))?)
            }
            Key::Errno => Self::Errno(ErrnoValue::decode(value).ok_or_else(|| error(MessageProblem::NotAnErrno))?),
            Key::BusError => Self::BusError(text()?),
            Key::VarlinkError => Self::VarlinkError(text()?),
            Key::ExitStatus => Self::ExitStatus(u8::try_from(number()?).map_err(|_| out_of_range())?),
            Key::MainPid => Self::MainPid(u32::try_from(number()?).map_err(|_| out_of_range())?),
            Key::MainPidFdId => Self::MainPidFdId(number()?),
            Key::MainPidFd => flag(Self::MainPidFd)?,
            Key::Watchdog if value == b"trigger" => Self::WatchdogTrigger,
            Key::Watchdog => flag(Self::Watchdog)?,
            Key::WatchdogUsec => Self::WatchdogUsec(time()?),
            Key::ExtendTimeoutUsec => Self::ExtendTimeoutUsec(time()?),
            Key::RestartReset => flag(Self::RestartReset)?,
            Key::FdStore => flag(Self::FdStore)?,
            Key::FdStoreRemove => flag(Self::FdStoreRemove)?,
            Key::FdName => {
                Self::FdName(FdName::new(text()?).map_err(|problem| error(MessageProblem::FdName(problem)))?)
            }
            Key::FdPoll if value == b"0" => Self::FdPollOff,
            Key::FdPoll => return Err(error(MessageProblem::NotZero)),
            Key::Barrier => flag(Self::Barrier)?,
            Key::SystemdHostname => Self::SystemdHostname(text()?),
            Key::SystemdMachineId => Self::SystemdMachineId(text()?),
            Key::SystemdSignalsLevel => {
                Self::SystemdSignalsLevel(u32::try_from(number()?).map_err(|_| out_of_range())?)
            }
            Key::SystemdUnitActive => Self::SystemdUnitActive(text()?),
            Key::SystemdUnitInactive => Self::SystemdUnitInactive(text()?),
            Key::SystemdShutdown => Self::SystemdShutdown(text()?),
            Key::SystemdRebootParameter => Self::SystemdRebootParameter(text()?),
        };
        assignment.check_range()?;
        Ok(assignment)
    }

    /// The key as it stands on the wire.
    ///
    /// ```
    /// use readyup::Assignment;
    ///
    /// assert_eq!(Assignment::FdPollOff.key(), b"FDPOLL");
    /// assert_eq!(Assignment::Other { key: b"X_ACME_JOBS", value: b"7" }.key(), b"X_ACME_JOBS");
    /// ```
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        match (self, self.known_key()) {
            (Self::Other { key, .. }, _) => key,
            (_, Some(key)) => key.name().as_bytes(),
            (_, None) => b"",
        }
    }

    pub(super) fn known_key(&self) -> Option<Key> {
        Some(match self {
            Self::Ready => Key::Ready,
            Self::Reloading => Key::Reloading,
            Self::Stopping => Key::Stopping,
            Self::MonotonicUsec(_) => Key::MonotonicUsec,
            Self::Status(_) => Key::Status,
            Self::NotifyAccess(_) => Key::NotifyAccess,
            Self::Errno(_) => Key::Errno,
            Self::BusError(_) => Key::BusError,
            Self::VarlinkError(_) => Key::VarlinkError,
            Self::ExitStatus(_) => Key::ExitStatus,
            Self::MainPid(_) => Key::MainPid,
            Self::MainPidFdId(_) => Key::MainPidFdId,
            Self::MainPidFd => Key::MainPidFd,
            Self::Watchdog | Self::WatchdogTrigger => Key::Watchdog,
            Self::WatchdogUsec(_) => Key::WatchdogUsec,
            Self::ExtendTimeoutUsec(_) => Key::ExtendTimeoutUsec,
            Self::RestartReset => Key::RestartReset,
            Self::FdStore => Key::FdStore,
            Self::FdStoreRemove => Key::FdStoreRemove,
            Self::FdName(_) => Key::FdName,
            Self::FdPollOff => Key::FdPoll,
            Self::Barrier => Key::Barrier,
            Self::SystemdHostname(_) => Key::SystemdHostname,
            Self::SystemdMachineId(_) => Key::SystemdMachineId,
            Self::SystemdSignalsLevel(_) => Key::SystemdSignalsLevel,
            Self::SystemdUnitActive(_) => Key::SystemdUnitActive,
            Self::SystemdUnitInactive(_) => Key::SystemdUnitInactive,
            Self::SystemdShutdown(_) => Key::SystemdShutdown,
            Self::SystemdRebootParameter(_) => Key::SystemdRebootParameter,
            Self::Other { .. } => return None,
        })
    }

    /// The value as it stands on the wire, checked for what its own type does not rule out.
    pub(super) fn value(&self) -> Result<Value<'a>, MessageError> {
        self.check_range()?;
        let time = |time: Duration| {
            microseconds(time)
                .map(|microseconds| Value::Number(Decimal::new(microseconds)))
                .ok_or_else(|| MessageError::field(self.key(), MessageProblem::OutOfRange))
        };
        let text = |text: &'a str| Value::Bytes(text.as_bytes());
        let number = |number| Value::Number(Decimal::new(number));
        Ok(match *self {
            Self::Ready
            | Self::Reloading
            | Self::Stopping
            | Self::MainPidFd
            | Self::Watchdog
            | Self::RestartReset
            | Self::FdStore
            | Self::FdStoreRemove
            | Self::Barrier => Value::Fixed("1"),
            Self::FdPollOff => Value::Fixed("0"),
            Self::WatchdogTrigger => Value::Fixed("trigger"),
            Self::MonotonicUsec(value) | Self::WatchdogUsec(value) | Self::ExtendTimeoutUsec(value) => time(value)?,
            Self::NotifyAccess(access) => Value::Fixed(access.as_str()),
            Self::Errno(ErrnoValue::Number(value)) => number(u64::from(value)),
            Self::Errno(ErrnoValue::Name(name)) => text(name),
            Self::ExitStatus(value) => number(u64::from(value)),
            Self::MainPid(value) | Self::SystemdSignalsLevel(value) => number(u64::from(value)),
            Self::MainPidFdId(value) => number(value),
            Self::FdName(name) => text(name.as_str()),
            Self::Status(value)
            | Self::BusError(value)
            | Self::VarlinkError(value)
            | Self::SystemdHostname(value)
            | Self::SystemdMachineId(value)
            | Self::SystemdUnitActive(value)
            | Self::SystemdUnitInactive(value)
            | Self::SystemdShutdown(value)
            | Self::SystemdRebootParameter(value) => text(value),
            Self::Other { value, .. } => Value::Bytes(value),
        })
    }

    fn check_range(&self) -> Result<(), MessageError> {
        let problem = match *self {
            // A pid is a positive `pid_t`; a manager refuses 1 as a service's main process, and so it is said here.
            Self::MainPid(pid) if pid < 2 || i32::try_from(pid).is_err() => MessageProblem::OutOfRange,
            Self::Errno(value) if !value.is_valid() => MessageProblem::NotAnErrno,
            _ => return Ok(()),
        };
        Err(MessageError::field(self.key(), problem))
    }
}
