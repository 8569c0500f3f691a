//! What the kernel knows of a thread that does not answer: which system call it is in, on which file, for which child.

use super::kernel::{read_file, read_link, read_memory};
use super::text::Text;
use core::ffi::CStr;

/// A system call that may take long: its number on x86-64 and on arm64, its name, and what it is about.
struct Call {
    x86_64: u16,
    aarch64: u16,
    name: &'static str,
    about: About,
}

#[derive(Clone, Copy, PartialEq)]
enum About {
    /// Its first argument is a descriptor.
    Descriptor,
    /// Its first argument is a path.
    Path,
    /// Its second argument is a path.
    PathAt,
    /// It may be what waits for a child process.
    Child,
    Nothing,
}

/// A call that a processor does not have.
const NONE: u16 = u16::MAX;

#[rustfmt::skip]
static CALLS: [Call; 62] = [
    call(0, 63, "read", About::Descriptor),
    call(1, 64, "write", About::Descriptor),
    call(2, NONE, "open", About::Path),
    call(3, 57, "close", About::Descriptor),
    call(4, NONE, "stat", About::Path),
    call(5, 80, "fstat", About::Descriptor),
    call(6, NONE, "lstat", About::Path),
    call(7, NONE, "poll", About::Child),
    call(8, 62, "lseek", About::Descriptor),
    call(9, 222, "mmap", About::Nothing),
    call(11, 215, "munmap", About::Nothing),
    call(16, 29, "ioctl", About::Descriptor),
    call(17, 67, "pread64", About::Descriptor),
    call(18, 68, "pwrite64", About::Descriptor),
    call(19, 65, "readv", About::Descriptor),
    call(20, 66, "writev", About::Descriptor),
    call(21, NONE, "access", About::Path),
    call(23, NONE, "select", About::Child),
    call(28, 233, "madvise", About::Nothing),
    call(34, NONE, "pause", About::Nothing),
    call(35, 101, "nanosleep", About::Nothing),
    call(40, 71, "sendfile", About::Descriptor),
    call(42, 203, "connect", About::Descriptor),
    call(43, 202, "accept", About::Descriptor),
    call(44, 206, "sendto", About::Descriptor),
    call(45, 207, "recvfrom", About::Descriptor),
    call(46, 211, "sendmsg", About::Descriptor),
    call(47, 212, "recvmsg", About::Descriptor),
    call(61, 260, "wait4", About::Child),
    call(72, 25, "fcntl", About::Descriptor),
    call(73, 32, "flock", About::Descriptor),
    call(74, 82, "fsync", About::Descriptor),
    call(75, 83, "fdatasync", About::Descriptor),
    call(76, 45, "truncate", About::Path),
    call(77, 46, "ftruncate", About::Descriptor),
    call(78, NONE, "getdents", About::Descriptor),
    call(82, NONE, "rename", About::Path),
    call(83, NONE, "mkdir", About::Path),
    call(84, NONE, "rmdir", About::Path),
    call(87, NONE, "unlink", About::Path),
    call(162, 81, "sync", About::Nothing),
    call(202, 98, "futex", About::Nothing),
    call(217, 61, "getdents64", About::Descriptor),
    call(230, 115, "clock_nanosleep", About::Nothing),
    call(232, NONE, "epoll_wait", About::Child),
    call(247, 95, "waitid", About::Child),
    call(257, 56, "openat", About::PathAt),
    call(262, 79, "newfstatat", About::PathAt),
    call(263, 35, "unlinkat", About::PathAt),
    call(270, 72, "pselect6", About::Child),
    call(271, 73, "ppoll", About::Child),
    call(275, 76, "splice", About::Descriptor),
    call(277, 84, "sync_file_range", About::Descriptor),
    call(281, 22, "epoll_pwait", About::Child),
    call(285, 47, "fallocate", About::Descriptor),
    call(288, 242, "accept4", About::Descriptor),
    call(295, 69, "preadv", About::Descriptor),
    call(296, 70, "pwritev", About::Descriptor),
    call(326, 285, "copy_file_range", About::Descriptor),
    call(332, 291, "statx", About::PathAt),
    call(426, 426, "io_uring_enter", About::Nothing),
    call(441, 441, "epoll_pwait2", About::Child),
];

const fn call(x86_64: u16, aarch64: u16, name: &'static str, about: About) -> Call {
    Call { x86_64, aarch64, name, about }
}

