//! The socket that services send to.

use super::incoming::{Incoming, Keep};
use super::socket::bound;
use crate::client::Deadline;
use crate::error::{Call, Error};
use crate::protocol::{Address, MESSAGE_MAX};
use crate::sys;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A socket that services can notify.
///
/// Put [`address`](Self::address) into a service's `$NOTIFY_SOCKET` and call [`receive`](Self::receive). In an event
/// loop, wait until its descriptor is readable and call `receive(Some(Duration::ZERO))`.
///
/// What it created in the file system it removes when it is dropped.
///
/// ```
/// use readyup::manager::Listener;
///
/// let listener = Listener::private()?;
/// let mut service = std::process::Command::new("true");
/// service.env("NOTIFY_SOCKET", listener.address().to_os_string());
/// # Ok::<(), readyup::Error>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    address: Address,
    created: Vec<Created>,
    keep: Keep,
}

/// Something to remove at the end.
#[derive(Debug)]
enum Created {
    /// The socket's file, and what tells it from one that another program has put there since.
    Socket {
        path: PathBuf,
        file: Option<(u64, u64)>,
    },
    Directory(PathBuf),
}

impl Listener {
    /// Listens on a socket in a directory of its own, which only this user can enter: below `$XDG_RUNTIME_DIR`, or
    /// else the directory for temporary files.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    ///
    /// ```
    /// use readyup::manager::Listener;
    /// use std::path::PathBuf;
    ///
    /// let listener = Listener::private()?;
    /// let path = PathBuf::from(listener.address().to_string());
    /// assert!(path.exists());
    /// drop(listener);
    /// assert!(!path.exists());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn private() -> Result<Self, Error> {
        let directory = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|directory| directory.is_absolute())
            .and_then(|base| create_private_directory(&base).ok());
        let directory = match directory {
            Some(directory) => directory,
            // Unset, another user's (as under `su`), or too long a path.
            None => create_private_directory(&std::env::temp_dir())?,
        };
        let created = Created::Directory(directory.clone());
        match Self::bind_path(&directory.join("notify")) {
            Ok(mut listener) => {
                listener.created.push(created);
                Ok(listener)
            }
            Err(error) => {
                created.remove();
                Err(error)
            }
        }
    }

    /// Listens at `address`: a path, where the socket gets mode 0600, or an abstract name, to which anybody in the
    /// same network namespace can send.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::System`](crate::ErrorKind::System) when something is bound there already, or the operating system
    /// refuses; [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when the path's directory is not there and
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) when it may not be written to;
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a vsock.
    ///
    /// ```
    /// use readyup::Address;
    /// use readyup::manager::Listener;
    ///
    /// let address: Address = format!("@readyup-bind-{}", std::process::id()).parse()?;
    /// let listener = Listener::bind(address)?;
    /// assert_eq!(*listener.address(), address);
    /// assert!(Listener::bind(address).is_err()); // something is bound there already
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn bind(address: Address) -> Result<Self, Error> {
        let fd = bound(Some(&address), |fd| {
            // An older kernel has no pidfds here, and then senders have none.
            let _ = sys::set_pidfds(fd, true);
        })?;
        let created = address.path().map(|path| {
            let path = PathBuf::from(OsStr::from_bytes(path));
            Created::Socket { file: file_at(&path), path }
        });
        Ok(Self { fd, address, created: created.into_iter().collect(), keep: Keep::default() })
    }

    fn bind_path(path: &Path) -> Result<Self, Error> {
        Self::bind(Address::parse(path.as_os_str().as_bytes())?)
    }

    /// Keeps everything, for passing it on to another manager: barriers are not answered, and descriptors that no
    /// line claims are not closed.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::Listener;
    /// use std::time::Duration;
    ///
    /// let listener = Listener::private()?.for_relay();
    /// let barrier = Notifier::new(*listener.address()).barrier()?.expect("there is a manager");
    /// let request = listener.receive(Some(Duration::from_secs(1)))?;
    /// assert!(!barrier.is_done()?);
    /// drop(request); // which answers it
    /// barrier.wait(Duration::from_secs(1))?;
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn for_relay(mut self) -> Self {
        self.keep = Keep { barriers: true, fds: true };
        self
    }

    /// Does without the senders' pidfds: [`Sender::pidfd`](super::Sender::pidfd) is always none. Opening and closing one
    /// for each message takes the kernel longer than everything else about it.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::Listener;
    /// use std::time::Duration;
    ///
    /// let listener = Listener::private()?.without_pidfds();
    /// Notifier::new(*listener.address()).ready()?;
    /// let incoming = listener.receive(Some(Duration::from_secs(1)))?.expect("a message");
    /// assert!(incoming.sender().expect("a sender").pidfd().is_none());
    /// # Ok::<(), readyup::Error>(())
    /// ```
    #[must_use]
    pub fn without_pidfds(self) -> Self {
        // A kernel that does not know of it gives none anyway.
        let _ = sys::set_pidfds(self.fd.as_fd(), false);
        self
    }

    /// Leaves it to the caller when a barrier is answered: when its request is dropped.
    pub(crate) fn keeping_barriers(mut self) -> Self {
        self.keep.barriers = true;
        self
    }

    /// What to put into `$NOTIFY_SOCKET`.
    ///
    /// ```
    /// use readyup::manager::Listener;
    ///
    /// let listener = Listener::private()?;
    /// let mut service = std::process::Command::new("sh");
    /// service.args(["-c", "test -S \"$NOTIFY_SOCKET\""]).env("NOTIFY_SOCKET", listener.address().to_os_string());
    /// assert!(service.status()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Receives one datagram, waiting for it up to `limit` (for ever, without one). `None` when the time is up.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::System`](crate::ErrorKind::System) when the operating system fails to receive. Whatever anybody
    /// sends is not an error but an [`Incoming::Dropped`].
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::{Incoming, Listener};
    /// use std::time::Duration;
    ///
    /// let listener = Listener::private()?;
    /// assert!(listener.receive(Some(Duration::ZERO))?.is_none());
    /// Notifier::new(*listener.address()).ready()?;
    /// assert!(matches!(listener.receive(None)?, Some(Incoming::Message(_))));
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn receive(&self, limit: Option<Duration>) -> Result<Option<Incoming>, Error> {
        let mut deadline = Deadline::after(limit.unwrap_or(Duration::MAX));
        let mut payload = [0; MESSAGE_MAX];
        loop {
            let mut fds = Vec::new();
            match sys::receive(self.fd.as_fd(), &mut payload, &mut |fd| fds.push(fd)) {
                Ok(datagram) => return Ok(Some(Incoming::judge(datagram, fds, &payload, self.keep))),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !deadline.wait(self.fd.as_fd(), PollFlags::IN)? {
                        return Ok(None);
                    }
                }
                Err(errno) => return Err(Error::system(Call::Receive, errno)),
            }
        }
    }
}

