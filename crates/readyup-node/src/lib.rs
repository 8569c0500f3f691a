//! The N-API addon of the npm package `readyup`: JavaScript values in, calls of the library, JavaScript values out.
//!
//! It knows nothing of the protocol, keeps nothing between calls but what a handle owns, starts no thread, and never
//! waits: what cannot be done at once is answered with "not yet", and the package's TypeScript comes back later.
//!
//! It exports to JavaScript (see `native.ts` in the package for the types):
//!
//! - `open(address)`: a handle on a manager, an object of functions.
//! - `openJournal(address)`: a handle on the journal.
//! - `watchdogPeriod(usec, pid)`, `listenFds(pid, fds, names, pidfdId)`: what the environment's values mean.
//! - `booted()`.
#![cfg_attr(feature = "standalone", no_std)]

mod arguments;
mod environment;
mod handle;
mod journal;
mod napi;
#[cfg(feature = "standalone")]
mod panic;

use napi::{Env, Value, register};

/// Makes the module's exports.
fn init(env: Env, exports: Value) {
    env.set(exports, c"open", env.function(c"open", handle::open));
    env.set(exports, c"openJournal", env.function(c"openJournal", journal::open));
    env.set(exports, c"watchdogPeriod", env.function(c"watchdogPeriod", environment::watchdog_period));
    env.set(exports, c"listenFds", env.function(c"listenFds", environment::listen_fds));
    env.set(exports, c"booted", env.function(c"booted", environment::booted));
}

register!(init);
