//! Sending several datagrams with one system call, which rustix has no function for.

use core::mem::zeroed;
use rustix::fd::{AsRawFd as _, BorrowedFd};

/// How many there are at most in one call.
const MANY: usize = 64;

/// Sends the datagrams in order, without waiting, until the kernel takes no more or refuses one, and says how many it took.
pub(crate) fn send_many<'a>(socket: BorrowedFd<'_>, payloads: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut payloads = payloads.into_iter();
    let mut sent = 0;
    loop {
        let mut buffers = [libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 }; MANY];
        // SAFETY: it is made of integers and pointers, for which all zeros is a valid value.
        let mut headers: [libc::mmsghdr; MANY] = unsafe { zeroed() };
        let mut count = 0;
        for ((buffer, header), payload) in buffers.iter_mut().zip(&mut headers).zip(&mut payloads) {
            *buffer = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
            header.msg_hdr.msg_iov = buffer;
            header.msg_hdr.msg_iovlen = 1;
            count += 1;
        }
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        // SAFETY: the first `count` headers point to a buffer each, and these to a payload that lives through the call; the
        // kernel only reads them.
        let taken = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, flags as _) };
        let taken = usize::try_from(taken).unwrap_or(0);
        sent += taken;
        if taken < MANY {
            return sent;
        }
    }
}
