//! The functions of `c/heartbeats.c`.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::io;
use std::path::Path;

unsafe extern "C" {
    fn bench_connect(path: *const c_char) -> c_int;
    fn bench_send(fd: c_int, count: c_uint) -> c_int;
    fn bench_load_libsystemd(file: *mut c_char) -> c_int;
    fn bench_sd_notify(count: c_uint) -> c_int;
}

/// A socket of C's, connected to a manager.
pub(crate) struct Socket(c_int);

impl Socket {
    pub(crate) fn connect(path: &str) -> io::Result<Self> {
        let path = CString::new(path)?;
        // SAFETY: the path ends in a NUL and lives through the call.
        check(unsafe { bench_connect(path.as_ptr()) }).map(Self)
    }

    pub(crate) fn send(&self, count: u32) -> io::Result<()> {
        // SAFETY: it reads nothing but its own text.
        check(unsafe { bench_send(self.0, count) }).map(drop)
    }
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
