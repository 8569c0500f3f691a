//! The functions of `c/heartbeats.c` and `c/receive.c`.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

unsafe extern "C" {
    fn bench_connect(path: *const c_char) -> c_int;
    fn bench_send(fd: c_int, count: c_uint) -> c_int;
    fn bench_send_inline(fd: c_int, count: c_uint) -> c_int;
    fn bench_fill(fd: c_int) -> c_int;
    fn bench_send_fds(fd: c_int, count: c_uint) -> c_int;
    fn bench_receive(
        fd: c_int,
        count: c_uint,
        ms: c_int,
        with: c_int,
        nanoseconds: *mut c_ulonglong,
        fds: *mut c_uint,
    ) -> c_uint;
    fn bench_children_time() -> c_ulonglong;
    fn bench_load_libsystemd(file: *mut c_char) -> c_int;
    fn bench_sd_notify(count: c_uint) -> c_int;
}

/// A socket of C's, connected to a manager.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(crate) fn connect(path: &str) -> io::Result<Self> {
        let path = CString::new(path)?;
        // SAFETY: the path ends in a NUL and lives through the call.
        let fd = check(unsafe { bench_connect(path.as_ptr()) })?;
        // SAFETY: it was opened just now, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(crate) fn send(&self, count: u32) -> io::Result<()> {
        // SAFETY: it reads nothing but its own text.
        check(unsafe { bench_send(self.0.as_raw_fd(), count) }).map(drop)
    }

    /// The same without the C library in between.
    pub(crate) fn send_inline(&self, count: u32) -> io::Result<()> {
        // SAFETY: it reads nothing but its own text.
        check(unsafe { bench_send_inline(self.0.as_raw_fd(), count) }).map(drop)
    }

    /// With a descriptor each.
    pub(crate) fn send_fds(&self, count: u32) -> io::Result<()> {
        // SAFETY: it reads nothing but its own text.
        check(unsafe { bench_send_fds(self.0.as_raw_fd(), count) }).map(drop)
    }

    /// Sends until there is no more room, and says how many it took.
    pub(crate) fn fill(&self) -> io::Result<i32> {
        // SAFETY: it reads nothing but its own text.
        check(unsafe { bench_fill(self.0.as_raw_fd()) })
    }
}

/// What came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) messages: u32,
    pub(crate) fds: u32,
    /// From the first to the last.
    pub(crate) time: Duration,
}

/// Receives up to `count` messages, until none comes for half a second; with what stands beside them, or without.
pub(crate) fn receive(socket: BorrowedFd<'_>, count: u32, with: bool) -> Came {
    const HALF_A_SECOND: c_int = 500;
    let (mut nanoseconds, mut fds) = (0, 0);
    // SAFETY: it writes to the two numbers only, and closes the descriptors that it receives.
    let messages = unsafe {
        let socket = socket.as_raw_fd();
        bench_receive(socket, count, HALF_A_SECOND, with.into(), &raw mut nanoseconds, &raw mut fds)
    };
    Came { messages, fds, time: Duration::from_nanos(nanoseconds) }
}

/// The processor time of all children that have ended and were waited for.
pub(crate) fn children_time() -> Duration {
    // SAFETY: it takes nothing, and the kernel writes to its own variable only.
    Duration::from_micros(unsafe { bench_children_time() })
}

/// The C library, loaded when it is first asked for.
pub(crate) struct Libsystemd(());

impl Libsystemd {
    /// The library and its file's name; none where it is not installed.
    pub(crate) fn load() -> Option<(Self, String)> {
        const PATH_MAX: usize = 4096;
        let mut file = [0u8; PATH_MAX];
        // SAFETY: there is as much room as the function wants.
        if unsafe { bench_load_libsystemd(file.as_mut_ptr().cast()) } == 0 {
            return None;
        }
        let file = CStr::from_bytes_until_nul(&file).ok()?.to_str().ok()?;
        Some((Self(()), Path::new(file).file_name()?.to_str()?.to_owned()))
    }

    pub(crate) fn notify(&self, count: u32) -> io::Result<()> {
        // SAFETY: the library is loaded, as `self` shows; this program has one thread, so nobody else is at the
        // environment that it reads.
        check(unsafe { bench_sd_notify(count) }).map(drop)
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
