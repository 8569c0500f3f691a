//! From JavaScript's arguments to the library's, and from its errors to JavaScript's.

use crate::napi::{Env, Value, fd};
use readyup::protocol::{FDS_MAX, MESSAGE_MAX, MessageError};
use readyup::{Assignment, Error, Message, MessageBuf};
use rustix::fd::BorrowedFd;

/// Room for a string: one character more than a message may have is enough to know that it is too long (a character
/// has up to 4 bytes), and a NUL.
pub(crate) type TextBuffer = [u8; MESSAGE_MAX + 5];

pub(crate) const TEXT_BUFFER: TextBuffer = [0; MESSAGE_MAX + 5];

/// Throws the library's error.
#[cold]
pub(crate) fn throw(env: Env, error: &Error) -> Value {
    let mut text = [0; 512];
    let mut len = 0usize;
    error.describe(&mut |piece| append(&mut text, &mut len, piece));
    env.throw(text.get(..len).unwrap_or_default(), error.raw_os_error(), error.syscall())
}

/// Writes as much as there is room for. (Not inlined where there are dozens of pieces.)
#[inline(never)]
fn append(text: &mut [u8], len: &mut usize, piece: &str) {
    for byte in piece.bytes() {
        if let Some(slot) = text.get_mut(*len) {
            *slot = byte;
            *len = len.wrapping_add(1);
        }
    }
}

/// A string argument's bytes; `None` where it is no string.
pub(crate) fn text(env: Env, value: Value, buffer: &mut TextBuffer) -> Option<&[u8]> {
    env.get_string(value, buffer)
}

/// A finished state string.
pub(crate) fn state(env: Env, value: Value, buffer: &mut TextBuffer) -> Result<Message<'_>, Error> {
    let bytes = text(env, value, buffer).unwrap_or_default();
    if bytes.len() > MESSAGE_MAX {
        return Err(MessageError::too_long(env.string_length(value)).into());
    }
    Ok(Message::raw(bytes)?)
}

/// Adds `[key, value, key, value, …]` to a message.
pub(crate) fn push_assignments(env: Env, pairs: Value, message: &mut MessageBuf) -> Result<(), Error> {
    let (mut key_buffer, mut value_buffer) = (TEXT_BUFFER, TEXT_BUFFER);
    let count = env.array_length(pairs).unwrap_or(0) / 2;
    for pair in 0..count {
        let (Some(key), Some(value)) =
            (env.element(pairs, pair.wrapping_mul(2)), env.element(pairs, pair.wrapping_mul(2).wrapping_add(1)))
        else {
            continue;
        };
        let key = text(env, key, &mut key_buffer).unwrap_or_default();
        let value = text(env, value, &mut value_buffer).unwrap_or_default();
        message.push(Assignment::decode(key, value)?)?;
    }
    Ok(())
}

/// Descriptors, given as an array of their numbers.
pub(crate) struct Fds {
    fds: [BorrowedFd<'static>; FDS_MAX],
    count: usize,
}

impl Fds {
    /// Reads the array. What is not a number, or negative, is as bad a descriptor as one that is not open.
    pub(crate) fn read(env: Env, array: Value) -> Result<Self, Error> {
        // Only the first `count` are ever used.
        let mut fds = Self { fds: [fd(0); FDS_MAX], count: 0 };
        let count = env.array_length(array).unwrap_or(0);
        for index in 0..count {
            let Some(slot) = fds.fds.get_mut(fds.count) else {
                return Err(Error::too_many_fds(count as usize));
            };
            *slot = fd(env.element(array, index).and_then(|value| env.get_integer(value)).unwrap_or(-1));
            fds.count = fds.count.wrapping_add(1);
        }
        Ok(fds)
    }

    pub(crate) fn as_slice(&self) -> &[BorrowedFd<'_>] {
        self.fds.get(..self.count).unwrap_or_default()
    }
}
