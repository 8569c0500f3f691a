//! `--fork`: which words make it end, and what the program finds.

use crate::case::{Case, case};
use rustix::process::Signal;

/// On an older kernel, no receiver can refuse them.
const NO_DESCRIPTORS: &str =
    "systemd 262 lets no descriptors come along, and so no question for a barrier; ours closes them, which answers it";

const ALL_CLOSED: &str = "systemd 262 starts no program if all of its standard descriptors are closed";

pub(super) fn cases() -> Vec<Case> {
    let needing = [said(), ended(), found(), written()].into_iter().flatten().collect();
    [refused(), super::lacking(257, "--fork", needing)].into_iter().flatten().collect()
}

/// A program that says something, and ends with status 9 once that was received. The status is only passed on if what it
/// said did not end the waiting before.
fn saying(name: &str, actions: &[&str]) -> Case {
    let start = ["--fork", "--", "speak"];
    let arguments = start.iter().chain(actions).chain(&["drain", "exit:9"]).map(|word| word.as_bytes().to_vec());
    crate::case::many(&format!("fork, says {name}"), arguments.collect())
}

/// A case in which descriptors are handed over.
fn refusable(case: Case) -> Case {
    if crate::sys::descriptors_can_be_refused() { case.differs(258.., NO_DESCRIPTORS) } else { case }
}

fn said() -> Vec<Case> {
    vec![
        saying("READY=1", &["say:READY=1"]),
        saying("READY=1 amid others", &["say:STATUS=x\\nREADY=1\\nA=1"]),
        saying("READY=1 after STATUS", &["say:STATUS=x", "drain", "say:READY=1"]),
        saying("READY=1 with a newline behind", &["say:READY=1\\n"]),
        saying("READY=1 with a newline before", &["say:\\nREADY=1"]),
        saying("READY=1 READY=0", &["say:READY=1\\nREADY=0"]),
        saying("READY=0 READY=1", &["say:READY=0\\nREADY=1"]),
        saying("READY=1 BARRIER=1", &["say:READY=1\\nBARRIER=1"]),
        saying("READY=0", &["say:READY=0"]),
        saying("READY=11", &["say:READY=11"]),
        saying("READY=1 with a blank", &["say:READY=1 "]),
        saying("READY=1 after a blank", &["say: READY=1"]),
        saying("READY=1 with a carriage return", &["say:READY=1\\r\\n"]),
        saying("XREADY=1", &["say:XREADY=1"]),
        saying("READY=1 with a NUL behind", &["say:READY=1\\0"]),
        saying("READY=1 with two NULs behind", &["say:READY=1\\0\\0"]),
        saying("READY=1 after a NUL", &["say:A=1\\0READY=1"]),
        saying("READY=1 before a NUL", &["say:READY=1\\n\\0A=1"]),
        saying("READY=1 with a newline and a NUL behind", &["say:READY=1\\n\\0"]),
        saying("RELOADING=1", &["say:RELOADING=1\\nMONOTONIC_USEC=1"]),
        saying("STOPPING=1", &["say:STOPPING=1"]),
        saying("ERRNO and EXIT_STATUS", &["say:ERRNO=5", "say:EXIT_STATUS=3"]),
        saying("BARRIER=1 without a descriptor", &["say:BARRIER=1"]),
        saying("nothing", &["say:"]),
        saying("nothing, then READY=1", &["say:", "drain", "say:READY=1"]),
        saying("not UTF-8 and READY=1", &["say:STATUS=\\xff\\nREADY=1"]),
        saying("4,096 bytes and READY=1", &["after:4096:READY=1\\nX="]),
        saying("READY=1 at 4,096 bytes", &["before:4096:\\nREADY=1"]),
        saying("4,097 bytes and READY=1", &["after:4097:READY=1\\nX="]),
        saying("100,000 bytes and READY=1", &["after:100000:READY=1\\nX="]),
        saying("4,097 bytes, then READY=1", &["after:4097:READY=1\\nX=", "drain", "say:READY=1"]),
        refusable(saying("READY=1 with a descriptor", &["hand:READY=1"])),
        refusable(saying("STATUS with a descriptor, then READY=1", &["hand:STATUS=x", "say:READY=1"])),
        refusable(saying("a barrier", &["barrier"])),
        refusable(saying("a barrier, then READY=1", &["barrier", "say:READY=1"])),
        saying("READY=1 by a grandchild", &["grandchild:READY=1"]),
        saying("READY=1 by a grandchild, then itself", &["grandchild:READY=1", "say:READY=1"]),
        case("fork, -q, READY=1 by a grandchild", ["--fork", "-q", "--", "speak", "grandchild:READY=1", "exit:9"]),
        case("fork, ready, lives on", ["--fork", "--", "speak", "say:READY=1", "outlive", "find"]),
    ]
}

