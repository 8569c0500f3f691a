//! Makes the manual pages (`man/`) and the shells' completions (`completions/`) of `readyup`.
//!
//! What the command line has comes from its own definitions, so that neither can tell of an option that is not there.
//! What takes more than a line to explain stands in `pages/`, in the markup that [`roff`] reads; the parts of the
//! completions that are the same for every option stand in `shells/`.

pub mod brief;
pub mod manual;
pub mod model;
pub mod roff;
pub mod shells;

use std::path::{Path, PathBuf};

/// A file as it should be.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Where it belongs, from the root of the repository.
    pub path: &'static str,
    /// What is in it.
    pub content: String,
}

/// Of these files, those that are not as they should be below `root`.
#[must_use]
pub fn stale(files: &[Generated], root: &Path) -> Vec<&'static str> {
    let is_stale =
        |file: &&Generated| std::fs::read(root.join(file.path)).ok().as_deref() != Some(file.content.as_bytes());
    files.iter().filter(is_stale).map(|file| file.path).collect()
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Everything there is to make.
///
/// # Errors
///
/// Where a text in `pages/` does not fit the definitions: it describes an option that there is not, say.
pub fn all() -> Result<Vec<Generated>, String> {
    let command = model::read(&readyup_cli::command());
    Ok(vec![
        Generated { path: "man/readyup.1", content: manual::overview(&command)? },
        Generated { path: "man/readyup-notify.1", content: manual::notify(&command)? },
        Generated { path: "man/readyup-trace.1", content: manual::trace(&command)? },
        Generated { path: "man/readyup-check.1", content: manual::check(&command)? },
        Generated { path: "completions/readyup.bash", content: shells::bash::script(&command) },
        Generated { path: "completions/_readyup", content: shells::zsh::script(&command) },
        Generated { path: "completions/readyup.fish", content: shells::fish::script(&command) },
    ])
}
