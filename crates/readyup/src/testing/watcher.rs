//! What is left to do when nobody is left to do it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// A shell that kills a process group once this process has ended, in whatever way: it waits for the other end of its pipe to
/// be closed. Dropping it ends it before that.
#[derive(Debug)]
pub(super) struct Watcher(Child);

impl Watcher {
    /// The group must be there for as long as it is watched over, so that its number is nobody else's.
    pub(super) fn new(group: u32) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "read -r _; kill -s KILL -- \"-$0\""]).arg(group.to_string());
        shell.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C does not reach it there.
        shell.process_group(0).spawn().map(Self)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The pipe stays open until then. That it has ended already is just as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
