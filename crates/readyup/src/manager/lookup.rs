//! What a manager looks up about descriptors that it was passed, and about processes.

use crate::sys;
use rustix::fd::{AsFd, AsRawFd as _};

/// The process that a pidfd stands for, such as that beside `MAINPIDFD=1`; none if it is no pidfd, or if the process is gone.
///
/// ```
/// use readyup::manager::pid_of;
///
/// assert_eq!(pid_of(std::io::stdin()), None);
/// ```
#[must_use]
pub fn pid_of(pidfd: impl AsFd) -> Option<u32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

/// Whether two descriptors are the same open file, as `kcmp(2)` says: of those an fd store keeps one.
///
/// Where the kernel does not compare, as in some containers, descriptors of the same file are taken to be.
///
/// ```
/// use readyup::manager::is_same_file;
/// use std::fs::File;
///
/// let (one, other) = (File::open("/dev/null")?, File::open("/dev/null")?);
/// assert!(is_same_file(&one, one.try_clone()?));
/// println!("opened twice: {}", is_same_file(&one, &other));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn is_same_file(one: impl AsFd, other: impl AsFd) -> bool {
    sys::is_same_file(one.as_fd(), other.as_fd())
}

/// Whether a process has a handler for a signal, as systemd looks it up for
/// [`set_handles_reload_signal`](super::service::Service::set_handles_reload_signal); none if the process is gone.
///
/// ```
/// use readyup::manager::handles_signal;
///
/// assert_eq!(handles_signal(std::process::id(), 9), Some(false)); // nobody can
/// ```
#[must_use]
pub fn handles_signal(pid: u32, signal: i32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
    Some((1..=64).contains(&signal) && caught & (1 << (signal - 1)) != 0)
}
