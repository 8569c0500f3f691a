//! Options, and how they are told from operands.

use crate::case::{Case, case};

const POSIX: &str = "POSIXLY_CORRECT";

const HELP: &str = "systemd 257 shows its help on standard output if there is nothing to say";
const IGNORED: &str = "systemd 257 answers --booted, and says that it ignores the rest";
const IGNORED_SILENTLY: &str = "systemd 252 answers --booted, and ignores the rest silently";
const FEWER: &str = "systemd 252 has fewer options that it could mean";
const POSIX_IGNORED: &str = "systemd 262 has a parser of its own, which does not look at POSIXLY_CORRECT";

pub(super) fn cases() -> Vec<Case> {
    [single(), abbreviated(), with_values(), permuted()].into_iter().flatten().collect()
}

fn single() -> Vec<Case> {
    vec![
        case("nothing", []).differs(..=257, HELP),
        case("only --", ["--"]).differs(..=257, HELP),
        case("--ready", ["--ready"]),
        case("--reloading", ["--reloading"]).lacking(252, "--reloading"),
        case("--stopping", ["--stopping"]).lacking(252, "--stopping"),
        case("--status", ["--status=Serving on :8080"]),
        case("--no-block alone", ["--no-block"]).differs(..=257, HELP),
        case("--no-block", ["--ready", "--no-block"]),
        case("-h", ["-h"]),
        case("--help", ["--help"]),
        case("--help after others", ["--ready", "A=1", "--help"]),
        case("--help before a mistake", ["--help", "--bogus"]),
        case("--help after a mistake", ["--bogus", "--help"]),
        case("--help, standard output closed", ["--help"]).closed([1]),
        case("--help, standard output full", ["--help"]).full_stdout(),
        case("--help without a socket", ["--help"]).without("NOTIFY_SOCKET"),
        case("--version", ["--version"]),
        case("--version after others", ["--ready", "--version"]),
        case("-q", ["-q"]),
        case("-q with --ready", ["-q", "--ready"]).lacking(257, "-q"),
        case("--quiet with --ready", ["--ready", "--quiet"]).lacking(257, "--quiet"),
        case("-hq", ["-hq"]),
        case("-qh", ["-qh"]).lacking(257, "-q"),
        case("-qx", ["-qx"]),
        case("-x", ["-x"]),
        case("-ready", ["-ready"]),
        case("--bogus", ["--bogus"]),
        case("--bogus without a socket", ["--bogus"]).without("NOTIFY_SOCKET"),
        case("--READY", ["--READY"]),
        case("--readyy", ["--readyy"]),
        case("---ready", ["---ready"]),
        case("--=", ["--="]),
        case("--booted", ["--booted"]),
        case("--booted twice", ["--booted", "--booted"]),
        case("--booted with --ready", ["--booted", "--ready"])
            .differs(..=252, IGNORED_SILENTLY)
            .differs(253..=257, IGNORED),
        case("--booted with --status", ["--status=", "--booted"])
            .differs(..=252, IGNORED_SILENTLY)
            .differs(253..=257, IGNORED),
        case("--booted with an operand", ["--booted", "A=1"])
            .differs(..=252, IGNORED_SILENTLY)
            .differs(253..=257, IGNORED),
        case("--booted with --no-block", ["--booted", "--no-block"]),
        case("--booted with -q", ["--booted", "-q"]).lacking(257, "-q"),
        case("--booted with --uid", ["--booted", "--uid=nobody"]),
        case("--booted with --fdname", ["--booted", "--fdname=a"])
            .differs(..=257, "systemd 257 refuses a name for no descriptor first"),
        case("--booted without a socket", ["--booted"]).without("NOTIFY_SOCKET"),
        case("--booted, unprivileged", ["--booted"]).unprivileged(),
        case("all flags", ["--stopping", "--ready", "--reloading"]).lacking(252, "--reloading"),
        case("all flags twice", ["--reloading", "--stopping", "--ready", "--ready", "--stopping", "--reloading"])
            .lacking(252, "--reloading"),
        case("--reloading with --ready", ["--ready", "--reloading"]).lacking(252, "--reloading"),
        case("--reloading with --stopping", ["--stopping", "--reloading"]).lacking(252, "--reloading"),
        case("--ready with --stopping", ["--stopping", "--ready"]).lacking(252, "--stopping"),
        case("everything", ["X=1", "--pid=self", "--status=s", "--stopping", "--ready", "--reloading", "Y=2"])
            .lacking(252, "--reloading"),
        case(
            "everything with a descriptor",
            ["--fdname=n", "--fd=0", "X=1", "--pid=self", "--status=s", "--stopping", "--ready", "--reloading"],
        )
        .lacking(252, "--reloading"),
    ]
}

