//! Receiving a datagram with everything that the kernel puts beside it.

use core::mem::size_of;
use rustix::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};
use rustix::io::Errno;
use std::io;

/// `SCM_PIDFD` and `SO_PASSPIDFD` of Linux 6.5, the same on every processor with the generic socket numbers.
const SCM_PIDFD: libc::c_int = 0x04;
const SO_PASSPIDFD: libc::c_int = 76;

/// Room for what a sender can cause: `SCM_MAX_FD` descriptors, credentials, a pidfd, and a security label.
const CONTROL_SIZE: usize = 2048;

/// A control buffer with the alignment of `struct cmsghdr`.
#[repr(C, align(8))]
struct Control([u8; CONTROL_SIZE]);

/// What one `recvmsg` brought.
#[derive(Debug)]
pub(crate) struct Datagram {
    /// The payload's length as it was sent: more than the buffer holds when it was cut.
    pub(crate) len: usize,
    /// Not all of the descriptors and credentials were received.
    pub(crate) control_truncated: bool,
    /// The sender's pid, uid and gid.
    pub(crate) credentials: Option<(i32, u32, u32)>,
    /// A pidfd of the sender.
    pub(crate) pidfd: Option<OwnedFd>,
    /// The descriptors, close-on-exec.
    pub(crate) fds: Vec<OwnedFd>,
}

/// Asks the kernel to put a pidfd of the sender beside each message. Kernels before 6.5 don't know how.
pub(crate) fn enable_pidfds(socket: impl AsFd) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value points to a `c_int` that lives through the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PASSPIDFD,
            core::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Receives one datagram without waiting. Every descriptor that comes with it is owned by the result, whatever is
/// wrong with the rest.
pub(crate) fn receive(socket: impl AsFd, payload: &mut [u8]) -> Result<Datagram, Errno> {
    let mut control = Control([0; CONTROL_SIZE]);
    let mut buffer = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
    // SAFETY: `msghdr` is made of integers and pointers, for which all zeros is a valid value.
    let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
    header.msg_iov = &raw mut buffer;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = CONTROL_SIZE as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC | libc::MSG_TRUNC;
    // SAFETY: the header points to one buffer and to the control buffer, both alive, writable and of the given sizes.
    let len = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, flags) };
    let Ok(len) = usize::try_from(len) else {
        return Err(last_errno());
    };

    let mut datagram = Datagram {
        len,
        control_truncated: header.msg_flags & libc::MSG_CTRUNC != 0,
        credentials: None,
        pidfd: None,
        fds: Vec::new(),
    };
    // SAFETY: the kernel filled in `msg_control` and `msg_controllen`, which CMSG_FIRSTHDR keeps to.
    let mut current = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !current.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or an aligned header within the control buffer.
        let message = unsafe { current.read() };
        // SAFETY: as above; the data begins behind the header.
        let data = unsafe { libc::CMSG_DATA(current) };
        let data_len = (message.cmsg_len as usize).saturating_sub(data as usize - current as usize);
        match (message.cmsg_level, message.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                for position in 0..data_len / size_of::<i32>() {
                    datagram.fds.extend(owned(data, position));
                }
            }
            (libc::SOL_SOCKET, SCM_PIDFD) if data_len >= size_of::<i32>() => {
                // Of a sender that is gone, or when descriptors have run out, the kernel puts an error number here.
                datagram.pidfd = owned(data, 0);
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if data_len >= size_of::<libc::ucred>() => {
                // SAFETY: the kernel wrote a `ucred` there, as the length says; it may not be aligned for one.
                let credentials = unsafe { data.cast::<libc::ucred>().read_unaligned() };
                datagram.credentials = Some((credentials.pid, credentials.uid, credentials.gid));
            }
            _ => {}
        }
        // SAFETY: `current` is a header within the control buffer that `header` describes.
        current = unsafe { libc::CMSG_NXTHDR(&raw const header, current) };
    }
    Ok(datagram)
}

/// The descriptor at `position` of a control message's data; none if the kernel put none there.
fn owned(data: *const u8, position: usize) -> Option<OwnedFd> {
    let place = data.cast::<i32>().wrapping_add(position);
    // SAFETY: the caller has checked against the message's length that a whole descriptor is there.
    let fd = unsafe { place.read_unaligned() };
    // SAFETY: a number from 0 on is a descriptor that the kernel has just opened for this process, and this is the one
    // place where it is taken over.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
