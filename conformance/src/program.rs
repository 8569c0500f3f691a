//! A program on trial.

use crate::places::Places;
use std::fmt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that it is started by.
const NAME: &str = "systemd-notify";

/// Whose program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// systemd's, of a version.
    Original(u32),
    /// Another that follows systemd's newest.
    Follower,
}

/// A program on trial.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    loader: Option<Loader>,
    pub(crate) kind: Kind,
    version: String,
}

/// What runs a program of another file system, with the libraries there, and lets it see this one.
#[derive(Debug)]
struct Loader {
    path: PathBuf,
    libraries: String,
}

impl Program {
    pub(crate) fn prepare(side: &str, path: &Path, root: Option<&Path>, places: &Places) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{side}: {}: {error}", path.display());
        let (path, loader) = match root {
            Some(root) => {
                let root = root.canonicalize().map_err(failed)?;
                (root.join(path.strip_prefix("/").unwrap_or(path)), Some(Loader::of(&root)))
            }
            // A copy, since another user might not get to where it is.
            None => (places.copy_of(side, path).map_err(failed)?, None),
        };
        let mut program = Self { path, loader, kind: Kind::Follower, version: String::new() };
        let output = program.command().arg("--version").env_clear().output().map_err(failed)?;
        let text = String::from_utf8_lossy(&output.stdout);
        program.version = text.lines().next().unwrap_or_default().to_owned();
        if !output.status.success() || program.version.is_empty() {
            return Err(format!("{side}: {} says no version", program.path.display()));
        }
        if let Some(rest) = program.version.strip_prefix("systemd ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let version = digits.parse().map_err(|_| format!("{side}: {:?} has no number", program.version))?;
            program.kind = Kind::Original(version);
        }
        Ok(program)
    }

    /// What starts it, without arguments.
    pub(crate) fn command(&self) -> Command {
        let Some(loader) = &self.loader else {
            let mut command = Command::new(&self.path);
            command.arg0(NAME);
            return command;
        };
        let mut command = Command::new(&loader.path);
        command.args(["--library-path", &loader.libraries, "--argv0", NAME]).arg(&self.path);
        command
    }
}

impl Loader {
    fn of(root: &Path) -> Self {
        let architecture = std::env::consts::ARCH;
        let name = match architecture {
            "x86_64" => "lib64/ld-linux-x86-64.so.2".to_owned(),
            other => format!("lib/ld-linux-{other}.so.1"),
        };
        let libraries = root.join(format!("usr/lib/{architecture}-linux-gnu"));
        let libraries = libraries.display();
        Self { path: root.join(name), libraries: format!("{libraries}:{libraries}/systemd") }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.version)
    }
}
