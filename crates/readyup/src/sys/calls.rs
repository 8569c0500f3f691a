//! What rustix does with a path that can panic when it is built without the standard library.
//!
//! The Node addon must not hold a single panic. There, rustix's descriptors assert at each use that they are not -1,
//! which the compiler often cannot see, and its clock looks for the kernel's vDSO with code that can fail. So on the
//! processors that the addon is built for, the system calls that return a descriptor, the time or an error as a number are
//! made here, and descriptors are borrowed through [`borrow`].

use core::time::Duration;
use rustix::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::Pid;
use rustix::time::ClockId;

/// `socket(2)`, close-on-exec and non-blocking.
pub(crate) fn socket(family: AddressFamily, kind: SocketType) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let fd = raw::open(raw::SOCKET, [usize::from(family.as_raw()), (kind.as_raw() | flags.bits()) as usize, 0, 0, 0]);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let fd = rustix::net::socket_with(family, kind, flags, None);
    fd
}

/// `memfd_create(2)`, close-on-exec, to be sealed.
pub(crate) fn memory_file() -> Result<OwnedFd, Errno> {
    use rustix::fs::MemfdFlags;

    let create = |flags: MemfdFlags| {
        let name = c"journal-entry";
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        let fd = raw::memfd_create(name, flags.bits() as usize);
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let fd = rustix::fs::memfd_create(name, flags);
        fd
    };
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match create(flags) {
        // A system that only has files that cannot be executed (vm.memfd_noexec=2). Elsewhere it is left out, since that
        // is one more seal, and not every reader knows it.
        Err(Errno::ACCESS) => create(flags | MemfdFlags::NOEXEC_SEAL),
        result => result,
    }
}

/// `pidfd_open(2)`
pub(crate) fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let fd = raw::open(raw::PIDFD_OPEN, [pid.as_raw_nonzero().get() as usize, 0, 0, 0, 0]);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let fd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty());
    fd
}

/// The error that a socket has met in the background.
pub(crate) fn socket_error(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let result = raw::socket_error(fd);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let result = rustix::net::sockopt::socket_error(fd).and_then(|result| result);
    result
}

/// As `fd.as_fd()`.
#[inline]
pub(crate) fn borrow(fd: &OwnedFd) -> BorrowedFd<'_> {
    let raw = fd.as_raw_fd();
    // SAFETY: an `OwnedFd` is never -1; both of its constructors say so.
    unsafe { core::hint::assert_unchecked(raw != -1) };
    // SAFETY: it is open for as long as `fd` is borrowed.
    unsafe { BorrowedFd::borrow_raw(raw) }
}

/// `CLOCK_MONOTONIC`, in whole microseconds. (Not inlined, for the addon's size, where it is asked for all over.)
#[inline(never)]
pub(crate) fn monotonic_time() -> Duration {
    Duration::from_micros(nanoseconds(ClockId::Monotonic) / 1000)
}

/// The time by a clock.
#[cfg(any(feature = "std", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) fn nanoseconds(clock: ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    in_nanoseconds(time.tv_sec, time.tv_nsec)
}

/// The time by a clock.
#[cfg(not(any(feature = "std", not(any(target_arch = "x86_64", target_arch = "aarch64")))))]
pub(crate) fn nanoseconds(clock: ClockId) -> u64 {
    let [seconds, nanoseconds] = raw::time(clock);
    in_nanoseconds(seconds, nanoseconds)
}

