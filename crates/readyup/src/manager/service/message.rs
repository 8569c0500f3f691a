//! What messages do.

use super::input::is_believed;
use super::life::Said;
use super::store::{self, NotStored, StoredFd};
use super::{Effect, FdKey, MainPidRefusal, Notification, Refusal, Service, ServiceResult, SubState, errno, number};
use crate::protocol::{KEYS, Key, Message, NotifyAccess, microseconds};
use alloc::{borrow::ToOwned as _, vec::Vec};
use core::time::Duration;

/// How a message names the process that is to be the main process.
///
/// ```
/// use readyup::Message;
/// use readyup::manager::service::{Config, NamedProcess, Service, ServiceType};
///
/// let service = Service::new(Config::new(ServiceType::Notify));
/// assert_eq!(service.named_process(Message::raw(b"MAINPID=42")?), Some(NamedProcess::Pid(42)));
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamedProcess {
    /// By the pidfd beside the message.
    PidFd,
    /// By its id.
    Pid(u32),
}

/// Which process a message names as the main process, to this version of systemd.
pub(super) fn named_process(message: Message<'_>, systemd: u32) -> Option<NamedProcess> {
    let fields = Fields::of(message);
    if fields.has(Key::MainPidFd) && systemd >= 257 {
        return Some(NamedProcess::PidFd);
    }
    fields.value(Key::MainPid).and_then(number::pid).map(NamedProcess::Pid)
}

/// The lines of a message that count.
struct Fields<'a> {
    values: [Option<&'a [u8]>; KEYS.len()],
    /// The last of `READY=1`, `RELOADING=1` and `STOPPING=1`.
    last: Option<Key>,
}

impl<'a> Fields<'a> {
    fn of(message: Message<'a>) -> Self {
        let mut fields = Self { values: [None; KEYS.len()], last: None };
        for line in message.lines() {
            let Some(key) = line.known_key() else { continue };
            if let Some(field) = fields.values.get_mut(key as usize).filter(|_| !line.is_shadowed()) {
                *field = line.value();
            }
            if matches!(key, Key::Ready | Key::Reloading | Key::Stopping) {
                fields.last = Some(key);
            }
        }
        fields
    }

    fn value(&self, key: Key) -> Option<&'a [u8]> {
        self.values.get(key as usize).copied().flatten()
    }

    fn has(&self, key: Key) -> bool {
        self.value(key).is_some()
    }

    /// A known line is there that systemd knows only from some version on.
    fn newer_than(&self, systemd: u32) -> impl Iterator<Item = (&'static str, u32)> {
        [
            (Key::MonotonicUsec, 253),
            (Key::NotifyAccess, 254),
            (Key::BusError, 257),
            (Key::VarlinkError, 257),
            (Key::MainPidFdId, 257),
            (Key::MainPidFd, 257),
            (Key::RestartReset, 258),
        ]
        .into_iter()
        .filter(move |(key, since)| self.has(*key) && systemd < *since)
        .map(|(key, since)| (key.name(), since))
    }
}

impl Service {
    /// A process of the unit has said something.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Effect, Notification, Refusal, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// let effects = service.on_message(now, &Notification::new(Message::READY, 43, 0));
    /// assert!(matches!(effects[..], [Effect::Refused(Refusal::Access { sender: 43, .. })]));
    /// ```
    pub fn on_message(&mut self, now: Duration, notification: &Notification<'_>) -> Vec<Effect> {
        let mut fds = notification.fds;
        let access = self.notify_access();
        if is_believed(access, notification.pid, self.main_pid(), self.control_pid()) {
            self.take(now, notification, &mut fds);
        } else {
            self.refuse(Refusal::Access { sender: notification.pid, access, main: self.main_pid() });
        }
        self.effects.extend(fds.iter().copied().map(Effect::CloseFd));
        self.finish()
    }

