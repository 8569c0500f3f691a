//! `VARIABLE=VALUE`, and how it goes together with what options say.

use crate::case::{Case, bytes, case, many};

pub(super) fn cases() -> Vec<Case> {
    [merged(), odd(), texts(), long()].into_iter().flatten().collect()
}

fn merged() -> Vec<Case> {
    vec![
        case("A=1", ["A=1"]),
        case("A=1 B=2", ["A=1", "B=2"]),
        case("A=1 A=2", ["A=1", "A=2"]),
        case("A=1 A=1", ["A=1", "A=1"]),
        case("A=1 B=2 A=3", ["A=1", "B=2", "A=3"]),
        case("READY=0 over --ready", ["--ready", "READY=0"]),
        case("READY=0 before --ready", ["READY=0", "--ready"]),
        case("READY=1 and --ready", ["--ready", "READY=1"]),
        case("READY over --ready", ["--ready", "READY"]),
        case("READ over --ready", ["--ready", "READ"]),
        case("READ=1 beside --ready", ["--ready", "READ=1"]),
        case("READY2=1 beside --ready", ["--ready", "READY2=1"]),
        case("ready=1 beside --ready", ["--ready", "ready=1"]),
        case("STATUS=b over --status", ["--status=a", "STATUS=b"]),
        case("STATUS= twice over --status", ["--status=a", "STATUS=b", "STATUS=c"]),
        case("two variables over two options", ["--ready", "--status=a", "STATUS=x", "READY=0", "STATUS=y"]),
        case("MONOTONIC_USEC over --reloading", ["--reloading", "MONOTONIC_USEC=1"]).lacking(252, "--reloading"),
        case("RELOADING=0 over --reloading", ["--reloading", "RELOADING=0", "X=1"]).lacking(252, "--reloading"),
        case("MAINPID over --pid", ["--pid=self", "MAINPID=3"]),
        case("MAINPIDFDID over --pid", ["--pid=self", "MAINPIDFDID=3"]),
        case("MAINPIDF over --pid", ["--pid=self", "MAINPIDF"]),
        case("R over three", ["--ready", "--reloading", "R"]).lacking(252, "--reloading"),
        case("BARRIER=1", ["BARRIER=1"]),
        case("BARRIER=1 with --ready", ["--ready", "BARRIER=1"]),
        case("FDSTORE=1 without a descriptor", ["FDSTORE=1", "FDNAME=x"]),
    ]
}

fn odd() -> Vec<Case> {
    vec![
        case("A", ["A"]),
        case("A A=1", ["A", "A=1"]),
        case("A=1 B=2 A", ["A=1", "B=2", "A"]),
        case("A B=2 A", ["A", "B=2", "A"]),
        case("AB A", ["AB", "A"]),
        case("=", ["="]),
        case("=x", ["=x"]),
        case("=x =y", ["=x", "A=1", "=y"]),
        case("A=", ["A="]),
        case("A=1 A=", ["A=1", "A="]),
        case("A==1", ["A==1"]),
        case("= beside --ready", ["--ready", "="]),
        case("=READY beside --ready", ["--ready", "=READY"]),
        case("empty", [""]),
        case("empty twice", ["", ""]),
        case("empty over --ready", ["--ready", ""]),
        case("empty over --ready and --status", ["--ready", "--status=x", ""]),
        case("empty over --pid", ["--pid", ""]),
        case("empty before A=1", ["", "A=1"]),
        case("empty after A=1", ["A=1", ""]),
        case("newline in a value", ["A=1\nB=2"]),
        case("newline in a value, and its key again", ["A=1\nB=2", "B=3"]),
        case("newline in a key", ["A\nB=1"]),
        case("newline only", ["\n"]),
        case("newline at both ends", ["\nA=1\n", "B=2"]),
        case("a line that says READY=1", ["A=1\nREADY=1"]),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case("--status=", ["--status="]),
        case("--status with a newline", ["--status=a\nREADY=1"]),
        case("--status with quotes and blanks", ["--status= a \"b\" 'c'\t$d "]),
        case("--status in UTF-8", ["--status=Žluťoučký kůň 🐎"]),
        bytes("--status not in UTF-8", [b"--status=\xff\xfe\xc3"]),
        bytes("--status with control characters", [b"--status=\x01\x1b[31m\x7f\r"]),
        bytes("variable not in UTF-8", [b"\xe9=\xe8", b"--ready"]),
        case("variable with blanks", [" A = 1 ", "A=2"]),
    ]
}

fn long() -> Vec<Case> {
    let status = |length: usize| vec![[&b"--status="[..], &vec![b'x'; length]].concat()];
    let numbered = (0..2000).map(|number| format!("V{number}={number}").into_bytes()).collect();
    vec![
        many("4,096 bytes", status(4089)),
        many("4,097 bytes", status(4090)),
        many("status of 5,000 bytes", status(5_000)),
        many("status of 100,000 bytes", status(100_000)),
        many("2,000 variables", numbered),
    ]
}
