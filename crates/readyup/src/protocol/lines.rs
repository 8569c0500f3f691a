//! Taking a message apart as a manager does.

use super::assignment::Assignment;
use super::key::{Key, KeySet};
use super::message::{MessageError, MessageProblem};
use super::text::display;
use core::fmt;

/// One line of a received message.
///
/// ```
/// use readyup::Message;
///
/// let line = Message::parse(b"STATUS=a=b")?.lines().next().expect("a line");
/// assert_eq!((line.key(), line.value()), (&b"STATUS"[..], Some(&b"a=b"[..])));
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    text: &'a [u8],
    /// Its key, if a manager looks for such a line.
    known: Option<Key>,
    shadowed: bool,
}

impl<'a> Line<'a> {
    /// The line, without its end.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// let message = Message::parse(b"READY=1\r\nSTATUS=Up\n")?;
    /// assert!(message.lines().map(|line| line.as_bytes()).eq([&b"READY=1"[..], b"STATUS=Up"]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// What stands before the first `=`; the whole line where there is none.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// let message = Message::parse(b"STATUS=a=b\nREADY")?;
    /// assert!(message.lines().map(|line| line.key()).eq([&b"STATUS"[..], b"READY"]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        split(self.text).0
    }

    /// What stands after the first `=`. A line without one has no value, and no manager gives it a meaning.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// let message = Message::parse(b"STATUS=a=b\nREADY")?;
    /// assert!(message.lines().map(|line| line.value()).eq([Some(&b"a=b"[..]), None]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn value(&self) -> Option<&'a [u8]> {
        split(self.text).1
    }

    /// Whether an earlier line gave the same known key, so that this one has no effect.
    ///
    /// ```
    /// use readyup::Message;
    ///
    /// let message = Message::parse(b"MAINPID=5\nMAINPID=6")?;
    /// assert!(message.lines().map(|line| line.is_shadowed()).eq([false, true]));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub const fn is_shadowed(&self) -> bool {
        self.shadowed
    }

    /// Why a manager does not see this line; none if it looks for it. What it makes of the value is another question.
    ///
    /// Keys that begin with `X_` are left alone: they are for whoever knows them.
    ///
    /// ```
    /// use readyup::Message;
    /// use readyup::protocol::Unseen;
    ///
    /// let message = Message::parse(b"READY=true\nready=1\nREADY\nSTATUS=Up")?;
    /// let unseen: Vec<_> = message.lines().map(|line| line.unseen()).collect();
    /// assert_eq!(
    ///     unseen,
    ///     [Some(Unseen::OtherValue { flag: "READY=1" }), Some(Unseen::UnknownKey), Some(Unseen::NoEqualsSign), None]
    /// );
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    #[must_use]
    pub fn unseen(&self) -> Option<Unseen> {
        let (key, value) = split(self.text);
        if self.shadowed {
            return Some(Unseen::Shadowed);
        }
        if value.is_none() {
            return Some(Unseen::NoEqualsSign);
        }
        if self.known.is_some() || key.starts_with(b"X_") {
            return None;
        }
        Some(Key::find(key).map_or(Unseen::UnknownKey, |key| Unseen::OtherValue { flag: key.as_flag() }))
    }

    /// Its key, if it is a known one; none if it is a flag's, and the value is not the one that sets it.
    #[cfg(feature = "alloc")]
    pub(crate) const fn known_key(&self) -> Option<Key> {
        self.known
    }

    /// The line, typed.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when there is no `=`, or a known key has a value that a manager would not take.
    ///
    /// ```
    /// use readyup::{Assignment, Message};
    ///
    /// let message = Message::parse(b"MAINPID=42\nREADY")?;
    /// let mut lines = message.lines().map(|line| line.decode());
    /// assert_eq!(lines.next(), Some(Ok(Assignment::MainPid(42))));
    /// assert!(lines.next().is_some_and(|line| line.is_err()));
    /// # Ok::<(), readyup::protocol::MessageError>(())
    /// ```
    pub fn decode(&self) -> Result<Assignment<'a>, MessageError> {
        match split(self.text) {
            (key, Some(value)) => Assignment::decode(key, value),
            (key, None) => Err(MessageError::field(key, MessageProblem::NoEqualsSign)),
        }
    }
}

/// Why a manager does not see a line.
///
/// ```
/// use readyup::protocol::Unseen;
///
/// assert_eq!(Unseen::OtherValue { flag: "READY=1" }.to_string(), "only READY=1 has an effect");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unseen {
    /// There is no `=` in it.
    NoEqualsSign,
    /// No manager knows the key.
    UnknownKey,
    /// The key is a flag's, which has an effect as this line only.
    OtherValue {
        /// The line.
        flag: &'static str,
    },
    /// An earlier line gave the same key.
    Shadowed,
}