    fn take(&mut self, now: Duration, notification: &Notification<'_>, fds: &mut &[FdKey]) {
        let fields = Fields::of(notification.message);
        let systemd = self.config.systemd;
        for (key, since) in fields.newer_than(systemd) {
            self.refuse(Refusal::Unknown { key, since });
        }
        self.take_main_pid(&fields, notification);
        self.take_state(now, &fields);
        self.take_status(&fields);
        if let Some(value) = fields.value(Key::ExtendTimeoutUsec) {
            match number::unsigned(value) {
                Some(0 | u64::MAX) => {}
                Some(usec) => self.extend(now.saturating_add(Duration::from_micros(usec))),
                None => self.refuse(Refusal::Value { key: "EXTEND_TIMEOUT_USEC" }),
            }
        }
        match fields.value(Key::Watchdog) {
            Some(b"1") => self.reset_watchdog(now),
            Some(b"trigger") => self.enter_signal(now, SubState::StopWatchdog, ServiceResult::Watchdog),
            Some(_) => self.refuse(Refusal::Value { key: "WATCHDOG" }),
            None => {}
        }
        if let Some(value) = fields.value(Key::WatchdogUsec) {
            match number::unsigned(value) {
                Some(usec) => {
                    let period = (usec != 0 && usec != u64::MAX).then(|| Duration::from_micros(usec));
                    self.watchdog_override = Some(period);
                    self.reset_watchdog(now);
                }
                None => self.refuse(Refusal::Value { key: "WATCHDOG_USEC" }),
            }
        }
        self.take_fds(&fields, fds);
    }

    fn take_main_pid(&mut self, fields: &Fields<'_>, notification: &Notification<'_>) {
        let modern = self.config.systemd >= 257;
        let by_pidfd = modern && fields.has(Key::MainPidFd);
        let refusal = match (by_pidfd, fields.value(Key::MainPid)) {
            (false, None) => return,
            (true, _) if notification.fds.len() != 1 || notification.named.is_none() => Some(MainPidRefusal::PidFd),
            (false, Some(value)) if number::pid(value).is_none() => {
                return self.refuse(Refusal::Value { key: "MAINPID" });
            }
            _ => None,
        };
        let pid = match fields.value(Key::MainPid) {
            Some(value) if !by_pidfd => number::pid(value),
            _ => None,
        };
        let found = notification.named.filter(|process| pid.is_none_or(|pid| process.pid == pid));
        let refusal = refusal.or_else(|| match (self.may_change_main(), pid) {
            (false, _) => Some(MainPidRefusal::State(self.state)),
            (true, Some(pid)) if self.main_pid() == Some(pid) => None,
            (true, Some(1)) => Some(MainPidRefusal::Manager),
            (true, pid) => self.unsuitable(fields, notification, pid.is_some(), found.map(|process| process.pid)),
        });
        if let Some(refusal) = refusal {
            return self.refuse(Refusal::MainPid(refusal));
        }
        if let Some(process) = found.filter(|process| self.main_pid() != Some(process.pid)) {
            self.set_main(process.pid, process.own_child);
        }
    }

    /// Why the process that was found cannot be the main process.
    fn unsuitable(
        &self,
        fields: &Fields<'_>,
        notification: &Notification<'_>,
        by_pid: bool,
        found: Option<u32>,
    ) -> Option<MainPidRefusal> {
        let (Some(_), Some(process)) = (found, notification.named) else {
            return Some(MainPidRefusal::NoProcess);
        };
        let checks = by_pid && self.config.systemd >= 257;
        if let Some(value) = fields.value(Key::MainPidFdId).filter(|_| checks) {
            match (number::unsigned(value), process.pidfd_id) {
                (None, _) => return Some(MainPidRefusal::PidFdId),
                (Some(said), Some(id)) if said != id => return Some(MainPidRefusal::PidFdId),
                _ => {}
            }
        }
        if process.pid == 1 {
            Some(MainPidRefusal::Manager)
        } else if self.control_pid() == Some(process.pid) {
            Some(MainPidRefusal::ControlProcess)
        } else if !process.of_unit && notification.uid != 0 {
            Some(MainPidRefusal::Foreign)
        } else {
            None
        }
    }

