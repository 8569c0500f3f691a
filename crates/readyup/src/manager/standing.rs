//! Whose word counts.

use super::incoming::Received;
use super::pid_of;
use crate::protocol::{Assignment, NotifyAccess};

/// What a sender is to the service.
///
/// ```
/// use readyup::NotifyAccess;
/// use readyup::manager::{Believing, Standing};
///
/// assert_eq!(Believing::new(42, NotifyAccess::Main).standing(43), Standing::Other);
/// ```
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
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::Believing;
    ///
    /// let believing = Believing::new(42, NotifyAccess::All);
    /// assert_eq!((believing.main_pid(), believing.access()), (42, NotifyAccess::All));
    /// ```
    #[must_use]
    pub const fn new(main_pid: u32, access: NotifyAccess) -> Self {
        Self { main_pid, access }
    }

    /// The main process by now.
    ///
    /// ```
    /// use readyup::manager::Believing;
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier, NotifyAccess};
    ///
    /// let manager = FakeManager::new();
    /// let mut believing = Believing::new(std::process::id(), NotifyAccess::Main);
    /// Notifier::new(*manager.address()).main_pid(4242)?;
    /// believing.on_message(&manager.expect(Assignment::MainPid(4242), std::time::Duration::from_secs(5)));
    /// assert_eq!(believing.main_pid(), 4242);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn main_pid(&self) -> u32 {
        self.main_pid
    }

    /// Who is believed by now.
    ///
    /// ```
    /// use readyup::manager::Believing;
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier, NotifyAccess};
    ///
    /// let manager = FakeManager::new();
    /// let mut believing = Believing::new(std::process::id(), NotifyAccess::Main);
    /// let assignment = Assignment::NotifyAccess(NotifyAccess::None);
    /// Notifier::new(*manager.address()).notify([assignment])?;
    /// believing.on_message(&manager.expect(assignment, std::time::Duration::from_secs(5)));
    /// assert_eq!(believing.access(), NotifyAccess::None);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn access(&self) -> NotifyAccess {
        self.access
    }

    /// What the process `pid` is to the service.
    ///
    /// ```
    /// use readyup::NotifyAccess;
    /// use readyup::manager::{Believing, Standing};
    ///
    /// let believing = Believing::new(42, NotifyAccess::Main);
    /// assert_eq!((believing.standing(42), believing.standing(43)), (Standing::Main, Standing::Other));
    /// ```
    #[must_use]
    pub const fn standing(&self, pid: u32) -> Standing {
        if pid == self.main_pid { Standing::Main } else { Standing::Other }
    }

    /// Whether the message is believed. If it is, its `MAINPID=`, `MAINPIDFD=1` and `NOTIFYACCESS=` hold from now on.
    ///
    /// ```
    /// use readyup::manager::Believing;
    /// use readyup::testing::FakeManager;
    /// use readyup::{Assignment, Notifier, NotifyAccess};
    ///
    /// let manager = FakeManager::new();
    /// Notifier::new(*manager.address()).ready()?;
    /// let received = manager.expect(Assignment::Ready, std::time::Duration::from_secs(5));
    /// assert!(Believing::new(std::process::id(), NotifyAccess::Main).on_message(&received));
    /// assert!(!Believing::new(std::process::id(), NotifyAccess::None).on_message(&received));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn on_message(&mut self, received: &Received) -> bool {
        let believed = match self.access {
            NotifyAccess::None => false,
            NotifyAccess::Main | NotifyAccess::Exec => self.standing(received.sender().pid()) == Standing::Main,
            NotifyAccess::All => true,
        };
        if believed {
            // A pidfd wins over a pid.
            let mut by_pidfd = None;
            for assignment in received.message().assignments().flatten() {
                match assignment {
                    Assignment::MainPid(pid) => self.main_pid = pid,
                    Assignment::MainPidFd => by_pidfd = received.fds().first().and_then(pid_of),
                    Assignment::NotifyAccess(access) => self.access = access,
                    _ => {}
                }
            }
            self.main_pid = by_pidfd.unwrap_or(self.main_pid);
        }
        believed
    }
}
