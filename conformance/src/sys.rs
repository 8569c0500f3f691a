//! The unsafe code: what the standard library and rustix leave to the system's own calls.

#![allow(unsafe_code)]

use rustix::fd::AsRawFd as _;
use rustix::fd::{AsFd, BorrowedFd, RawFd};
use std::ffi::{c_char, c_int};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

/// Descriptors below this one are given to programs on trial; this program's own are above.
const FIRST_OWN: RawFd = 16;

/// C's `main`, and not Rust's: before that, Rust's runtime opens `/dev/null` for standard descriptors that are closed and
/// ignores `SIGPIPE`, and these are among the things that the probe looks for.
// SAFETY: a program has one `main`; `no_main` says that no other is made, and the C library has nothing else of this
// name.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    crate::start()
}

/// Keeps what this program was given to itself, and takes the low numbers, so that nothing else is put there.
pub(crate) fn prepare_descriptors() {
    // SAFETY: descriptors are marked, and none is closed.
    unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as c_int) };
    while let Ok(file) = std::fs::File::open("/dev/null") {
        let number = file.as_raw_fd();
        if number >= FIRST_OWN {
            break;
        }
        std::mem::forget(file);
    }
}

/// How a process differs from its parent before it becomes the program on trial.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// Descriptors and the numbers that they are to have.
    pub(crate) given: Vec<(RawFd, RawFd)>,
    pub(crate) closed: Vec<RawFd>,
    pub(crate) ignored: Vec<c_int>,
    pub(crate) blocked: Vec<c_int>,
}

impl Setup {
    /// Has it done in the process that a command starts.
    pub(crate) fn apply_to(self, command: &mut Command) {
        let apply = move || self.apply();
        // SAFETY: `apply` only makes system calls that may be made between fork and exec, and does not allocate.
        unsafe { command.pre_exec(apply) };
    }

    fn apply(&self) -> io::Result<()> {
        for &(descriptor, number) in &self.given {
            // SAFETY: numbers are passed. What is replaced belongs to this process, which is about to become another.
            check(unsafe { libc::dup2(descriptor, number) })?;
        }
        for &descriptor in &self.closed {
            // SAFETY: as above.
            check(unsafe { libc::close(descriptor) })?;
        }
        for signal in 1..=libc::SIGRTMAX() {
            // Whatever this process was started with. It fails for the few that cannot be changed, which are right.
            // SAFETY: no handler is set.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        for &signal in &self.ignored {
            // SAFETY: no handler is set.
            if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        let mut set = empty_set();
        for &signal in &self.blocked {
            // SAFETY: the set is this function's own.
            check(unsafe { libc::sigaddset(&raw mut set, signal) })?;
        }
        // SAFETY: the set is valid, and the old one is not asked for.
        check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) })?;
        Ok(())
    }
}

/// Keeps every signal pending that can be kept so, for [`next_signal`].
pub(crate) fn hold_signals() {
    let set = full_set();
    // SAFETY: the set is valid, and the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) };
}

/// Takes a held signal, if one comes in time.
pub(crate) fn next_signal(limit: Duration) -> Option<c_int> {
    let set = full_set();
    let limit = libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(limit.subsec_nanos() as i32),
    };
    // SAFETY: both are valid, and nothing else about the signal is asked for.
    let signal = unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const limit) };
    (signal > 0).then_some(signal)
}

/// How many bytes, in the kernel's reckoning, were sent through a socket and have not been received.
pub(crate) fn unread(socket: BorrowedFd<'_>) -> io::Result<c_int> {
    let mut bytes: c_int = 0;
    // SAFETY: `SIOCOUTQ` writes one `int`.
    check(unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(bytes)
}

/// Whether this kernel lets the receiver of datagrams refuse those with descriptors, which it does since Linux 6.16.
pub(crate) fn descriptors_can_be_refused() -> bool {
    const SO_PASSRIGHTS: c_int = 83;
    let Ok(socket) = UnixDatagram::unbound() else { return false };
    let refuse: c_int = 0;
    // SAFETY: the option is an `int`, which is passed with its size.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PASSRIGHTS,
            (&raw const refuse).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    result == 0
}

fn empty_set() -> libc::sigset_t {
    // SAFETY: it is plain data, for which zeros are a value.
    let mut set = unsafe { std::mem::zeroed() };
    // SAFETY: the set is this function's own.
    unsafe { libc::sigemptyset(&raw mut set) };
    set
}

fn full_set() -> libc::sigset_t {
    let mut set = empty_set();
    // SAFETY: the set is this function's own.
    unsafe { libc::sigfillset(&raw mut set) };
    set
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The process group and the session of this process; 0 where they began outside of our pid namespace, for which rustix has
/// no value.
pub(crate) fn group_and_session() -> (i32, i32) {
    // SAFETY: takes nothing.
    let group = unsafe { libc::getpgrp() };
    // SAFETY: takes a number; 0 is this process.
    let session = unsafe { libc::getsid(0) };
    (group, session)
}
