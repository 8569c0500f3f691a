//! What `/proc` tells of the service's processes. As their subreaper we are an ancestor of all of them, whatever they do
//! to get away, short of being started by somebody else.

use super::timeline::Comm;
use crate::trace::event::printable;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// One process, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) is_zombie: bool,
    /// Where its stack begins, which is another place after each exec: a child with its parent's has only been forked.
    stack: u64,
}

/// The processes that descend from `root`, which is not among them.
pub(super) fn descendants(root: u32) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = pids.filter_map(read).collect();
    let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
    for process in &all {
        children.entry(process.parent).or_default().push(process);
    }
    let (mut found, mut todo) = (Vec::new(), vec![root]);
    while let Some(parent) = todo.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            todo.push(child.pid);
            found.push((*child).clone());
        }
    }
    found
}

/// Whether `pid` descends from `root`.
pub(super) fn descends(pid: u32, root: u32) -> bool {
    let mut next = read(pid);
    while let Some(process) = next {
        if process.parent == root {
            return true;
        }
        next = read(process.parent);
    }
    false
}

pub(super) fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, a parenthesis included.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        // A process lives on in its other threads when the first of them has ended.
        is_zombie: matches!(*fields.first()?, "Z" | "X") && *fields.get(17)? == "1",
        stack: fields.get(25)?.parse().ok()?,
    })
}

/// The process's name; none if it is gone.
pub(super) fn comm(pid: u32) -> Comm {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(printable(&String::from_utf8_lossy(name.trim_ascii_end())))
}

/// Whether the program that the process runs was started with this variable, as far as we may know.
pub(super) fn was_given(pid: u32, variable: &str, value: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let wanted = format!("{variable}={value}");
    Some(environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()))
}

/// Whether it runs a program of its own, rather than being a fork of its parent, even if that has begun anew since.
pub(super) fn has_executed(process: &Process) -> bool {
    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let differs = read(process.parent).is_some_and(|parent| parent.stack != process.stack);
    process.stack != 0 && differs && program(process.pid) != program(process.parent)
}

/// Whether the process sees the same file at this path as we do, as far as we may know.
pub(super) fn sees(pid: u32, path: &Path) -> Option<bool> {
    let ours = fs::metadata(path).ok()?;
    fs::metadata(format!("/proc/{pid}/root")).ok()?;
    let relative = path.strip_prefix("/").ok()?;
    let theirs = fs::metadata(Path::new(&format!("/proc/{pid}/root")).join(relative)).ok();
    Some(theirs.is_some_and(|file| (file.dev(), file.ino()) == (ours.dev(), ours.ino())))
}
