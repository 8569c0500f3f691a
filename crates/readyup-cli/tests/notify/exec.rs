//! `--exec`.

use crate::{assert_status, readyup, stderr, tell, texts};

#[test]
fn ok_becomes_the_program() {
    let (output, told) =
        tell(&["notify", "--exec", "--ready", ";", "--", "sh", "-c", "echo $0 $NOTIFY_SOCKET; exit 7", "-x"]);
    assert_status(&output, 7);
    assert_eq!(texts(&told), ["READY=1", "(barrier)"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("-x /"));
}

/// `systemd-notify` would take them for its own.
#[test]
fn ok_the_program_s_options_are_the_program_s() {
    for arguments in [
        &["notify", "--exec", "--ready", ";", "echo", "--no-block", "--", "-h"][..],
        &["notify", "--ready", "--exec", "X_A=1", ";", "--", "echo", "--no-block", "--", "-h"],
        &["ready", "--exec", "--", ";", "echo", "--no-block", "--", "-h"],
    ] {
        let (output, told) = tell(arguments);
        assert_status(&output, 0);
        assert_eq!(output.stdout, b"--no-block -- -h\n");
        assert_eq!(told.len(), 2);
    }
    let output = readyup(&["notify", "--fork", "-q", "sh", "-c", "exit 4"]).output().unwrap();
    assert_status(&output, 4);
}

#[test]
fn ok_also_without_a_manager() {
    let output = readyup(&["ready", "--exec", ";", "echo", "on"]).output().unwrap();
    assert_status(&output, 0);
    assert_eq!(output.stdout, b"on\n");
}

#[test]
fn err_programs_that_cannot_be_run() {
    let (output, told) = tell(&["ready", "--exec", ";", "no-such-program"]);
    assert_status(&output, 127);
    assert_eq!(stderr(&output), "readyup: no-such-program: cannot be run: no such file (ENOENT)\n");
    assert_eq!(texts(&told), ["READY=1\n", "(barrier)"]);
    let (output, _) = tell(&["ready", "--exec", ";", "/dev/null"]);
    assert_status(&output, 126);
    assert_eq!(stderr(&output), "readyup: /dev/null: cannot be run: permission denied (EACCES)\n");
}

#[test]
fn ok_signals_are_left_as_they_were() {
    let output = readyup(&["ready", "--exec", ";", "grep", "^Sig[BIC]", "/proc/self/status"]).output().unwrap();
    let own = std::process::Command::new("grep").args(["^Sig[BIC]", "/proc/self/status"]).output().unwrap();
    assert_eq!(output.stdout, own.stdout);
}
