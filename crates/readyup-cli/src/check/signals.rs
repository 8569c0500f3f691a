//! Signals by name.

use signal_hook::low_level::signal_name;

/// `SIGTERM`, `TERM` or a number.
pub(super) fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return (1..=64).contains(&number).then_some(number);
    }
    let bare = text.strip_prefix("SIG").unwrap_or(text);
    (1..32).find(|number| signal_name(*number).is_some_and(|name| name.trim_start_matches("SIG") == bare))
}

/// What a person calls it.
pub(super) fn name(number: i32) -> String {
    signal_name(number).map_or_else(|| format!("signal {number}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_names() {
        for (text, number) in [("SIGTERM", 15), ("TERM", 15), ("SIGUSR2", 12), ("SIGQUIT", 3), ("9", 9), ("40", 40)] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        assert_eq!((name(1).as_str(), name(40).as_str()), ("SIGHUP", "signal 40"));
    }

    #[test]
    fn err_names() {
        for text in ["", "SIG", "SIGWHAT", "0", "65", "-1", "sigterm"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
