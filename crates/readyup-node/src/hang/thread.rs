//! A thread, made with the libc that the program has.
#![allow(unsafe_code)]

use super::kernel::{block_signals, set_signal_mask};
use super::symbols::find;
use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;

/// Enough for three messages of 4 KiB each, and for what a libc takes from it for itself.
const STACK: usize = 256 << 10;

/// Room for a `pthread_attr_t`, which no libc has larger than half of this.
type Attributes = [u64; 16];

pub(super) type Main = extern "C" fn(*mut c_void) -> *mut c_void;

/// Starts a detached thread, on which no signal handler of the program runs. False where that cannot be had.
///
/// # Safety
///
/// `data` must be good for `main` for as long as that runs.
pub(super) unsafe fn start(main: Main, data: *mut c_void) -> bool {
    // SAFETY: as the caller says.
    unsafe { try_start(main, data) }.is_some()
}

/// # Safety
///
/// As for [`start`].
unsafe fn try_start(main: Main, data: *mut c_void) -> Option<()> {
    const DETACHED: usize = 1;
    let create = find(c"pthread_create")?;
    // SAFETY: that function has this type in every libc, and its address is not null.
    let create: unsafe extern "C" fn(*mut usize, *const Attributes, Main, *mut c_void) -> c_int =
        unsafe { transmute(create) };
    let mut attributes: Attributes = [0; 16];
    set(c"pthread_attr_init", &mut attributes, 0)?;
    set(c"pthread_attr_setdetachstate", &mut attributes, DETACHED)?;
    set(c"pthread_attr_setstacksize", &mut attributes, STACK)?;
    let mask = block_signals();
    let mut thread = 0;
    // SAFETY: the attributes were made by the same libc; for the data the caller answers.
    let result = unsafe { create(&raw mut thread, &raw const attributes, main, data) };
    set_signal_mask(mask);
    set(c"pthread_attr_destroy", &mut attributes, 0)?;
    (result == 0).then_some(())
}

/// Calls one of the functions that change a thread's attributes.
fn set(name: &CStr, attributes: &mut Attributes, value: usize) -> Option<()> {
    let function = find(name)?;
    // SAFETY: those functions have this type, or one with an argument less, which makes no difference to the caller.
    let function: unsafe extern "C" fn(*mut Attributes, usize) -> c_int = unsafe { transmute(function) };
    // SAFETY: there is room enough for the attributes, which the first of the calls has made.
    let result = unsafe { function(attributes, value) };
    (result == 0).then_some(())
}
