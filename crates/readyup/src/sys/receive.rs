//! Receiving a datagram with everything that the kernel puts beside it, with and without the standard library.

use super::calls::in_nanoseconds;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::calls::raw as kernel;
#[cfg(feature = "std")]
use crate::protocol::MESSAGE_MAX;
use core::mem::size_of;
use core::ptr::null_mut;
use rustix::fd::{BorrowedFd, FromRawFd as _, OwnedFd};
use rustix::io::Errno;

const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 0x01;
const SCM_CREDENTIALS: i32 = 0x02;

/// `SCM_PIDFD` and `SO_PASSPIDFD` of Linux 6.5, the same on every processor with the generic socket numbers.
const SCM_PIDFD: i32 = 0x04;
#[cfg(feature = "std")]
const SO_PASSPIDFD: i32 = 76;

/// `SO_TIMESTAMPNS`, and `SCM_TIMESTAMPNS`.
const TIMESTAMPNS: i32 = 35;

const MSG_CTRUNC: i32 = 0x08;
/// `MSG_DONTWAIT`, `MSG_TRUNC` and `MSG_CMSG_CLOEXEC`.
const FLAGS: i32 = 0x40 | 0x20 | 0x4000_0000;

/// Room for what a sender can cause: `SCM_MAX_FD` descriptors, credentials, a pidfd, the time, and a security label.
const CONTROL_SIZE: usize = 2048;

/// A control buffer with the alignment of `struct cmsghdr`.
#[repr(C, align(8))]
struct Control([u8; CONTROL_SIZE]);

/// `struct msghdr` with one buffer, as the kernel has it.
#[repr(C)]
pub(super) struct MessageHeader {
    name: *mut u8,
    name_len: u32,
    buffers: *mut Buffer,
    buffers_len: usize,
    control: *mut u8,
    control_len: usize,
    flags: i32,
}

/// `struct iovec`
#[repr(C)]
struct Buffer {
    place: *mut u8,
    len: usize,
}

impl MessageHeader {
    const EMPTY: Self = Self {
        name: null_mut(),
        name_len: 0,
        buffers: null_mut(),
        buffers_len: 0,
        control: null_mut(),
        control_len: 0,
        flags: 0,
    };

    fn new(buffer: &mut Buffer, control: &mut Control) -> Self {
        Self {
            buffers: buffer,
            buffers_len: 1,
            control: control.0.as_mut_ptr(),
            control_len: CONTROL_SIZE,
            ..Self::EMPTY
        }
    }
}

impl Buffer {
    fn new(bytes: &mut [u8]) -> Self {
        Self { place: bytes.as_mut_ptr(), len: bytes.len() }
    }
}

/// `struct cmsghdr`: its data begins behind it.
const HEAD: usize = size_of::<usize>() + 2 * size_of::<i32>();

/// `struct sockaddr_un`
const SOCKET_ADDRESS_SIZE: usize = 110;

/// What one `recvmsg` brought, but for the descriptors.
#[derive(Debug, Default)]
pub(crate) struct Datagram {
    /// The payload's length as it was sent: more than the buffer holds when it was cut.
    pub(crate) len: usize,
    /// Not all of the descriptors and credentials were received.
    pub(crate) control_truncated: bool,
    /// The sender's pid, uid and gid.
    pub(crate) credentials: Option<(i32, u32, u32)>,
    /// A pidfd of the sender.
    pub(crate) pidfd: Option<OwnedFd>,
    /// When it was sent: the nanoseconds of `CLOCK_REALTIME`.
    pub(crate) sent: Option<u64>,
}

/// Asks the kernel to put a pidfd of the sender beside each message, or to do so no more. Kernels before 6.5 don't know how.
#[cfg(feature = "std")]
pub(crate) fn set_pidfds(socket: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    kernel::set_option(socket, SO_PASSPIDFD, on)
}

/// Asks the kernel to put beside each message when it was sent.
pub(crate) fn set_timestamps(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    kernel::set_option(socket, TIMESTAMPNS, true)
}

