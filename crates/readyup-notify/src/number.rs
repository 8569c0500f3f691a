//! Numbers as systemd's tools read them.

use rustix::io::Errno;

/// A number that is not negative: decimal, or with `0x`, `0o`, `0b` or an octal `0` in front, behind any white space.
/// `ERANGE` says that it is a number, but none that is wanted.
pub(crate) fn unsigned(text: &[u8]) -> Result<u64, Errno> {
    let text = text.trim_ascii_start();
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (digits, radix) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', b'o', digits @ ..] => (digits, 8),
        [b'0', b'b', digits @ ..] => (digits, 2),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        digits => (digits, 10),
    };
    let mut number = Ok(0u64);
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix).ok_or(Errno::INVAL)?;
        number = number.and_then(|number| {
            let shifted = number.checked_mul(radix.into()).ok_or(Errno::RANGE)?;
            shifted.checked_add(digit.into()).ok_or(Errno::RANGE)
        });
    }
    match number {
        _ if digits.is_empty() => Err(Errno::INVAL),
        Ok(_) if negative => Err(Errno::RANGE),
        number => number,
    }
}

/// A number that fits into an `int`.
pub(crate) fn int(text: &[u8]) -> Result<i32, Errno> {
    i32::try_from(unsigned(text)?).map_err(|_| Errno::RANGE)
}

/// A pid: from 1 on.
pub(crate) fn pid(text: &[u8]) -> Result<u32, Errno> {
    match int(text)? {
        0 => Err(Errno::RANGE),
        pid => Ok(pid.unsigned_abs()),
    }
}

/// A user's id: plain decimal digits, and none of the two values that mean "none".
pub(crate) fn uid(text: &[u8]) -> Result<u32, Errno> {
    let is_plain = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first() != Some(&b'0'));
    if !is_plain {
        return Err(Errno::INVAL);
    }
    let number = u32::try_from(unsigned(text)?).map_err(|_| Errno::RANGE)?;
    if number == u32::MAX || number == u32::from(u16::MAX) { Err(Errno::NXIO) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_numbers() {
        for (text, number) in
            [("0", 0), ("42", 42), (" 42", 42), ("+42", 42), ("0x2a", 42), ("052", 42), ("0o52", 42), ("0b11", 3)]
        {
            assert_eq!(unsigned(text.as_bytes()), Ok(number), "{text}");
        }
        assert_eq!(pid(b"2147483647"), Ok(2_147_483_647));
        assert_eq!(uid(b"0"), Ok(0));
        assert_eq!(uid(b"4242"), Ok(4242));
    }

    #[test]
    fn err_numbers() {
        for text in ["", "42 ", "0x", "++1", "0x+1", "1a", "08", "-", "+"] {
            assert_eq!(unsigned(text.as_bytes()), Err(Errno::INVAL), "{text}");
        }
        for text in ["-1", "99999999999999999999"] {
            assert_eq!(unsigned(text.as_bytes()), Err(Errno::RANGE), "{text}");
        }
        for text in ["0", "2147483648", "-1"] {
            assert_eq!(pid(text.as_bytes()), Err(Errno::RANGE), "{text}");
        }
        for (text, errno) in [
            ("", Errno::INVAL),
            ("+1", Errno::INVAL),
            (" 1", Errno::INVAL),
            ("01", Errno::INVAL),
            ("x", Errno::INVAL),
            ("65535", Errno::NXIO),
            ("4294967295", Errno::NXIO),
            ("4294967296", Errno::RANGE),
        ] {
            assert_eq!(uid(text.as_bytes()), Err(errno), "{text}");
        }
    }
}
