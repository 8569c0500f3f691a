//! What a libc would do: the entry point, memory, the four functions that the compiler calls, and what happens in a
//! panic.
#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};
use readyup_notify::{c_strings, exit};
use syscalls::{Sysno, syscall};

// The kernel leaves the arguments on the stack, and nothing to return to.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "bl {start}",
    "brk #1",
    start = sym start,
);

/// # Safety
///
/// `stack` is the process's first stack pointer: the number of arguments, the arguments, null, the environment, null.
unsafe extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: the number of arguments is there.
    let count = unsafe { stack.read() };
    let arguments = stack.wrapping_add(1).cast::<*const c_char>();
    // SAFETY: so many strings, and a null pointer.
    let arguments_read = unsafe { c_strings(arguments) };
    // SAFETY: the environment comes behind that null pointer, and ends with another.
    let environment = unsafe { c_strings(arguments.wrapping_add(count + 1)) };
    exit(crate::main(arguments_read, environment))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    const TEXT: &str = "systemd-notify: this is a bug of readyup's; please report it\n";
    // SAFETY: a buffer of the given length.
    let _ = unsafe { syscall!(Sysno::write, 2, TEXT.as_ptr(), TEXT.len()) };
    exit(1)
}

/// Memory is handed out and never taken back: the process is about to end.
struct Arena {
    space: UnsafeCell<[u8; Self::SIZE]>,
    used: AtomicUsize,
}

// SAFETY: there is one thread.
unsafe impl Sync for Arena {}

impl Arena {
    /// Pages that are not touched cost nothing.
    const SIZE: usize = 128 << 10;
}

#[global_allocator]
static ARENA: Arena = Arena { space: UnsafeCell::new([0; Arena::SIZE]), used: AtomicUsize::new(0) };

// SAFETY: each piece is handed out once, aligned and as large as asked for.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let space = self.space.get().cast::<u8>();
        let used = self.used.load(Ordering::Relaxed);
        let padding = space.wrapping_add(used).align_offset(layout.align());
        match used.checked_add(padding).and_then(|start| start.checked_add(layout.size())) {
            Some(end) if end <= Self::SIZE => {
                self.used.store(end, Ordering::Relaxed);
                space.wrapping_add(end - layout.size())
            }
            _ => pages(layout),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// Memory of its own for what is too large, such as a status of many pages.
fn pages(layout: Layout) -> *mut u8 {
    const PROT_READ_WRITE: usize = 3;
    const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
    const PAGE: usize = 4096;
    if layout.align() > PAGE {
        return null_mut();
    }
    // SAFETY: new memory, which nobody else uses.
    let mapped =
        unsafe { syscall!(Sysno::mmap, 0, layout.size(), PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, usize::MAX, 0) };
    mapped.map_or(null_mut(), core::ptr::with_exposed_provenance_mut)
}

// What the compiler calls by itself. In assembly, because it would make a call of the same function out of a loop.

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as the caller says.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as the caller says.
    unsafe {
        asm!("cbz {len}, 2f", "1:", "ldrb {byte:w}, [{from}], #1", "strb {byte:w}, [{to}], #1",
            "subs {len}, {len}, #1", "b.ne 1b", "2:",
            len = inout(reg) len => _, from = inout(reg) from => _, to = inout(reg) to => _, byte = out(reg) _,
            options(nostack));
    }
    to
}

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= len {
        // SAFETY: copied from the front, what is still needed is not overwritten.
        return unsafe { memcpy(to, from, len) };
    }
    let (to_end, from_end) = (to.wrapping_add(len), from.wrapping_add(len));
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as the caller says; the direction is put back.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") len => _, inout("rdi") to_end.wrapping_sub(1) => _,
            inout("rsi") from_end.wrapping_sub(1) => _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as the caller says.
    unsafe {
        asm!("cbz {len}, 2f", "1:", "ldrb {byte:w}, [{from}, #-1]!", "strb {byte:w}, [{to}, #-1]!",
            "subs {len}, {len}, #1", "b.ne 1b", "2:",
            len = inout(reg) len => _, from = inout(reg) from_end => _, to = inout(reg) to_end => _,
            byte = out(reg) _, options(nostack));
    }
    to
}

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as the caller says.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte as u8,
            options(nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as the caller says.
    unsafe {
        asm!("cbz {len}, 2f", "1:", "strb {byte:w}, [{to}], #1", "subs {len}, {len}, #1", "b.ne 1b", "2:",
            len = inout(reg) len => _, to = inout(reg) to => _, byte = in(reg) byte, options(nostack));
    }
    to
}

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    for index in 0..len {
        // SAFETY: as the caller says; volatile, so that the compiler does not make a call of this very function of it.
        let [one, other] = [one, other].map(|from| unsafe { from.wrapping_add(index).read_volatile() });
        if one != other {
            return i32::from(one) - i32::from(other);
        }
    }
    0
}

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { memcmp(one, other, len) }
}

/// # Safety
///
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(string: *const c_char) -> usize {
    let mut len = 0;
    // SAFETY: as the caller says; volatile, as above.
    while unsafe { string.wrapping_add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}
