//! What cannot be done without unsafe code: the system calls that rustix leaves to a libc, and descriptors that are known
//! by their number.
//!
//! Processes are forked and programs run by the bare system calls, beside a libc where there is one. That is sound as
//! long as the process has a single thread and the child does nothing but a few more bare calls before it becomes the
//! program or ends.
#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use core::mem::size_of;
use core::ptr::null;
use rustix::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::{Pid, Resource, getpid, getppid, getrlimit, test_kill_process};
use syscalls::{Sysno, syscall};

pub(crate) fn own_pid() -> u32 {
    getpid().as_raw_nonzero().get().unsigned_abs()
}

/// Whether there is such a process.
pub(crate) fn is_process(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that we may not send signals to is one, too.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Whether a process is in our process group, so that it gets what a terminal sends. (Not by rustix, which has no value for a
/// group that began outside of our pid namespace: its number is 0 here.)
pub(crate) fn is_in_our_group(pid: Pid) -> bool {
    // SAFETY: both take numbers only; 0 is this process.
    let group = |pid: usize| unsafe { syscall!(Sysno::getpgid, pid) };
    group(pid.as_raw_nonzero().get() as usize).is_ok_and(|theirs| group(0) == Ok(theirs))
}

/// The parent's pid; none where the parent is in another pid namespace.
pub(crate) fn parent_pid() -> Option<u32> {
    getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
}

pub(crate) fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    rustix::termios::isatty(fd)
}

/// One of the first three descriptors. If it is not open, using it fails with `EBADF`.
pub(crate) fn standard(number: i32) -> BorrowedFd<'static> {
    debug_assert!((0..3).contains(&number));
    // SAFETY: nobody here closes one of the first three.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// One more than the largest number that a descriptor can have, or as far as it makes sense to look.
pub(crate) fn descriptors_max() -> i32 {
    const ENOUGH: u64 = 65_536;
    getrlimit(Resource::Nofile).current.unwrap_or(ENOUGH).min(ENOUGH) as i32
}

/// Whether this descriptor is open, and meant for us: not one that was opened here, which are all close-on-exec.
pub(crate) fn is_passed(number: i32) -> bool {
    // SAFETY: only asked about; the kernel answers for numbers that are not open as well. It is never -1.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl_getfd(fd).is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC))
}

/// Takes over a descriptor that we were started with.
pub(crate) fn adopt(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller names descriptors that `is_passed` and so nobody in this process owns, each once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC).map(|()| fd)
}

fn errno(error: syscalls::Errno) -> Errno {
    Errno::from_raw_os_error(error.into_raw())
}

/// Sets the real user and group, and leaves the effective ones.
pub(crate) fn set_real_ids(uid: u32, gid: Option<u32>) -> Result<(), Errno> {
    let unchanged = u32::MAX as usize;
    if let Some(gid) = gid {
        // SAFETY: takes numbers only.
        unsafe { syscall!(Sysno::setregid, gid as usize, unchanged) }.map_err(errno)?;
    }
    // SAFETY: takes numbers only.
    unsafe { syscall!(Sysno::setreuid, uid as usize, unchanged) }.map_err(errno)?;
    Ok(())
}