/// Calls `with` with the name that a Unix socket is bound to: a path, or `@` and a name.
pub(crate) fn with_name<R>(socket: BorrowedFd<'_>, with: impl FnOnce(&[u8]) -> R) -> Result<R, Errno> {
    let mut address = [0; SOCKET_ADDRESS_SIZE];
    let len = kernel::socket_name(socket, &mut address)?;
    // After the family, a path and a NUL, or a NUL in the place of the `@`.
    let name = address.get_mut(2..len).unwrap_or_default();
    if let Some(first @ 0) = name.first_mut() {
        *first = b'@';
    }
    Ok(with(name.strip_suffix(b"\0").unwrap_or(name)))
}

/// Room for several datagrams, which is used again and again: clearing it each time would take as long as receiving does.
#[cfg(feature = "std")]
pub(crate) struct Room {
    slots: Box<[Slot]>,
    headers: Box<[OneOfMany]>,
}

/// Room for one datagram.
#[cfg(feature = "std")]
struct Slot {
    payload: [u8; MESSAGE_MAX],
    control: Control,
    buffer: Buffer,
}

/// `struct mmsghdr`
#[cfg(feature = "std")]
#[repr(C)]
struct OneOfMany {
    header: MessageHeader,
    len: libc::c_uint,
}

// SAFETY: the pointers in there lead nowhere but into the slots, which are owned, and are set anew at each use.
#[cfg(feature = "std")]
unsafe impl Send for Room {}

#[cfg(feature = "std")]
impl Room {
    pub(crate) fn new(count: usize) -> Self {
        let slot = || Slot {
            payload: [0; MESSAGE_MAX],
            control: Control([0; CONTROL_SIZE]),
            buffer: Buffer { place: null_mut(), len: 0 },
        };
        let header = || OneOfMany { header: MessageHeader::EMPTY, len: 0 };
        Self {
            slots: core::iter::repeat_with(slot).take(count).collect(),
            headers: core::iter::repeat_with(header).take(count).collect(),
        }
    }
}

/// Receives as many datagrams as there are, up to as many as there is room for, without waiting, and calls `each` with
/// every one, its descriptors and its payload.
#[cfg(feature = "std")]
pub(crate) fn receive_many(
    socket: BorrowedFd<'_>,
    room: &mut Room,
    mut each: impl FnMut(Datagram, Vec<OwnedFd>, &[u8]),
) -> Result<(), Errno> {
    use rustix::fd::AsRawFd as _;

    for (slot, one) in room.slots.iter_mut().zip(&mut room.headers) {
        slot.buffer = Buffer::new(&mut slot.payload);
        one.header = MessageHeader::new(&mut slot.buffer, &mut slot.control);
    }
    let count = room.headers.len() as libc::c_uint;
    let headers = room.headers.as_mut_ptr().cast();
    // SAFETY: C's headers are laid out as the kernel's, and each points to a buffer and a control buffer of its slot, both
    // alive, writable and of the given sizes.
    let got = unsafe { libc::recvmmsg(socket.as_raw_fd(), headers, count, FLAGS as _, null_mut()) };
    let Ok(got) = usize::try_from(got) else {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    };
    for (slot, one) in room.slots.iter().zip(&room.headers).take(got) {
        let mut fds = Vec::new();
        // SAFETY: the kernel has just filled them in.
        let datagram = unsafe { datagram(one.len as usize, &one.header, &slot.control, &mut |fd| fds.push(fd)) };
        each(datagram, fds, &slot.payload);
    }
    Ok(())
}

/// Receives one datagram without waiting, and calls `each_fd` with every descriptor that came with it, whatever is wrong
/// with the rest. They are close-on-exec.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    payload: &mut [u8],
    each_fd: &mut dyn FnMut(OwnedFd),
) -> Result<Datagram, Errno> {
    let mut control = Control([0; CONTROL_SIZE]);
    let mut buffer = Buffer::new(payload);
    let mut header = MessageHeader::new(&mut buffer, &mut control);
    // SAFETY: the header points to one buffer and to the control buffer, both alive, writable and of the given sizes.
    let len = unsafe { kernel::receive_message(socket, &mut header, FLAGS) }?;
    // SAFETY: the kernel has just filled them in.
    Ok(unsafe { datagram(len, &header, &control, each_fd) })
}