impl Listener {
    /// Receives what there is, as many datagrams at once as `batch` has room for, waiting for the first one up to `limit`.
    /// They are put behind those that are still in there. False when the time is up. A barrier is answered when its turn
    /// comes, so that what was sent before it was looked at by then.
    ///
    /// For a manager of many services, or of one that talks a lot: a system call is shared by all of them.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::{Batch, Listener};
    /// use std::time::Duration;
    ///
    /// let listener = Listener::private()?;
    /// let notifier = Notifier::new(*listener.address());
    /// notifier.status("Loading")?;
    /// notifier.ready()?;
    /// let mut batch = Batch::new();
    /// assert!(listener.receive_many(&mut batch, Some(Duration::from_secs(1)))?);
    /// assert_eq!(batch.count(), 2);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn receive_many(&self, batch: &mut Batch, limit: Option<Duration>) -> Result<bool, Error> {
        let mut deadline = Deadline::after(limit.unwrap_or(Duration::MAX));
        let Batch { room, incoming } = batch;
        let keep = Keep { barriers: true, ..self.keep };
        loop {
            let received = sys::receive_many(self.fd.as_fd(), room, |datagram, fds, payload| {
                incoming.push_back((Incoming::judge(datagram, fds, payload, keep), self.keep));
            });
            match received {
                Ok(()) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !deadline.wait(self.fd.as_fd(), PollFlags::IN)? {
                        return Ok(false);
                    }
                }
                Err(errno) => return Err(Error::system(Call::Receive, errno)),
            }
        }
    }
}

