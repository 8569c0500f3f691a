//! `--uid`.

use crate::case::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let as_user = |name: &str| case(&format!("--uid={name}"), ["--ready", &format!("--uid={name}")]);
    let mut cases: Vec<Case> = [
        "root",
        "nobody",
        "daemon",
        "0",
        "1",
        "65534",
        "12345",
        "65535",
        "4294967294",
        "4294967295",
        "4294967296",
        "99999999999",
        "-1",
        "+1",
        "01",
        "0x1",
        "1.",
        " 1",
        "1 ",
        "root ",
        "Root",
        "",
        "nosuchuser",
        "nobody:nogroup",
        ".",
        "1a",
    ]
    .into_iter()
    .map(as_user)
    .collect();
    cases.extend([
        case("--uid USER", ["--uid", "daemon", "--ready"]),
        case("--uid alone", ["--uid=daemon"])
            .differs(..=257, "systemd 257 shows its help on standard output if there is nothing to say"),
        case("--uid twice", ["--uid=nobody", "--uid=daemon", "--ready"]),
        case("--uid with and without a group", ["--uid=daemon", "--uid=12345", "--ready"]),
        case("--uid wrong, then right", ["--uid=nosuchuser", "--uid=daemon", "--ready"]),
        case("--uid wrong, before a mistake", ["--uid=nosuchuser", "--bogus"]),
        case("--uid with --pid=self", ["--uid=daemon", "--pid=self"]),
        case("--uid with --pid=parent", ["--uid=daemon", "--pid=parent"]),
        case("--uid with --no-block", ["--uid=daemon", "--ready", "--no-block"]),
        case("--uid with --fd", ["--uid=daemon", "--fd=0"]).lacking(252, "--fd"),
        case("--uid with --exec", ["--uid=daemon", "A=1", "--exec", ";", "probe"]).lacking(252, "--exec"),
        case("--uid with --exec that fails", ["--uid=daemon", "A=1", "--exec", ";", "no-such-command"])
            .lacking(252, "--exec"),
        case("unprivileged --uid of one's own", ["--uid=nobody", "--ready"]).unprivileged(),
        case("unprivileged --uid of root", ["--uid=root", "--ready"]).unprivileged(),
        case("unprivileged --uid of another", ["--uid=daemon", "--ready"]).unprivileged(),
    ]);
    cases
}
