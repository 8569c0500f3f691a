//! Messages as words of a command line.

/// The bytes that `text` stands for: `\n`, `\r`, `\0`, `\\` and `\xHH` are as in Rust.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).ok();
                digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or("two digits belong after \\x")?
            }
            other => return Err(format!("nothing is spelt \\{}", other.map_or(' ', char::from))),
        });
    }
    Ok(bytes)
}
