//! An entry's fields, and how they are spelled. Nothing here does I/O.

use super::error::{EntryError, EntryProblem};
use core::fmt;

/// The longest name of a field, in bytes.
///
/// ```
/// use readyup::journal::{FIELD_NAME_MAX, Field};
///
/// assert!(Field::new("N".repeat(FIELD_NAME_MAX).as_str(), "").is_ok());
/// assert!(Field::new("N".repeat(FIELD_NAME_MAX + 1).as_str(), "").is_err());
/// ```
pub const FIELD_NAME_MAX: usize = 64;

/// The most fields that one entry can have: the journal drops one that has more.
///
/// ```
/// use readyup::journal::{FIELDS_MAX, Field, encode};
///
/// let field = Field::message("again");
/// assert!(encode(&vec![field; FIELDS_MAX], &mut |_| {}).is_ok());
/// assert!(encode(&vec![field; FIELDS_MAX + 1], &mut |_| {}).is_err());
/// ```
pub const FIELDS_MAX: usize = 1024;

/// How important an entry is: the levels of [syslog(3)](https://man7.org/linux/man-pages/man3/syslog.3.html).
///
/// ```
/// use readyup::journal::Priority;
///
/// assert_eq!(Priority::Error as u8, 3);
/// assert_eq!(Priority::from_number(3), Some(Priority::Error));
/// assert!(Priority::Error < Priority::Debug);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// The system is unusable.
    Emergency = 0,
    /// Something must be done at once.
    Alert = 1,
    /// A critical failure.
    Critical = 2,
    /// An error.
    Error = 3,
    /// Not an error yet.
    Warning = 4,
    /// Normal, but worth to be noticed.
    Notice = 5,
    /// For information.
    Info = 6,
    /// Of use to who looks for a fault.
    Debug = 7,
}

impl Priority {
    /// The priority of this number, if it is one of 0 to 7.
    ///
    /// ```
    /// use readyup::journal::Priority;
    ///
    /// assert_eq!(Priority::from_number(7), Some(Priority::Debug));
    /// assert_eq!(Priority::from_number(8), None);
    /// ```
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Emergency,
            1 => Self::Alert,
            2 => Self::Critical,
            3 => Self::Error,
            4 => Self::Warning,
            5 => Self::Notice,
            6 => Self::Info,
            7 => Self::Debug,
            _ => return None,
        })
    }

    const fn digit(self) -> &'static [u8] {
        match self {
            Self::Emergency => b"0",
            Self::Alert => b"1",
            Self::Critical => b"2",
            Self::Error => b"3",
            Self::Warning => b"4",
            Self::Notice => b"5",
            Self::Info => b"6",
            Self::Debug => b"7",
        }
    }
}