/// Takes over what the kernel wrote beside a datagram of `len` bytes.
///
/// # Safety
///
/// The header and the control buffer must be as the kernel left them, and what they hold not taken over before.
unsafe fn datagram(
    len: usize,
    header: &MessageHeader,
    control: &Control,
    each_fd: &mut dyn FnMut(OwnedFd),
) -> Datagram {
    let mut datagram = Datagram { len, control_truncated: header.flags & MSG_CTRUNC != 0, ..Datagram::default() };
    let mut control = control.0.get(..header.control_len).unwrap_or_default();
    while let Some((message_len, head)) = control.split_first_chunk() {
        // A `struct cmsghdr`: the length of all of it, two numbers that say what it is, and then the data.
        let message_len = usize::from_ne_bytes(*message_len);
        let (Some(level), Some(kind), Some(data)) = (number(head, 0), number(head, 1), control.get(HEAD..message_len))
        else {
            break;
        };
        match (level, kind) {
            (SOL_SOCKET, SCM_RIGHTS) => data.chunks_exact(size_of::<i32>()).filter_map(owned).for_each(&mut *each_fd),
            // Of a sender that is gone, or when descriptors have run out, the kernel puts an error number here.
            (SOL_SOCKET, SCM_PIDFD) => datagram.pidfd = owned(data),
            (SOL_SOCKET, SCM_CREDENTIALS) => {
                if let (Some(pid), Some(uid), Some(gid)) = (number(data, 0), number(data, 1), number(data, 2)) {
                    datagram.credentials = Some((pid, uid as u32, gid as u32));
                }
            }
            (SOL_SOCKET, TIMESTAMPNS) => datagram.sent = time(data),
            _ => {}
        }
        control = control.get(message_len.next_multiple_of(size_of::<usize>())..).unwrap_or_default();
    }
    datagram
}

/// The number at that position of an array of them.
fn number(bytes: &[u8], position: usize) -> Option<i32> {
    bytes.get(position * size_of::<i32>()..)?.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes))
}

/// The descriptor that a control message's data begins with; none if the kernel put none there.
fn owned(data: &[u8]) -> Option<OwnedFd> {
    // SAFETY: a number from 0 on is a descriptor that the kernel has just opened for this process, and this is the one
    // place where it is taken over.
    number(data, 0).filter(|fd| *fd >= 0).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A `struct timespec`.
fn time(data: &[u8]) -> Option<u64> {
    let (seconds, rest) = data.split_first_chunk()?;
    let nanoseconds = rest.first_chunk()?;
    Some(in_nanoseconds(isize::from_ne_bytes(*seconds) as i64, isize::from_ne_bytes(*nanoseconds) as i64))
}

/// The same calls through the libraries' functions, where they are not made by hand.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod kernel {
    use super::{MessageHeader, SOL_SOCKET};
    use core::mem::size_of;
    use rustix::fd::{AsRawFd as _, BorrowedFd};
    use rustix::io::Errno;

    pub(super) fn set_option(fd: BorrowedFd<'_>, option: i32, on: bool) -> Result<(), Errno> {
        let value = libc::c_int::from(on);
        let len = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the option's value points to a `c_int` that lives through the call, and its size is given.
        let result = unsafe { libc::setsockopt(fd.as_raw_fd(), SOL_SOCKET, option, (&raw const value).cast(), len) };
        length(result as isize).map(|_| ())
    }

    pub(super) fn socket_name(fd: BorrowedFd<'_>, address: &mut [u8]) -> Result<usize, Errno> {
        let mut len = address.len() as libc::socklen_t;
        // SAFETY: at most `len` bytes are written to `address`, and the length to `len`.
        let result = unsafe { libc::getsockname(fd.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut len) };
        length(result as isize).map(|_| len as usize)
    }

    /// # Safety
    ///
    /// What the header points to must be writable, of the sizes that are given there, and nobody else's during the call.
    pub(super) unsafe fn receive_message(
        fd: BorrowedFd<'_>,
        header: &mut MessageHeader,
        flags: i32,
    ) -> Result<usize, Errno> {
        let header: *mut MessageHeader = header;
        // SAFETY: C's `struct msghdr` is laid out as the kernel's; the rest is up to the caller.
        length(unsafe { libc::recvmsg(fd.as_raw_fd(), header.cast(), flags) })
    }

    fn length(result: isize) -> Result<usize, Errno> {
        let failed = |_| Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO);
        usize::try_from(result).map_err(failed)
    }
}
