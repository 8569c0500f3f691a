//! The cgroup of one command, by which whatever it starts can be found and killed.

use std::path::PathBuf;
use std::{fs, io};

/// A cgroup. Removed when dropped, unless something is still running in it: that is then left to
/// the keeper, which takes the whole lab away.
pub(crate) struct Group {
    path: PathBuf,
}

impl Group {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// The file to which a process writes `0` to get in.
    pub(crate) fn entrance(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    /// The processes in it, as the host counts them.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let list = fs::read_to_string(self.entrance()).unwrap_or_default();
        list.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Kills all that is in it. The lab may be gone already, and the cgroup with it.
    pub(crate) fn kill(&self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}
