//! Descriptions for where there is little room.

/// What still fits beside an option in a list.
const LEN: usize = 64;

/// The first part of a description, if the whole is long: what comes behind a colon, a semicolon or a bracket explains.
///
/// ```
/// use readyup_generate::brief::brief;
/// assert_eq!(brief("Say nothing; succeed if booted"), "Say nothing; succeed if booted");
/// let long = "Say what it is doing: in one line of text that `systemctl status` shows";
/// assert_eq!(brief(long), "Say what it is doing");
/// ```
#[must_use]
pub fn brief(help: &str) -> &str {
    if help.len() <= LEN {
        return help;
    }
    let end = [": ", "; ", " ("].into_iter().filter_map(|mark| help.find(mark)).min();
    &help[..end.unwrap_or(help.len())]
}
