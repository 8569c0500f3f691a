//! The text that a call answers with.

use alloc::vec::Vec;

/// Lines of a name, `=` and a value. No value has a line feed: a message's lines end there.
pub(crate) struct Answer(Vec<u8>);

/// A part of a value.
pub(crate) enum Part<'a> {
    Text(&'a str),
    Number(u64),
}

impl Answer {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a line, with a space between the parts of its value.
    pub(crate) fn line(&mut self, name: &str, parts: &[Part<'_>]) {
        self.put(name);
        let mut separator = "=";
        for part in parts {
            self.put(separator);
            match part {
                Part::Text(text) => self.put(text),
                Part::Number(number) => self.digits(*number),
            }
            separator = " ";
        }
        self.put("\n");
    }

    /// Adds a line whose value comes piece by piece.
    pub(crate) fn described(&mut self, name: &str, describe: impl FnOnce(&mut dyn FnMut(&str))) {
        self.put(name);
        self.put("=");
        describe(&mut |piece| self.put(piece));
        self.put("\n");
    }

    fn put(&mut self, piece: &str) {
        self.0.extend_from_slice(piece.as_bytes());
    }

    fn digits(&mut self, number: u64) {
        if number > 9 {
            self.digits(number / 10);
        }
        self.0.push(b'0' + (number % 10) as u8);
    }
}