/// Datagrams that were received at once, and room for the next ones: an iterator that can be filled again, by
/// [`Listener::receive_many`].
///
/// ```
/// use readyup::manager::Batch;
///
/// assert!(Batch::new().next().is_none());
/// ```
pub struct Batch {
    room: sys::Room,
    /// With each what its listener leaves to the caller.
    incoming: VecDeque<(Incoming, Keep)>,
}

impl Batch {
    /// How many it has room for.
    const SIZE: usize = 64;

    /// An empty one, which takes 400 KB.
    ///
    /// ```
    /// let batch = readyup::manager::Batch::new();
    /// assert_eq!(batch.count(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { room: sys::Room::new(Self::SIZE), incoming: VecDeque::with_capacity(Self::SIZE) }
    }

    /// What is still in there, without taking it out.
    ///
    /// ```
    /// use readyup::Notifier;
    /// use readyup::manager::{Batch, Listener};
    ///
    /// let listener = Listener::private()?;
    /// Notifier::new(*listener.address()).ready()?;
    /// let mut batch = Batch::new();
    /// listener.receive_many(&mut batch, Some(std::time::Duration::from_secs(1)))?;
    /// assert_eq!(batch.waiting().count(), 1);
    /// assert_eq!(batch.count(), 1);
    /// # Ok::<(), readyup::Error>(())
    /// ```
    pub fn waiting(&self) -> impl Iterator<Item = &Incoming> + Clone {
        self.incoming.iter().map(|(incoming, _)| incoming)
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("incoming", &self.incoming).finish_non_exhaustive()
    }
}

impl Iterator for Batch {
    type Item = Incoming;

    fn next(&mut self) -> Option<Incoming> {
        let (incoming, keep) = self.incoming.pop_front()?;
        Some(if keep.barriers { incoming } else { incoming.answered() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.incoming.iter().size_hint()
    }
}

impl ExactSizeIterator for Batch {}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for created in &self.created {
            created.remove();
        }
    }
}

impl Created {
    fn remove(&self) {
        // There is nobody to tell, and nothing to be done about it, if somebody else removed it before.
        let _ = match self {
            Self::Socket { path, file } if file_at(path) == *file => std::fs::remove_file(path),
            Self::Socket { .. } => Ok(()),
            Self::Directory(path) => std::fs::remove_dir(path),
        };
    }
}

/// The device and the number of the file there.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Makes a directory below `base` that only this user can enter.
fn create_private_directory(base: &Path) -> Result<PathBuf, Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);

    if !has_room(base) {
        return Err(Error::system(Call::Bind, Errno::NAMETOOLONG));
    }
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let directory = base.join(format!("readyup-{}-{number}", std::process::id()));
        // `mkdir` follows no link and takes no directory that is there already, so that a name that can be guessed
        // does no harm: the next one is tried.
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Error::system(Call::Bind, Errno::from_io_error(&error).unwrap_or(Errno::IO)));
            }
        }
    }
}

/// Whether a private directory and a socket below `base` have a path that fits into a socket address.
fn has_room(base: &Path) -> bool {
    const LONGEST: usize = "/readyup-4194304-4294967295/notify".len();
    base.as_os_str().len() + LONGEST <= 107
}