/// Becomes a program. Returns only if it cannot, with the reason.
pub(crate) fn exec(path: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    let pointers = |strings: &[&CStr]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: a C string and two arrays of C strings that end with a null pointer, all alive during the call.
    let result = unsafe { syscall!(Sysno::execve, path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    result.err().map_or(Errno::INVAL, errno)
}

/// Arguments or environment, as the kernel and C's `main` hand them over.
///
/// # Safety
///
/// From `position` on there are pointers to C strings that live and don't change as long as the process, and then a null
/// pointer.
#[must_use]
pub unsafe fn c_strings(mut position: *const *const c_char) -> Vec<&'static CStr> {
    let mut strings = Vec::with_capacity(64);
    loop {
        // SAFETY: not behind the null pointer.
        let string = unsafe { position.read() };
        if string.is_null() {
            return strings;
        }
        // SAFETY: a C string, as the caller says.
        strings.push(unsafe { CStr::from_ptr(string) });
        position = position.wrapping_add(1);
    }
}

/// Starts a process that runs `child`, which must not return and should do little: see the module.
pub(crate) fn fork(child: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    const SIGCHLD: usize = 17;
    // SAFETY: without CLONE_VM the child is a copy. Nobody else has a thread here, so nothing is half done in it.
    let pid = unsafe { syscall!(Sysno::clone, SIGCHLD, 0, 0, 0, 0) }.map_err(errno)?;
    match Pid::from_raw(pid as i32) {
        Some(pid) => Ok(pid),
        None => exit(child()),
    }
}

/// Ends the process, without anything that a libc would do at the end.
pub fn exit(status: u8) -> ! {
    loop {
        // SAFETY: takes a number, and does not return.
        let _ = unsafe { syscall!(Sysno::exit_group, usize::from(status)) };
    }
}

/// Makes a descriptor's number another one's copy, which stays open in the next program.
pub(crate) fn redirect(from: BorrowedFd<'_>, to: i32) -> Result<(), Errno> {
    if from.as_raw_fd() == to {
        return fcntl_setfd(from, FdFlags::empty());
    }
    // SAFETY: takes numbers only; what was open under `to` is the child's standard input or output, which nobody owns.
    unsafe { syscall!(Sysno::dup3, from.as_raw_fd() as usize, to as usize, 0) }.map_err(errno)?;
    Ok(())
}

/// A set of signals, as the kernel has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signals(u64);

impl Signals {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) const fn with(self, signal: i32) -> Self {
        Self(self.0 | 1 << (signal - 1))
    }
}

/// Blocks signals, so that they can be read from a descriptor, which is returned with what was blocked before.
pub(crate) fn take_signals(signals: Signals) -> Result<(OwnedFd, Signals), Errno> {
    const SIG_BLOCK: usize = 0;
    const FLAGS: usize = 0o2_000_000 | 0o4_000; // SFD_CLOEXEC | SFD_NONBLOCK
    let set = &raw const signals.0;
    let mut before = Signals::EMPTY;
    // SAFETY: both sets live during the call and have the size that is given.
    unsafe { syscall!(Sysno::rt_sigprocmask, SIG_BLOCK, set, &raw mut before.0, size_of::<u64>()) }.map_err(errno)?;
    // SAFETY: as above; -1 asks for a new descriptor.
    let fd = unsafe { syscall!(Sysno::signalfd4, usize::MAX, set, size_of::<u64>(), FLAGS) }.map_err(errno)?;
    // SAFETY: the kernel has just opened it for this process, and nobody else knows of it.
    Ok((unsafe { OwnedFd::from_raw_fd(fd as i32) }, before))
}

/// Blocks exactly these signals.
pub(crate) fn set_signal_mask(signals: Signals) -> Result<(), Errno> {
    const SIG_SETMASK: usize = 2;
    let set = &raw const signals.0;
    // SAFETY: the set lives during the call and has the size that is given; none is to be returned.
    unsafe { syscall!(Sysno::rt_sigprocmask, SIG_SETMASK, set, 0, size_of::<u64>()) }.map_err(errno)?;
    Ok(())
}

/// What is done about a signal: a `struct sigaction` of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disposition([u64; 4]);

impl Disposition {
    /// What is done if nobody says otherwise: no function, no flags, an empty mask.
    pub(crate) const DEFAULT: Self = Self([0; 4]);
}

/// Changes what is done about a signal, and returns what was done before. Only between the default, ignoring it, and what
/// this function has returned.
pub(crate) fn set_disposition(signal: i32, new: Disposition) -> Result<Disposition, Errno> {
    let mut old = Disposition::DEFAULT;
    // SAFETY: both structures live during the call and are as large as the kernel's; what is set is no function of ours.
    unsafe { syscall!(Sysno::rt_sigaction, signal as usize, &raw const new.0, &raw mut old.0, size_of::<u64>()) }
        .map_err(errno)?;
    Ok(old)
}
