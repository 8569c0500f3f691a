//! How long something may take, as people write it.

use core::time::Duration;

/// `5`, `0.5`, `500ms`, `2min`, `infinity`: a number, of seconds unless its unit says otherwise.
pub(crate) fn parse(text: &[u8]) -> Option<Duration> {
    if text == b"infinity" {
        return Some(Duration::MAX);
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits);
    let (fraction, unit) = match rest {
        [b'.', rest @ ..] => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
        _ => (&[][..], rest),
    };
    if whole.is_empty() || (rest.first() == Some(&b'.') && fraction.is_empty()) {
        return None;
    }
    let micros_per_unit: u64 = match unit {
        b"us" => 1,
        b"ms" => 1_000,
        b"" | b"s" | b"sec" => 1_000_000,
        b"m" | b"min" => 60_000_000,
        b"h" | b"hr" => 3_600_000_000,
        _ => return None,
    };
    let mut micros = 0u64;
    for digit in whole {
        micros = micros.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    micros = micros.checked_mul(micros_per_unit)?;
    let mut place = micros_per_unit;
    for digit in fraction {
        place /= 10;
        micros = micros.checked_add(place * u64::from(digit - b'0'))?;
    }
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_times() {
        for (text, micros) in [
            ("0", 0),
            ("5", 5_000_000),
            ("0.5", 500_000),
            ("1.25s", 1_250_000),
            ("500ms", 500_000),
            ("2min", 120_000_000),
            ("1.5h", 5_400_000_000),
            ("7us", 7),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Duration::from_micros(micros)), "{text}");
        }
        assert_eq!(parse(b"infinity"), Some(Duration::MAX));
    }

    #[test]
    fn err_times() {
        for text in ["", "s", "-1", "1.", ".5", "5 s", "5days", "1e3", "99999999999999999999", "18446744073709551615h"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