fn abbreviated() -> Vec<Case> {
    vec![
        case("--rea", ["--rea"]),
        case("--re", ["--re"]).differs(..=252, FEWER),
        case("--r", ["--r"]).differs(..=252, FEWER),
        case("--rel", ["--rel"]).lacking(252, "--reloading"),
        case("--sto", ["--sto"]).lacking(252, "--stopping"),
        case("--sta", ["--sta=x"]),
        case("--sta x", ["--sta", "x"]),
        case("--st", ["--st=x"]).differs(..=252, FEWER),
        case("--no", ["--no", "--ready"]),
        case("--n", ["--n", "--ready"]),
        case("--pi", ["--pi"]),
        case("--p=self", ["--p=self"]),
        case("--boot", ["--boot"]),
        case("--bo A=1", ["--bo", "A=1"]).differs(..=252, IGNORED_SILENTLY).differs(253..=257, IGNORED),
        case("--f", ["--f"]),
        case("--f=0", ["--f=0"]),
        case("--fo", ["--fo"]),
        case("--fd is not --fdname", ["--fd", "0"]).lacking(252, "--fd"),
        case("--fdn", ["--fdn=x", "--fd=0"]).lacking(252, "--fd"),
        case("--q", ["--q", "--ready"]).lacking(257, "--quiet"),
        case("--u", ["--u", "daemon", "--ready"]),
        case("--v", ["--v"]),
        case("--e", ["--e"]),
        case("--h", ["--h"]),
    ]
}

fn with_values() -> Vec<Case> {
    vec![
        case("--ready=", ["--ready="]),
        case("--ready=1", ["--ready=1"]),
        case("--rea=1", ["--rea=1"]),
        case("--no-block=yes", ["--no-block=yes", "--ready"]),
        case("--booted=1", ["--booted=1"]),
        case("--help=1", ["--help=1"]),
        case("--exec=true", ["--exec=true"]),
        case("--quiet=1", ["--quiet=1", "--ready"]),
        case("--status without a value", ["--status"]),
        case("--uid without a value", ["--ready", "--uid"]),
        case("--fd without a value", ["--fd"]),
        case("--fdname without a value", ["--fd=0", "--fdname"]),
        case("--status TEXT", ["--status", "x"]),
        case("--status and an empty value", ["--status", ""]),
        case("--status takes an option", ["--status", "--ready"]),
        case("--status takes --", ["--status", "--", "--ready"]),
        case("--status with an equals sign", ["--status=a=b"]),
        case("--status twice", ["--status=a", "--status=b"]),
        case("--pid self", ["--pid", "self"]),
        case("--pid A=1", ["--pid", "A=1"]),
    ]
}

fn permuted() -> Vec<Case> {
    vec![
        case("operand before an option", ["A=1", "--ready"]),
        case("operands among options", ["A=1", "--ready", "B=2", "--status", "s", "C=3"]),
        case("-- first", ["--", "--ready"]),
        case("-- in the middle", ["A=1", "--", "--ready", "B=2"]),
        case("-- last", ["--ready", "A=1", "--"]),
        case("-- after an operand and an option", ["A=1", "--ready", "--", "B=2"]),
        case("-- twice", ["--", "--", "A=1"]),
        case("-- twice, with an operand", ["A=1", "--", "B=2", "--", "C=3"]),
        case("-", ["-"]),
        case("- before an option", ["-", "--ready"]),
        case("empty operand before an option", ["", "--no-block", "--ready"]),
        case("POSIX: operand before an option", ["A=1", "--ready"]).env(POSIX, "1").differs(258.., POSIX_IGNORED),
        case("POSIX: option before an operand", ["--ready", "A=1"]).env(POSIX, "1"),
        case("POSIX: options around an operand", ["--ready", "A=1", "--no-block"])
            .env(POSIX, "1")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: -- after an operand", ["A=1", "--", "--ready"]).env(POSIX, "1").differs(258.., POSIX_IGNORED),
        case("POSIX: -- before an operand", ["--ready", "--", "A=1", "--"]).env(POSIX, "1"),
        case("POSIX: -", ["-", "--ready"]).env(POSIX, "1").differs(258.., POSIX_IGNORED),
        case("POSIX: a value, and a mistake behind", ["--status", "s", "B=2", "--bogus"])
            .env(POSIX, "1")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: set, but empty", ["A=1", "--ready"]).env(POSIX, "").differs(258.., POSIX_IGNORED),
        case("POSIX: --exec", ["--ready", "--exec", ";", "probe", "--bogus"])
            .env(POSIX, "1")
            .lacking(252, "--exec")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: --exec after an operand", ["A=1", "--exec", ";", "probe"])
            .env(POSIX, "1")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: --exec, -- after ;", ["--ready", "--exec", ";", "--", "probe"])
            .env(POSIX, "1")
            .lacking(252, "--exec")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: --exec, -- after the command", ["A=1", "--exec", ";", "probe", "--", "x"])
            .env(POSIX, "1")
            .differs(258.., POSIX_IGNORED),
        case("POSIX: --fork", ["--fork", "probe", "--bogus"])
            .env(POSIX, "1")
            .lacking(257, "--fork")
            .differs(258.., POSIX_IGNORED),
    ]
}
