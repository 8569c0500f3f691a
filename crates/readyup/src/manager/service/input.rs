//! What comes in: messages, with all that a manager looks up about them, and how processes end.

use crate::protocol::{Message, NotifyAccess};

/// A message of a process of the unit.
///
/// Which unit a sender belongs to is found out before: by its cgroup, or because its pid is the main or the control
/// process's. What comes from elsewhere is for another service.
///
/// ```
/// use readyup::Message;
/// use readyup::manager::service::Notification;
///
/// // A message of process 42, which runs as root.
/// let notification = Notification::new(Message::READY, 42, 0);
/// assert!(notification.fds.is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Notification<'a> {
    /// The message. A barrier is none: the listener has answered it.
    pub message: Message<'a>,
    /// The sender's process id.
    pub pid: u32,
    /// The sender's user id.
    pub uid: u32,
    /// The descriptors that came with it.
    pub fds: &'a [FdKey],
    /// The process that `MAINPIDFD=1` or `MAINPID=` names, as it is found; none if there is no such process, or if its
    /// pidfd is none. See [`Service::named_process`](super::Service::named_process).
    pub named: Option<Process>,
}

/// A process, as a manager finds it.
///
/// ```
/// use readyup::manager::service::Process;
///
/// let process = Process { pid: 42, pidfd_id: None, of_unit: true, own_child: false };
/// assert_eq!(process.pid, 42);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// What [`pidfd_id`](crate::pidfd_id) gives for it, where the kernel gives one.
    pub pidfd_id: Option<u64>,
    /// Whether it is in the unit's cgroup, or the manager tracks it for the unit.
    pub of_unit: bool,
    /// Whether it is a child of the manager, which is then told how it ends.
    pub own_child: bool,
}

/// Stands for a descriptor. Two that are the same to `kcmp(2)` have the same key; what number it is is up to you.
///
/// ```
/// use readyup::manager::service::FdKey;
///
/// assert_ne!(FdKey(1), FdKey(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FdKey(pub u64);

/// How a process ended.
///
/// ```
/// use readyup::manager::service::Exit;
///
/// let status = std::process::Command::new("sh").args(["-c", "exit 3"]).status()?;
/// assert_eq!(Exit::from(status), Exit::Code(3));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// With this exit status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By this signal, with a core dump.
    CoreDump(i32),
}

impl<'a> Notification<'a> {
    /// A message without descriptors that names no process.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::manager::service::{FdKey, Notification};
    ///
    /// let mut notification = Notification::new(Message::raw(b"FDSTORE=1")?, 42, 0);
    /// notification.fds = &[FdKey(1)];
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub const fn new(message: Message<'a>, pid: u32, uid: u32) -> Self {
        Self { message, pid, uid, fds: &[], named: None }
    }
}

#[cfg(all(unix, feature = "std"))]
impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;

        match (status.signal(), status.core_dumped()) {
            (Some(signal), true) => Self::CoreDump(signal),
            (Some(signal), false) => Self::Signal(signal),
            (None, _) => Self::Code(status.code().unwrap_or_default()),
        }
    }
}

/// Whether a sender is believed.
pub(super) fn is_believed(access: NotifyAccess, sender: u32, main: Option<u32>, control: Option<u32>) -> bool {
    match access {
        NotifyAccess::None => false,
        NotifyAccess::All => true,
        NotifyAccess::Main => main == Some(sender),
        NotifyAccess::Exec => main == Some(sender) || control == Some(sender),
    }
}
