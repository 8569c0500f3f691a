//! Whose word counts.

use super::incoming::Received;
use crate::protocol::{Assignment, NotifyAccess};

/// What a sender is to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The service's main process.
    Main,
    /// Another process.
    Other,
}

/// Which messages a manager believes: by the service's main process and its `NotifyAccess=`, both followed through the
/// messages that change them.
///
/// See [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html). A sender that
/// is not the main process is taken to be one of the unit's, but none of its `Exec…=` commands.
///
/// ```
/// use readyup::NotifyAccess;
/// use readyup::manager::Believing;
///
/// let believing = Believing::new(42, NotifyAccess::Main);
/// assert_eq!(believing.main_pid(), 42);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Believing {
    main_pid: u32,
    access: NotifyAccess,
}

impl Believing {
    /// The process that the manager started, and the unit's `NotifyAccess=`.
    #[must_use]
    pub const fn new(main_pid: u32, access: NotifyAccess) -> Self {
        Self { main_pid, access }
    }

    /// The main process by now.
    #[must_use]
    pub const fn main_pid(&self) -> u32 {
        self.main_pid
    }

    /// Who is believed by now.
    #[must_use]
    pub const fn access(&self) -> NotifyAccess {
        self.access
    }

    /// What the process `pid` is to the service.
    #[must_use]
    pub const fn standing(&self, pid: u32) -> Standing {
        if pid == self.main_pid { Standing::Main } else { Standing::Other }
    }

    /// Whether the message is believed. If it is, its `MAINPID=` and `NOTIFYACCESS=` hold from now on.
    pub fn on_message(&mut self, received: &Received) -> bool {
        let believed = match self.access {
            NotifyAccess::None => false,
            NotifyAccess::Main | NotifyAccess::Exec => self.standing(received.sender().pid()) == Standing::Main,
            NotifyAccess::All => true,
        };
        if believed {
            for assignment in received.message().assignments().flatten() {
                match assignment {
                    Assignment::MainPid(pid) => self.main_pid = pid,
                    Assignment::NotifyAccess(access) => self.access = access,
                    _ => {}
                }
            }
        }
        believed
    }
}