/// One field of an entry: a name that can be one, and any value at all.
///
/// The names with a meaning are listed in
/// [systemd.journal-fields(7)](https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html).
/// A name may be given several times, and then the entry has several values of it.
///
/// ```
/// use readyup::journal::Field;
///
/// let field = Field::new("ACME_REQUEST", "17")?;
/// assert_eq!((field.name(), field.value()), ("ACME_REQUEST", &b"17"[..]));
/// // Bytes are as good as text.
/// Field::new("ACME_PICTURE", [0x89, b'P', b'N', b'G', b'\r', b'\n'].as_slice())?;
/// # Ok::<(), readyup::journal::EntryError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// A field of this name and value.
    ///
    /// # Errors
    ///
    /// [`EntryError`] when the journal would drop it: a name has 1 to [`FIELD_NAME_MAX`] of `A`–`Z`, `0`–`9` and `_`,
    /// the first of them a letter. (Those that begin with `_` are the journal's own, which no client may set.)
    ///
    /// ```
    /// use readyup::journal::Field;
    ///
    /// assert!(Field::new("ACME_USER", "root").is_ok());
    /// let error = Field::new("_UID", "0").unwrap_err();
    /// assert_eq!(error.to_string(), "_UID begins with '_', as only the journal's own fields do");
    /// ```
    pub fn new<V: AsRef<[u8]> + ?Sized>(name: &'a str, value: &'a V) -> Result<Self, EntryError> {
        Self::decode(name.as_bytes(), value.as_ref())
    }

    /// As [`new`](Self::new), of a name that may be no text at all.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use readyup::journal::Field;
    ///
    /// assert_eq!(Field::decode(b"MESSAGE", b"Up")?, Field::message("Up"));
    /// assert!(Field::decode(b"\xff", b"Up").is_err());
    /// # Ok::<(), readyup::journal::EntryError>(())
    /// ```
    pub fn decode(name: &'a [u8], value: &'a [u8]) -> Result<Self, EntryError> {
        let problem = match name {
            [] => EntryProblem::EmptyName,
            _ if name.len() > FIELD_NAME_MAX => EntryProblem::LongName,
            [b'_', ..] => EntryProblem::Protected,
            [b'0'..=b'9', ..] => EntryProblem::LeadingDigit,
            _ if !name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')) => EntryProblem::InvalidName,
            _ => match core::str::from_utf8(name) {
                Ok(name) => return Ok(Self { name, value }),
                Err(_) => EntryProblem::InvalidName,
            },
        };
        Err(EntryError::field(name, problem))
    }

    /// `MESSAGE=`: the text for people, of as many lines as you like.
    ///
    /// ```
    /// use readyup::journal::Field;
    ///
    /// assert_eq!(Field::message("Up").name(), "MESSAGE");
    /// ```
    #[must_use]
    pub const fn message(text: &'a str) -> Self {
        Self { name: "MESSAGE", value: text.as_bytes() }
    }

    /// `PRIORITY=`: how important the entry is.
    ///
    /// ```
    /// use readyup::journal::{Field, Priority};
    ///
    /// assert_eq!(Field::priority(Priority::Error).value(), b"3");
    /// ```
    #[must_use]
    pub const fn priority(priority: Priority) -> Self {
        Self { name: "PRIORITY", value: priority.digit() }
    }

    /// The name.
    ///
    /// ```
    /// assert_eq!(readyup::journal::Field::message("Up").name(), "MESSAGE");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The value.
    ///
    /// ```
    /// assert_eq!(readyup::journal::Field::message("Up").value(), b"Up");
    /// ```
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// What stands between name and value.
    pub(super) fn separator(&self) -> Separator {
        let mut separator = Separator { bytes: [b'='; 9], len: 1 };
        if self.value.contains(&b'\n') {
            separator.len = 9;
            let len = (self.value.len() as u64).to_le_bytes();
            for (slot, byte) in separator.bytes.iter_mut().zip([b'\n'].iter().chain(&len)) {
                *slot = *byte;
            }
        }
        separator
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({}=\"{}\")", self.name, self.value.escape_ascii())
    }
}

/// `=` before a value of one line; a line feed and the value's length in 64 bits before one with a line feed in it.
#[derive(Clone, Copy)]
pub(super) struct Separator {
    bytes: [u8; 9],
    len: u8,
}

