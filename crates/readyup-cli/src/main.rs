//! The command `readyup`, and `systemd-notify` if it is called by that name.
//!
//! It begins with C's `main`, so that what a short-lived command does not need is not done. The standard library's own
//! beginning looks at descriptors, sets up a stack for overflows and changes what SIGPIPE does, which programs started
//! from here would inherit: a dozen system calls, where telling the manager something takes three.
#![no_main]
#![allow(unsafe_code)]

use readyup_cli::Start;
use std::ffi::{c_char, c_int};

#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, arguments: *const *const c_char, environment: *const *const c_char) -> c_int {
    // SAFETY: that is how `main` is called.
    let arguments = unsafe { readyup_notify::c_strings(arguments) };
    // SAFETY: as above.
    let environment = unsafe { readyup_notify::c_strings(environment) };
    // A panic cannot pass the boundary to C. It has been reported by then.
    std::panic::catch_unwind(|| readyup_cli::run(&Start { arguments, environment })).map_or(101, c_int::from)
}
