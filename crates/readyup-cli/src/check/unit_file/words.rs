//! Words in a value: quotes and escapes, as systemd takes them apart.

/// The words, without their quotes.
pub(super) fn split(text: &str) -> Result<Vec<String>, String> {
    Ok(split_at(text, None)?.into_iter().flatten().collect())
}

/// The words of each of several commands, between which there is a `;` that is a word of its own.
pub(super) fn split_commands(text: &str) -> Result<Vec<Vec<String>>, String> {
    Ok(split_at(text, Some(';'))?.into_iter().filter(|words| !words.is_empty()).collect())
}

fn split_at(text: &str, separator: Option<char>) -> Result<Vec<Vec<String>>, String> {
    let mut groups = Vec::new();
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let stands_alone = || characters.clone().next().is_none_or(|next| next.is_ascii_whitespace());
        match character {
            _ if Some(character) == separator && word.is_none() && stands_alone() => {
                groups.push(std::mem::take(&mut words));
            }
            '\\' => word.get_or_insert_default().push(escape(&mut characters)?),
            _ if quote == Some(character) => quote = None,
            // A quote inside a word counts as well.
            '"' | '\'' if quote.is_none() => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            _ if quote.is_none() && character.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    groups.push(words);
    Ok(groups)
}

/// What stands behind a backslash.
fn escape(characters: &mut std::str::Chars<'_>) -> Result<char, String> {
    let character = characters.next().ok_or("a backslash at the end")?;
    let mut number = |first: Option<char>, base: u32, len: usize| {
        let digits: String = first.into_iter().chain(characters.by_ref().take(len)).collect();
        let value = u32::from_str_radix(&digits, base).ok().filter(|value| *value != 0).and_then(char::from_u32);
        value.ok_or_else(|| format!("\\{digits} is no character"))
    };
    Ok(match character {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        's' => ' ',
        '\\' | '"' | '\'' => character,
        'x' => number(None, 16, 2)?,
        'u' => number(None, 16, 4)?,
        'U' => number(None, 16, 8)?,
        '0'..='7' => number(Some(character), 8, 2)?,
        // In a command line a `$` or `;` may have one in front, too.
        '$' | ';' => character,
        other => return Err(format!("\\{other} is not known")),
    })
}

/// Puts values in the place of `$NAME` (a word of its own, which becomes as many as it has) and `${NAME}`.
pub(super) fn substitute(words: Vec<String>, value: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut result = Vec::new();
    for word in words {
        match word.strip_prefix('$').filter(|name| is_name(name)) {
            Some(name) => {
                let value = value(name).unwrap_or_default();
                result.extend(value.split_ascii_whitespace().map(str::to_owned));
            }
            None => result.push(braces(&word, value)),
        }
    }
    result
}

fn braces(word: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let (mut result, mut rest) = (String::new(), word);
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).filter(|(name, _)| is_name(name))
        {
            // Known only once the service runs.
            result.push_str(&if name == "MAINPID" { "${MAINPID}".to_owned() } else { value(name).unwrap_or_default() });
            rest = after;
        } else {
            result.push('$');
        }
    }
    result + rest
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_words() {
        for (text, words) in [
            ("a  b", &["a", "b"][..]),
            ("", &[]),
            (r#""a b" 'c "d"' e"f g"h"#, &["a b", "c \"d\"", "ef gh"]),
            (r"a\x20b\tc\\ \u00e4 \101 ''", &["a b\tc\\", "ä", "A", ""]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn ok_commands() {
        for (text, commands) in [
            ("a b", &[&["a", "b"][..]][..]),
            ("a; b ;c ; d ;", &[&["a;", "b", ";c"], &["d"]]),
            (r#"sh -c "a ; b" \; ';' ;  ; x"#, &[&["sh", "-c", "a ; b", ";", ";"], &["x"]]),
            ("", &[]),
        ] {
            assert_eq!(split_commands(text).unwrap(), commands, "{text}");
        }
    }

    #[test]
    fn err_words() {
        for text in ["\"a", "'", "a\\", r"\q", r"\x0g", r"\x00"] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ok_variables() {
        let value = |name: &str| (name == "TWO").then(|| "a b".to_owned());
        let words = |text: &str| substitute(split(text).unwrap(), &value);
        assert_eq!(words("$TWO x${TWO}y $NONE ${NONE} $$TWO $1"), ["a", "b", "xa by", "", "$TWO", "$1"]);
        assert_eq!(words("kill -HUP ${MAINPID}"), ["kill", "-HUP", "${MAINPID}"]);
    }
}