fn ended() -> Vec<Case> {
    vec![
        case("fork, status 0", ["--fork", "--", "speak", "exit:0"]),
        case("fork, status 3", ["--fork", "--", "speak", "exit:3"]),
        case("fork, status 255", ["--fork", "--", "speak", "exit:255"]),
        case("fork, by SIGTERM", ["--fork", "--", "speak", "die:15"]),
        case("fork, by SIGKILL", ["--fork", "--", "speak", "die:9"]),
        case("fork, status 3, no socket", ["--fork", "--", "speak", "exit:3"]).without("NOTIFY_SOCKET"),
        case("fork, status 3, empty socket", ["--fork", "--", "speak", "exit:3"]).env("NOTIFY_SOCKET", ""),
        case("fork, status 3, unprivileged", ["--fork", "--", "speak", "exit:3"]).unprivileged(),
        case("fork, no such command", ["--fork", "--", "no-such-command"]),
        case("fork, no such path", ["--fork", "--", "/no/such/command"]),
        case("fork, empty command", ["--fork", "--", ""]),
        case("fork, not executable", ["--fork", "--", "not-executable"]),
        case("fork, no shebang", ["--fork", "--", "without-shebang"]),
        case("fork, PATH unset", ["--fork", "--", "true"]).without("PATH"),
        case("fork, PATH empty", ["--fork", "--", "true"]).env("PATH", ""),
        case("fork, -q, status 3", ["--fork", "-q", "--", "speak", "exit:3"]),
        case("fork, -q, no such command", ["-q", "--fork", "no-such-command"]),
        case("fork, --quiet, READY=1", ["--fork", "--quiet", "--", "speak", "say:READY=1", "drain", "exit:9"]),
        case("fork, standard output closed", ["--fork", "--", "speak", "exit:3"]).closed([1]),
        case("fork, standard error closed", ["--fork", "--", "speak", "exit:3"]).closed([2]),
        case("fork, all closed", ["--fork", "--", "speak", "exit:3"]).closed([0, 1, 2]).differs(258.., ALL_CLOSED),
        case("fork, all closed, READY=1", ["--fork", "--", "speak", "say:READY=1", "drain", "exit:9"])
            .closed([0, 1, 2])
            .differs(258.., ALL_CLOSED),
        case("fork, standard output full", ["--fork", "--", "speak", "exit:3"]).full_stdout(),
    ]
}

fn found() -> Vec<Case> {
    let probe = |name: &str| case(&format!("fork, {name}"), ["--fork", "--", "probe", "a", "--ready", "", ";"]);
    vec![
        probe("probe"),
        probe("standard input").stdin_is_a_file(),
        probe("standard input closed").closed([0]),
        probe("descriptors").inherits([3, 7, 9]),
        probe("unprivileged").unprivileged(),
        probe("signals ignored and blocked").ignores([Signal::HUP, Signal::PIPE, Signal::USR1]).blocks([
            Signal::USR2,
            Signal::TERM,
            Signal::CHILD,
        ]),
        probe("no socket").without("NOTIFY_SOCKET"),
        probe("variables kept")
            .env("LISTEN_FDS", "1")
            .env("LISTEN_PID", "1")
            .env("WATCHDOG_USEC", "5")
            .env("WATCHDOG_PID", "1")
            .env("MANAGERPID", "1")
            .env("EMPTY", ""),
        case("fork, directory", ["--fork", "--", "./probe"]).in_bin(),
        case("fork, -q, probe", ["--fork", "-q", "probe"]),
        case("fork with --uid", ["--fork", "--uid=daemon", "probe"]),
        case("fork with --exec", ["--fork", "--exec", "probe", "a", ";", "b"]),
    ]
}

/// What is refused, or means the same, where there is no `--fork`.
fn refused() -> Vec<Case> {
    vec![
        case("fork without a command", ["--fork"]),
        case("fork without a command, --", ["--fork", "--"]),
        case("fork, unknown option after the command", ["--fork", "probe", "--bogus"]),
        case("fork after --", ["--", "--fork", "probe"]),
        case("fork=1", ["--fork=1", "probe"]),
        case("fork with --ready", ["--fork", "--ready", "probe"]),
        case("fork with --ready after the command", ["--fork", "probe", "--ready"]),
        case("fork with --reloading", ["--fork", "--reloading", "probe"]),
        case("fork with --stopping", ["--fork", "--stopping", "probe"]),
        case("fork with --status", ["--fork", "--status=", "probe"]),
        case("fork with --pid", ["--fork", "--pid", "probe"]),
        case("fork with --fd", ["--fork", "--fd=0", "probe"]),
        case("fork with --fd and --fdname", ["--fork", "--fdname=a", "--fd=0", "probe"]),
        case("fork, then --booted, command", ["--fork", "--booted", "probe"]),
    ]
}

fn written() -> Vec<Case> {
    vec![
        case("fork without --", ["--fork", "probe", "a"]),
        case("fork, option after the command", ["--fork", "probe", "--no-block", "-q"]),
        case("fork, --help after the command", ["--fork", "probe", "--help"]),
        case("fork, -- after the command", ["--fork", "probe", "--", "--bogus", "-x"]),
        case("fork, -- twice", ["--fork", "--", "probe", "--", "x"]),
        case("fork last", ["probe", "a", "--fork"]),
        case("fork, a variable first", ["--fork", "A=1", "probe"]),
        case("fork twice", ["--fork", "--fork", "probe"]),
        case("fork with --fdname", ["--fork", "--fdname=a", "probe"]),
        case("fork with --no-block", ["--fork", "--no-block", "probe"]),
        case("fork, then --booted", ["--fork", "--booted"]),
        case("--booted, then fork", ["--booted", "--fork", "probe"]),
        case("fork, ; is a command", ["--fork", "--exec", ";", "probe"]),
    ]
}