/// The two halves of a `struct timespec`, which is enough for 584 years.
pub(super) fn in_nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(nanoseconds as u64)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) mod raw {
    use crate::sys::receive::MessageHeader;
    use core::arch::asm;
    use core::ffi::CStr;
    use rustix::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
    use rustix::io::Errno;
    #[cfg(not(feature = "std"))]
    use rustix::time::ClockId;

    #[cfg(target_arch = "x86_64")]
    pub(super) const SOCKET: usize = 41;
    #[cfg(target_arch = "aarch64")]
    pub(super) const SOCKET: usize = 198;
    pub(super) const PIDFD_OPEN: usize = 434;
    #[cfg(target_arch = "x86_64")]
    const MEMFD_CREATE: usize = 319;
    #[cfg(target_arch = "aarch64")]
    const MEMFD_CREATE: usize = 279;
    #[cfg(all(target_arch = "x86_64", not(feature = "std")))]
    const CLOCK_GETTIME: usize = 228;
    #[cfg(all(target_arch = "aarch64", not(feature = "std")))]
    const CLOCK_GETTIME: usize = 113;

    #[cfg(target_arch = "x86_64")]
    const GETSOCKOPT: usize = 55;
    #[cfg(target_arch = "aarch64")]
    const GETSOCKOPT: usize = 209;
    #[cfg(target_arch = "x86_64")]
    const SETSOCKOPT: usize = 54;
    #[cfg(target_arch = "aarch64")]
    const SETSOCKOPT: usize = 208;
    #[cfg(target_arch = "x86_64")]
    const GETSOCKNAME: usize = 51;
    #[cfg(target_arch = "aarch64")]
    const GETSOCKNAME: usize = 204;
    #[cfg(target_arch = "x86_64")]
    const RECVMSG: usize = 47;
    #[cfg(target_arch = "aarch64")]
    const RECVMSG: usize = 212;

    const SOL_SOCKET: usize = 1;

    /// Makes a system call that takes numbers only and returns a new descriptor.
    pub(super) fn open(number: usize, arguments: [usize; 5]) -> Result<OwnedFd, Errno> {
        // SAFETY: the two calls that this is used for read and write no memory.
        descriptor(unsafe { syscall(number, arguments) })
    }

    /// `memfd_create`
    pub(super) fn memfd_create(name: &CStr, flags: usize) -> Result<OwnedFd, Errno> {
        let arguments = [name.as_ptr().expose_provenance(), flags, 0, 0, 0];
        // SAFETY: the kernel reads the name up to its NUL, and writes nothing.
        descriptor(unsafe { syscall(MEMFD_CREATE, arguments) })
    }

    /// What a call returned that opens a descriptor.
    fn descriptor(result: isize) -> Result<OwnedFd, Errno> {
        match result as i32 {
            // SAFETY: the kernel has just opened it for this process, and nobody else knows of it.
            fd @ 0.. => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            errno => Err(self::errno(errno.wrapping_neg())),
        }
    }

    /// `getsockopt(SO_ERROR)`
    pub(super) fn socket_error(fd: BorrowedFd<'_>) -> Result<(), Errno> {
        const SO_ERROR: usize = 4;
        let mut error = 0i32;
        let mut len = size_of::<i32>() as u32;
        let arguments = [
            fd.as_raw_fd() as usize,
            SOL_SOCKET,
            SO_ERROR,
            (&raw mut error).expose_provenance(),
            (&raw mut len).expose_provenance(),
        ];
        // SAFETY: the kernel writes at most `len` bytes to `error`, and the length to `len`.
        let result = unsafe { syscall(GETSOCKOPT, arguments) };
        match if result < 0 { result.wrapping_neg() as i32 } else { error } {
            0 => Ok(()),
            number => Err(errno(number)),
        }
    }

    /// The error of that number, which is one of the kernel's.
    fn errno(number: i32) -> Errno {
        if !(1..=4095).contains(&number) {
            return Errno::IO;
        }
        // What `from_raw_os_error` asserts, in its own terms: the compiler does not see that it follows.
        // SAFETY: -4095 to -1 are 0xf001 to 0xffff in 16 bits.
        unsafe { core::hint::assert_unchecked(number.wrapping_neg() as u16 >= 0xf001) };
        Errno::from_raw_os_error(number)
    }

    /// `clock_gettime`: seconds and nanoseconds.
    #[cfg(not(feature = "std"))]
    pub(super) fn time(clock: ClockId) -> [i64; 2] {
        let mut time = [0i64; 2];
        // SAFETY: the kernel writes a `struct timespec`, two 64-bit numbers, to where the second argument points.
        unsafe { syscall(CLOCK_GETTIME, [clock as usize, (&raw mut time).expose_provenance(), 0, 0, 0]) };
        time
    }

    /// `setsockopt` of the socket layer, for what is on or off.
    pub(in crate::sys) fn set_option(fd: BorrowedFd<'_>, option: i32, on: bool) -> Result<(), Errno> {
        let value = i32::from(on);
        let arguments = [
            fd.as_raw_fd() as usize,
            SOL_SOCKET,
            option as usize,
            (&raw const value).expose_provenance(),
            size_of::<i32>(),
        ];
        // SAFETY: the kernel reads `value`, of the size that is given.
        length(unsafe { syscall(SETSOCKOPT, arguments) }).map(|_| ())
    }

    /// `getsockname`: how long the address is that was written.
    pub(in crate::sys) fn socket_name(fd: BorrowedFd<'_>, address: &mut [u8]) -> Result<usize, Errno> {
        let mut len = address.len() as u32;
        let arguments = [
            fd.as_raw_fd() as usize,
            address.as_mut_ptr().expose_provenance(),
            (&raw mut len).expose_provenance(),
            0,
            0,
        ];
        // SAFETY: the kernel writes at most `len` bytes to `address`, and the length to `len`.
        length(unsafe { syscall(GETSOCKNAME, arguments) }).map(|_| len as usize)
    }

    /// `recvmsg`: the length that the flags ask for.
    ///
    /// # Safety
    ///
    /// What the header points to must be writable, of the sizes that are given there, and nobody else's during the call.
    pub(in crate::sys) unsafe fn receive_message(
        fd: BorrowedFd<'_>,
        header: &mut MessageHeader,
        flags: i32,
    ) -> Result<usize, Errno> {
        let header: *mut MessageHeader = header;
        let arguments = [fd.as_raw_fd() as usize, header.expose_provenance(), flags as usize, 0, 0];
        // SAFETY: the kernel writes to the header and to where it points, as the caller allows.
        length(unsafe { syscall(RECVMSG, arguments) })
    }

    /// What a call returned that counts bytes, or nothing.
    fn length(result: isize) -> Result<usize, Errno> {
        usize::try_from(result).map_err(|_| errno(result.wrapping_neg() as i32))
    }

    /// # Safety
    ///
    /// The call must be harmless with these arguments; pointers among them must be good for what it does with them.
    unsafe fn syscall(number: usize, arguments: [usize; 5]) -> isize {
        let [a, b, c, d, e] = arguments;
        let result: isize;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the kernel's calling convention on x86-64, where rcx and r11 are overwritten; the rest is up to the
        // caller.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") number as isize => result,
                in("rdi") a,
                in("rsi") b,
                in("rdx") c,
                in("r10") d,
                in("r8") e,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack, preserves_flags)
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the kernel's calling convention on arm64; the rest is up to the caller.
        unsafe {
            asm!(
                "svc 0",
                in("x8") number,
                inlateout("x0") a as isize => result,
                in("x1") b,
                in("x2") c,
                in("x3") d,
                in("x4") e,
                options(nostack, preserves_flags)
            );
        }
        result
    }
}
