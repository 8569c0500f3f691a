//! The name of a stored or passed descriptor.

use super::text::display;
use core::fmt;

/// The name under which the manager keeps a stored descriptor and hands it back in `$LISTEN_FDNAMES`.
///
/// ASCII from space to `~` without `:`, and 1 to 255 bytes long. A manager stores descriptors whose name is
/// anything else under the name `stored`, without a word to the sender, so here such a name cannot be made.
///
/// See `FDNAME=` in [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// ```
/// use readyup::FdName;
///
/// assert_eq!(FdName::new("http")?.as_str(), "http");
/// assert!(FdName::new("a:b").is_err());
/// # Ok::<(), readyup::protocol::FdNameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdName<'a>(&'a str);

impl<'a> FdName<'a> {
    /// The longest name, in bytes.
    ///
    /// ```
    /// use readyup::FdName;
    ///
    /// assert!(FdName::new(&"x".repeat(FdName::MAX)).is_ok());
    /// assert!(FdName::new(&"x".repeat(FdName::MAX + 1)).is_err());
    /// ```
    pub const MAX: usize = 255;

    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// [`FdNameError`] when it is empty, too long, or holds a byte that a name may not have.
    ///
    /// ```
    /// use readyup::FdName;
    /// use readyup::protocol::FdNameError;
    ///
    /// assert!(FdName::new("http").is_ok());
    /// assert_eq!(FdName::new("größe"), Err(FdNameError::InvalidByte { byte: 0xc3 }));
    /// ```
    pub const fn new(name: &'a str) -> Result<Self, FdNameError> {
        let bytes = name.as_bytes();
        if bytes.is_empty() {
            return Err(FdNameError::Empty);
        }
        if bytes.len() > Self::MAX {
            return Err(FdNameError::TooLong { len: bytes.len() });
        }
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            if !matches!(*byte, b' '..=b'~') || *byte == b':' {
                return Err(FdNameError::InvalidByte { byte: *byte });
            }
            rest = tail;
        }
        Ok(Self(name))
    }

    /// The name as text.
    ///
    /// ```
    /// assert_eq!(readyup::FdName::new("http")?.as_str(), "http");
    /// # Ok::<(), readyup::protocol::FdNameError>(())
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for FdName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a text is no [`FdName`].
///
/// ```
/// use readyup::FdName;
/// use readyup::protocol::FdNameError;
///
/// let error = FdName::new("a:b").unwrap_err();
/// assert_eq!(error, FdNameError::InvalidByte { byte: b':' });
/// assert_eq!(error.to_string(), "FDNAME holds a ':', which separates names in $LISTEN_FDNAMES");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FdNameError {
    /// It is empty.
    Empty,
    /// It is longer than [`FdName::MAX`].
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// It holds a `:`, a control character, or something outside ASCII.
    InvalidByte {
        /// The first such byte.
        byte: u8,
    },
}

impl FdNameError {
    pub(crate) fn describe(self, put: &mut dyn FnMut(&str)) {
        put(match self {
            Self::Empty => "is empty; give the descriptor a name of 1 to 255 characters",
            Self::TooLong { .. } => "is longer than 255 bytes, the most a manager keeps",
            Self::InvalidByte { byte: b':' } => "holds a ':', which separates names in $LISTEN_FDNAMES",
            Self::InvalidByte { .. } => "holds a character that is not printable ASCII",
        });
    }
}

impl fmt::Display for FdNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| {
            put("FDNAME ");
            self.describe(put);
        })
    }
}

impl core::error::Error for FdNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_names() {
        let longest = "x".repeat(255);
        for name in ["a", "http", " ", "~", "my socket.v2/%", longest.as_str()] {
            assert_eq!(FdName::new(name).map(FdName::as_str), Ok(name));
        }
    }

    #[test]
    fn err_names() {
        let too_long = "x".repeat(256);
        for (name, text) in [
            ("", "FDNAME is empty; give the descriptor a name of 1 to 255 characters"),
            (too_long.as_str(), "FDNAME is longer than 255 bytes, the most a manager keeps"),
            ("a:b", "FDNAME holds a ':', which separates names in $LISTEN_FDNAMES"),
            ("a\nb", "FDNAME holds a character that is not printable ASCII"),
            ("\u{7f}", "FDNAME holds a character that is not printable ASCII"),
            ("größe", "FDNAME holds a character that is not printable ASCII"),
        ] {
            assert_eq!(FdName::new(name).unwrap_err().to_string(), text, "{name:?}");
        }
    }
}
