//! What messages do.

use super::input::is_believed;
use super::life::Said;
use super::store::{self, NotStored, StoredFd};
use super::{Effect, FdKey, MainPidRefusal, Notification, Refusal, Service, ServiceResult, SubState, errno, number};
use crate::protocol::{Message, NotifyAccess, microseconds};
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
    if fields.main_pid_fd && systemd >= 257 {
        return Some(NamedProcess::PidFd);
    }
    fields.main_pid.and_then(number::pid).map(NamedProcess::Pid)
}

/// The lines of a message that count.
#[derive(Default)]
struct Fields<'a> {
    ready: bool,
    reloading: bool,
    stopping: bool,
    /// The last of the three.
    last: Option<Flag>,
    main_pid_fd: bool,
    restart_reset: bool,
    fd_store: bool,
    fd_store_remove: bool,
    fd_poll_off: bool,
    monotonic_usec: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    notify_access: Option<&'a [u8]>,
    errno: Option<&'a [u8]>,
    bus_error: Option<&'a [u8]>,
    varlink_error: Option<&'a [u8]>,
    main_pid: Option<&'a [u8]>,
    main_pid_fd_id: Option<&'a [u8]>,
    watchdog: Option<&'a [u8]>,
    watchdog_usec: Option<&'a [u8]>,
    extend_timeout_usec: Option<&'a [u8]>,
    fd_name: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
enum Flag {
    Ready,
    Reloading,
    Stopping,
}

