//! Receiving a datagram with everything that the kernel puts beside it.

use crate::protocol::MESSAGE_MAX;
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

/// Asks the kernel to put a pidfd of the sender beside each message, or to do so no more. Kernels before 6.5 don't know how.
pub(crate) fn set_pidfds(socket: impl AsFd, on: bool) -> Result<(), Errno> {
    let on = libc::c_int::from(on);
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

/// Room for several datagrams, which is used again and again: clearing it each time would take as long as receiving does.
pub(crate) struct Room {
    slots: Box<[Slot]>,
    headers: Box<[libc::mmsghdr]>,
}

/// Room for one datagram.
struct Slot {
    payload: [u8; MESSAGE_MAX],
    control: Control,
    buffer: libc::iovec,
}

// SAFETY: the pointers in there lead nowhere but into the slots, which are owned, and are set anew at each use.
unsafe impl Send for Room {}

impl Room {
    pub(crate) fn new(count: usize) -> Self {
        let slot = || Slot {
            payload: [0; MESSAGE_MAX],
            control: Control([0; CONTROL_SIZE]),
            buffer: libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 },
        };
        // SAFETY: `mmsghdr` is made of integers and pointers, for which all zeros is a valid value.
        let header = || unsafe { core::mem::zeroed() };
        Self {
            slots: core::iter::repeat_with(slot).take(count).collect(),
            headers: core::iter::repeat_with(header).take(count).collect(),
        }
    }
}

/// Receives as many datagrams as there are, up to as many as there is room for, without waiting, and calls `each` with
/// every one and its payload.
pub(crate) fn receive_many(
    socket: impl AsFd,
    room: &mut Room,
    mut each: impl FnMut(Datagram, &[u8]),
) -> Result<(), Errno> {
    for (slot, header) in room.slots.iter_mut().zip(&mut room.headers) {
        slot.buffer = libc::iovec { iov_base: slot.payload.as_mut_ptr().cast(), iov_len: MESSAGE_MAX };
        header.msg_hdr.msg_iov = &raw mut slot.buffer;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_control = slot.control.0.as_mut_ptr().cast();
        header.msg_hdr.msg_controllen = CONTROL_SIZE as _;
        header.msg_hdr.msg_flags = 0;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC | libc::MSG_TRUNC;
    let count = room.headers.len() as libc::c_uint;
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: each header points to a buffer and a control buffer of its slot, both alive, writable and of the given sizes.
    let got = unsafe { libc::recvmmsg(socket, room.headers.as_mut_ptr(), count, flags as _, core::ptr::null_mut()) };
    let Ok(got) = usize::try_from(got) else {
        return Err(last_errno());
    };
    for (slot, header) in room.slots.iter().zip(&room.headers).take(got) {
        // SAFETY: the kernel has just filled it in.
        let datagram = unsafe { datagram(&header.msg_hdr, header.msg_len as usize) };
        each(datagram, &slot.payload);
    }
    Ok(())
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

    // SAFETY: the kernel has just filled it in.
    Ok(unsafe { self::datagram(&header, len) })
}

/// Takes over what the kernel wrote beside a datagram of `len` bytes.
///
/// # Safety
///
/// The header must be as the kernel left it, with its control buffer alive, and what it holds not taken over before.
unsafe fn datagram(header: &libc::msghdr, len: usize) -> Datagram {
    let mut datagram = Datagram {
        len,
        control_truncated: header.msg_flags & libc::MSG_CTRUNC != 0,
        credentials: None,
        pidfd: None,
        fds: Vec::new(),
    };
    // SAFETY: the kernel filled in `msg_control` and `msg_controllen`, which CMSG_FIRSTHDR keeps to.
    let mut current = unsafe { libc::CMSG_FIRSTHDR(header) };
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
        current = unsafe { libc::CMSG_NXTHDR(header, current) };
    }
    datagram
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

pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
