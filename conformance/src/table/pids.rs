//! `--pid`, and in whose name it is spoken.

use crate::case::{Case, case};

const GONE: &str = "systemd 252 takes the id of a process that is gone";
const NO_INODE: &str = "systemd 257 does not look at MANAGERPIDFDID";

pub(super) fn cases() -> Vec<Case> {
    [named(), numbers(), managers(), unprivileged()].into_iter().flatten().collect()
}

fn named() -> Vec<Case> {
    vec![
        case("--pid", ["--pid"]),
        case("--pid=", ["--pid="]),
        case("--pid=auto", ["--pid=auto"]),
        case("--pid=self", ["--pid=self"]),
        case("--pid=parent", ["--pid=parent"]),
        case("--pid=PARENT", ["--pid=PARENT"]),
        case("--pid twice", ["--pid=parent", "--pid=self"]),
        case("--pid=self with --ready", ["--ready", "--pid=self"]),
        case("--pid=self with --no-block", ["--pid=self", "--no-block"]),
    ]
}

fn numbers() -> Vec<Case> {
    vec![
        case("--pid=1", ["--pid=1"]),
        case("--pid of another", ["--pid={other}", "--ready"]),
        case("--pid of the parent", ["--pid={parent}"]),
        case("--pid of none", ["--pid={dead}", "--ready"]).differs(..=252, GONE),
        case("--pid=0", ["--pid=0"]),
        case("--pid=-1", ["--pid=-1"]),
        case("--pid=-0", ["--pid=-0"]),
        case("--pid=+1", ["--pid=+1"]),
        case("--pid=01", ["--pid=01"]),
        case("--pid=08", ["--pid=08"]),
        case("--pid=0x1", ["--pid=0x1"]),
        case("--pid=0b1", ["--pid=0b1"]),
        case("--pid=0o1", ["--pid=0o1"]),
        case("--pid=1.0", ["--pid=1.0"]),
        case("--pid with a blank before", ["--pid= 1"]),
        case("--pid with a tab before", ["--pid=\t1"]),
        case("--pid with a blank behind", ["--pid=1 "]),
        case("--pid with a newline behind", ["--pid=1\n"]),
        case("--pid=2147483647", ["--pid=2147483647"]).differs(..=252, GONE),
        case("--pid=2147483648", ["--pid=2147483648"]),
        case("--pid=4294967297", ["--pid=4294967297"]),
        case("--pid=99999999999999999999", ["--pid=99999999999999999999"]),
        case("--pid=garbage", ["--pid=garbage"]),
        case("--pid of a blank", ["--pid= "]),
        case("--pid wrong, then right", ["--pid=garbage", "--pid=self"]),
    ]
}

fn managers() -> Vec<Case> {
    let manager = "MANAGERPID";
    let inode = "MANAGERPIDFDID";
    vec![
        case("manager is the parent", ["--ready"]).env(manager, "{parent}"),
        case("manager is the parent, --pid", ["--pid"]).env(manager, "{parent}"),
        case("manager is the parent, --pid=parent", ["--pid=parent"]).env(manager, "{parent}"),
        case("manager is another", ["--ready"]).env(manager, "{other}"),
        case("manager is none", ["--ready"])
            .env(manager, "{dead}")
            .differs(..=257, "systemd 257 does not look whether there is such a manager"),
        case("manager is garbage", ["--ready"]).env(manager, "garbage"),
        case("manager is garbage, --pid", ["--pid"]).env(manager, "garbage"),
        case("manager is garbage, --pid=self", ["--pid=self"]).env(manager, "garbage"),
        case("manager is empty", ["--ready"]).env(manager, ""),
        case("manager is 0", ["--ready"]).env(manager, "0"),
        case("manager and its inode", ["--ready"]).env(manager, "{parent}").env(inode, "{parent-inode}"),
        case("manager and another inode", ["--ready"])
            .env(manager, "{parent}")
            .env(inode, "12345")
            .differs(..=257, NO_INODE),
        case("manager and no inode", ["--ready"])
            .env(manager, "{parent}")
            .env(inode, "garbage")
            .differs(..=257, NO_INODE),
        case("manager and an empty inode", ["--ready"])
            .env(manager, "{parent}")
            .env(inode, "")
            .differs(..=257, NO_INODE),
        case("inode without a manager", ["--ready"]).env(inode, "12345"),
    ]
}

fn unprivileged() -> Vec<Case> {
    vec![
        case("unprivileged --ready", ["--ready"]).unprivileged(),
        case("unprivileged --no-block", ["--ready", "--no-block"]).unprivileged(),
        case("unprivileged --pid", ["--pid"]).unprivileged(),
        case("unprivileged --pid=self", ["--pid=self"]).unprivileged(),
        case("unprivileged --pid=parent", ["--pid=parent"]).unprivileged(),
        case("unprivileged --pid of another", ["--pid={other}"]).unprivileged(),
        case("unprivileged --reloading", ["--reloading"]).unprivileged().lacking(252, "--reloading"),
        case("unprivileged --fd", ["--fd=0"]).unprivileged().lacking(252, "--fd"),
        case("unprivileged --exec", ["--ready", "--exec", ";", "probe"]).unprivileged().lacking(252, "--exec"),
        case("unprivileged --bogus", ["--bogus"]).unprivileged(),
    ]
}
