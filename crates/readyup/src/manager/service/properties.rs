//! What can be seen of a service: the properties of `systemctl show`.

use super::{ActiveState, Config, Service, ServiceResult, StoredFd, SubState};
use crate::protocol::NotifyAccess;
use core::time::Duration;

impl Service {
    /// What it was made with.
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.config().notify_access, NotifyAccess::Main); // with `none` nothing would work
    /// ```
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// `ActiveState` in `systemctl show`.
    ///
    /// ```
    /// use readyup::manager::service::{ActiveState, Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.active_state(), ActiveState::Inactive);
    /// ```
    #[must_use]
    pub const fn active_state(&self) -> ActiveState {
        self.state.active_state()
    }

    /// `SubState` in `systemctl show`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType, SubState};
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// service.start(readyup::monotonic_now());
    /// assert_eq!(service.sub_state(), SubState::Start);
    /// ```
    #[must_use]
    pub const fn sub_state(&self) -> SubState {
        self.state
    }

    /// `Result` in `systemctl show`: the first thing that went wrong since the start.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Exit, Service, ServiceResult, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_exit(now, 42, Exit::Code(0)); // without READY=1
    /// assert_eq!(service.result(), ServiceResult::Protocol);
    /// ```
    #[must_use]
    pub const fn result(&self) -> ServiceResult {
        self.result
    }

    /// `ReloadResult` in `systemctl show`: how the last reload went.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceResult, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::NotifyReload));
    /// assert_eq!(service.reload_result(), ServiceResult::Success);
    /// ```
    #[must_use]
    pub const fn reload_result(&self) -> ServiceResult {
        self.reload_result
    }

    /// `MainPID` in `systemctl show`, where none is 0.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// assert_eq!(service.main_pid(), Some(42));
    /// ```
    #[must_use]
    pub fn main_pid(&self) -> Option<u32> {
        self.main.map(|main| main.pid)
    }

    /// `ControlPID` in `systemctl show`, where none is 0: the process of an `Exec…=` command.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.control_pid(), None);
    /// ```
    #[must_use]
    pub const fn control_pid(&self) -> Option<u32> {
        self.control
    }

    /// `StatusText` in `systemctl show`: the last `STATUS=`.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Notification, Service, ServiceType};
    ///
    /// let (mut service, now) = (Service::new(Config::new(ServiceType::Notify)), readyup::monotonic_now());
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// service.on_message(now, &Notification::new(Message::raw(b"STATUS=Loading")?, 42, 0));
    /// assert_eq!(service.status_text(), Some("Loading"));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn status_text(&self) -> Option<&str> {
        self.status_text.as_deref()
    }

    /// `StatusErrno` in `systemctl show`: the last `ERRNO=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_errno(), 0);
    /// ```
    #[must_use]
    pub const fn status_errno(&self) -> i32 {
        self.status_errno
    }

    /// `StatusBusError` in `systemctl show`: the last `BUSERROR=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_bus_error(), None);
    /// ```
    #[must_use]
    pub fn status_bus_error(&self) -> Option<&str> {
        self.status_bus_error.as_deref()
    }

    /// `StatusVarlinkError` in `systemctl show`: the last `VARLINKERROR=`.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.status_varlink_error(), None);
    /// ```
    #[must_use]
    pub fn status_varlink_error(&self) -> Option<&str> {
        self.status_varlink_error.as_deref()
    }

    /// `NotifyAccess` in `systemctl show`: whose messages count by now.
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.notify_access(), NotifyAccess::Main);
    /// ```
    #[must_use]
    pub fn notify_access(&self) -> NotifyAccess {
        self.access_override.unwrap_or(self.config.notify_access)
    }

    /// `WatchdogUSec` in `systemctl show`: how long the service may go without `WATCHDOG=1`, by now.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.watchdog(), None);
    /// ```
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog_override.unwrap_or(self.watchdog_original)
    }

    /// What is in the fd store, the first one first; `NFileDescriptorStore` in `systemctl show` is how many.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    ///
    /// let service = Service::new(Config::new(ServiceType::Notify));
    /// assert!(service.stored_fds().is_empty());
    /// ```
    #[must_use]
    pub fn stored_fds(&self) -> &[StoredFd] {
        self.store.fds()
    }

    /// When to call [`on_deadline`](Self::on_deadline), unless something else happens before.
    ///
    /// ```
    /// use readyup::manager::service::{Config, Service, ServiceType};
    /// use std::time::Duration;
    ///
    /// let mut service = Service::new(Config::new(ServiceType::Notify));
    /// assert_eq!(service.deadline(), None);
    /// service.start(Duration::from_secs(1));
    /// assert_eq!(service.deadline(), Some(Duration::from_secs(91)));
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.timer.into_iter().chain(self.watchdog_timer).min()
    }

    /// By when the watchdog wants `WATCHDOG=1`: one of the two times of [`deadline`](Self::deadline).
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{Config, Notification, Service, ServiceType};
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new(ServiceType::Notify);
    /// config.watchdog = Some(Duration::from_secs(5));
    /// let (mut service, now) = (Service::new(config), Duration::from_secs(1));
    /// service.start(now);
    /// service.on_spawned(now, 42);
    /// assert_eq!(service.watchdog_deadline(), None); // not before READY=1
    /// service.on_message(now, &Notification::new(Message::READY, 42, 0));
    /// assert_eq!(service.watchdog_deadline(), Some(Duration::from_secs(6)));
    /// ```
    #[must_use]
    pub const fn watchdog_deadline(&self) -> Option<Duration> {
        self.watchdog_timer
    }
}
