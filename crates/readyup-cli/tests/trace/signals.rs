//! Signals are passed on.

use crate::trace;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn ok_each() {
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::TERM, "TERM"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("trace");
        let script = format!("trap 'echo got {name}; exit 3' {name}; echo ready; while :; do sleep 0.02; done");
        let mut tracer =
            trace(&["-o", file.to_str().unwrap()]).args(["sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(tracer.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let pid = Pid::from_raw(i32::try_from(tracer.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("got {name}"));
        assert_eq!(tracer.wait().unwrap().code(), Some(3));
    }
}

#[test]
fn ok_what_was_ignored_stays_so() {
    let status = std::process::Command::new("sh")
        .arg("-c")
        .arg("trap '' HUP; exec \"$0\" trace -- sh -c 'kill -HUP $$; exit 4' >/dev/null")
        .arg(env!("CARGO_BIN_EXE_readyup"))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(4), "nohup's kind of protection holds for the program too");
}

/// systemd has SIGPIPE ignored for every service, and a shell neither.
#[test]
fn ok_sigpipe_and_sigchld_stay_ignored() {
    let show = "grep ^SigIgn /proc/self/status";
    for prepare in ["", "trap '' PIPE; ", "trap '' CHLD; ", "trap '' CHLD PIPE; "] {
        let direct = Command::new("sh").args(["-c", &format!("{prepare}exec {show}")]).output().unwrap();
        let mut traced = Command::new("sh");
        traced.args([
            "-c",
            &format!("{prepare}exec \"$0\" trace -o /dev/null -- {show}"),
            env!("CARGO_BIN_EXE_readyup"),
        ]);
        for variable in readyup::protocol::NOTIFY_VARIABLES {
            traced.env_remove(variable);
        }
        assert_eq!(traced.output().unwrap().stdout, direct.stdout, "{prepare}");
    }
}
