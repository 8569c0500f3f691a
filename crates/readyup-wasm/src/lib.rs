//! A service's life as its manager sees it, for JavaScript: the judgment of the npm module `readyup/testing`.
//!
//! It is WebAssembly, as it needs no system call, and so one file does for every processor. An instance is one service.
//! JavaScript writes what has a length at [`input`], calls, and reads as many bytes as the call returns at [`output`]: a line
//! for each effect, and a line for each property as `systemctl show` has it. Times are microseconds of the clock that
//! `MONOTONIC_USEC=` is read from.
//!
//! What comes in here comes from the package's own TypeScript, which bounds it; what a service sent, the library does.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod answer;
mod config;
mod face;
#[cfg(target_arch = "wasm32")]
mod panic;
mod sys;

use core::time::Duration;
use face::face;
use readyup::manager::service::{Exit, FdKey, Process};

/// Where the name of a setting, or the payload of a datagram, is written: [`face::INPUT_SIZE`] bytes.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn input() -> *mut u8 {
    face().input()
}

/// Where the answer to the last call is.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    face().answer().as_bytes().as_ptr()
}

/// Defines a function of the interface. Each returns the length of its answer.
macro_rules! interface {
    ($($(#[$doc:meta])* fn $name:ident($face:ident $(, $argument:ident: $type:ty)*) $body:block)*) => {$(
        $(#[$doc])*
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($argument: $type),*) -> usize {
            let $face = &mut *face();
            $face.answer().clear();
            $body
            $face.answer().as_bytes().len()
        }
    )*};
}

interface! {
    /// Sets something for [`configure`]: its name is at [`input`]; see [`config::set`]. It answers if it cannot be.
    fn set(face, len: usize, value: f64) {
        face.set(len, value);
    }

    /// Begins with a service of the configuration that was set.
    fn configure(face) {
        face.configure();
    }

    /// Somebody wants it to run.
    fn start(face, now: f64) {
        face.step(now, |service, now| service.start(now));
    }

    /// Somebody wants it to end.
    fn stop(face, now: f64) {
        face.step(now, |service, now| service.stop(now));
    }

    /// Somebody wants it to take over a new configuration.
    fn reload(face, now: f64) {
        face.step(now, |service, now| service.reload(now));
    }

    /// Time has passed.
    fn deadline(face, now: f64) {
        face.step(now, |service, now| service.on_deadline(now));
    }

    /// What was to be started has this pid.
    fn spawned(face, pid: u32, now: f64) {
        face.step(now, |service, now| {
            let mut effects = service.on_spawned(now, pid);
            effects.extend(service.on_exec(now));
            effects
        });
    }

    /// What was to be started could not be.
    fn spawn_failed(face, now: f64) {
        face.step(now, |service, now| service.on_spawn_failed(now));
    }

    /// A child has ended: by itself with an exit status, or by a signal, which is negative.
    fn exited(face, pid: u32, status: i32, now: f64) {
        let exit = if status < 0 { Exit::Signal(status.wrapping_neg()) } else { Exit::Code(status) };
        face.step(now, |service, now| service.on_exit(now, pid, exit));
    }

    /// A main process that is no child has ended.
    fn gone(face, pid: u32, now: f64) {
        face.step(now, |service, now| service.on_gone(now, pid));
    }

    /// Whether there are other processes of the unit.
    fn others(face, there_are: bool, now: f64) {
        face.step(now, |service, now| service.set_others(now, there_are));
    }

    /// Whether the main process handles the reload signal.
    fn handles_reload_signal(face, handles: bool) {
        face.set_handles_reload_signal(handles);
    }

    /// Looks at a datagram of which `filled` bytes are at [`input`], of `len` that were sent. The answer is `message=` with 1
    /// if its descriptors are wanted, `barrier=` or `dropped=` with the reason.
    fn open(face, filled: usize, len: usize, pid: i32, fds: usize, control_truncated: bool) {
        face.open(filled, len, pid, fds, control_truncated);
    }

    /// Which process the message at [`input`] names as the main process: `pid=`, `pidfd=` or nothing.
    fn named(face, len: usize) {
        face.named(len);
    }

    /// A descriptor that comes with the next message.
    fn with_fd(face, key: u32) {
        face.fds.push(FdKey(u64::from(key)));
    }

    /// The process that the next message names.
    fn with_named(face, pid: u32, of_unit: bool, own_child: bool) {
        face.named = Some(Process { pid, pidfd_id: None, of_unit, own_child });
    }

    /// The message at [`input`], with what was said to come with it.
    fn message(face, len: usize, pid: u32, uid: u32, now: f64) {
        face.message(len, pid, uid, now);
    }
}

/// A time that JavaScript has as a number.
fn time(usec: f64) -> Duration {
    // As casts do it: what is no time is 0.
    Duration::from_micros(usec as u64)
}
