//! Bytes as text, and back.

/// Printable ASCII as it is, everything else as an escape that [`unescape`] takes.
pub(crate) fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// What `\n`, `\0`, `\\` and `\xff` stand for, and every other byte for itself.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'0') => bytes.push(0),
            Some(b'x') => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
                bytes.push((digit() * 16 + digit()) as u8);
            }
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    bytes
}

/// A text that fits on a line: the ends of a long one, and how long it is.
pub(crate) fn shorten(text: &str) -> String {
    const ENDS: usize = 90;
    if text.len() <= 3 * ENDS || !text.is_ascii() {
        return text.to_owned();
    }
    format!("{} … {} ({} bytes)", &text[..ENDS], &text[text.len() - ENDS..], text.len())
}

/// The bytes with every `from` replaced.
pub(crate) fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
