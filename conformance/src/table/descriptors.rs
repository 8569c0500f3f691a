//! `--fd` and `--fdname`.

use crate::case::{Case, bytes, case};

pub(super) fn cases() -> Vec<Case> {
    let needing = [passed(), numbers(), names(), left_over()].into_iter().flatten().collect();
    [refused(), with_booted(), super::lacking(252, "--fd", needing)].into_iter().flatten().collect()
}

/// What is refused, or means the same, where there is no `--fd`.
fn refused() -> Vec<Case> {
    let mut cases = vec![
        case("--fd without a socket", ["--fd=3"]).inherits([3]).without("NOTIFY_SOCKET"),
        case("more descriptors, no --fd", ["--ready"]).inherits([3, 9]),
        case("more descriptors than --fd, no socket", ["--fd=3"]).inherits([3, 9]).without("NOTIFY_SOCKET"),
        named("with a colon", "a:b"),
        named("with a newline", "a\nb"),
        named("with a tab", "a\tb"),
        named("with DEL", "a\x7f"),
        named("in UTF-8", "é"),
        named("of 256 bytes", &"n".repeat(256)),
        bytes("--fdname not in UTF-8", [b"--fd=3", b"--fdname=\xff"]).inherits([3]),
        case("--fdname without --fd", ["--fdname=a"]),
        case("--fdname without --fd, with --ready", ["--fdname=a", "--ready"]),
        case("--fdname wrong, then right", ["--fdname=a:b", "--fdname=a", "--fd=0"]),
    ];
    cases.extend(["", " ", "x", "09", "9 ", "9x", "stdin"].map(number));
    cases
}

fn with_booted() -> Vec<Case> {
    const IGNORED: &str = "systemd 257 answers --booted, and says that it ignores the rest";
    vec![
        case("--fd with --booted", ["--fd=3", "--booted"]).inherits([3]).differs(254..=257, IGNORED),
        case("more descriptors than --fd, --booted", ["--fd=3", "--booted"])
            .inherits([3, 9])
            .differs(254..=257, IGNORED),
    ]
}

fn number(value: &str) -> Case {
    case(&format!("--fd={value}"), [&*format!("--fd={value}")]).inherits([9])
}

fn named(name: &str, value: &str) -> Case {
    case(&format!("--fdname {name}"), ["--fd=3", &*format!("--fdname={value}")]).inherits([3])
}

fn passed() -> Vec<Case> {
    vec![
        case("--fd=0", ["--fd=0"]),
        case("--fd=1", ["--fd=1"]),
        case("--fd=2", ["--fd=2"]),
        case("--fd=3", ["--fd=3"]).inherits([3]),
        case("--fd 3", ["--fd", "3"]).inherits([3]),
        case("--fd=0 twice", ["--fd=0", "--fd=0"]),
        case("--fd=3 twice", ["--fd=3", "--fd=3"]).inherits([3]),
        case("--fd of all three", ["--fd=2", "--fd=0", "--fd=1"]),
        case("--fd of several", ["--fd=9", "--fd=3", "--fd=7"]).inherits([3, 7, 9]),
        case("--fd of low and high", ["--fd=9", "--fd=0", "--fd=3"]).inherits([3, 9]),
        case("--fd high, then low", ["--fd=3", "--fd=0"]).inherits([3]),
        case("--fd that is not open", ["--fd=9"]),
        case("--fd that is not open, beside one that is", ["--fd=3", "--fd=9"]).inherits([3]),
        case("--fd of a closed standard input", ["--fd=0"]).closed([0]),
        case("--fd=1, standard input closed", ["--fd=1"]).closed([0]),
        case("--fd=3, all closed", ["--fd=3"]).inherits([3]).closed([0, 1, 2]),
        case("--fd with everything", ["--fd=3", "--ready", "--status=s", "--pid=parent", "A=1"]).inherits([3]),
        case("--fd with --no-block", ["--fd=3", "--no-block"]).inherits([3]),
        case("--fd with --pid=self", ["--fd=3", "--pid=self"]).inherits([3]),
        case("FDSTORE=0 over --fd", ["--fd=3", "FDSTORE=0"]).inherits([3]),
        case("FDNAME over --fdname", ["--fd=3", "--fdname=a", "FDNAME=b", "FDPOLL=0"]).inherits([3]),
    ]
}

fn numbers() -> Vec<Case> {
    ["-1", "-9", "+9", "011", "0x9", "0b11", " 9", "1024", "2147483647", "2147483648", "99999999999999999999"]
        .map(number)
        .into()
}

fn names() -> Vec<Case> {
    vec![
        named("valid", "store"),
        named("empty", ""),
        named("with a blank", " a b "),
        named("with an equals sign", "a=b"),
        named("of 255 bytes", &"n".repeat(255)),
        case("--fdname NAME", ["--fd=3", "--fdname", "a"]).inherits([3]),
        case("--fdname twice", ["--fd=3", "--fdname=a", "--fdname=b"]).inherits([3]),
        case("--fdname before --fd", ["--fdname=a", "--fd=3"]).inherits([3]),
        case("--fdname of two", ["--fdname=a", "--fd=3", "--fd=7"]).inherits([3, 7]),
    ]
}

fn left_over() -> Vec<Case> {
    vec![
        case("more descriptors than --fd", ["--fd=3"]).inherits([3, 9]),
        case("more descriptors than --fd=0", ["--fd=0"]).inherits([3, 9]),
    ]
}
