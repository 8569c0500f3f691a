//! What cannot be done without unsafe code: a value that is there for all calls, and memory.
#![allow(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod memory;

/// What may be in a `static`, as there is one thread.
pub(crate) struct Single<T>(pub(crate) T);

// SAFETY: this runs as WebAssembly without threads, and nowhere else.
unsafe impl<T> Sync for Single<T> {}
