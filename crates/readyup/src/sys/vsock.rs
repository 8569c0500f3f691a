//! `struct sockaddr_vm`, for rustix's socket calls.

use core::mem::size_of;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};

/// `struct sockaddr_vm` of `linux/vm_sockets.h`.
#[repr(C)]
pub(crate) struct SocketAddrVsock {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags: u8,
    zero: [u8; 3],
}

impl SocketAddrVsock {
    /// `VMADDR_CID_ANY`: this machine, for binding.
    pub(crate) const CID_ANY: u32 = u32::MAX;

    pub(crate) const fn new(cid: u32, port: u32) -> Self {
        Self { family: rustix::net::AddressFamily::VSOCK.as_raw(), reserved: 0, port, cid, flags: 0, zero: [0; 3] }
    }
}

// SAFETY: `f` gets a pointer to the whole of `self`, which has the layout of `struct sockaddr_vm` (16 bytes, all
// initialized) and its family, and which lives until `f` returns.
unsafe impl SocketAddrArg for SocketAddrVsock {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        f(core::ptr::from_ref(self).cast(), size_of::<Self>() as SocketAddrLen)
    }
}

const _: () = assert!(size_of::<SocketAddrVsock>() == 16);
