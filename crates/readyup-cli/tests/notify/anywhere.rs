//! The static programs of `make static`: they need nothing of the machine that they run on.

use crate::{assert_status, is_root, stderr};
use readyup::manager::{Incoming, Listener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `make static` leaves them. `None` if it was not run, which on CI is a failure.
fn programs() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/static");
    if directory.join("readyup").exists() && directory.join("systemd-notify").exists() {
        return Some(directory);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "run `make static` first");
    eprintln!("skipped: there are no static programs; `make static` builds them");
    None
}

/// In a root that holds the program alone: no libc, no /proc, no /dev, no systemd.
#[test]
fn ok_in_an_empty_root() {
    let Some(programs) = programs().filter(|_| is_root()) else { return };
    for (name, arguments) in [("readyup", &["ready"][..]), ("systemd-notify", &["--ready"])] {
        let root = tempfile::tempdir().unwrap();
        std::fs::copy(programs.join(name), root.path().join(name)).unwrap();
        let listener = Listener::bind(
            readyup::Address::parse(format!("@readyup-empty-{}-{name}", std::process::id()).as_bytes()).unwrap(),
        )
        .unwrap();
        let mut command = Command::new("chroot");
        command.arg(root.path()).arg(format!("/{name}")).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("NOTIFY_SOCKET", listener.address().to_os_string());
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let ready = listener.receive(Some(crate::SOON)).unwrap();
        assert!(matches!(ready, Some(Incoming::Message(_))), "{name}: {ready:?}");
        let barrier = listener.receive(Some(crate::SOON)).unwrap();
        assert!(matches!(barrier, Some(Incoming::Barrier(_))), "{name}: {barrier:?}");
        let output = child.wait_with_output().unwrap();
        assert_status(&output, 0);
        assert_eq!(stderr(&output), "");
    }
}

/// What scripts call often should cost them little. How long it takes is the benchmark's concern; how many system calls
/// does not depend on the machine.
#[test]
fn ok_few_system_calls() {
    let Some(programs) = programs() else { return };
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "strace is missing");
        eprintln!("skipped: there is no strace, or it may not trace");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    for (name, arguments, most, bytes) in [
        ("readyup", &["ready", "--no-block"][..], 40, 4 << 20),
        ("systemd-notify", &["--no-block", "READY=1"], 12, 128 << 10),
    ] {
        let listener = Listener::private().unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&log).arg(programs.join(name)).args(arguments);
        assert_status(&command.env("NOTIFY_SOCKET", listener.address().to_os_string()).output().unwrap(), 0);
        let trace = std::fs::read_to_string(&log).unwrap();
        assert!(trace.lines().count() <= most, "{name}:\n{trace}");
        assert!(std::fs::metadata(programs.join(name)).unwrap().len() <= bytes, "{name} has grown");
    }
}