/// Writes which system call the thread is in, as `read() of /run/fifo`. Writes nothing if it is in none, or if the kernel
/// does not tell.
pub(super) fn system_call(thread: u32, into: &mut Text) {
    let mut buffer = [0; 256];
    let Some(line) = read_file(path(&mut [0; PATH], thread, b"/syscall"), &mut buffer) else {
        return;
    };
    // `running`, or the number, the arguments, the stack pointer and the program counter.
    let mut words = words(line, b' ');
    let Some(number) = words.next().and_then(decimal) else {
        return;
    };
    let known = CALLS.iter().find(|call| {
        let own = if cfg!(target_arch = "x86_64") { call.x86_64 } else { call.aarch64 };
        u64::from(own) == number && cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
    });
    let Some(call) = known else {
        into.push(b"system call ").push_number(number);
        return;
    };
    into.push(call.name.as_bytes()).push(b"()");
    match call.about {
        About::Descriptor => {
            if let Some(fd) = words.next().and_then(hexadecimal) {
                descriptor(thread, fd, into);
            }
        }
        About::Path => path_argument(words.next(), into),
        About::PathAt => path_argument(words.nth(1), into),
        About::Child => child(thread, into),
        About::Nothing => {}
    }
}

/// Writes which file that is.
fn descriptor(thread: u32, fd: u64, into: &mut Text) {
    let mut name = Text::EMPTY;
    name.push(b"/fd/").push_number(fd);
    let mut buffer = [0; 512];
    match read_link(path(&mut [0; PATH], thread, name.bytes()), &mut buffer) {
        Some(file) => into.push(b" of ").push_foreign(file),
        None => into.push(b" of descriptor ").push_number(fd),
    };
}

/// Writes the path that is at this address.
fn path_argument(address: Option<&[u8]>, into: &mut Text) {
    let mut buffer = [0; 512];
    let memory =
        address.and_then(hexadecimal).and_then(|address| read_memory(address, &mut buffer)).unwrap_or_default();
    if let Some(path) = words(memory, 0).next().filter(|path| !path.is_empty()) {
        into.push(b" of ").push_foreign(path);
    }
}

/// Writes which child process was started last, if there is one.
fn child(thread: u32, into: &mut Text) {
    let mut buffer = [0; 512];
    let children = read_file(path(&mut [0; PATH], thread, b"/children"), &mut buffer).unwrap_or_default();
    let Some(pid) = words(children, b' ').filter_map(decimal).fold(None, |_, pid| Some(pid)) else {
        return;
    };
    into.push(b" for process ").push_number(pid);
    let mut name = Text::EMPTY;
    name.push(b"/proc/").push_number(pid).push(b"/cmdline");
    let mut buffer = [0; 200];
    let Some(command) = read_file(terminated(&mut [0; PATH], name.bytes()), &mut buffer) else {
        return;
    };
    for (index, word) in words(command, 0).enumerate() {
        into.push(if index == 0 { b" (" } else { b" " }).push_foreign(word);
    }
    into.push(b")");
}

/// Room for a path in `/proc`.
const PATH: usize = 96;

/// The path of a thread's file in `/proc`.
fn path<'a>(buffer: &'a mut [u8; PATH], thread: u32, file: &[u8]) -> &'a CStr {
    let mut text = Text::EMPTY;
    text.push(b"/proc/self/task/").push_number(u64::from(thread)).push(file);
    terminated(buffer, text.bytes())
}

/// The text with a NUL behind it; none where it does not fit.
fn terminated<'a>(buffer: &'a mut [u8; PATH], text: &[u8]) -> &'a CStr {
    if text.len() < PATH {
        for (to, from) in buffer.iter_mut().zip(text) {
            *to = *from;
        }
    }
    CStr::from_bytes_until_nul(buffer).unwrap_or_default()
}

/// What stands between separators. (The standard library's `split` holds a panic that the compiler cannot rule out.)
fn words(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = text.trim_ascii_end();
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|&byte| byte == separator).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        rest = rest.get(end.wrapping_add(1)..).unwrap_or_default();
        Some(word)
    })
}

fn decimal(word: &[u8]) -> Option<u64> {
    number(word, 10)
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    number(word.strip_prefix(b"0x")?, 16)
}

fn number(word: &[u8], radix: u32) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |number, &byte| {
        let digit = char::from(byte).to_digit(radix)?;
        number.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}
