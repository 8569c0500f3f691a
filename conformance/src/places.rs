//! Directories and files that the runs need.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The directory of everything, removed when dropped.
#[derive(Debug)]
pub(crate) struct Places {
    base: PathBuf,
    runs: AtomicU32,
}

impl Places {
    /// Makes the directory, and in it the programs that cases start.
    pub(crate) fn create() -> Result<Self, String> {
        let base = std::env::temp_dir().join(format!("notify-conformance-{}", std::process::id()));
        // Nothing is taken over that is there already; others may enter, since some cases run as another user.
        let places = Self { base, runs: AtomicU32::new(0) };
        let made = directory(&places.base, 0o755).and_then(|()| places.fill());
        made.map_err(|error| format!("{}: {error}", places.base.display()))?;
        Ok(places)
    }

    fn fill(&self) -> std::io::Result<()> {
        let bin = self.bin();
        directory(&bin, 0o755)?;
        // A copy, since another user might not get to where this program is.
        let actor = bin.join(crate::actor::SPEAK);
        fs::copy(std::env::current_exe()?, &actor)?;
        fs::set_permissions(&actor, Permissions::from_mode(0o755))?;
        symlink(crate::actor::SPEAK, bin.join(crate::actor::PROBE))?;
        script(&bin.join("without-shebang"), "exit 5\n", 0o755)?;
        script(&bin.join("not-executable"), "#!/bin/sh\nexit 6\n", 0o644)
    }

    /// The directory with the programs.
    pub(crate) fn bin(&self) -> PathBuf {
        self.base.join("bin")
    }

    /// A place for a copy of a program on trial, under the name that it is called by.
    pub(crate) fn copy_of(&self, side: &str, program: &Path) -> std::io::Result<PathBuf> {
        let directory_ = self.base.join(side);
        directory(&directory_, 0o755)?;
        let copy = directory_.join("systemd-notify");
        fs::copy(program, &copy)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        Ok(copy)
    }

    /// A new directory for one run.
    pub(crate) fn run(&self) -> std::io::Result<RunDirectory> {
        let path = self.base.join(self.runs.fetch_add(1, Ordering::Relaxed).to_string());
        // What runs as another user writes its report here.
        directory(&path, 0o777)?;
        Ok(RunDirectory(path))
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

/// The directory of one run, removed when dropped.
#[derive(Debug)]
pub(crate) struct RunDirectory(PathBuf);

impl RunDirectory {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn directory(path: &Path, mode: u32) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask does not count here.
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn script(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}
