//! Getting an entry to the journal.

use super::entry::{Field, Priority, Separator, check};
use crate::error::{Call, Error};
use crate::protocol::{Address, Form};
use crate::sys::{self, FdCell, borrow};
use crate::unix::socket_address;
use core::mem::MaybeUninit;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::io::{Errno, IoSlice, write};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketType, sendmsg_addr,
};

const SOCKET: &[u8] = b"/run/systemd/journal/socket";

/// As many fields as go into a datagram without being copied. An entry with more goes as a file.
const GATHERED_MAX: usize = 64;
/// Name, separator, value, line feed.
const PIECES: usize = 4;

/// What became of an entry.
///
/// ```
/// use readyup::journal::{Journal, Outcome, Priority};
///
/// if Journal::new().print(Priority::Info, "Up")? == Outcome::NoJournal {
///     eprintln!("Up");
/// }
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an entry that nobody took is lost"]
pub enum Outcome {
    /// It is in the journal's queue.
    Sent,
    /// There is no journal on this machine, or none that this process can see.
    NoJournal,
}

/// The journal of this machine.
///
/// The socket is opened at the first entry, and kept. No entry is ever waited for: where the journal's queue is full, it
/// is an error, and the caller decides.
///
/// ```
/// use readyup::journal::{Journal, Priority};
///
/// static JOURNAL: Journal = Journal::new();
///
/// JOURNAL.print(Priority::Debug, "Looking around")?;
/// # Ok::<(), readyup::Error>(())
/// ```
pub struct Journal {
    /// Where it listens, if not at the usual place.
    address: Option<Address>,
    fd: FdCell,
}

