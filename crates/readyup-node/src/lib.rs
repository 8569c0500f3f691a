//! The N-API addon of the npm package `readyup`: JavaScript values in, calls of the library, JavaScript values out.
//!
//! It knows nothing of the protocol, keeps nothing between calls but what a handle owns, and never waits: what cannot be
//! done at once is answered with "not yet", and the package's TypeScript comes back later. Its one thread, which looks
//! after an event loop, is started where that is asked for.
//!
//! It exports to JavaScript (see `native.ts` in the package for the types):
//!
//! - `open(address)`: a handle on a manager, an object of functions.
//! - `openJournal(address)`: a handle on the journal.
//! - `listen(address)`: a handle on a socket that services notify.
//! - `closeFd(fd)`.
//! - `watchdogPeriod(usec, pid)`, `listenFds(pid, fds, names, pidfdId)`: what the environment's values mean.
//! - `booted()`.
//! - `watchLoop(address, after, flags)`: a thread that says where the event loop hangs.
#![cfg_attr(feature = "standalone", no_std)]

mod arguments;
mod environment;
mod handle;
mod hang;
mod journal;
mod memory;
mod napi;
#[cfg(feature = "standalone")]
mod panic;
mod receive;

use napi::{Env, Value, register};

/// Makes the module's exports.
fn init(env: Env, exports: Value) {
    env.set(exports, c"open", env.function(c"open", handle::open));
    env.set(exports, c"openJournal", env.function(c"openJournal", journal::open));
    env.set(exports, c"listen", env.function(c"listen", receive::listen));
    env.set(exports, c"closeFd", env.function(c"closeFd", receive::close_fd));
    env.set(exports, c"watchdogPeriod", env.function(c"watchdogPeriod", environment::watchdog_period));
    env.set(exports, c"listenFds", env.function(c"listenFds", environment::listen_fds));
    env.set(exports, c"booted", env.function(c"booted", environment::booted));
    env.set(exports, c"watchLoop", env.function(c"watchLoop", hang::watch_loop));
}

register!(init);