impl Separator {
    pub(super) const EMPTY: Self = Self { bytes: [0; 9], len: 0 };

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Spells an entry as the [Journal Native Protocol](https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) has it, and hands it to
/// `put` piece by piece.
///
/// # Errors
///
/// [`EntryError`] when there is no field, or more than [`FIELDS_MAX`]. Then nothing was handed over.
///
/// ```
/// use readyup::journal::{Field, Priority, encode};
///
/// let mut entry = Vec::new();
/// let fields = [Field::priority(Priority::Info), Field::message("two\nlines")];
/// encode(&fields, &mut |piece| entry.extend_from_slice(piece))?;
/// assert_eq!(entry, b"PRIORITY=6\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n");
/// # Ok::<(), readyup::journal::EntryError>(())
/// ```
pub fn encode(fields: &[Field<'_>], put: &mut dyn FnMut(&[u8])) -> Result<(), EntryError> {
    check(fields)?;
    for field in fields {
        put(field.name.as_bytes());
        put(field.separator().as_bytes());
        put(field.value);
        put(b"\n");
    }
    Ok(())
}

/// Whether the journal would take so many fields.
pub(super) const fn check(fields: &[Field<'_>]) -> Result<(), EntryError> {
    match fields.len() {
        0 => Err(EntryError::empty()),
        1..=FIELDS_MAX => Ok(()),
        count => Err(EntryError::too_many_fields(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| Field::decode(name.as_bytes(), value).unwrap()).collect();
        let mut entry = Vec::new();
        encode(&fields, &mut |piece| entry.extend_from_slice(piece)).unwrap();
        entry
    }

    type Row<'a> = (&'a [(&'a str, &'a [u8])], &'a [u8]);

    #[test]
    fn ok_encoding() {
        let table: &[Row<'_>] = &[
            (&[("MESSAGE", b"Up")], b"MESSAGE=Up\n"),
            (&[("MESSAGE", b"")], b"MESSAGE=\n"),
            (&[("MESSAGE", b"a=b"), ("PRIORITY", b"6")], b"MESSAGE=a=b\nPRIORITY=6\n"),
            // Only a line feed is in the way of the short form.
            (&[("X", b"\0\r\xff")], b"X=\0\r\xff\n"),
            (&[("X", b"\n")], b"X\n\x01\0\0\0\0\0\0\0\n\n"),
            (&[("X", b"a\nMESSAGE=b"), ("Y", b"c")], b"X\n\x0b\0\0\0\0\0\0\0a\nMESSAGE=b\nY=c\n"),
            (&[("X", b"1"), ("X", b"2")], b"X=1\nX=2\n"),
        ];
        for (fields, expected) in table {
            assert_eq!(encoded(fields).escape_ascii().to_string(), expected.escape_ascii().to_string(), "{fields:?}");
        }
        let long = [b"\n".as_slice(), &[b'x'; 0x1_0203]].concat();
        let entry = encoded(&[("X", &long)]);
        assert_eq!(entry[..10], *b"X\n\x04\x02\x01\0\0\0\0\0");
        assert_eq!(entry.len(), 10 + long.len() + 1);
    }

    #[test]
    fn ok_names() {
        for name in ["A", "MESSAGE", "X_1", "A_", "A__B", &"N".repeat(FIELD_NAME_MAX)] {
            assert_eq!(Field::new(name, "").unwrap().name(), name);
        }
    }

    #[test]
    fn err_names() {
        let long = "N".repeat(FIELD_NAME_MAX + 1);
        let table = [
            ("", "a field has no name"),
            ("_PID", "_PID begins with '_', as only the journal's own fields do"),
            ("_", "_ begins with '_', as only the journal's own fields do"),
            ("1A", "1A begins with a digit, and the name of a field begins with a letter"),
            ("message", "message is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
            ("A=B", "A=B is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
            ("A\nB", "A?B is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
            ("A B", "A B is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
            ("Ä", "?? is no name of a field: it must be of A to Z, 0 to 9 and '_'"),
            (
                &long,
                "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN… is too long for the name of a field, which has at most 64 bytes",
            ),
        ];
        for (name, text) in table {
            assert_eq!(Field::new(name, "").unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn err_entries() {
        let table = [
            (0, "the entry has no fields"),
            (FIELDS_MAX + 1, "the entry has 1025 fields, and the journal takes at most 1024"),
        ];
        for (count, text) in table {
            let mut pieces = 0;
            let error = encode(&vec![Field::message("x"); count], &mut |_| pieces += 1).unwrap_err();
            assert_eq!((error.to_string().as_str(), pieces), (text, 0));
        }
    }

    #[test]
    fn ok_priorities() {
        for number in 0..=255 {
            let priority = Priority::from_number(number);
            assert_eq!(priority.is_some(), number < 8);
            if let Some(priority) = priority {
                assert_eq!(priority as u8, number);
                assert_eq!(Field::priority(priority).value(), number.to_string().as_bytes());
            }
        }
    }
}
