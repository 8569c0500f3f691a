//! Options, exit statuses, and where the output goes.

use crate::{assert_status, events, of_kind, trace};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

#[test]
fn ok_the_program_s_exit_status() {
    for status in [0, 1, 7, 124, 255] {
        let output = trace(&["--json"]).args(["sh", "-c", &format!("exit {status}")]).output().unwrap();
        assert_status(&output, status);
        let events = events(&output);
        assert_eq!(of_kind(&events, "exit")[0]["status"], status);
    }
}

#[test]
fn ok_ended_by_a_signal() {
    let output = trace(&["--json"]).args(["sh", "-c", "kill -KILL $$"]).output().unwrap();
    assert_status(&output, 128 + 9);
    let events = events(&output);
    let exit = of_kind(&events, "exit")[0];
    assert_eq!(exit["signal"], 9);
    assert!(exit.get("status").is_none());
}

/// As systemd sees it, a service that SIGTERM ended has ended well.
#[test]
fn ok_ended_by_a_signal_that_is_no_failure() {
    for (name, number) in [("HUP", 1), ("INT", 2), ("PIPE", 13), ("TERM", 15)] {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = trace(&["--json"]);
        command.args(["sh", "-c", &format!("kill -{name} $$; sleep 60")]);
        let output = command.env("TMPDIR", temporary.path()).env_remove("XDG_RUNTIME_DIR").output().unwrap();
        assert_eq!(output.status.signal(), Some(number), "{output:?}");
        // It leaves nothing behind for all that.
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
        let events = events(&output);
        assert_eq!(of_kind(&events, "exit")[0]["signal"], number);
    }
}

#[test]
fn err_no_such_program() {
    let output = trace(&[]).arg("/nonexistent/program").output().unwrap();
    assert_status(&output, 127);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.starts_with("readyup: /nonexistent/program: cannot be started: "), "{text}");
    let output = trace(&[]).arg("/dev/null").output().unwrap();
    assert_status(&output, 126);
}

#[test]
fn err_usage() {
    let readyup = || Command::new(env!("CARGO_BIN_EXE_readyup"));
    assert_status(&readyup().args(["trace"]).output().unwrap(), 2);
    assert_status(&readyup().args(["trace", "--nonsense", "true"]).output().unwrap(), 2);
    assert_status(&readyup().args(["nonsense"]).output().unwrap(), 2);
    for arguments in [&["--help"][..], &["trace", "--help"], &["--version"]] {
        let output = readyup().args(arguments).output().unwrap();
        assert_status(&output, 0);
        assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    }
}

#[test]
fn err_a_notify_socket_that_is_none() {
    let output = trace(&[]).arg("true").env("NOTIFY_SOCKET", "relative").output().unwrap();
    assert_status(&output, 125);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("$NOTIFY_SOCKET begins with neither"), "{text}");
}

#[test]
fn ok_output_to_a_file_leaves_standard_output_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace.jsonl");
    let output = trace(&["--json", "-o", file.to_str().unwrap()])
        .args(["sh", "-c", "echo mine; echo err >&2"])
        .output()
        .unwrap();
    assert_status(&output, 0);
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"mine\n"[..], &b"err\n"[..]));
    let text = std::fs::read_to_string(file).unwrap();
    let kinds: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["start", "exit"]);
}

#[test]
fn ok_nobody_reads_the_trace() {
    let (read, write) = rustix::pipe::pipe().unwrap();
    drop(read);
    let status = trace(&[]).args(["sh", "-c", "exit 5"]).stdout(Stdio::from(write)).status().unwrap();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn ok_nothing_is_left_in_the_runtime_directory() {
    let directory = tempfile::tempdir().unwrap();
    let output = trace(&[])
        .args(["sh", "-c", "test -S \"$NOTIFY_SOCKET\" && dirname \"$NOTIFY_SOCKET\""])
        .env("XDG_RUNTIME_DIR", directory.path())
        .output()
        .unwrap();
    assert_status(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains(directory.path().to_str().unwrap()));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// What is opened first would otherwise be taken for them.
#[test]
fn ok_with_standard_streams_closed() {
    let script = "exec \"$0\" trace -- sh -c 'i=0; while [ $i -lt 50 ]; do \"$0\" notify X_I=$i; i=$((i + 1)); done; exit 3' \"$0\" 0<&- 1>&- 2>&-";
    let mut command = Command::new("sh");
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        command.env_remove(variable);
    }
    let output = command.args(["-c", script, env!("CARGO_BIN_EXE_readyup")]).output().unwrap();
    assert_status(&output, 3);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}
