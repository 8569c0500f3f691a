//! The few system calls of the sentinel, none of which needs a libc, and none of which can wait for long but [`wait`].
#![allow(unsafe_code)]

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};
use syscalls::{Sysno, syscall};

const AT_FDCWD: isize = -100;
const O_CLOEXEC: usize = 0o2_000_000;

/// The thread that this runs on, as `/proc` knows it.
pub(super) fn thread_id() -> u32 {
    // SAFETY: it takes no arguments.
    unsafe { syscall!(Sysno::gettid) }.unwrap_or(0) as u32
}

/// For how long a thread has run on a processor, in microseconds.
pub(super) fn processor_time(thread: u32) -> u64 {
    // As the kernel makes the clock's number of the thread's.
    const PER_THREAD: u32 = 4;
    const SCHEDULED: u32 = 2;
    let clock = (!thread << 3 | PER_THREAD | SCHEDULED) as i32;
    let mut time = [0u64; 2];
    // SAFETY: the kernel writes a `struct timespec`.
    let _ = unsafe { syscall!(Sysno::clock_gettime, clock as isize, time.as_mut_ptr()) };
    let [seconds, nanoseconds] = time;
    seconds.wrapping_mul(1_000_000).wrapping_add(nanoseconds / 1000)
}

/// Waits until `word` is not what it was any more, for at most so many microseconds. It may wake for no reason.
pub(super) fn wait(word: &AtomicU32, was: u32, microseconds: u64) {
    const FUTEX_WAIT_PRIVATE: usize = 128;
    let limit = [(microseconds / 1_000_000) as i64, (microseconds % 1_000_000 * 1000) as i64];
    // SAFETY: the kernel reads the word and the time, which are there until it returns.
    let _ = unsafe { syscall!(Sysno::futex, word.as_ptr(), FUTEX_WAIT_PRIVATE, was as usize, limit.as_ptr()) };
}

/// Changes `word`, and wakes who waits for that.
pub(super) fn wake(word: &AtomicU32) {
    const FUTEX_WAKE_PRIVATE: usize = 129;
    word.fetch_add(1, Ordering::Release);
    // SAFETY: the kernel only uses the word's address to find those who wait.
    let _ = unsafe { syscall!(Sysno::futex, word.as_ptr(), FUTEX_WAKE_PRIVATE, i32::MAX as usize) };
}

/// Blocks every signal for the calling thread, and returns those that were blocked before: a new thread has what its
/// maker has, and the program's signal handlers are not to run on ours.
pub(super) fn block_signals() -> u64 {
    // But for those with which a libc has all threads change the user, and waits for each of them.
    const LIBC: u64 = 0b111 << 31;
    set_signal_mask(!LIBC)
}

/// Blocks these signals and no others; returns those that were blocked before.
pub(super) fn set_signal_mask(mask: u64) -> u64 {
    const SIG_SETMASK: usize = 2;
    let mut before = 0u64;
    // SAFETY: the kernel reads one set of 8 bytes, and writes the other.
    let _ = unsafe { syscall!(Sysno::rt_sigprocmask, SIG_SETMASK, &raw const mask, &raw mut before, size_of::<u64>()) };
    before
}

/// Names the calling thread, for `ps -L` and `top`.
pub(super) fn name_thread(name: &CStr) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the kernel reads up to 16 bytes, or to the NUL.
    let _ = unsafe { syscall!(Sysno::prctl, PR_SET_NAME, name.as_ptr()) };
}

/// The beginning of a file of `/proc`; `None` where it cannot be read.
pub(super) fn read_file<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    // SAFETY: the kernel reads the path up to its NUL.
    let fd = unsafe { syscall!(Sysno::openat, AT_FDCWD, path.as_ptr(), O_CLOEXEC, 0) }.ok()?;
    // SAFETY: the kernel writes at most the buffer's length to where it is.
    let len = unsafe { syscall!(Sysno::read, fd, buffer.as_mut_ptr(), buffer.len()) };
    // SAFETY: it was opened above, and nobody else knows of it.
    let _ = unsafe { syscall!(Sysno::close, fd) };
    buffer.get(..len.ok()?)
}

