//! What cannot be done without unsafe code, each in as few lines as it takes.
//!
//! Everything else in this library goes through rustix. What is here: a descriptor in an atomic cell, `AF_VSOCK`
//! addresses (rustix has none), descriptors inherited from the manager (whose ownership only the environment
//! tells), what rustix without the standard library has a panic in, receiving with `SCM_PIDFD` and `SCM_TIMESTAMPNS` (which
//! rustix does not know; the first it would leak), sending several datagrams at once, and what a service's process is before
//! it is the program.
#![allow(unsafe_code)]

mod calls;
mod fd_cell;
mod inherited;
#[cfg(feature = "std")]
mod program;
#[cfg(any(feature = "std", target_arch = "x86_64", target_arch = "aarch64"))]
mod receive;
#[cfg(feature = "std")]
mod send;
mod vsock;

#[cfg(any(feature = "std", target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use calls::nanoseconds;
pub(crate) use calls::{borrow, memory_file, monotonic_time, pidfd_open, socket, socket_error};
pub(crate) use fd_cell::FdCell;
#[cfg(feature = "std")]
pub(crate) use inherited::adopt;
pub(crate) use inherited::close_on_exec;
#[cfg(feature = "std")]
pub(crate) use program::{Program, is_same_file, send_signal};
#[cfg(feature = "std")]
pub(crate) use receive::{Datagram, Room, receive_many, set_pidfds};
#[cfg(any(feature = "std", target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use receive::{receive, set_timestamps, with_name};
#[cfg(feature = "std")]
pub(crate) use send::send_many;
pub(crate) use vsock::SocketAddrVsock;
