//! Signals that reach `systemd-notify --fork` while it waits.

use crate::case::{Case, case};
use crate::running::last_signal;
use rustix::process::Signal;

pub(super) fn cases() -> Vec<Case> {
    let with = |name: &str, signal: Signal| {
        let wait = format!("signals:{}", last_signal(signal).as_raw());
        case(&format!("fork, {name}"), ["--fork", "--", "speak", &*wait, "exit:7"]).signal(signal)
    };
    super::lacking(
        257,
        "--fork",
        vec![
            with("SIGHUP", Signal::HUP),
            with("SIGTERM", Signal::TERM),
            with("SIGINT", Signal::INT),
            with("SIGQUIT", Signal::QUIT),
            with("SIGTSTP", Signal::TSTP),
            with("SIGCONT", Signal::CONT),
            with("SIGUSR1", Signal::USR1),
            with("SIGUSR2", Signal::USR2),
            with("SIGWINCH", Signal::WINCH),
            with("SIGURG", Signal::URG),
            with("SIGALRM", Signal::ALARM),
            with("SIGPIPE", Signal::PIPE),
            with("SIGKILL", Signal::KILL),
            with("SIGHUP, ignored before", Signal::HUP).ignores([Signal::HUP]),
            with("SIGTERM, blocked before", Signal::TERM).blocks([Signal::TERM]),
            case("fork, SIGTERM that ends the program", ["--fork", "--", "sh", "-c", "touch armed; exec sleep 60"])
                .signal(Signal::TERM),
        ],
    )
}