    const fn may_change_main(&self) -> bool {
        match self.state {
            SubState::Start | SubState::StartPost | SubState::Running => true,
            SubState::Reload | SubState::ReloadSignal | SubState::ReloadNotify => true,
            SubState::Stop | SubState::StopSigterm => self.config.systemd >= 257,
            _ => false,
        }
    }

    fn take_state(&mut self, now: Duration, fields: &Fields<'_>) {
        let flag = if self.config.systemd < 253 {
            fields.last
        } else {
            [Key::Stopping, Key::Ready, Key::Reloading].into_iter().find(|key| fields.has(*key))
        };
        let time = self.take_time(fields);
        let Some(flag) = flag else { return };
        if flag == Key::Stopping {
            return self.take_stopping(now);
        }
        if self.config.systemd >= 259 && self.said == Said::Stopping {
            return self.refuse(Refusal::AfterStopping { key: flag.name() });
        }
        if flag == Key::Ready {
            self.take_ready(now, fields, time);
        } else {
            self.take_reloading(now, time);
        }
    }

    fn take_time(&mut self, fields: &Fields<'_>) -> Option<Duration> {
        let value = fields.value(Key::MonotonicUsec).filter(|_| self.config.systemd >= 253)?;
        let usec = number::unsigned(value);
        if usec.is_none() {
            self.refuse(Refusal::Value { key: "MONOTONIC_USEC" });
        }
        usec.filter(|usec| *usec != u64::MAX).map(Duration::from_micros)
    }

    fn take_stopping(&mut self, now: Duration) {
        self.said = Said::Stopping;
        let reloading = matches!(self.state, SubState::ReloadSignal | SubState::ReloadNotify);
        if self.state == SubState::Running || reloading {
            self.enter_stop_by_notify(now);
        }
    }

    fn take_ready(&mut self, now: Duration, fields: &Fields<'_>, time: Option<Duration>) {
        self.said = if self.said == Said::Reloading { Said::ReloadReady } else { Said::Ready };
        if self.config.systemd < 253 {
            if self.state == SubState::Start && self.config.service_type.notifies() {
                self.enter_start_post(now);
            }
            if self.state == SubState::Reload && self.control_pid().is_none() {
                self.finish_reload(now, ServiceResult::Success);
            }
            return;
        }
        let waits = self.state == SubState::ReloadSignal;
        if fields.has(Key::Reloading) && waits && self.is_of_this_reload(time) {
            self.finish_reload(now, ServiceResult::Success);
        } else if waits && !fields.has(Key::Reloading) {
            self.refuse(Refusal::ReadyBeforeReloading);
        }
        if self.state == SubState::Start && self.config.service_type.notifies() {
            let minds = self.reloads_by_signal() && !self.handles_reload_signal && self.config.systemd >= 262;
            if let Some(main) = self.main_pid().filter(|_| minds) {
                let signal = self.config.reload_signal;
                self.refuse(Refusal::ReloadSignalUnhandled { main, signal });
                return self.enter_signal(now, SubState::StopSigterm, ServiceResult::Protocol);
            }
            self.enter_start_post(now);
        }
        if self.state == SubState::ReloadNotify {
            self.finish_reload(now, ServiceResult::Success);
        }
    }

    fn take_reloading(&mut self, now: Duration, time: Option<Duration>) {
        self.said = Said::Reloading;
        if self.state == SubState::ReloadSignal && self.is_of_this_reload(time) {
            self.set_state(now, SubState::ReloadNotify);
        }
        if self.state == SubState::Running {
            self.enter_reload_by_notify(now);
        }
    }

