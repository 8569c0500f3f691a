//! The fd store.

use super::FdKey;
use alloc::{string::String, vec::Vec};
use core::mem;

/// A descriptor that the manager keeps: see `FDSTORE=1` in
/// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// ```
/// use readyup::Message;
/// use readyup::manager::service::{Config, FdKey, Notification, Service, ServiceType};
/// use std::time::Duration;
///
/// let mut config = Config::new(ServiceType::Notify);
/// config.fd_store_max = 1;
/// let (mut service, now) = (Service::new(config), Duration::from_secs(1));
/// service.start(now);
/// service.on_spawned(now, 42);
/// let mut notification = Notification::new(Message::raw(b"FDSTORE=1\nFDNAME=http")?, 42, 0);
/// notification.fds = &[FdKey(1)];
/// service.on_message(now, &notification);
/// assert_eq!((service.stored_fds()[0].fd, service.stored_fds()[0].name.as_str()), (FdKey(1), "http"));
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFd {
    /// Which.
    pub fd: FdKey,
    /// The name that it comes back under.
    pub name: String,
    /// Whether it is removed when it hangs up.
    pub poll: bool,
}

/// Why a descriptor is not added.
pub(super) enum NotStored {
    Full,
    Already,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Store {
    fds: Vec<StoredFd>,
}

impl Store {
    pub(super) fn fds(&self) -> &[StoredFd] {
        &self.fds
    }

    pub(super) fn add(&mut self, stored: StoredFd, max: usize) -> Result<(), NotStored> {
        if self.fds.len() >= max {
            return Err(NotStored::Full);
        }
        if self.fds.iter().any(|other| other.fd == stored.fd) {
            return Err(NotStored::Already);
        }
        self.fds.push(stored);
        Ok(())
    }

    /// Takes out all of that name.
    pub(super) fn remove(&mut self, name: &str) -> Vec<FdKey> {
        let (gone, kept) = mem::take(&mut self.fds).into_iter().partition(|stored| stored.name == name);
        self.fds = kept;
        let gone: Vec<StoredFd> = gone;
        gone.into_iter().map(|stored| stored.fd).collect()
    }

    /// Takes out a descriptor that has hung up, if it is to go then.
    pub(super) fn hang_up(&mut self, fd: FdKey) -> bool {
        let before = self.fds.len();
        self.fds.retain(|stored| stored.fd != fd || !stored.poll);
        self.fds.len() < before
    }

    pub(super) fn clear(&mut self) -> Vec<FdKey> {
        self.fds.drain(..).map(|stored| stored.fd).collect()
    }
}

/// Whether systemd takes this for a name. Unlike [`FdName`](crate::FdName), it may be empty.
pub(super) fn name(text: &[u8]) -> Option<&str> {
    let fits = text.len() <= 255 && text.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b':');
    if fits { core::str::from_utf8(text).ok() } else { None }
}
