//! Whether what is made tells all that there is, and is what is in the repository.

use readyup_generate::{all, root, stale};
use readyup_notify::{Argument, OPTIONS, VERBS};
use std::fs;
use std::process::Command;

fn committed(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn ok_up_to_date() {
    assert_eq!(stale(&all().unwrap(), &root()), [""; 0], "run `make generate` and commit what changed");
}

#[test]
fn err_out_of_date() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_readyup-generate"));
        let output = command.args(arguments).arg(directory.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["--check"]).0, Some(1));
    assert_eq!(run(&[]), (Some(0), String::new()));
    assert_eq!(run(&["--check"]), (Some(0), String::new()));
    fs::write(directory.path().join("completions/_readyup"), "something else").unwrap();
    fs::remove_file(directory.path().join("man/readyup.1")).unwrap();
    let (status, complaint) = run(&["--check"]);
    assert_eq!(status, Some(1));
    assert_eq!(
        complaint,
        "readyup-generate: out of date: man/readyup.1, completions/_readyup; run `make generate` and commit what changed\n"
    );
    assert_eq!(run(&["--nothing"]).0, Some(1));
}

#[test]
fn ok_every_option_is_described() {
    let page = committed("man/readyup-notify.1");
    for option in OPTIONS {
        let name = format!("\\fB\\-\\-{}\\fR", option.long.replace('-', "\\-"));
        let short = option.short.map(|letter| format!("\\fB\\-{}\\fR, ", char::from(letter))).unwrap_or_default();
        let value = match option.argument {
            Argument::None => String::new(),
            Argument::Required(what) => format!("\\fB=\\fR\\fI{what}\\fR"),
            Argument::Optional(what) => format!("[\\fB=\\fR\\fI{what}\\fR]"),
        };
        let item = format!(".TP\n{short}{name}{value}\n");
        assert!(page.contains(&item), "readyup-notify.1 has no item {item:?}");
    }
    for verb in VERBS {
        assert!(page.contains(&format!("\\fBreadyup {}\\fR", verb.name)), "readyup-notify.1 has no {}", verb.name);
    }
}

#[test]
fn ok_every_option_is_completed() {
    for (path, before) in
        [("completions/readyup.bash", "--"), ("completions/_readyup", "--"), ("completions/readyup.fish", "-l ")]
    {
        let script = committed(path);
        let words: Vec<&str> =
            script.split(|letter: char| letter.is_whitespace() || "[]()='|".contains(letter)).collect();
        for option in OPTIONS {
            let is_there = match before {
                "--" => words.contains(&format!("--{}", option.long).as_str()),
                before => script.contains(&format!("{before}{} -", option.long)),
            };
            assert!(is_there, "{path} has no --{}", option.long);
        }
        for verb in VERBS {
            assert!(words.iter().any(|word| word.split(':').next() == Some(verb.name)), "{path} has no {}", verb.name);
        }
    }
}
