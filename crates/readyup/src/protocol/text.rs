//! Text without `core::fmt`'s machinery.
//!
//! The Node addon is built without the standard library and must hold no path that can panic; `core::fmt`'s
//! padding and integer code has some. So every error describes itself in pieces to a closure, numbers go through
//! [`Decimal`], and `Display` is a thin cover ([`display`]) over the same code.

use core::fmt;

/// Implements `Display` for something that can describe itself in pieces.
pub(crate) fn display(f: &mut fmt::Formatter<'_>, describe: impl FnOnce(&mut dyn FnMut(&str))) -> fmt::Result {
    let mut result = Ok(());
    describe(&mut |piece| {
        if result.is_ok() {
            result = f.write_str(piece);
        }
    });
    result
}

/// A number in decimal digits.
pub(crate) struct Decimal {
    digits: [u8; 20],
    start: usize,
}

impl Decimal {
    /// The digits of `number`.
    // (One copy of it is enough.)
    #[inline(never)]
    pub(crate) fn new(mut number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            start -= 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        Self { digits, start }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Reads decimal digits and nothing else: no sign, no space, no prefix.
// (One copy of it is enough.)
#[inline(never)]
pub(crate) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(value))?;
    }
    Some(number)
}

/// The beginning of somebody else's bytes, kept for an error text: bounded, and made printable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excerpt {
    bytes: [u8; Self::MAX],
    len: u8,
    cut: bool,
}

impl Excerpt {
    const MAX: usize = 46;

    pub(crate) fn new(text: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX];
        let mut len = 0;
        // Only printable ASCII is kept: the text may come from anywhere and end in a terminal or a journal.
        for (slot, byte) in bytes.iter_mut().zip(text) {
            *slot = if matches!(byte, b' '..=b'~') { *byte } else { b'?' };
            len += 1;
        }
        Self { bytes, len, cut: text.len() > Self::MAX }
    }

    pub(crate) fn as_str(&self) -> &str {
        let kept = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(kept).unwrap_or_default()
    }

    pub(crate) fn describe(&self, put: &mut dyn FnMut(&str)) {
        put(self.as_str());
        if self.cut {
            put("…");
        }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| {
            put("\"");
            self.describe(put);
            put("\"");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_decimal() {
        for number in [0, 1, 9, 10, 4096, 1_000_000, u64::MAX - 1, u64::MAX] {
            let decimal = Decimal::new(number);
            assert_eq!(decimal.as_str(), number.to_string());
            assert_eq!(parse_decimal(decimal.as_bytes()), Some(number));
        }
    }

    #[test]
    fn err_decimal() {
        for text in ["", " 1", "1 ", "+1", "-1", "0x10", "18446744073709551616", "१"] {
            assert_eq!(parse_decimal(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn ok_excerpt_is_printable_and_bounded() {
        assert_eq!(format!("{:?}", Excerpt::new(b"a\n\x1b[31mb")), "\"a??[31mb\"");
        let long = Excerpt::new(&[b'x'; 100]);
        assert_eq!(format!("{long:?}").chars().filter(|c| *c == 'x').count(), Excerpt::MAX);
        assert!(format!("{long:?}").ends_with("…\""));
    }
}
