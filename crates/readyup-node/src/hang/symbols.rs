//! Functions of the running program, looked up by name, so that the addon loads also where they are missing.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_void};
use core::ptr::null_mut;

type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

/// The address of a function; `None` where the program and its libraries have none of that name.
pub(super) fn find(name: &CStr) -> Option<*mut c_void> {
    let dlsym = dlsym()?;
    // `RTLD_DEFAULT`
    let everywhere = null_mut();
    // SAFETY: the name ends in a NUL.
    let address = unsafe { dlsym(everywhere, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

/// The libc's `dlsym`. The reference to it is weak: a program without it loads the addon all the same.
fn dlsym() -> Option<Dlsym> {
    let address: *mut c_void;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it reads the address from where the dynamic linker has put it.
    unsafe {
        core::arch::asm!(
            ".weak dlsym",
            "mov {}, qword ptr [rip + dlsym@GOTPCREL]",
            out(reg) address,
            options(nostack, pure, readonly, preserves_flags)
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: it reads the address from where the dynamic linker has put it.
    unsafe {
        core::arch::asm!(
            ".weak dlsym",
            "adrp {0}, :got:dlsym",
            "ldr {0}, [{0}, :got_lo12:dlsym]",
            out(reg) address,
            options(nostack, pure, readonly, preserves_flags)
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        address = null_mut();
    }
    // SAFETY: this is the function's type, and null is none.
    unsafe { core::mem::transmute::<*mut c_void, Option<Dlsym>>(address) }
}
