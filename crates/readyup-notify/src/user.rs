//! Whom `--uid` means.

use crate::exit::{Failure, lossy};
use crate::number;
use alloc::vec::Vec;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};

/// A user, and its group where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: Option<u32>,
}

/// More than this is no list of users.
const PASSWD_MAX: usize = 16 << 20;

/// Looks up a user by name or number. There is no libc to ask, so users that are not in `/etc/passwd` are known by their
/// number only.
pub(crate) fn look_up(name: &[u8]) -> Result<User, Failure> {
    let number = number::uid(name).ok();
    let builtin = match name {
        b"root" | b"0" => Some(User { uid: 0, gid: Some(0) }),
        _ => None,
    };
    let listed = || {
        let passwd = contents().unwrap_or_default();
        find(&passwd, name, number)
    };
    builtin.or_else(listed).or(number.map(|uid| User { uid, gid: None })).ok_or_else(|| {
        // Numbers that can be no user's have errors of their own.
        let errno = number::uid(name).err().unwrap_or(Errno::INVAL);
        let text = ["there is no user \"", &lossy(name), "\" in /etc/passwd; give --uid= a number"].concat();
        Failure { errno, ..Failure::usage(text) }
    })
}

fn find(passwd: &[u8], name: &[u8], number: Option<u32>) -> Option<User> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (found, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (number::uid(fields.next()?).ok()?, number::uid(fields.next()?).ok()?);
        let is_meant = number.map_or(found == name, |number| uid == number);
        is_meant.then_some(User { uid, gid: Some(gid) })
    })
}

fn contents() -> Result<Vec<u8>, Errno> {
    let file = openat(CWD, c"/etc/passwd", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut contents = Vec::new();
    let mut part = [0; 4096];
    while contents.len() < PASSWD_MAX {
        match read(&file, &mut part) {
            Ok(0) => break,
            Ok(len) => contents.extend_from_slice(part.get(..len).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_users() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34::/:/bin/false\n\xff:x:7:8:::\n";
        assert_eq!(find(passwd, b"web", None), Some(User { uid: 33, gid: Some(34) }));
        assert_eq!(find(passwd, b"33", Some(33)), Some(User { uid: 33, gid: Some(34) }));
        assert_eq!(find(passwd, b"we", None), None);
        assert_eq!(find(passwd, b"34", Some(34)), None);
    }
}
