//! Text in a place of its own, since there is no allocator here. What does not fit is left out.

/// As much as a status with a long path in it needs, and far less than a message may have.
const CAPACITY: usize = 1000;

#[derive(Clone, Copy)]
pub(super) struct Text {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Text {
    pub(super) const EMPTY: Self = Self { bytes: [0; CAPACITY], len: 0 };

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was written, which is UTF-8, but for a character that was cut at the end.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Writes text of any origin: control characters, which could begin a new line, become question marks.
    #[inline(never)]
    pub(super) fn push(&mut self, text: &[u8]) -> &mut Self {
        for &byte in text {
            self.push_byte(if byte.is_ascii_control() { b'?' } else { byte });
        }
        self
    }

    /// Writes bytes that may not even be text: what is not ASCII becomes a question mark.
    #[inline(never)]
    pub(super) fn push_foreign(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            self.push_byte(if byte.is_ascii_graphic() || byte == b' ' { byte } else { b'?' });
        }
        self
    }

    #[inline(never)]
    pub(super) fn push_number(&mut self, number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut rest = number;
        let mut start = digits.len();
        for slot in digits.iter_mut().rev() {
            *slot = b'0'.wrapping_add((rest % 10) as u8);
            start = start.wrapping_sub(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(start..).unwrap_or_default())
    }

    /// Writes a time as humans say it: `250 ms`, `2.4 s`, `75 s`.
    #[inline(never)]
    pub(super) fn push_duration(&mut self, microseconds: u64) -> &mut Self {
        let milliseconds = microseconds / 1000;
        if milliseconds < 1000 {
            return self.push_number(milliseconds).push(b" ms");
        }
        self.push_number(milliseconds / 1000);
        if milliseconds < 60_000 {
            self.push(b".").push_number(milliseconds % 1000 / 100);
        }
        self.push(b" s")
    }

    /// The end of a line.
    pub(super) fn push_newline(&mut self) -> &mut Self {
        self.push_byte(b'\n');
        self
    }

    fn push_byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len = self.len.wrapping_add(1);
        }
    }
}