/// A regular file that is open for reading.
pub(super) struct File {
    fd: usize,
}

impl File {
    /// `None` where there is none, and for what is no regular file and could keep its reader waiting.
    pub(super) fn open(path: &[u8]) -> Option<Self> {
        const O_NONBLOCK: usize = 0o4000;
        const S_IFMT: u32 = 0o170_000;
        const S_IFREG: u32 = 0o100_000;
        let mut buffer = [0; 1024];
        for (to, from) in buffer.get_mut(..path.len())?.iter_mut().zip(path) {
            *to = *from;
        }
        // SAFETY: the kernel reads the path up to its NUL; there is one, since it is shorter than the buffer.
        let fd = unsafe { syscall!(Sysno::openat, AT_FDCWD, buffer.as_ptr(), O_CLOEXEC | O_NONBLOCK, 0) }.ok()?;
        let file = Self { fd };
        // A `struct stat`, of which the mode is at one of two places.
        let mut stat = [0u32; 64];
        // SAFETY: the kernel writes a `struct stat`, which is smaller than that.
        unsafe { syscall!(Sysno::fstat, fd, stat.as_mut_ptr()) }.ok()?;
        let mode = stat.get(if cfg!(target_arch = "x86_64") { 6 } else { 4 })?;
        (mode & S_IFMT == S_IFREG).then_some(file)
    }

    /// What is there from an offset on, as far as there is room; `None` on an error.
    pub(super) fn read<'a>(&self, offset: u64, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        // SAFETY: the kernel writes at most the buffer's length to where it is.
        let len = unsafe { syscall!(Sysno::pread64, self.fd, buffer.as_mut_ptr(), buffer.len(), offset) };
        buffer.get(..len.ok()?)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: it was opened by `open`, and nobody else knows of it.
        let _ = unsafe { syscall!(Sysno::close, self.fd) };
    }
}

/// What a symbolic link says.
pub(super) fn read_link<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let len = {
        // SAFETY: the kernel reads the path up to its NUL, and writes at most the buffer's length to where it is.
        unsafe { syscall!(Sysno::readlinkat, AT_FDCWD, path.as_ptr(), buffer.as_mut_ptr(), buffer.len()) }
    };
    buffer.get(..len.ok()?)
}

/// The memory of this process at an address that need not be good any more, up to the end of its page.
pub(super) fn read_memory(address: u64, buffer: &mut [u8]) -> Option<&[u8]> {
    const PAGE: u64 = 4096;
    let len = buffer.len().min(PAGE.wrapping_sub(address % PAGE) as usize);
    // Each a `struct iovec`.
    let to = [buffer.as_mut_ptr().expose_provenance(), len];
    let from = [address as usize, len];
    // SAFETY: it takes no arguments.
    let process = unsafe { syscall!(Sysno::getpid) }.ok()?;
    let read = {
        // SAFETY: the kernel writes at most `len` bytes to the buffer. It is the kernel that reads the address, and it
        // fails where there is nothing.
        unsafe { syscall!(Sysno::process_vm_readv, process, to.as_ptr(), 1, from.as_ptr(), 1, 0) }
    };
    buffer.get(..read.ok()?)
}

/// Writes to standard error, if that takes it at once.
pub(super) fn complain(text: &[u8]) {
    const STDERR: usize = 2;
    const POLLOUT: u64 = 4 << 32;
    // `struct pollfd`: a descriptor, what to wait for, and room for what there is.
    let mut ask = STDERR as u64 | POLLOUT;
    let now = [0i64; 2];
    // SAFETY: the kernel reads and writes one `struct pollfd`, and reads the time.
    let ready = unsafe { syscall!(Sysno::ppoll, &raw mut ask, 1, now.as_ptr(), 0, size_of::<u64>()) };
    if ready == Ok(1) && ask >> 48 == POLLOUT >> 32 {
        // SAFETY: the kernel reads the text.
        let _ = unsafe { syscall!(Sysno::write, STDERR, text.as_ptr(), text.len()) };
    }
}
