//! What a lab boots: the machine's own system, or one in a directory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::Error;
use crate::host::PATH;

/// Where `lab/fetch-root` puts what it builds.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/lab/roots");

/// Names directories to use instead, separated by colons.
const NAMED: &str = "READYUP_LAB_ROOTS";

/// The root directory of a system with systemd in it.
///
/// A lab only ever reads it: what is written in the lab goes to memory, and several labs can share
/// a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The machine's own system. Files on file systems mounted below `/` are not in it.
    pub fn host() -> Self {
        Self { path: PathBuf::from("/") }
    }

    /// The system in a directory, such as one built by `lab/fetch-root`.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Every root there is on this machine: its own, if that has systemd, and those built by
    /// `lab/fetch-root`, or, if `READYUP_LAB_ROOTS` is set, those that it names.
    ///
    /// # Errors
    ///
    /// When a directory that was named has no systemd in it, or cannot be read.
    pub fn found() -> Result<Vec<Self>, Error> {
        let mut roots = Vec::new();
        let host = Self::host();
        if host.has_systemd() {
            roots.push(host);
        }
        if let Some(named) = env::var_os(NAMED) {
            for path in env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()) {
                let root = Self::directory(path);
                if !root.has_systemd() {
                    return Err(Error::Unavailable(format!(
                        "{NAMED}: there is no systemd in {}: name the root of a system",
                        root.path.display()
                    )));
                }
                roots.push(root);
            }
            return Ok(roots);
        }
        // Nothing was built yet: that is no error.
        let Ok(entries) = fs::read_dir(BUILT) else {
            return Ok(roots);
        };
        let mut built: Vec<_> = entries
            .filter_map(Result::ok)
            // What is still being built is hidden.
            .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
            .map(|entry| Self::directory(entry.path()))
            .filter(Self::has_systemd)
            .collect();
        built.sort_by(|a, b| a.path.cmp(&b.path));
        roots.append(&mut built);
        Ok(roots)
    }

    /// `host`, or the last component of the directory.
    pub fn name(&self) -> String {
        match self.path.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => "host".to_owned(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version of systemd in it, such as `257`.
    ///
    /// # Errors
    ///
    /// When there is none, or it does not run on this machine.
    pub fn systemd_version(&self) -> Result<u32, Error> {
        if !self.has_systemd() {
            return Err(Error::Unavailable(format!(
                "there is no systemd in {}: install the package systemd, or name another root",
                self.path.display()
            )));
        }
        let output = Command::new("chroot")
            .arg(&self.path)
            .args(["systemctl", "--version"])
            .env_clear()
            .env("PATH", PATH)
            .output()
            .map_err(Error::io("chroot"))?;
        // "systemd 257 (257.13-1~deb13u1)"
        let said = String::from_utf8_lossy(&output.stdout);
        said.split_whitespace().nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| {
            Error::Unavailable(format!(
                "systemctl --version does not run in {}: {}",
                self.path.display(),
                String::from_utf8_lossy(&output.stderr).trim_end()
            ))
        })
    }

    fn has_systemd(&self) -> bool {
        self.path.join("lib/systemd/systemd").is_file()
    }
}