impl Journal {
    /// The journal that listens at `/run/systemd/journal/socket`.
    ///
    /// ```
    /// let journal = readyup::journal::Journal::new();
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { address: None, fd: FdCell::new() }
    }

    /// A journal that listens elsewhere: one that was mounted in, or a test's.
    ///
    /// ```
    /// use readyup::journal::{Journal, Outcome, Priority};
    ///
    /// let journal = Journal::at("/nowhere/journal".parse()?);
    /// assert_eq!(journal.print(Priority::Info, "Up")?, Outcome::NoJournal);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub const fn at(address: Address) -> Self {
        Self { address: Some(address), fd: FdCell::new() }
    }

    /// Writes a text: `MESSAGE=` and `PRIORITY=`. It is taken as it is, line feeds and per cent signs included:
    /// [sd_journal_print(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use readyup::journal::{Journal, Priority};
    ///
    /// Journal::new().print(Priority::Warning, "The disk is 90 % full")?;
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn print(&self, priority: Priority, text: &str) -> Result<Outcome, Error> {
        self.send(&[Field::priority(priority), Field::message(text)])
    }

    /// Writes an entry of these fields:
    /// [sd_journal_sendv(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html). The
    /// journal adds the time, the process, the unit and so on. Unlike C's function this adds nothing itself; give a
    /// `SYSLOG_IDENTIFIER=` if the process's name is not what should stand before the text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Entry`](crate::ErrorKind::Entry) when there are no or too many fields,
    /// [`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull) when the journal is busy, and what the system calls report.
    ///
    /// ```
    /// use readyup::journal::{Field, Journal};
    ///
    /// let fields = [Field::message("Signed in"), Field::new("ACME_USER", "chris")?];
    /// Journal::new().send(&fields)?;
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn send(&self, fields: &[Field<'_>]) -> Result<Outcome, Error> {
        check(fields)?;
        match self.deliver(fields) {
            Ok(()) => Ok(Outcome::Sent),
            Err((_, Errno::NOENT | Errno::CONNREFUSED)) => Ok(Outcome::NoJournal),
            Err((Call::SendEntry, Errno::AGAIN)) => Err(Error::journal_full()),
            Err((call, errno)) => Err(Error::system(call, errno)),
        }
    }

    /// Closes the socket. The next entry opens another one.
    ///
    /// ```
    /// use readyup::journal::{Journal, Priority};
    ///
    /// let mut journal = Journal::new();
    /// journal.print(Priority::Info, "That was all")?;
    /// journal.close();
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn close(&mut self) {
        self.fd = FdCell::new();
    }

    fn deliver(&self, fields: &[Field<'_>]) -> Result<(), (Call, Errno)> {
        let socket = self.fd.get_or_try_init(|| {
            sys::socket(AddressFamily::UNIX, SocketType::DGRAM).map_err(|errno| (Call::JournalSocket, errno))
        })?;
        let address = self.socket_address().map_err(|errno| (Call::SendEntry, errno))?;
        if fields.len() <= GATHERED_MAX {
            match send_gathered(socket, &address, fields) {
                Ok(()) => return Ok(()),
                // More than a datagram can carry.
                Err(Errno::MSGSIZE | Errno::NOBUFS) => {}
                Err(errno) => return Err((Call::SendEntry, errno)),
            }
        }
        let file = sealed_file(fields)?;
        send_file(socket, &address, borrow(&file)).map_err(|errno| (Call::SendEntry, errno))
    }

    fn socket_address(&self) -> Result<SocketAddrUnix, Errno> {
        match self.address.as_ref().map(Address::form) {
            None => socket_address(SOCKET),
            Some(Form::Unix(name)) => socket_address(name.as_bytes()),
            Some(Form::Vsock(_)) => Err(Errno::AFNOSUPPORT),
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

/// One datagram, from where the fields are.
fn send_gathered(socket: BorrowedFd<'_>, address: &SocketAddrUnix, fields: &[Field<'_>]) -> Result<(), Errno> {
    let mut separators = [Separator::EMPTY; GATHERED_MAX];
    for (slot, field) in separators.iter_mut().zip(fields) {
        *slot = field.separator();
    }
    let mut pieces = [IoSlice::new(b""); GATHERED_MAX * PIECES];
    let mut slots = pieces.iter_mut();
    for (field, separator) in fields.iter().zip(&separators) {
        for piece in [field.name().as_bytes(), separator.as_bytes(), field.value(), b"\n"] {
            if let Some(slot) = slots.next() {
                *slot = IoSlice::new(piece);
            }
        }
    }
    // Fewer fields than there is room for: `deliver` sees to it.
    let pieces = pieces.get(..fields.len().wrapping_mul(PIECES)).unwrap_or_default();
    transmit(socket, address, pieces, &mut SendAncillaryBuffer::default())
}

/// Room for one descriptor, aligned as the kernel wants it.
#[repr(align(8))]
struct ControlSpace([MaybeUninit<u8>; Self::SIZE]);

impl ControlSpace {
    const SIZE: usize = rustix::cmsg_space!(ScmRights(1));
}

/// An empty datagram with the entry's file beside it.
fn send_file(socket: BorrowedFd<'_>, address: &SocketAddrUnix, file: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut space = ControlSpace([MaybeUninit::uninit(); ControlSpace::SIZE]);
    let mut control = SendAncillaryBuffer::new(&mut space.0);
    let files = [file];
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        // Not reached: there is room for one.
        return Err(Errno::TOOBIG);
    }
    transmit(socket, address, &[], &mut control)
}

fn transmit(
    socket: BorrowedFd<'_>,
    address: &SocketAddrUnix,
    pieces: &[IoSlice<'_>],
    control: &mut SendAncillaryBuffer<'_, '_, '_>,
) -> Result<(), Errno> {
    loop {
        // Not connected: a journal that was started anew listens at the same place, and this asks for it each time.
        match sendmsg_addr(socket, address, pieces, control, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// The entry as a file in memory that nobody can change any more, which is what the journal insists on.
#[cold]
fn sealed_file(fields: &[Field<'_>]) -> Result<OwnedFd, (Call, Errno)> {
    let file = sys::memory_file().map_err(|errno| (Call::EntryFile, errno))?;
    for field in fields {
        for piece in [field.name().as_bytes(), field.separator().as_bytes(), field.value(), b"\n"] {
            write_all(borrow(&file), piece).map_err(|errno| (Call::WriteEntry, errno))?;
        }
    }
    // These three, and no others: journals of old compare.
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(borrow(&file), seals).map_err(|errno| (Call::SealEntry, errno))?;
    Ok(file)
}

fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(file, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
