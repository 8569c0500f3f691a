//! The pages, as mandoc and groff read them.

use crate::{has, lines};
use std::process::Command;

const PAGES: [&str; 4] = ["man/readyup.1", "man/readyup-notify.1", "man/readyup-trace.1", "man/readyup-check.1"];

#[test]
fn ok_nothing_to_complain_of() {
    for (program, arguments) in
        [("mandoc", &["-T", "lint", "-W", "warning"][..]), ("groff", &["-man", "-Tutf8", "-ww", "-z"])]
    {
        if has(program) {
            for page in PAGES {
                let page = readyup_generate::root().join(page);
                let complaints = lines(Command::new(program).args(arguments).arg(page));
                assert!(complaints.is_empty(), "{program}: {complaints:#?}");
            }
        }
    }
}

/// A page that a program reads as something else than was meant is clean, but has lost words.
#[test]
fn ok_as_it_was_written() {
    if has("mandoc") {
        let page = readyup_generate::root().join("man/readyup-notify.1");
        let shown = lines(Command::new("mandoc").args(["-T", "ascii"]).arg(page)).join("\n");
        // Bold is a letter over itself, and italics a letter over a line.
        let letters: Vec<char> = shown.chars().collect();
        let is_struck_over = |at: usize| letters.get(at + 1) == Some(&'\u{8}');
        let text: String = (0..letters.len())
            .filter(|at| letters[*at] != '\u{8}' && !is_struck_over(*at))
            .map(|at| letters[at])
            .collect();
        for line in [
            "       readyup notify [OPTION...] --exec [VARIABLE=VALUE...] \\; CMD...",
            "       --pid[=PID]",
            "           exec readyup ready --exec \\; ./server --port 8080",
            "           trap 'readyup reloading; load-configuration; readyup ready' HUP",
            "EXIT STATUS",
        ] {
            assert!(text.lines().any(|found| found == line), "there is no line {line:?}:\n{text}");
        }
    }
}
