//! Numbers as systemd reads them, which is more than decimal digits.

/// An unsigned number: space before it, a sign, and the prefixes `0b`, `0o`, `0x` and `0` are taken.
pub(super) fn unsigned(text: &[u8]) -> Option<u64> {
    let (negative, magnitude) = parse(text)?;
    (!negative || magnitude == 0).then_some(magnitude)
}

/// A signed number that fits into 32 bits, spelt in the same ways.
pub(super) fn signed(text: &[u8]) -> Option<i32> {
    let (negative, magnitude) = parse(text)?;
    let value = i64::try_from(magnitude).ok()?;
    i32::try_from(if negative { -value } else { value }).ok()
}

/// A process id.
pub(super) fn pid(text: &[u8]) -> Option<u32> {
    unsigned(text)
        .and_then(|number| i32::try_from(number).ok())
        .and_then(|pid| u32::try_from(pid).ok())
        .filter(|pid| *pid > 0)
}

/// What C's `strtoull` reads in base 0, with the two prefixes that systemd has of its own: those stand before a sign, and
/// C's behind it.
fn parse(text: &[u8]) -> Option<(bool, u64)> {
    let text = text.trim_ascii_start();
    let (own_base, text) = match text {
        [b'0', b'b' | b'B', rest @ ..] => (Some(2), rest),
        [b'0', b'o' | b'O', rest @ ..] => (Some(8), rest),
        _ => (None, text),
    };
    let text = text.trim_ascii_start();
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match (own_base, text) {
        (Some(base), _) => (base, text),
        (None, [b'0', b'x' | b'X', rest @ ..]) => (16, rest),
        (None, [b'0', ..]) => (8, text),
        (None, _) => (10, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for digit in digits {
        let value = char::from(*digit).to_digit(base)?;
        number = number.checked_mul(u64::from(base))?.checked_add(u64::from(value))?;
    }
    Some((negative, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_spellings() {
        for (text, number) in [
            ("0", 0),
            ("42", 42),
            (" 42", 42),
            ("\t+42", 42),
            ("-0", 0),
            ("0x1F", 31),
            ("+0x1f", 31),
            ("010", 8),
            ("0o10", 8),
            ("0b101", 5),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(unsigned(text.as_bytes()), Some(number), "{text}");
        }
        assert_eq!(signed(b"-7"), Some(-7));
        assert_eq!(pid(b"2147483647"), Some(2_147_483_647));
    }

    #[test]
    fn err_spellings() {
        for text in ["", " ", "+", "-1", "42 ", "4 2", "0x", "0b2", "08", "+0b1", "1e3", "18446744073709551616"] {
            assert_eq!(unsigned(text.as_bytes()), None, "{text}");
        }
        assert_eq!(signed(b"2147483648"), None);
        for text in ["0", "2147483648", "-5"] {
            assert_eq!(pid(text.as_bytes()), None, "{text}");
        }
    }
}
