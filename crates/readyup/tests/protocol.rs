//! Properties of the protocol's types, tried with many values.

use proptest::prelude::*;
use readyup::protocol::{ErrnoValue, ListenFds, ListenVariables};
use readyup::{Address, Assignment, FdName, Message, MessageBuf, NotifyAccess, WatchdogSettings};
use std::time::Duration;

/// One assignment with owned values.
#[derive(Clone, Debug)]
enum Owned {
    Status(String),
    BusError(String),
    MainPid(u32),
    Errno(u16),
    Watchdog,
    WatchdogUsec(u64),
    Access(usize),
    Name(String),
    Other(String, Vec<u8>),
}

fn owned() -> impl Strategy<Value = Owned> {
    prop_oneof![
        any::<String>().prop_map(Owned::Status),
        "[a-z\n\r.]{0,40}".prop_map(Owned::BusError),
        any::<u32>().prop_map(Owned::MainPid),
        any::<u16>().prop_map(Owned::Errno),
        Just(Owned::Watchdog),
        any::<u64>().prop_map(Owned::WatchdogUsec),
        (0..4usize).prop_map(Owned::Access),
        "[ -~]{0,300}".prop_map(Owned::Name),
        ("[A-Z_=\n]{0,10}", any::<Vec<u8>>()).prop_map(|(key, value)| Owned::Other(key, value)),
    ]
}

impl Owned {
    fn assignment(&self) -> Option<Assignment<'_>> {
        Some(match self {
            Self::Status(text) => Assignment::Status(text),
            Self::BusError(text) => Assignment::BusError(text),
            Self::MainPid(pid) => Assignment::MainPid(*pid),
            Self::Errno(number) => Assignment::Errno(ErrnoValue::Number(*number)),
            Self::Watchdog => Assignment::Watchdog,
            Self::WatchdogUsec(usec) => Assignment::WatchdogUsec(Duration::from_micros(*usec)),
            Self::Access(number) => Assignment::NotifyAccess(
                [NotifyAccess::None, NotifyAccess::Main, NotifyAccess::Exec, NotifyAccess::All][*number],
            ),
            Self::Name(name) => Assignment::FdName(FdName::new(name).ok()?),
            Self::Other(key, value) => Assignment::Other { key: key.as_bytes(), value },
        })
    }
}

proptest! {
    /// What was accepted comes back, and nothing else does.
    #[test]
    fn built_messages_parse_to_what_was_pushed(parts in proptest::collection::vec(owned(), 0..12)) {
        let mut message = MessageBuf::new([]).unwrap();
        let mut accepted = Vec::new();
        for part in &parts {
            if let Some(assignment) = part.assignment() {
                if message.push(assignment).is_ok() {
                    accepted.push(assignment);
                }
            }
        }
        if let Ok(message) = message.as_message() {
            prop_assert!(message.as_bytes().len() <= 4096);
            let again = Message::parse(message.as_bytes()).unwrap();
            let decoded: Result<Vec<_>, _> = again.assignments().collect();
            prop_assert_eq!(decoded.unwrap(), accepted);
        }
    }

    /// Any bytes are taken apart without harm, and the lines are those between line ends.
    #[test]
    fn any_payload_is_taken_apart(payload in proptest::collection::vec(any::<u8>(), 0..5000)) {
        if let Ok(message) = Message::parse(&payload) {
            let lines: Vec<_> = message.lines().map(|line| line.as_bytes().to_vec()).collect();
            let expected: Vec<_> = message
                .as_bytes()
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .filter(|line| !line.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            prop_assert_eq!(lines, expected);
            for assignment in message.assignments() {
                let _ = assignment.map_err(|error| error.to_string());
            }
        } else {
            prop_assert!(payload.len() > 4096 || payload[..payload.len() - 1].contains(&0));
        }
    }

    #[test]
    fn addresses_round_trip(text in "([/@]|vsock(-stream|-dgram|-seqpacket)?:)?[ -~]{0,120}") {
        match text.parse::<Address>() {
            Ok(address) => prop_assert_eq!(address.to_string().parse(), Ok(address)),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_environment_is_read(
        usec in proptest::option::of("[ -~]{0,25}|[0-9]{1,21}"),
        pid in proptest::option::of("[ -~]{0,12}|[0-9]{1,11}"),
        fds in proptest::option::of("[ -~]{0,12}|[0-9]{1,4}"),
        names in proptest::option::of("[a-z:]{0,30}"),
    ) {
        let bytes = |value: &Option<String>| value.as_ref().map(|value| value.as_bytes().to_vec());
        let (usec, pid, fds, names) = (bytes(&usec), bytes(&pid), bytes(&fds), bytes(&names));
        if let Ok(Some(settings)) = WatchdogSettings::parse(usec.as_deref(), pid.as_deref(), 42) {
            prop_assert!(settings.interval() <= settings.period());
            prop_assert!(!settings.period().is_zero());
        }
        let values = ListenVariables { pid: Some(b"42"), fds: fds.as_deref(), names: names.as_deref(), pidfd_id: None };
        if let Ok(passed) = ListenFds::parse(&values, 42, None) {
            if passed.count() < 10_000 {
                prop_assert_eq!(passed.names().count(), passed.count() as usize);
            }
        }
    }
}
