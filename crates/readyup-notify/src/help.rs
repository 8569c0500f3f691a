//! The help texts, made from the definitions of the options.

use crate::options::{Argument, OPTIONS, OptionDefinition, Verb};
use crate::process::{Face, Process};
use alloc::string::String;

/// As many columns as every terminal has.
const WIDTH: usize = 80;
/// Where the description of an option begins.
const INDENT: usize = 22;

/// What `--help` prints.
pub(crate) fn text(process: &Process<'_>) -> String {
    let mut text = String::new();
    match process.face {
        Face::SystemdNotify => {
            for usage in [
                "[OPTION…] [VARIABLE=VALUE…]",
                "[OPTION…] --exec [VARIABLE=VALUE…] \\; -- CMD…",
                "[OPTION…] --fork -- CMD…",
            ] {
                put(&mut text, &["systemd-notify ", usage, "\n"]);
            }
            text.push_str("\nTell the service manager about the state of a service.\n");
        }
        Face::Readyup(verb) => readyup(&mut text, verb),
    }
    text.push_str("\nOptions:\n");
    for option in OPTIONS {
        if option.is_of(process.face) {
            describe(&mut text, option);
        }
    }
    if process.is_systemd_notify() {
        text.push_str("\nThis is readyup's; `man readyup-notify` tells more.\n");
    } else {
        text.push_str(
            "\nExit status: 0 if it was read (or there is no manager to tell), 1 if not, 2 if\n\
             an argument is wrong",
        );
        text.push_str(match process.face {
            Face::Readyup(Verb::Notify) => {
                "; with --exec and --fork 126 if the program cannot be run,\n\
                 127 if there is none; with --fork 124 if it was not ready in time, and the\n\
                 program's own if it ended before"
            }
            Face::Readyup(Verb::Barrier) => "",
            _ => "; with --exec 126 if the program cannot be run, 127 if there\nis none",
        });
        text.push_str(".\n`man readyup-notify` tells more.\n");
    }
    text
}

fn readyup(text: &mut String, verb: Verb) {
    let definition = verb.definition();
    wrap(text, definition.help, 0);
    put(text, &["\nUsage: readyup ", definition.name, " [OPTION…]"]);
    if !definition.operands.is_empty() {
        put(text, &[" ", definition.operands]);
    }
    text.push('\n');
    if verb == Verb::Notify {
        text.push_str(
            "       readyup notify [OPTION…] --exec [VARIABLE=VALUE…] \\; CMD…\n\
             \x20      readyup notify [OPTION…] --fork -- CMD…\n",
        );
    }
    if !matches!(verb, Verb::Notify | Verb::Barrier) {
        put(text, &["       readyup ", definition.name, " [OPTION…] --exec ", definition.operands, " \\; CMD…\n"]);
    }
    text.push_str(match verb {
        Verb::Notify => {
            "\nExamples:\n\
             \x20 readyup notify --ready --status='Serving on :8080'\n\
             \x20 readyup notify --fd=3 --fdname=http              keep a socket on restart\n\
             \x20 readyup notify --ready --exec \\; node server.js  say so, and become the server\n\
             \x20 readyup notify --fork --timeout=30 -- ./server   wait until it is ready\n"
        }
        Verb::Ready => {
            "\nExamples:\n\
             \x20 readyup ready\n\
             \x20 readyup ready --status='Serving on :8080'\n"
        }
        Verb::Status => "\nExample:\n\x20 readyup status 'Loaded 3 of 7 tables'\n",
        Verb::Reloading => "\nExample:\n\x20 readyup reloading; load-configuration; readyup ready\n",
        Verb::Stopping => "\nExample:\n\x20 trap 'readyup stopping; exit 0' TERM\n",
        Verb::Watchdog => {
            "\nExample:\n\x20 while sleep 5; do curl -fsS localhost:8080/health && readyup watchdog; done\n"
        }
        Verb::Barrier => "\nExample:\n\x20 readyup status Working --no-block; readyup barrier --timeout=1\n",
    });
}

fn put(text: &mut String, pieces: &[&str]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

fn describe(text: &mut String, option: &OptionDefinition) {
    let start = text.len();
    match option.short {
        Some(letter) => put(text, &["  -", char::from(letter).encode_utf8(&mut [0; 4]), ", --", option.long]),
        None => put(text, &["      --", option.long]),
    }
    match option.argument {
        Argument::None => {}
        Argument::Required(what) => put(text, &["=", what]),
        Argument::Optional(what) => put(text, &["[=", what, "]"]),
    }
    let column = text.len() - start;
    let mut gap = INDENT.saturating_sub(column);
    // Two spaces at least between the option and what it does.
    if gap < 2 {
        text.push('\n');
        gap = INDENT;
    }
    spaces(text, gap);
    wrap(text, option.help, INDENT);
}

/// Adds a text at column `indent`, in lines that are not too long.
fn wrap(text: &mut String, words: &str, indent: usize) {
    let mut column = indent;
    for word in words.split(' ') {
        let width = word.chars().count();
        if column + 1 + width > WIDTH {
            text.push('\n');
            spaces(text, indent);
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

fn spaces(text: &mut String, count: usize) {
    for _ in 0..count {
        text.push(' ');
    }
}

/// What `--version` prints.
pub(crate) fn version(process: &Process<'_>) -> String {
    let version = concat!("readyup ", env!("CARGO_PKG_VERSION"), "\n");
    if process.is_systemd_notify() { ["systemd-notify of ", version].concat() } else { version.into() }
}
