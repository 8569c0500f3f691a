//! A message that was built holds exactly what was put into it, and what cannot be put into one is refused.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use readyup::protocol::{ErrnoValue, MESSAGE_MAX};
use readyup::{Assignment, FdName, Message, MessageBuf, NotifyAccess};
use readyup_fuzz::{assert_presentable, is_known};
use std::time::Duration;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Given<'a> {
    Flag(Flag),
    Time(Time, Duration),
    Text(Text, &'a str),
    /// So long that it takes few of them to reach the end of a message.
    LongText(Text, u16),
    NotifyAccess(Access),
    Errno(u16),
    ErrnoName(&'a str),
    ExitStatus(u8),
    MainPid(u32),
    MainPidFdId(u64),
    SignalsLevel(u32),
    FdName(&'a str),
    Other(&'a [u8], &'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Flag {
    Ready,
    Reloading,
    Stopping,
    MainPidFd,
    Watchdog,
    WatchdogTrigger,
    RestartReset,
    FdStore,
    FdStoreRemove,
    FdPollOff,
    Barrier,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Time {
    Monotonic,
    Watchdog,
    ExtendTimeout,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Text {
    Status,
    BusError,
    VarlinkError,
    Hostname,
    MachineId,
    UnitActive,
    UnitInactive,
    Shutdown,
    RebootParameter,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Access {
    None,
    Main,
    Exec,
    All,
}

const LONG: &str = match str::from_utf8(&[b'x'; MESSAGE_MAX + 16]) {
    Ok(text) => text,
    Err(_) => "",
};

impl<'a> Given<'a> {
    /// The library's form of it; none for a name of a descriptor that cannot even be made.
    fn assignment(self) -> Option<Assignment<'a>> {
        Some(match self {
            Self::Flag(flag) => match flag {
                Flag::Ready => Assignment::Ready,
                Flag::Reloading => Assignment::Reloading,
                Flag::Stopping => Assignment::Stopping,
                Flag::MainPidFd => Assignment::MainPidFd,
                Flag::Watchdog => Assignment::Watchdog,
                Flag::WatchdogTrigger => Assignment::WatchdogTrigger,
                Flag::RestartReset => Assignment::RestartReset,
                Flag::FdStore => Assignment::FdStore,
                Flag::FdStoreRemove => Assignment::FdStoreRemove,
                Flag::FdPollOff => Assignment::FdPollOff,
                Flag::Barrier => Assignment::Barrier,
            },
            Self::Time(Time::Monotonic, time) => Assignment::MonotonicUsec(time),
            Self::Time(Time::Watchdog, time) => Assignment::WatchdogUsec(time),
            Self::Time(Time::ExtendTimeout, time) => Assignment::ExtendTimeoutUsec(time),
            Self::Text(text, value) => text.assignment(value),
            Self::LongText(text, len) => text.assignment(&LONG[..usize::from(len) % LONG.len()]),
            Self::NotifyAccess(access) => Assignment::NotifyAccess(match access {
                Access::None => NotifyAccess::None,
                Access::Main => NotifyAccess::Main,
                Access::Exec => NotifyAccess::Exec,
                Access::All => NotifyAccess::All,
            }),
            Self::Errno(number) => Assignment::Errno(ErrnoValue::Number(number)),
            Self::ErrnoName(name) => Assignment::Errno(ErrnoValue::Name(name)),
            Self::ExitStatus(status) => Assignment::ExitStatus(status),
            Self::MainPid(pid) => Assignment::MainPid(pid),
            Self::MainPidFdId(id) => Assignment::MainPidFdId(id),
            Self::SignalsLevel(level) => Assignment::SystemdSignalsLevel(level),
            Self::FdName(name) => match FdName::new(name) {
                Ok(name) => Assignment::FdName(name),
                Err(error) => {
                    assert!(!is_fd_name(name), "{name:?}: {error}");
                    assert_presentable(&error);
                    return None;
                }
            },
            Self::Other(key, value) => Assignment::Other { key, value },
        })
    }

    /// Its line, by the rules as they are written down; none where it must be refused.
    fn line(self) -> Option<Vec<u8>> {
        let number = |key: &str, number: u128| Some(format!("{key}={number}").into_bytes());
        match self {
            Self::Flag(flag) => Some(
                match flag {
                    Flag::Ready => "READY=1",
                    Flag::Reloading => "RELOADING=1",
                    Flag::Stopping => "STOPPING=1",
                    Flag::MainPidFd => "MAINPIDFD=1",
                    Flag::Watchdog => "WATCHDOG=1",
                    Flag::WatchdogTrigger => "WATCHDOG=trigger",
                    Flag::RestartReset => "RESTART_RESET=1",
                    Flag::FdStore => "FDSTORE=1",
                    Flag::FdStoreRemove => "FDSTOREREMOVE=1",
                    Flag::FdPollOff => "FDPOLL=0",
                    Flag::Barrier => "BARRIER=1",
                }
                .into(),
            ),
            Self::Time(key, time) => {
                let key = match key {
                    Time::Monotonic => "MONOTONIC_USEC",
                    Time::Watchdog => "WATCHDOG_USEC",
                    Time::ExtendTimeout => "EXTEND_TIMEOUT_USEC",
                };
                let microseconds = time.as_micros();
                if microseconds > u128::from(u64::MAX) { None } else { number(key, microseconds) }
            }
            Self::Text(text, value) => one_line(text.key().as_bytes(), value.as_bytes()),
            Self::LongText(text, len) => {
                one_line(text.key().as_bytes(), LONG[..usize::from(len) % LONG.len()].as_bytes())
            }
            Self::NotifyAccess(access) => Some(
                match access {
                    Access::None => "NOTIFYACCESS=none",
                    Access::Main => "NOTIFYACCESS=main",
                    Access::Exec => "NOTIFYACCESS=exec",
                    Access::All => "NOTIFYACCESS=all",
                }
                .into(),
            ),
            Self::Errno(value) => (value <= 4095).then(|| format!("ERRNO={value}").into_bytes()),
            Self::ErrnoName(name) => {
                let rest = name.strip_prefix('E')?;
                let good = !rest.is_empty() && rest.chars().all(|c| matches!(c, 'A'..='Z' | '0'..='9'));
                good.then(|| format!("ERRNO={name}").into_bytes())
            }
            Self::ExitStatus(status) => number("EXIT_STATUS", status.into()),
            Self::MainPid(pid) if pid < 2 || pid > i32::MAX as u32 => None,
            Self::MainPid(pid) => number("MAINPID", pid.into()),
            Self::MainPidFdId(id) => number("MAINPIDFDID", id.into()),
            Self::SignalsLevel(level) => number("X_SYSTEMD_SIGNALS_LEVEL", level.into()),
            Self::FdName(name) => is_fd_name(name).then(|| format!("FDNAME={name}").into_bytes()),
            Self::Other(key, value) => {
                let good = !key.is_empty() && key.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'=');
                if good && !is_known(key) { one_line(key, value) } else { None }
            }
        }
    }

    /// How it reads once it was written: microseconds are the finest that there is.
    fn read_back(self, assignment: Assignment<'a>) -> Assignment<'a> {
        match (self, assignment) {
            (Self::Time(key, time), _) => {
                let time = Duration::from_micros(time.as_micros() as u64);
                Self::Time(key, time).assignment().unwrap()
            }
            (_, assignment) => assignment,
        }
    }
}

impl Text {
    fn key(self) -> &'static str {
        match self {
            Self::Status => "STATUS",
            Self::BusError => "BUSERROR",
            Self::VarlinkError => "VARLINKERROR",
            Self::Hostname => "X_SYSTEMD_HOSTNAME",
            Self::MachineId => "X_SYSTEMD_MACHINE_ID",
            Self::UnitActive => "X_SYSTEMD_UNIT_ACTIVE",
            Self::UnitInactive => "X_SYSTEMD_UNIT_INACTIVE",
            Self::Shutdown => "X_SYSTEMD_SHUTDOWN",
            Self::RebootParameter => "X_SYSTEMD_REBOOT_PARAMETER",
        }
    }

    fn assignment(self, value: &str) -> Assignment<'_> {
        match self {
            Self::Status => Assignment::Status(value),
            Self::BusError => Assignment::BusError(value),
            Self::VarlinkError => Assignment::VarlinkError(value),
            Self::Hostname => Assignment::SystemdHostname(value),
            Self::MachineId => Assignment::SystemdMachineId(value),
            Self::UnitActive => Assignment::SystemdUnitActive(value),
            Self::UnitInactive => Assignment::SystemdUnitInactive(value),
            Self::Shutdown => Assignment::SystemdShutdown(value),
            Self::RebootParameter => Assignment::SystemdRebootParameter(value),
        }
    }
}

fn one_line(key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let good = !value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0));
    good.then(|| [key, b"=", value].concat())
}

fn is_fd_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.chars().all(|c| (' '..='~').contains(&c) && c != ':')
}

/// The key of a line, where it may stand in a message only once.
fn once(line: &[u8]) -> Option<&[u8]> {
    let key = line.split(|byte| *byte == b'=').next()?;
    is_known(key).then_some(key)
}

/// Whether a manager would take these lines together.
fn go_together(lines: &[Vec<u8>]) -> bool {
    let has = |prefix: &str| lines.iter().any(|line| line.starts_with(prefix.as_bytes()));
    !(has("BARRIER=") && lines.len() > 1
        || has("RELOADING=") && !has("MONOTONIC_USEC=")
        || has("FDSTOREREMOVE=") && !has("FDNAME=")
        || has("FDNAME=") && !has("FDSTORE=") && !has("FDSTOREREMOVE=")
        || has("FDPOLL=") && !has("FDSTORE="))
}

fuzz_target!(|given: Vec<Given<'_>>| {
    let mut message = MessageBuf::new([]).unwrap();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut expected = Vec::new();
    let mut len = 0;
    for given in given {
        let line = given.line();
        let Some(assignment) = given.assignment() else {
            assert_eq!(line, None);
            continue;
        };
        let acceptable = line.filter(|line| {
            let new = once(line).is_none_or(|key| lines.iter().all(|earlier| once(earlier) != Some(key)));
            new && len + usize::from(len > 0) + line.len() <= MESSAGE_MAX
        });
        match (message.push(assignment), acceptable) {
            (Ok(_), Some(line)) => {
                len += usize::from(len > 0) + line.len();
                lines.push(line);
                expected.push(Ok(given.read_back(assignment)));
            }
            (Err(error), None) => assert_presentable(&error),
            (own, line) => panic!("{assignment:?} came to {own:?}, but should be {line:?}"),
        }
    }

    match message.as_message() {
        Ok(built) => {
            assert!(go_together(&lines), "{built:?}");
            // Exactly these bytes: what was refused has left nothing behind.
            assert_eq!(built.as_bytes(), lines.join(&b'\n'));
            assert_eq!(Message::parse(built.as_bytes()), Ok(built));
            assert_eq!(built.lines().count(), lines.len());
            assert!(built.lines().all(|line| !line.is_shadowed()));
            assert_eq!(built.assignments().collect::<Vec<_>>(), expected);
        }
        Err(error) => {
            assert!(!go_together(&lines), "{message:?}: {error}");
            assert_presentable(&error);
        }
    }
});
