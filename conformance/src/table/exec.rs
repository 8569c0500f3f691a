//! `--exec`: what is said first, and what the program finds.

use crate::case::{Case, case};
use rustix::process::Signal;

pub(super) fn cases() -> Vec<Case> {
    let needing = [separated(), found(), failing()].into_iter().flatten().collect();
    [refused(), with_others(), super::lacking(252, "--exec", needing)].into_iter().flatten().collect()
}

/// What is refused, or means the same, where there is no `--exec`.
fn refused() -> Vec<Case> {
    vec![
        case("exec, unknown options behind", ["--ready", "--exec", ";", "probe", "--bogus", "-x"]),
        case("exec, --exec after --", ["--", "--exec", "A=1", ";", "probe"]),
        case("; without --exec", ["--ready", ";", "probe"]),
        case("exec, ; at a variable's end", ["--exec", "A=1;", "probe"]),
        case("exec, no ;", ["--ready", "--exec", "A=1"]),
        case("exec, nothing after ;", ["--ready", "--exec", ";"]),
        case("exec, nothing but ;", ["--exec", ";"]),
        case("exec, nothing to say", ["--exec", ";", "probe"]),
        case("exec alone", ["--exec"]),
        case("exec without a socket", ["--ready", "--exec", ";", "probe"]).without("NOTIFY_SOCKET"),
    ]
}

fn with_others() -> Vec<Case> {
    const IGNORED: &str = "systemd 257 answers --booted, and says that it ignores the rest";
    vec![
        case("exec with --booted", ["--exec", "--booted"]).differs(..=257, "systemd 257 looks for the ; first"),
        case("exec with --booted and a command", ["--booted", "--exec", ";", "probe"]).differs(254..=257, IGNORED),
        case("exec with --booted, a variable and a command", ["--booted", "--exec", "A=1", ";", "probe"])
            .differs(254..=257, IGNORED),
        case("exec with -q", ["-q", "--ready", "--exec", ";", "probe"]).lacking(257, "-q"),
    ]
}

fn separated() -> Vec<Case> {
    vec![
        case("exec", ["--ready", "--exec", ";", "probe"]),
        case("exec with arguments", ["--ready", "--exec", ";", "probe", "a", "", "b c", "D=1"]),
        case("exec, variables", ["--exec", "A=1", "B=2", ";", "probe", "C=3"]),
        case("exec, option before", ["A=1", "--exec", "--ready", ";", "probe"]),
        case("exec, --exec last", ["A=1", ";", "probe", "--exec"]),
        case("exec twice", ["--exec", "--exec", "A=1", ";", "probe"]),
        case("exec, options behind", ["--exec", "A=1", ";", "probe", "--no-block", "--ready"]),
        case("exec, -- before ;", ["--ready", "--exec", "--", ";", "probe", "--bogus", "-x"]),
        case("exec, -- after ;", ["--ready", "--exec", ";", "--", "probe", "--bogus", "-x"]),
        case("exec, -- after the command", ["--ready", "--exec", ";", "probe", "--", "--bogus"]),
        case("exec, -- before and after ;", ["--ready", "--exec", "--", ";", "--", "probe", "--bogus"]),
        case("exec, -- after a variable", ["--exec", "A=1", "--", "--ready", ";", "probe", "--bogus"]),
        case("exec, several ;", ["--exec", "A=1", ";", "probe", ";", "x", ";"]),
        case("exec, ; twice", ["--exec", "A=1", ";", ";", "probe"]),
        case("exec, ;; is a variable", ["--exec", ";;", "; ", " ;", ";", "probe"]),
        case("exec, ; as a value", ["--exec", "--status", ";", ";", "probe"]),
        case("exec, empty variable", ["--exec", "", ";", "probe"]),
        case("exec with --no-block", ["--ready", "--no-block", "--exec", ";", "probe"]),
        case("exec, nobody answers, --no-block", ["--no-block", "A=1", "--exec", ";", "probe"]).unanswered(),
    ]
}

fn found() -> Vec<Case> {
    vec![
        case("exec, standard input", ["--ready", "--exec", ";", "probe"]).stdin_is_a_file(),
        case("exec, descriptors", ["--ready", "--exec", ";", "probe"]).inherits([3, 7, 9]),
        case("exec, one of the descriptors passed", ["--fd=7", "--exec", ";", "probe"]).inherits([3, 7, 9]),
        case("exec, all descriptors passed", ["--fd=7", "--fd=3", "--exec", ";", "probe"]).inherits([3, 7]),
        case("exec, standard input passed", ["--fd=0", "--exec", ";", "probe"]).inherits([3]),
        case("exec, signals ignored and blocked", ["--ready", "--exec", ";", "probe"])
            .ignores([Signal::HUP, Signal::PIPE, Signal::USR1])
            .blocks([Signal::USR2, Signal::TERM, Signal::CHILD]),
        case("exec, standard input closed", ["--ready", "--exec", ";", "probe"]).closed([0]),
        case("exec, standard output closed", ["--ready", "--exec", ";", "probe"]).closed([1]),
        case("exec, variables kept", ["--ready", "--exec", ";", "probe"])
            .env("LISTEN_FDS", "1")
            .env("LISTEN_PID", "1")
            .env("WATCHDOG_USEC", "5")
            .env("MANAGERPID", "1")
            .env("EMPTY", ""),
        case("exec, a name as socket", ["--ready", "--exec", ";", "probe"]).socket(crate::case::Socket::Abstract),
        case("exec, directory", ["--ready", "--exec", ";", "./probe"]).in_bin(),
        case("exec, whole path", ["--ready", "--exec", ";", "{bin}/probe"]),
        case("exec, what the program says", ["A=1", "--exec", ";", "speak", "say:B=2", "say:READY=1\\nC=3"]),
    ]
}

fn failing() -> Vec<Case> {
    vec![
        case("exec, status 3", ["--ready", "--exec", ";", "speak", "exit:3"]),
        case("exec, ends by a signal", ["--ready", "--exec", ";", "speak", "die:15"]),
        case("exec, no such command", ["--ready", "--exec", ";", "no-such-command"]),
        case("exec, no such command, --no-block", ["--ready", "--no-block", "--exec", ";", "no-such-command"]),
        case("exec, no such path", ["--ready", "--exec", ";", "/no/such/command"]),
        case("exec, empty command", ["--ready", "--exec", ";", ""]),
        case("exec, not executable", ["--ready", "--exec", ";", "not-executable"]),
        case("exec, a directory", ["--ready", "--exec", ";", "{bin}"]),
        case("exec, no shebang", ["--ready", "--exec", ";", "without-shebang"]),
        case("exec, PATH unset", ["--ready", "--exec", ";", "true"]).without("PATH"),
        case("exec, PATH unset, no such command", ["--ready", "--exec", ";", "probe"]).without("PATH"),
        case("exec, PATH empty", ["--ready", "--exec", ";", "true"]).env("PATH", ""),
        case("exec, PATH empty, in the directory", ["--ready", "--exec", ";", "probe"]).env("PATH", "").in_bin(),
        case("exec, no slash, in the directory", ["--ready", "--exec", ";", "probe"]).env("PATH", "/bin").in_bin(),
        case("exec, directory missing in PATH", ["--ready", "--exec", ";", "probe"]).env("PATH", "/nowhere:{bin}"),
        case("exec, nobody answers", ["--ready", "--exec", ";", "probe"]).unanswered(),
    ]
}
