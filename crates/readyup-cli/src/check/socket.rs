//! The notify socket of a check.

use readyup::manager::Listener;
use readyup::{Address, Error};
use std::fs::{DirBuilder, Permissions, remove_dir, set_permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A listener, and the directory that was made for it. They go in this order.
#[derive(Debug)]
pub(super) struct NotifySocket {
    pub(super) listener: Listener,
    _directory: Option<Directory>,
}

impl NotifySocket {
    /// Listens where the service can send to.
    pub(super) fn open(is_abstract: bool) -> Result<Self, Error> {
        if is_abstract {
            let name = format!("@readyup-check-{}", std::process::id());
            return Ok(Listener::bind(Address::parse(name.as_bytes())?)?.into());
        }
        // A service that root starts may become another user before it speaks.
        if rustix::process::geteuid().is_root() {
            let places = [PathBuf::from("/run"), std::env::temp_dir()];
            if let Some(socket) = places.iter().find_map(|place| Self::for_everybody(place).ok()) {
                return Ok(socket);
            }
        }
        Ok(Listener::private()?.into())
    }

    /// Listens where every user can send to, as they can to systemd.
    fn for_everybody(place: &Path) -> io::Result<Self> {
        let directory = Directory(place.join(format!("readyup-check-{}", std::process::id())));
        DirBuilder::new().mode(0o700).create(&directory.0)?;
        let path = directory.0.join("notify");
        let address = Address::parse(path.as_os_str().as_bytes()).map_err(io::Error::other)?;
        let listener = Listener::bind(address).map_err(io::Error::other)?;
        set_permissions(&path, Permissions::from_mode(0o666))?;
        set_permissions(&directory.0, Permissions::from_mode(0o711))?;
        Ok(Self { listener, _directory: Some(directory) })
    }
}

impl From<Listener> for NotifySocket {
    fn from(listener: Listener) -> Self {
        Self { listener, _directory: None }
    }
}

/// Is removed in the end, if it is empty.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = remove_dir(&self.0);
    }
}
