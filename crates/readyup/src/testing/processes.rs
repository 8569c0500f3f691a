//! What `/proc` tells of processes.

use std::collections::HashSet;
use std::fs;

/// One process, at one moment.
struct Process {
    pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    is_zombie: bool,
}

/// The living processes of a service: the session and the group of the process that was started, whoever was given one of
/// `marks` in the environment, and whoever descends from those.
pub(super) fn of_service(leader: u32, marks: &[String]) -> Vec<u32> {
    let own_pid = std::process::id();
    let all: Vec<Process> = all().filter(|process| process.pid != own_pid).collect();
    let is_one = |process: &Process| {
        [process.pid, process.group, process.session].contains(&leader) || was_given(process.pid, marks)
    };
    let mut found: HashSet<u32> = all.iter().filter(|process| is_one(process)).map(|process| process.pid).collect();
    loop {
        let children = all.iter().filter(|process| found.contains(&process.parent) && !found.contains(&process.pid));
        let children: Vec<u32> = children.map(|process| process.pid).collect();
        if children.is_empty() {
            break;
        }
        found.extend(children);
    }
    all.iter().filter(|process| found.contains(&process.pid) && !process.is_zombie).map(|process| process.pid).collect()
}

/// Whether it descends from this process.
pub(super) fn is_descendant(pid: u32) -> bool {
    let mut next = read(pid);
    while let Some(process) = next {
        if process.parent == std::process::id() {
            return true;
        }
        next = read(process.parent);
    }
    false
}

pub(super) fn is_alive(pid: u32) -> bool {
    read(pid).is_some_and(|process| !process.is_zombie)
}

/// The process's name; none if it is gone.
pub(super) fn name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).escape_debug().to_string())
}

/// Whether its program was started with one of these in the environment, which no other service has: not in this pid
/// namespace, that is.
fn was_given(pid: u32, marks: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let is_mark = |entry: &[u8]| marks.iter().any(|mark| mark.as_bytes() == entry);
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    environment.split(|byte| *byte == 0).any(is_mark) && namespace(&pid.to_string()) == namespace("self")
}

fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?))
}

fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, a parenthesis included.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    Some(Process {
        pid,
        parent: number()?,
        group: number()?,
        session: number()?,
        is_zombie: matches!(state, "Z" | "X"),
    })
}
