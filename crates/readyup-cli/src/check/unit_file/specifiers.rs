//! `%n` and its like.

use std::path::Path;

/// Puts values in the place of those specifiers that can be told here.
pub(super) fn expand(text: &str, unit: &Path) -> Result<String, String> {
    let name = unit.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bare = name.rsplit_once('.').map_or(name.as_str(), |(bare, _)| bare);
    let (prefix, instance) = bare.split_once('@').unwrap_or((bare, ""));
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("%: there is no ${name}"));
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        let specifier = characters.next().ok_or("a % at the end")?;
        result.push_str(&match specifier {
            '%' => "%".to_owned(),
            'n' => name.clone(),
            'N' => bare.to_owned(),
            'p' => prefix.to_owned(),
            'i' | 'I' => instance.to_owned(),
            't' => "/run".to_owned(),
            'S' => "/var/lib".to_owned(),
            'C' => "/var/cache".to_owned(),
            'L' => "/var/log".to_owned(),
            'E' => "/etc".to_owned(),
            'T' => "/tmp".to_owned(),
            'V' => "/var/tmp".to_owned(),
            'h' => variable("HOME")?,
            'U' => rustix::process::getuid().as_raw().to_string(),
            'G' => rustix::process::getgid().as_raw().to_string(),
            other => return Err(format!("%{other} is not known here")),
        });
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_specifiers() {
        let unit = Path::new("/etc/systemd/system/web@blue.service");
        assert_eq!(expand("%n %N %p %i 100%% %t/x", unit).unwrap(), "web@blue.service web@blue web blue 100% /run/x");
        assert_eq!(expand("%q", unit).unwrap_err(), "%q is not known here");
        assert_eq!(expand("%", unit).unwrap_err(), "a % at the end");
    }
}
