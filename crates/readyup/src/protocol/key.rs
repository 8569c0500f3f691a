//! The keys that the protocol knows, in one table.

/// A known key. The discriminant is its bit in a [`KeySet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Key {
    Ready,
    Reloading,
    Stopping,
    MonotonicUsec,
    Status,
    NotifyAccess,
    Errno,
    BusError,
    VarlinkError,
    ExitStatus,
    MainPid,
    MainPidFdId,
    MainPidFd,
    Watchdog,
    WatchdogUsec,
    ExtendTimeoutUsec,
    RestartReset,
    FdStore,
    FdStoreRemove,
    FdName,
    FdPoll,
    Barrier,
    SystemdHostname,
    SystemdMachineId,
    SystemdSignalsLevel,
    SystemdUnitActive,
    SystemdUnitInactive,
    SystemdShutdown,
    SystemdRebootParameter,
}

/// Every known key and its spelling on the wire.
pub(crate) const KEYS: [(Key, &str); 29] = [
    (Key::Ready, "READY"),
    (Key::Reloading, "RELOADING"),
    (Key::Stopping, "STOPPING"),
    (Key::MonotonicUsec, "MONOTONIC_USEC"),
    (Key::Status, "STATUS"),
    (Key::NotifyAccess, "NOTIFYACCESS"),
    (Key::Errno, "ERRNO"),
    (Key::BusError, "BUSERROR"),
    (Key::VarlinkError, "VARLINKERROR"),
    (Key::ExitStatus, "EXIT_STATUS"),
    (Key::MainPid, "MAINPID"),
    (Key::MainPidFdId, "MAINPIDFDID"),
    (Key::MainPidFd, "MAINPIDFD"),
    (Key::Watchdog, "WATCHDOG"),
    (Key::WatchdogUsec, "WATCHDOG_USEC"),
    (Key::ExtendTimeoutUsec, "EXTEND_TIMEOUT_USEC"),
    (Key::RestartReset, "RESTART_RESET"),
    (Key::FdStore, "FDSTORE"),
    (Key::FdStoreRemove, "FDSTOREREMOVE"),
    (Key::FdName, "FDNAME"),
    (Key::FdPoll, "FDPOLL"),
    (Key::Barrier, "BARRIER"),
    (Key::SystemdHostname, "X_SYSTEMD_HOSTNAME"),
    (Key::SystemdMachineId, "X_SYSTEMD_MACHINE_ID"),
    (Key::SystemdSignalsLevel, "X_SYSTEMD_SIGNALS_LEVEL"),
    (Key::SystemdUnitActive, "X_SYSTEMD_UNIT_ACTIVE"),
    (Key::SystemdUnitInactive, "X_SYSTEMD_UNIT_INACTIVE"),
    (Key::SystemdShutdown, "X_SYSTEMD_SHUTDOWN"),
    (Key::SystemdRebootParameter, "X_SYSTEMD_REBOOT_PARAMETER"),
];

impl Key {
    /// The key spelled `name`, if it is a known one.
    pub(crate) fn find(name: &[u8]) -> Option<Self> {
        KEYS.iter().find(|(_, spelling)| spelling.as_bytes() == name).map(|(key, _)| *key)
    }

    /// The one line that has an effect, for a flag; nothing for other keys.
    pub(crate) const fn as_flag(self) -> &'static str {
        match self {
            Self::Ready => "READY=1",
            Self::Reloading => "RELOADING=1",
            Self::Stopping => "STOPPING=1",
            Self::MainPidFd => "MAINPIDFD=1",
            Self::RestartReset => "RESTART_RESET=1",
            Self::FdStore => "FDSTORE=1",
            Self::FdStoreRemove => "FDSTOREREMOVE=1",
            Self::Barrier => "BARRIER=1",
            Self::FdPoll => "FDPOLL=0",
            _ => "",
        }
    }

    /// The spelling on the wire.
    pub(crate) fn name(self) -> &'static str {
        KEYS.get(self as usize).map_or("", |(_, spelling)| spelling)
    }
}

/// Which known keys a message has had so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeySet(u32);

impl KeySet {
    /// Adds `key`; false when it was there already.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        let bit = 1u32 << (key as u8 & 31);
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    pub(crate) fn contains(self, key: Key) -> bool {
        self.0 & (1u32 << (key as u8 & 31)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_table_is_in_the_enum_s_order_and_fits_a_key_set() {
        for (position, (key, spelling)) in KEYS.iter().enumerate() {
            assert_eq!(*key as usize, position, "{spelling}");
            assert_eq!(Key::find(spelling.as_bytes()), Some(*key));
            assert_eq!(key.name(), *spelling);
        }
        assert!(KEYS.len() <= 32);
    }

    #[test]
    fn ok_key_set_takes_each_key_once() {
        let mut seen = KeySet::default();
        for (key, spelling) in KEYS {
            assert!(!seen.contains(key), "{spelling}");
            assert!(seen.insert(key), "{spelling}");
            assert!(!seen.insert(key), "{spelling}");
        }
    }
}
