//! What trials do to a lab: commands, and files.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use readyup_lab::{Error, Lab, Manager, Signal};

use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("command_gives_all_it_said", command_gives_all_it_said),
        site.trial("command_inherits_nothing", command_inherits_nothing),
        site.trial("command_that_hangs_is_killed", command_that_hangs_is_killed),
        site.trial("process_gets_signals", process_gets_signals),
        site.trial("process_that_is_dropped_is_killed", process_that_is_dropped_is_killed),
        site.trial("files_are_the_labs_own", files_are_the_labs_own),
    ]
}

fn command_gives_all_it_said(lab: &Lab) {
    let output = lab.command(["sh", "-c", "cat; echo bad >&2; exit 7"]).stdin("good").run();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("good", "bad\n"));
    // More than a pipe holds, both ways.
    let long = "x".repeat(1 << 20);
    assert_eq!(lab.command(["cat"]).stdin(long.as_str()).run().ok(), long);
}

fn command_inherits_nothing(lab: &Lab) {
    let output = lab.command(["env"]).env("NOTIFY_SOCKET", "/run/mine").run().ok();
    let names: Vec<_> = output.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, ["PATH", "HOME", "LANG", "NOTIFY_SOCKET"], "{output}");
    assert_eq!(lab.run(["pwd"]).ok(), "/\n");
}

fn command_that_hangs_is_killed(lab: &Lab) {
    let started = Instant::now();
    // The shell is over at once, but what it has started keeps its output open.
    let script = "echo before; sleep 4321 & echo $! >/run/hanging";
    let hang = lab.command(["sh", "-c", script]).timeout(Duration::from_millis(500)).try_run();
    assert!(started.elapsed() < BOUND);
    match hang {
        Err(Error::Hang { stdout, .. }) => assert_eq!(stdout, "before\n"),
        other => panic!("{other:?}"),
    }
    let pid = lab.read_file("/run/hanging");
    wait_until_gone(lab, pid.trim());
}

fn process_gets_signals(lab: &Lab) {
    let script = "trap 'echo hup' HUP; echo $$; while :; do sleep 0.02; done";
    let process = lab.spawn(["sh", "-c", script]);
    process.wait_for_text("\n", BOUND);
    process.signal(Signal::HUP);
    process.wait_for_text("hup\n", BOUND);
    let pid = process.pid();
    process.signal(Signal::KILL);
    let output = process.wait(BOUND);
    assert_eq!(output.status.signal(), Some(9), "{output}");
    assert_eq!(output.stdout, format!("{pid}\nhup\n"));
}

fn process_that_is_dropped_is_killed(lab: &Lab) {
    let process = lab.spawn(["sh", "-c", "echo $$; exec sleep 4321"]);
    process.wait_for_text("\n", BOUND);
    let pid = process.pid().to_string();
    drop(process);
    wait_until_gone(lab, &pid);
}

fn files_are_the_labs_own(lab: &Lab) {
    lab.write_program("/opt/lab/hello", "#!/bin/sh\necho hello\n");
    assert_eq!(lab.run(["/opt/lab/hello"]).ok(), "hello\n");
    assert_eq!(lab.read_file("/opt/lab/hello"), "#!/bin/sh\necho hello\n");
    assert!(!std::path::Path::new("/opt/lab/hello").exists());
    assert_eq!(lab.read_file("/proc/sys/kernel/hostname").trim(), lab.name());
    // What is the kernel's as a whole cannot be changed from within.
    lab.run(["sh", "-c", "echo 1 >/proc/sys/vm/overcommit_memory"]).fails();
}

/// A killed process is gone a moment after.
#[track_caller]
fn wait_until_gone(lab: &Lab, pid: &str) {
    let script = r#"while [ -e "/proc/$1" ]; do sleep 0.02; done"#;
    lab.command(["sh", "-c", script, "sh", pid]).timeout(BOUND).run().ok();
}
