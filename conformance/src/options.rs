//! The command line.

use crate::case::Case;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const USAGE: &str = "usage: notify-conformance --theirs PATH --ours PATH [--theirs-root DIR] [--ours-root DIR]
                          [--filter TEXT] [--list] [--show NAME]

  --theirs PATH       the original systemd-notify
  --ours PATH         the program that is compared with it
  --theirs-root DIR   PATH is in the file system below DIR and runs with the libraries there
  --ours-root DIR     likewise, to compare two originals
  --filter TEXT       only the cases with TEXT in their name
  --list              say the names of the cases
  --show NAME         run one case, and show all that was observed";

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) theirs: PathBuf,
    pub(crate) theirs_root: Option<PathBuf>,
    pub(crate) ours: PathBuf,
    pub(crate) ours_root: Option<PathBuf>,
    pub(crate) filter: Option<String>,
    pub(crate) show: Option<String>,
    pub(crate) list: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[OsString]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--list" {
                options.list = true;
                continue;
            }
            let name = argument.to_string_lossy();
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"));
            match &*name {
                "--theirs" => options.theirs = value()?.into(),
                "--theirs-root" => options.theirs_root = Some(value()?.into()),
                "--ours" => options.ours = value()?.into(),
                "--ours-root" => options.ours_root = Some(value()?.into()),
                "--filter" => options.filter = Some(text(value()?)),
                "--show" => options.show = Some(text(value()?)),
                _ => return Err(format!("{name} is not known\n{USAGE}")),
            }
        }
        if !options.list && (options.theirs.as_os_str().is_empty() || options.ours.as_os_str().is_empty()) {
            return Err(format!("two programs are needed\n{USAGE}"));
        }
        Ok(options)
    }

    /// Whether a case was asked for.
    pub(crate) fn chooses(&self, case: &Case) -> bool {
        match (&self.show, &self.filter) {
            (Some(name), _) => case.name == *name,
            (None, Some(text)) => case.name.contains(text.as_str()),
            (None, None) => true,
        }
    }
}

fn text(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}
