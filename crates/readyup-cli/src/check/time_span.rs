//! Spans of time, as [systemd.time(7)](https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html) has
//! them: `90`, `1min 30s`, `500ms`, `1.5h`, `infinity`.

use std::time::Duration;

/// A span of time; `None` is `infinity`.
pub(super) fn parse(text: &str) -> Option<Option<Duration>> {
    let mut rest = text.trim();
    if rest == "infinity" {
        return Some(None);
    }
    let mut total = 0.0;
    let mut is_empty = true;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end =
            rest.find(|character: char| character.is_ascii_digit() || character.is_whitespace()).unwrap_or(rest.len());
        total += number * unit(&rest[..end])?;
        rest = rest[end..].trim_start();
        is_empty = false;
    }
    if is_empty { None } else { Duration::try_from_secs_f64(total).ok().map(Some) }
}

/// The same, for the command line.
pub(super) fn parse_option(text: &str) -> Result<Duration, String> {
    parse(text).flatten().ok_or_else(|| "not a span of time such as 5, 500ms or 1min".to_owned())
}

fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "us" | "usec" | "µs" | "μs" => 1e-6,
        "ms" | "msec" => 1e-3,
        "" | "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_spans() {
        for (text, milliseconds) in
            [("5", 5000), ("500ms", 500), ("1min 30s", 90_000), ("1min30s", 90_000), ("1.5h", 5_400_000), ("2 s", 2000)]
        {
            assert_eq!(parse(text), Some(Some(Duration::from_millis(milliseconds))), "{text}");
        }
        assert_eq!(parse("infinity"), Some(None));
    }

    #[test]
    fn err_spans() {
        for text in ["", "x", "5 parsecs", "-1", "1..5", "s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
