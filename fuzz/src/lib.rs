//! What the targets share: the protocol's rules once more, written as plainly as can be.
//!
//! The library is made to be fast and to need no allocator; this is made to be compared with the manual pages. It
//! takes nothing from the library but its limits.

use readyup::protocol::MESSAGE_MAX;

/// The keys of which a manager looks for this one line and no other.
pub const FLAGS: [&str; 9] = [
    "READY=1",
    "RELOADING=1",
    "STOPPING=1",
    "MAINPIDFD=1",
    "RESTART_RESET=1",
    "FDSTORE=1",
    "FDSTOREREMOVE=1",
    "FDPOLL=0",
    "BARRIER=1",
];

/// The keys of which a manager takes the first line that begins so.
pub const VALUES: [&str; 20] = [
    "MONOTONIC_USEC=",
    "STATUS=",
    "NOTIFYACCESS=",
    "ERRNO=",
    "BUSERROR=",
    "VARLINKERROR=",
    "EXIT_STATUS=",
    "MAINPID=",
    "MAINPIDFDID=",
    "WATCHDOG=",
    "WATCHDOG_USEC=",
    "EXTEND_TIMEOUT_USEC=",
    "FDNAME=",
    "X_SYSTEMD_HOSTNAME=",
    "X_SYSTEMD_MACHINE_ID=",
    "X_SYSTEMD_SIGNALS_LEVEL=",
    "X_SYSTEMD_UNIT_ACTIVE=",
    "X_SYSTEMD_UNIT_INACTIVE=",
    "X_SYSTEMD_SHUTDOWN=",
    "X_SYSTEMD_REBOOT_PARAMETER=",
];

/// Whether `key` is one of the protocol's.
pub fn is_known(key: &[u8]) -> bool {
    FLAGS.iter().chain(&VALUES).any(|line| line.split('=').next().unwrap().as_bytes() == key)
}

/// Why a payload is dropped.
#[derive(Debug, PartialEq, Eq)]
pub enum Drop {
    TooLong,
    Nul,
}

/// The text of a received payload, if it is taken at all.
pub fn received(payload: &[u8]) -> Result<&[u8], Drop> {
    if payload.len() > MESSAGE_MAX {
        return Err(Drop::TooLong);
    }
    let text = payload.strip_suffix(b"\0").unwrap_or(payload);
    if text.contains(&0) { Err(Drop::Nul) } else { Ok(text) }
}

/// The lines of a text, and whether an earlier one takes their place.
pub fn lines(text: &[u8]) -> Vec<(&[u8], bool)> {
    let mut lines: Vec<(&[u8], bool)> = Vec::new();
    for line in text.split(|byte| *byte == b'\n' || *byte == b'\r') {
        if line.is_empty() {
            continue;
        }
        let flag = FLAGS.iter().find(|flag| flag.as_bytes() == line);
        let value = VALUES.iter().find(|value| line.starts_with(value.as_bytes()));
        let shadowed = lines.iter().any(|(earlier, _)| match (flag, value) {
            (Some(flag), _) => *earlier == flag.as_bytes(),
            (_, Some(value)) => earlier.starts_with(value.as_bytes()),
            (None, None) => false,
        });
        lines.push((line, shadowed));
    }
    lines
}

/// An error's text ends in a terminal or a journal, whoever the bytes in it came from.
#[track_caller]
pub fn assert_presentable(error: &impl std::error::Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 400, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
}
