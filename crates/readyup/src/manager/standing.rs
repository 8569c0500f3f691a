//! Whose word counts.

use super::incoming::Received;
use crate::protocol::{Assignment, NotifyAccess};

/// What a sender is to the service, which together with `NotifyAccess=` decides whether a manager believes it.
///
/// See [systemd.service(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The service's main process.
    Main,
    /// Another process: believed only under `NotifyAccess=all` (or `exec`, if it is one of the unit's `Exec…=`
    /// commands), and only if it belongs to the unit.
    Other,
}

impl Standing {
    /// Whether a manager believes a sender of this standing. Of [`Other`](Self::Other) it is taken for granted that it
    /// belongs to the unit and is none of its `Exec…=` commands.
    #[must_use]
    pub const fn is_believed(self, access: NotifyAccess) -> bool {
        match access {
            NotifyAccess::None => false,
            NotifyAccess::Main | NotifyAccess::Exec => matches!(self, Self::Main),
            NotifyAccess::All => true,
        }
    }
}

/// Which process is the service's main one, followed through its `MAINPID=` messages.
///
/// ```
/// use readyup::manager::MainProcess;
///
/// let main = MainProcess::new(42);
/// assert_eq!(main.pid(), 42);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MainProcess {
    pid: u32,
}

impl MainProcess {
    /// The process that the manager started.
    #[must_use]
    pub const fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// Its pid by now.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// What the sender is to the service; a `MAINPID=` that it may give is followed.
    pub fn on_message(&mut self, received: &Received) -> Standing {
        let standing = if received.sender().pid() == self.pid { Standing::Main } else { Standing::Other };
        if standing == Standing::Main {
            for assignment in received.message().assignments().flatten() {
                if let Assignment::MainPid(pid) = assignment {
                    self.pid = pid;
                }
            }
        }
        standing
    }
}
