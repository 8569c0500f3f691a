//! What a program finds when it is started.

use crate::sys::group_and_session;
use crate::text::escape;
use rustix::process::{getgid, getuid};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Lines with a key, a tabulator and a value, and no other tabulators.
#[derive(Debug, Default)]
pub(super) struct Findings(String);

impl Findings {
    pub(super) fn add(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key}\t{value}");
    }

    /// Adds them to the file.
    pub(super) fn write(&self, directory: &Path) {
        if self.0.is_empty() {
            return;
        }
        let file = std::fs::OpenOptions::new().append(true).create(true).open(directory.join(super::FOUND));
        if let Ok(mut file) = file {
            // At once, since there may be another writer.
            let _ = file.write_all(self.0.as_bytes());
        }
    }

    /// Looks at everything that could have been changed on the way here.
    pub(super) fn take(&mut self, name: &OsStr, arguments: &[OsString]) {
        self.add("argument 0", &escape(name.as_bytes()));
        for (index, argument) in arguments.iter().enumerate() {
            self.add(&format!("argument {}", index + 1), &escape(argument.as_bytes()));
        }
        let mut variables: Vec<_> = std::env::vars_os().filter(|(name, _)| name != super::DIRECTORY).collect();
        variables.sort();
        for (name, value) in variables {
            self.add(&format!("variable {}", escape(name.as_bytes())), &escape(value.as_bytes()));
        }
        self.take_descriptors();
        self.take_process();
    }

    fn take_descriptors(&mut self) {
        let numbers = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let mut numbers: Vec<u32> =
            numbers.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
        numbers.sort_unstable();
        for number in numbers {
            // The one that the directory was read by is closed by now.
            if let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) {
                self.add(&format!("descriptor {number}"), &escape(target.as_os_str().as_bytes()));
            }
        }
    }

    fn take_process(&mut self) {
        self.add("process", &std::process::id().to_string());
        self.add("parent", &std::os::unix::process::parent_id().to_string());
        let (group, session) = group_and_session();
        self.add("group", &group.to_string());
        self.add("session", &session.to_string());
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for line in status.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let key = match key {
                "Uid" => "users",
                "Gid" => "groups",
                "Groups" => "more groups",
                "SigBlk" => "blocked",
                "SigIgn" => "ignored",
                "Umask" => "umask",
                "NoNewPrivs" => "no new privileges",
                _ => continue,
            };
            self.add(key, &value.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        self.add("ids", &format!("{} {}", getuid().as_raw(), getgid().as_raw()));
        let death = rustix::process::parent_process_death_signal();
        self.add("dies with its parent", if matches!(death, Ok(None)) { "no" } else { "yes" });
        if let Ok(directory) = std::env::current_dir() {
            self.add("directory", &escape(directory.as_os_str().as_bytes()));
        }
    }
}
