//! What is made: the completions in the shells that they are for, the pages as those read them who show them, and whether
//! both tell all that there is.
//!
//! Without one of the programs its tests are left out, which is said; where everything must be there (`CI=true` or
//! `READYUP_REQUIRE_SHELLS=1`) that is a failure.

mod bash;
mod definitions;
mod fish;
mod pages;
mod zsh;

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Whether there is such a program.
fn has(program: &str) -> bool {
    let mut look = Command::new("sh");
    look.args(["-c", "command -v \"$1\"", "sh", program]).stdout(Stdio::null());
    if look.status().is_ok_and(|status| status.success()) {
        return true;
    }
    let is_set = |variable, value| std::env::var(variable).is_ok_and(|found| found == value);
    let is_needed = is_set("CI", "true") || is_set("READYUP_REQUIRE_SHELLS", "1");
    assert!(!is_needed, "{program} is not installed, and what is made for it must be tested");
    eprintln!("SKIPPED: {program} is not installed, so what is made for it is not tested");
    false
}

/// The file as it is in the repository.
fn file(name: &str) -> PathBuf {
    readyup_generate::root().join("completions").join(name)
}

/// What a program prints, a line each; it must succeed, and complain of nothing.
fn lines(command: &mut Command) -> Vec<String> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{:?}: {text}\n{errors}", output.status);
    text.lines().map(str::to_owned).collect()
}

/// What each line offers: a line as it is typed, up to the cursor, with something that must be offered and something
/// that must not be.
fn trials() -> Vec<(&'static str, &'static [&'static str], &'static [&'static str])> {
    vec![
        ("readyup ", &["notify", "ready", "barrier", "trace", "check", "help"], &["exec-as-service"]),
        ("readyup rea", &["ready"], &["notify", "reloading"]),
        ("readyup re", &["ready", "reloading"], &["status"]),
        ("readyup help st", &["status", "stopping"], &["ready"]),
        ("readyup notify --no", &["--no-block"], &["--ready"]),
        ("readyup notify A=1 --fo", &["--fork"], &[]),
        ("readyup ready --f", &["--fd", "--fdname"], &["--fork"]),
        ("readyup barrier --", &["--timeout", "--require"], &["--ready", "--json"]),
        ("readyup trace --", &["--json", "--output", "--notify-access"], &["--ready"]),
        ("readyup notify --pid=", &["self", "parent", "auto"], &["root"]),
        ("readyup notify --pid=pa", &["parent"], &["self"]),
        ("readyup ready --uid=roo", &["root"], &[]),
        ("readyup ready --uid roo", &["root"], &[]),
        ("readyup trace --notify-access ma", &["main"], &["all"]),
        ("readyup trace -o fil", &["file.txt"], &[]),
        ("readyup trace --output=fil", &["file.txt"], &[]),
        ("readyup check --", &["--unit", "--stall-check", "--explain"], &["--ready"]),
        ("readyup check --unit fil", &["file.txt"], &[]),
        ("readyup check --notify-access ma", &["main"], &["all"]),
        // Programs, and what they take: a file here.
        ("readyup check --watchdog 5 -- some-pro", &["some-program"], &[]),
        ("readyup trace some-pro", &["some-program"], &["--json"]),
        ("readyup trace -- some-pro", &["some-program"], &[]),
        ("readyup trace --json -- some-program fil", &["file.txt"], &["--json"]),
        ("readyup trace -o file.txt -- some-pro", &["some-program"], &[]),
        ("readyup notify --fork some-pro", &["some-program"], &[]),
        ("readyup notify --fork -- some-pro", &["some-program"], &[]),
        ("readyup notify --fork --timeout=5 -- some-program fil", &["file.txt"], &[]),
        ("readyup notify --fork --timeout 5 --js", &["--json"], &["some-program"]),
        (r"readyup notify --ready --exec \; some-pro", &["some-program"], &[]),
        (r"readyup notify --status=a --exec A=1 ';' some-program fil", &["file.txt"], &[]),
        (r"readyup ready --exec \; -- some-pro", &["some-program"], &[]),
        // Where there is nothing to say.
        ("readyup notify some-pro", &[], &["some-program"]),
        ("readyup notify --status some-pro", &[], &["some-program"]),
        ("readyup notify -- --re", &[], &["--ready"]),
        ("readyup nothing --re", &[], &["--ready"]),
    ]
}

/// A directory with a program in `bin` and a file.
fn playground() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = bin.join("some-program");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(directory.path().join("file.txt"), "").unwrap();
    directory
}

/// A shell that runs in the playground, with nobody's configuration.
fn shell(name: &str, playground: &tempfile::TempDir) -> Command {
    let path = format!("{}:{}", playground.path().join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(name);
    command
        .current_dir(playground)
        .env("PATH", path)
        .env("HOME", playground.path())
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("ZDOTDIR");
    command
}

/// Compares what was offered with what should be.
fn judge(line: &str, offered: &[String], wanted: &[&str], unwanted: &[&str]) {
    // `--status=` is as good as `--status`.
    let is_offered = |word: &str| offered.iter().any(|offered| offered.trim_end().trim_end_matches('=') == word);
    for word in wanted {
        assert!(is_offered(word), "`{line}` does not offer {word} but {offered:?}");
    }
    for word in unwanted {
        assert!(!is_offered(word), "`{line}` offers {word}: {offered:?}");
    }
}