    /// Whether the reload that the service speaks of began after it was asked for.
    fn is_of_this_reload(&mut self, time: Option<Duration>) -> bool {
        // The wire has whole microseconds.
        let asked = Duration::from_micros(microseconds(self.reload_begin).unwrap_or(u64::MAX));
        match time {
            None => self.refuse(Refusal::ReloadWithoutTime),
            Some(said) if said < asked => self.refuse(Refusal::ReloadTooEarly { said, asked }),
            Some(_) => return true,
        }
        false
    }

    fn take_status(&mut self, fields: &Fields<'_>) {
        if let Some(value) = fields.value(Key::Status) {
            let text = core::str::from_utf8(value).ok().filter(|text| !text.chars().any(is_noncharacter));
            if text.is_none() {
                self.refuse(Refusal::StatusNotUtf8);
            }
            self.status_text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        }
        if let Some(value) = fields.value(Key::NotifyAccess).filter(|_| self.config.systemd >= 254) {
            let access = NotifyAccess::find(value);
            if access.is_none() {
                self.refuse(Refusal::AccessReset);
            }
            if access != Some(self.notify_access()) {
                self.access_override = access;
            }
        }
        if let Some(value) = fields.value(Key::Errno) {
            match errno::parse(value) {
                Some(number) => self.status_errno = number,
                None => self.refuse(Refusal::Value { key: "ERRNO" }),
            }
        }
        if self.config.systemd >= 257 {
            for (key, value) in
                [("BUSERROR", fields.value(Key::BusError)), ("VARLINKERROR", fields.value(Key::VarlinkError))]
            {
                let Some(value) = value else { continue };
                match core::str::from_utf8(value) {
                    Ok(text) if value.iter().all(|byte| is_safe(*byte)) => {
                        let text = Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
                        match key {
                            "BUSERROR" => self.status_bus_error = text,
                            _ => self.status_varlink_error = text,
                        }
                    }
                    _ => self.refuse(Refusal::Value { key }),
                }
            }
        }
    }

    fn take_fds(&mut self, fields: &Fields<'_>, fds: &mut &[FdKey]) {
        if fields.has(Key::FdStoreRemove) {
            match fields.value(Key::FdName).and_then(store::name) {
                Some(name) => {
                    let removed = self.store.remove(name);
                    self.effects.extend(removed.into_iter().map(Effect::CloseFd));
                }
                None => self.refuse(Refusal::RemoveName),
            }
        } else if fields.has(Key::FdStore) {
            let name = match fields.value(Key::FdName).map(store::name) {
                Some(None) => {
                    self.refuse(Refusal::StoreName);
                    "stored"
                }
                Some(Some(name)) => name,
                None => "stored",
            };
            // The pidfd of the main process is taken out before.
            if fields.has(Key::MainPidFd) && fds.len() == 1 && self.config.systemd >= 257 {
                return;
            }
            while let Some((fd, rest)) = fds.split_first() {
                let stored = StoredFd { fd: *fd, name: name.to_owned(), poll: !fields.has(Key::FdPoll) };
                match self.store.add(stored.clone(), self.config.fd_store_max) {
                    Ok(()) => {
                        self.effects.push(Effect::StoreFd { fd: stored.fd, name: stored.name, poll: stored.poll });
                    }
                    Err(NotStored::Already) => {
                        self.refuse(Refusal::StoredAlready(*fd));
                        self.effects.push(Effect::CloseFd(*fd));
                    }
                    Err(NotStored::Full) => {
                        return self.refuse(Refusal::StoreFull { max: self.config.fd_store_max });
                    }
                }
                *fds = rest;
            }
        }
    }
}

/// Code points that are for nobody's text. Rust takes them, systemd does not.
fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{fdd0}'..='\u{fdef}') || u32::from(character) & 0xfffe == 0xfffe
}

/// What systemd takes in the name of an error: printable ASCII without quotes and backslashes.
const fn is_safe(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\')
}
