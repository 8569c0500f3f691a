//! `--fork`.

use crate::{SOON, assert_status, readyup, stderr};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What goes on after we have stopped waiting for it must not hold our pipes.
const STAYS: &str = "exec $R notify --exec --ready \\; sleep 60 2>/dev/null";

/// `readyup notify --fork` on a shell script, which finds `readyup` as `$R`.
fn fork(options: &[&str], script: &str) -> Command {
    let mut command = readyup(&["notify", "--fork"]);
    command.args(options).args(["--", "sh", "-c", script]).env("R", env!("CARGO_BIN_EXE_readyup"));
    command
}

fn events(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn pid(number: u64) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Ends a program that goes on after we have stopped waiting for it.
struct Survivor(Pid);

impl Drop for Survivor {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[test]
fn ok_ready() {
    // What `exec`s is the very process that was started.
    let output = fork(&[], STAYS).output().unwrap();
    assert_status(&output, 0);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let survivor = Survivor(pid(text.strip_suffix('\n').unwrap().parse().unwrap()));
    test_kill_process(survivor.0).unwrap();
    assert_eq!(stderr(&output), "");
}

#[test]
fn ok_json() {
    let script = format!("$R status Loading --pid=$$ 2>/dev/null; {STAYS}");
    let output = fork(&["--json"], &script).output().unwrap();
    assert_status(&output, 0);
    let events = events(&output);
    let survivor = Survivor(pid(events[0]["pid"].as_u64().unwrap()));
    test_kill_process(survivor.0).unwrap();
    assert_eq!(events[0]["event"], "started");
    // Only root can speak for the script.
    if crate::is_root() {
        assert_eq!(events[1], serde_json::json!({"event": "status", "text": "Loading"}));
    }
    let last = events.last().unwrap();
    assert_eq!(last["event"], "ready");
    assert!(last["time"].as_f64().unwrap() > 0.0);
}

#[test]
fn ok_ends_as_the_program_does() {
    for status in [0, 1, 3, 255] {
        let output = fork(&["--json"], &format!("exit {status}")).output().unwrap();
        assert_status(&output, status);
        assert_eq!(events(&output)[1], serde_json::json!({"event": "exited", "status": status}));
        let text = format!("readyup: warning: the program ended with status {status} and never said READY=1\n");
        assert_eq!(stderr(&output), text);
    }
    let output = fork(&["-q"], "kill -TERM $$").output().unwrap();
    assert_status(&output, 128 + 15);
    assert_eq!(stderr(&output), "readyup: signal 15 ended the program before it was ready\n");
    assert!(output.stdout.is_empty());
}

/// READY=1 and the end come at once: both orders of looking must find that it was ready.
#[test]
fn ok_ready_and_gone_is_ready() {
    for _ in 0..50 {
        let output = fork(&["-q"], "exec $R notify --no-block --exec --ready \\; sh -c 'exit 9'").output().unwrap();
        assert_status(&output, 0);
    }
}

#[test]
fn err_another_process_says_so() {
    // Unprivileged, or in the name of itself, it is not the program that was started.
    let output = fork(&["-q", "--timeout=500ms"], "$R ready --pid=self; exec sleep 60").output().unwrap();
    assert_status(&output, 124);
}

#[test]
fn err_programs_that_cannot_be_run() {
    for (program, status) in [("/nonexistent/program", 127), ("/dev/null", 126)] {
        let output = readyup(&["notify", "--fork", "-q", "--", program]).output().unwrap();
        assert_status(&output, status);
        assert!(stderr(&output).contains("cannot be run"), "{}", stderr(&output));
    }
}

#[test]
fn err_not_ready_in_time() {
    let start = Instant::now();
    let output = fork(&["--json", "--timeout=0.2"], "exec sleep 60").output().unwrap();
    assert!((Duration::from_millis(200)..SOON).contains(&start.elapsed()));
    assert_status(&output, 124);
    assert_eq!(stderr(&output), "readyup: the program did not say READY=1 in the time allowed, and was ended\n");
    let events = events(&output);
    assert_eq!(events.last().unwrap()["event"], "timed-out");
    assert_eq!(test_kill_process(pid(events[0]["pid"].as_u64().unwrap())), Err(rustix::io::Errno::SRCH));
}

#[test]
fn ok_signals_are_passed_on() {
    for (signal, name) in [(Signal::HUP, "HUP"), (Signal::TERM, "TERM"), (Signal::USR1, "USR1"), (Signal::TSTP, "TSTP")]
    {
        let script = format!("trap 'echo got it >&2; exit 5' {name}; echo waiting >&2; while :; do sleep 0.02; done");
        let mut child = fork(&["-q"], &script).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "waiting");
        kill_process(pid(child.id().into()), signal).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "got it");
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }
}

#[test]
fn ok_the_program_s_surroundings() {
    let script =
        "readlink /proc/self/fd/0 /proc/self/fd/1 >&2; echo $NOTIFY_SOCKET >&2; grep SigBlk /proc/self/status >&2";
    let output = fork(&["-q"], script).env("NOTIFY_SOCKET", "/outer").output().unwrap();
    let text = stderr(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "/dev/null");
    assert!(lines[2].starts_with('@') || lines[1].starts_with('@'), "{text}");
    assert!(lines.last().unwrap().ends_with("0000000000000000"), "{text}");
}

/// As some supervisors start their children. Without care the kernel would tell nobody how the program ended.
#[test]
fn ok_where_sigchld_is_ignored() {
    let mut command = Command::new("sh");
    let script = "trap '' CHLD; exec \"$0\" notify --fork -q -- sh -c 'grep ^SigIgn /proc/self/status >&2; exit 3'";
    let output = command.args(["-c", script, env!("CARGO_BIN_EXE_readyup")]).output().unwrap();
    assert_status(&output, 3);
    let own = Command::new("sh").args(["-c", "trap '' CHLD; exec grep ^SigIgn /proc/self/status"]).output().unwrap();
    assert_eq!(output.stderr, own.stdout);
}

/// A command of the program's says READY=1, and asks whether it was read.
#[test]
fn ok_a_command_that_waits_until_it_was_read() {
    if !crate::is_root() {
        eprintln!("skipped: only root can speak for the program");
        return;
    }
    for _ in 0..50 {
        let output = fork(&[], "$R ready; echo $? >&2; exec sleep 60 2>/dev/null").output().unwrap();
        assert_status(&output, 0);
        let _survivor = Survivor(pid(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()));
        assert_eq!(stderr(&output), "0\n");
    }
}

#[test]
fn ok_nobody_reads_what_is_printed() {
    let mut child =
        fork(&["--json"], "sleep 0.2; exit 3").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// A script that was started, and is ready, goes on saying things to nobody.
#[test]
fn ok_afterwards_there_is_no_manager() {
    let directory = tempfile::tempdir().unwrap();
    let done = directory.path().join("done");
    let script =
        "(sleep 0.2; $R status later; echo $? >\"$DONE\") 2>/dev/null & exec $R notify --exec --ready \\; true";
    let output = fork(&["-q"], script).env("DONE", &done).output().unwrap();
    assert_status(&output, 0);
    let end = Instant::now() + SOON;
    while std::fs::read_to_string(&done).unwrap_or_default().is_empty() {
        assert!(Instant::now() < end, "the script did not go on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_to_string(&done).unwrap(), "0\n");
}
