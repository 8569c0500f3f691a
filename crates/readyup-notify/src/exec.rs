//! Becoming another program.

use crate::exit::{Exit, Failure, lossy};
use crate::process::Process;
use crate::sys;
use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::io::Errno;

/// Where programs are looked for if `$PATH` does not say.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// A program that is about to be run: everything that needs memory is done.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    candidates: Vec<CString>,
    arguments: Vec<&'a CStr>,
    environment: Vec<&'a CStr>,
}

impl<'a> Program<'a> {
    /// Finds out where the program may be, as `execvp` does.
    pub(crate) fn new(process: &Process<'_>, command: &[&'a CStr], environment: Vec<&'a CStr>) -> Self {
        let name = command.first().copied().unwrap_or_default().to_bytes();
        let path = process.variable("PATH").unwrap_or(DEFAULT_PATH);
        let candidates = if name.is_empty() {
            Vec::new()
        } else if name.contains(&b'/') {
            [CString::new(name)].into_iter().flatten().collect()
        } else {
            path.split(|byte| *byte == b':')
                .filter_map(|directory| {
                    let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
                    CString::new([directory, separator, name].concat()).ok()
                })
                .collect()
        };
        Self { candidates, arguments: command.to_vec(), environment }
    }

    /// Becomes it, or says why that cannot be. Allocates only where a script without `#!` is to be run by the shell.
    pub(crate) fn exec(&self) -> Errno {
        let mut result = Errno::NOENT;
        for candidate in &self.candidates {
            match sys::exec(candidate, &self.arguments, &self.environment) {
                // Not there, but it may be in the next directory.
                Errno::NOENT | Errno::NOTDIR | Errno::STALE | Errno::NODEV | Errno::TIMEDOUT => {}
                // Nor this, but if there is no other it is what went wrong.
                errno @ (Errno::ACCESS | Errno::NAMETOOLONG) => result = errno,
                Errno::NOEXEC => {
                    let mut arguments = Vec::with_capacity(self.arguments.len() + 1);
                    arguments.extend([c"/bin/sh", candidate.as_c_str()]);
                    arguments.extend(self.arguments.iter().skip(1));
                    return sys::exec(c"/bin/sh", &arguments, &self.environment);
                }
                errno => return errno,
            }
        }
        result
    }
}

/// Becomes the program, or says why not.
pub(crate) fn exec(process: &Process<'_>, command: &[&CStr]) -> Failure {
    let errno = Program::new(process, command, process.environment.clone()).exec();
    let failure = failure(command, errno);
    if process.is_systemd_notify() { failure.with_status_of_systemd() } else { failure }
}

/// The exit status and the text of a program that could not be run.
pub(crate) fn failure(command: &[&CStr], errno: Errno) -> Failure {
    let exit = if errno == Errno::NOENT { Exit::NotFound } else { Exit::CannotRun };
    let mut message = lossy(command.first().copied().unwrap_or_default().to_bytes());
    message.push_str(": cannot be run: ");
    readyup::describe_errno(errno.raw_os_error(), &mut |piece| message.push_str(piece));
    Failure::new(exit, errno, message)
}
