//! Writes the manual pages and completions; with `--check` it looks whether they are up to date instead.

use readyup_generate::{Generated, all, root, stale};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_check = arguments.first().is_some_and(|argument| argument == "--check");
    if is_check {
        arguments.remove(0);
    }
    let result = match &arguments[..] {
        [] => run(is_check, &root()),
        [directory] if !directory.starts_with('-') => run(is_check, &PathBuf::from(directory)),
        _ => Err("usage: readyup-generate [--check] [DIRECTORY]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("readyup-generate: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(is_check: bool, root: &Path) -> Result<(), String> {
    let files = all()?;
    if is_check {
        return match &stale(&files, root)[..] {
            [] => Ok(()),
            stale => Err(format!("out of date: {}; run `make generate` and commit what changed", stale.join(", "))),
        };
    }
    files.iter().try_for_each(|file| write(file, root).map_err(|error| format!("{}: {error}", file.path)))
}

fn write(file: &Generated, root: &Path) -> std::io::Result<()> {
    let path = root.join(file.path);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, &file.content)
}
