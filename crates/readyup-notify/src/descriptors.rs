//! The descriptors that `--fd` hands to the manager.

use crate::exit::{Failure, lossy, with_errno};
use crate::{number, sys};
use alloc::vec::Vec;
use rustix::fd::{AsRawFd as _, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// What we were started with, from 3 on, taken over at the first `--fd`: none of it goes on to the program of `--exec`.
#[derive(Debug)]
pub(crate) struct Passed(Vec<OwnedFd>);

impl Passed {
    pub(crate) fn take_over() -> Result<Self, Failure> {
        let failed = |errno| Failure::system("taking over the passed descriptors", errno);
        let numbers = match listed() {
            Ok(numbers) => numbers,
            // No /proc: look at each that there could be.
            Err(_) => (3..sys::descriptors_max()).collect(),
        };
        numbers
            .into_iter()
            .filter(|number| sys::is_passed(*number))
            .map(|number| sys::adopt(number).map_err(failed))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The descriptor that an argument names.
    pub(crate) fn find(&mut self, argument: &[u8]) -> Result<OwnedFd, Failure> {
        let bad = |errno| Failure {
            errno,
            ..Failure::usage(["--fd=", &lossy(argument), ": this is not a descriptor's number"].concat())
        };
        let is_negative = argument.trim_ascii_start().starts_with(b"-");
        let number = number::int(argument).map_err(|errno| match errno {
            Errno::RANGE if is_negative => bad(Errno::BADF),
            errno => bad(errno),
        })?;
        if number < 3 {
            // These stay in use.
            return fcntl_dupfd_cloexec(sys::standard(number), 3).map_err(|errno| Failure {
                errno,
                ..Failure::usage(with_errno(&["--fd=", &lossy(argument)].concat(), errno))
            });
        }
        match self.0.iter().position(|fd| fd.as_raw_fd() == number) {
            Some(position) => Ok(self.0.swap_remove(position)),
            None => Err(Failure {
                errno: Errno::NOENT,
                ..Failure::usage(
                    ["--fd=", &lossy(argument), ": this descriptor was not passed, or is named twice"].concat(),
                )
            }),
        }
    }

    /// How many nobody asked for.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }
}

/// The numbers of the open descriptors from 3 on.
fn listed() -> Result<Vec<i32>, Errno> {
    let directory = openat(CWD, c"/proc/self/fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let own = directory.as_raw_fd();
    let mut space = Vec::with_capacity(4096);
    let mut entries = RawDir::new(&directory, space.spare_capacity_mut());
    let mut numbers = Vec::new();
    while let Some(entry) = entries.next() {
        let number = number::int(entry?.file_name().to_bytes()).ok();
        numbers.extend(number.filter(|number| *number >= 3 && *number != own));
    }
    Ok(numbers)
}