impl<'a> Fields<'a> {
    fn of(message: Message<'a>) -> Self {
        let mut fields = Self::default();
        for line in message.lines() {
            let Some(value) = line.value() else { continue };
            let first = !line.is_shadowed();
            let set = |field: &mut Option<&'a [u8]>| {
                if first {
                    *field = Some(value);
                }
            };
            match (line.key(), value) {
                (b"READY", b"1") => (fields.ready, fields.last) = (true, Some(Flag::Ready)),
                (b"RELOADING", b"1") => (fields.reloading, fields.last) = (true, Some(Flag::Reloading)),
                (b"STOPPING", b"1") => (fields.stopping, fields.last) = (true, Some(Flag::Stopping)),
                (b"MAINPIDFD", b"1") => fields.main_pid_fd = true,
                (b"RESTART_RESET", b"1") => fields.restart_reset = true,
                (b"FDSTORE", b"1") => fields.fd_store = true,
                (b"FDSTOREREMOVE", b"1") => fields.fd_store_remove = true,
                (b"FDPOLL", b"0") => fields.fd_poll_off = true,
                (b"MONOTONIC_USEC", _) => set(&mut fields.monotonic_usec),
                (b"STATUS", _) => set(&mut fields.status),
                (b"NOTIFYACCESS", _) => set(&mut fields.notify_access),
                (b"ERRNO", _) => set(&mut fields.errno),
                (b"BUSERROR", _) => set(&mut fields.bus_error),
                (b"VARLINKERROR", _) => set(&mut fields.varlink_error),
                (b"MAINPID", _) => set(&mut fields.main_pid),
                (b"MAINPIDFDID", _) => set(&mut fields.main_pid_fd_id),
                (b"WATCHDOG", _) => set(&mut fields.watchdog),
                (b"WATCHDOG_USEC", _) => set(&mut fields.watchdog_usec),
                (b"EXTEND_TIMEOUT_USEC", _) => set(&mut fields.extend_timeout_usec),
                (b"FDNAME", _) => set(&mut fields.fd_name),
                _ => {}
            }
        }
        fields
    }

    /// A known line is there that systemd knows only from some version on.
    fn newer_than(&self, systemd: u32) -> impl Iterator<Item = (&'static str, u32)> {
        [
            (self.monotonic_usec.is_some(), "MONOTONIC_USEC", 253),
            (self.notify_access.is_some(), "NOTIFYACCESS", 254),
            (self.bus_error.is_some(), "BUSERROR", 257),
            (self.varlink_error.is_some(), "VARLINKERROR", 257),
            (self.main_pid_fd_id.is_some(), "MAINPIDFDID", 257),
            (self.main_pid_fd, "MAINPIDFD", 257),
            (self.restart_reset, "RESTART_RESET", 258),
        ]
        .into_iter()
        .filter(move |(given, _, since)| *given && systemd < *since)
        .map(|(_, key, since)| (key, since))
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
        if let Some(value) = fields.extend_timeout_usec {
            match number::unsigned(value) {
                Some(0 | u64::MAX) => {}
                Some(usec) => self.extend(now.saturating_add(Duration::from_micros(usec))),
                None => self.refuse(Refusal::Value { key: "EXTEND_TIMEOUT_USEC" }),
            }
        }
        match fields.watchdog {
            Some(b"1") => self.reset_watchdog(now),
            Some(b"trigger") => self.enter_signal(now, SubState::StopWatchdog, ServiceResult::Watchdog),
            Some(_) => self.refuse(Refusal::Value { key: "WATCHDOG" }),
            None => {}
        }
        if let Some(value) = fields.watchdog_usec {
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
        let by_pidfd = modern && fields.main_pid_fd;
        let refusal = match (by_pidfd, fields.main_pid) {
            (false, None) => return,
            (true, _) if notification.fds.len() != 1 || notification.named.is_none() => Some(MainPidRefusal::PidFd),
            (false, Some(value)) if number::pid(value).is_none() => {
                return self.refuse(Refusal::Value { key: "MAINPID" });
            }
            _ => None,
        };
        let pid = match fields.main_pid {
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
        if let Some(value) = fields.main_pid_fd_id.filter(|_| checks) {
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
        } else if fields.stopping {
            Some(Flag::Stopping)
        } else if fields.ready {
            Some(Flag::Ready)
        } else if fields.reloading {
            Some(Flag::Reloading)
        } else {
            None
        };
        let time = self.take_time(fields);
        let key = match flag {
            Some(Flag::Stopping) => return self.take_stopping(now),
            Some(Flag::Ready) => "READY",
            Some(Flag::Reloading) => "RELOADING",
            None => return,
        };
        if self.config.systemd >= 259 && self.said == Said::Stopping {
            return self.refuse(Refusal::AfterStopping { key });
        }
        match flag {
            Some(Flag::Ready) => self.take_ready(now, fields, time),
            _ => self.take_reloading(now, time),
        }
    }

    fn take_time(&mut self, fields: &Fields<'_>) -> Option<Duration> {
        let value = fields.monotonic_usec.filter(|_| self.config.systemd >= 253)?;
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
        if fields.reloading && waits && self.is_of_this_reload(time) {
            self.finish_reload(now, ServiceResult::Success);
        } else if waits && !fields.reloading {
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
        if let Some(value) = fields.status {
            let text = core::str::from_utf8(value).ok().filter(|text| !text.chars().any(is_noncharacter));
            if text.is_none() {
                self.refuse(Refusal::StatusNotUtf8);
            }
            self.status_text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        }
        if let Some(value) = fields.notify_access.filter(|_| self.config.systemd >= 254) {
            let all = [NotifyAccess::None, NotifyAccess::Main, NotifyAccess::Exec, NotifyAccess::All];
            let access = all.into_iter().find(|access| access.as_str().as_bytes() == value);
            if access.is_none() {
                self.refuse(Refusal::AccessReset);
            }
            if access != Some(self.notify_access()) {
                self.access_override = access;
            }
        }
        if let Some(value) = fields.errno {
            match errno::parse(value) {
                Some(number) => self.status_errno = number,
                None => self.refuse(Refusal::Value { key: "ERRNO" }),
            }
        }
        if self.config.systemd >= 257 {
            for (key, value) in [("BUSERROR", fields.bus_error), ("VARLINKERROR", fields.varlink_error)] {
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
        if fields.fd_store_remove {
            match fields.fd_name.and_then(store::name) {
                Some(name) => {
                    let removed = self.store.remove(name);
                    self.effects.extend(removed.into_iter().map(Effect::CloseFd));
                }
                None => self.refuse(Refusal::RemoveName),
            }
        } else if fields.fd_store {
            let name = match fields.fd_name.map(store::name) {
                Some(None) => {
                    self.refuse(Refusal::StoreName);
                    "stored"
                }
                Some(Some(name)) => name,
                None => "stored",
            };
            // The pidfd of the main process is taken out before.
            if fields.main_pid_fd && fds.len() == 1 && self.config.systemd >= 257 {
                return;
            }
            while let Some((fd, rest)) = fds.split_first() {
                let stored = StoredFd { fd: *fd, name: name.to_owned(), poll: !fields.fd_poll_off };
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
