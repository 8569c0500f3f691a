//! Unit files, as far as a check has a use for them: read as
//! [systemd.syntax(7)](https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html) says, and what is not
//! taken into account is said.

mod apply;
mod specifiers;
mod words;

pub(super) use apply::read;

/// One line of a unit file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    section: String,
    key: String,
    value: String,
    /// Where it begins, counted from 1.
    line: usize,
}

/// Takes the file apart; the second is what is no setting.
fn parse(text: &str) -> (Vec<Setting>, Vec<String>) {
    let (mut settings, mut remarks) = (Vec::new(), Vec::new());
    let mut section = String::new();
    let mut lines = text.lines().enumerate();
    let is_comment = |line: &str| line.trim_start().starts_with(['#', ';']);
    while let Some((number, first)) = lines.next() {
        if is_comment(first) {
            continue;
        }
        let mut line = first.to_owned();
        // A backslash at the end goes on in the next line that is no comment.
        while line.ends_with('\\') {
            line.pop();
            let next = lines.by_ref().find(|(_, next)| !is_comment(next));
            line = format!("{line} {}", next.map_or("", |(_, next)| next));
        }
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            settings.push(Setting {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                line: number + 1,
            });
        } else {
            remarks.push(format!("line {}: neither a section nor a setting", number + 1));
        }
    }
    (settings, remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_lines() {
        let (settings, remarks) =
            parse("# x\n[Service]\nExecStart = a \\\n; comment\n  b\n\n;Type=x\nType=notify\nwhat\n");
        let found: Vec<_> =
            settings.iter().map(|setting| (setting.key.as_str(), setting.value.as_str(), setting.line)).collect();
        assert_eq!(found, [("ExecStart", "a    b", 3), ("Type", "notify", 8)]);
        assert!(settings.iter().all(|setting| setting.section == "Service"));
        assert_eq!(remarks, ["line 9: neither a section nor a setting"]);
    }
}
