//! The small `systemd-notify`: [`readyup_notify`] and nothing else, not even a libc.
#![no_std]
#![no_main]

extern crate alloc;

mod bare;

use alloc::vec::Vec;
use core::ffi::CStr;
use readyup_notify::{Face, Process};

/// Where the program begins, once there is a stack: see [`bare`].
fn main(arguments: Vec<&CStr>, environment: Vec<&CStr>) -> u8 {
    let arguments = arguments.get(1..).unwrap_or_default().to_vec();
    readyup_notify::run(&Process { face: Face::SystemdNotify, arguments, environment }, &mut ()).code()
}