impl Unseen {
    /// Hands the text to `put` piece by piece: what `Display` prints, for places without `core::fmt`.
    ///
    /// ```
    /// use readyup::protocol::Unseen;
    ///
    /// let mut text = String::new();
    /// Unseen::UnknownKey.describe(&mut |piece| text.push_str(piece));
    /// assert_eq!(text, "no manager knows this key");
    /// ```
    pub fn describe(&self, put: &mut dyn FnMut(&str)) {
        match self {
            Self::NoEqualsSign => put("it has no \"=\""),
            Self::UnknownKey => put("no manager knows this key"),
            Self::OtherValue { flag } => {
                put("only ");
                put(flag);
                put(" has an effect");
            }
            Self::Shadowed => put("an earlier line gave the same key"),
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| self.describe(put))
    }
}

fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| *byte == b'=');
    (parts.next().unwrap_or_default(), parts.next())
}

/// The lines of a message: split at `\n` and at `\r`, runs of which count once.
///
/// Of a known key that is given twice the first counts, as `is_shadowed` tells. A flag such as `READY` is only
/// given where it stands as exactly `READY=1`: that is the line a manager looks for, so `READY=0` shadows nothing.
///
/// ```
/// use readyup::Message;
///
/// let message = Message::parse(b"STATUS=first\nREADY=1\r\nSTATUS=second\n")?;
/// let lines: Vec<_> = message.lines().map(|line| (line.as_bytes(), line.is_shadowed())).collect();
/// assert_eq!(lines, [(&b"STATUS=first"[..], false), (b"READY=1", false), (b"STATUS=second", true)]);
/// # Ok::<(), readyup::protocol::MessageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    seen: KeySet,
}

impl<'a> Lines<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload, seen: KeySet::default() }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let mut parts = self.rest.splitn(2, |byte| matches!(byte, b'\n' | b'\r'));
            let text = parts.next().unwrap_or_default();
            self.rest = parts.next().unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            let (key, value) = split(text);
            let known = value.and_then(|value| Key::find(key).filter(|known| is_looked_for(*known, value)));
            let shadowed = known.is_some_and(|known| !self.seen.insert(known));
            return Some(Line { text, known, shadowed });
        }
    }
}

/// Whether a manager sees a line of this key with this value. For most keys it looks for the first line that begins with one;
/// for flags, for the whole line.
fn is_looked_for(key: Key, value: &[u8]) -> bool {
    match key.as_flag().as_bytes() {
        [] => true,
        // The value is the one character behind the "=".
        [.., wanted] => value == [*wanted],
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::Message;

    fn lines(payload: &[u8]) -> Vec<(String, bool)> {
        Message::parse(payload)
            .unwrap()
            .lines()
            .map(|line| (String::from_utf8_lossy(line.as_bytes()).into_owned(), line.is_shadowed()))
            .collect()
    }

    fn plain(texts: &[&str]) -> Vec<(String, bool)> {
        texts.iter().map(|text| ((*text).to_owned(), false)).collect()
    }

    #[test]
    fn ok_split() {
        for (payload, expected) in [
            (&b""[..], &[][..]),
            (b"\0", &[]),
            (b"\n\r\n\r", &[]),
            (b"READY=1", &["READY=1"]),
            (b"READY=1\0", &["READY=1"]),
            (b"READY=1\n", &["READY=1"]),
            (b"\n\nREADY=1\n\n\nSTATUS=x", &["READY=1", "STATUS=x"]),
            (b"READY=1\rSTATUS=x\r\nERRNO=2", &["READY=1", "STATUS=x", "ERRNO=2"]),
            (b"STATUS=a=b", &["STATUS=a=b"]),
            (b"no equals sign\n=\n=x", &["no equals sign", "=", "=x"]),
        ] {
            assert_eq!(lines(payload), plain(expected), "{:?}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn ok_first_counts() {
        assert_eq!(
            lines(b"MAINPID=5\nMAINPID=6\nX_A=1\nX_A=2"),
            [("MAINPID=5", false), ("MAINPID=6", true), ("X_A=1", false), ("X_A=2", false)]
                .map(|(text, shadowed)| (text.to_owned(), shadowed))
        );
        // A first value that is no good still hides the second one.
        assert!(lines(b"MAINPID=x\nMAINPID=6")[1].1);
        // But only the exact line is a flag.
        assert!(!lines(b"READY=0\nREADY=1")[1].1);
        assert!(lines(b"READY=1\nREADY=1")[1].1);
    }

    #[test]
    fn ok_key_and_value() {
        let message = Message::parse(b"STATUS=a=b\nword\n=x").unwrap();
        let parts: Vec<_> = message.lines().map(|line| (line.key(), line.value())).collect();
        assert_eq!(parts, [(&b"STATUS"[..], Some(&b"a=b"[..])), (b"word", None), (b"", Some(b"x"))]);
    }

    #[test]
    fn err_bare_word() {
        let message = Message::parse(b"READY").unwrap();
        let line = message.lines().next().unwrap();
        assert_eq!(line.decode().unwrap_err().to_string(), "READY has no '=' and no value");
    }
}
