//! What is said, and by whom.

use crate::{Told, assert_status, is_root, readyup, stderr, tell, texts};
use rustix::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

#[test]
fn ok_short_forms() {
    for (arguments, message) in [
        (&["ready"][..], "READY=1"),
        (&["ready", "--status=up", "X_A=1"], "READY=1\nSTATUS=up\nX_A=1"),
        (&["status", "half way"], "STATUS=half way"),
        (&["status", "a=b", "X_A=1"], "STATUS=a=b\nX_A=1"),
        (&["status", ""], "STATUS="),
        (&["status", "--", "-5 °C"], "STATUS=-5 °C"),
        (&["status", "--status=x"], "STATUS=x"),
        (&["stopping"], "STOPPING=1"),
        (&["watchdog"], "WATCHDOG=1"),
        (&["watchdog", "--status=fine"], "WATCHDOG=1\nSTATUS=fine"),
        (&["notify", "EXTEND_TIMEOUT_USEC=5000000"], "EXTEND_TIMEOUT_USEC=5000000"),
        (&["notify", "--sta=up", "--rea", "READY=1"], "READY=1\nSTATUS=up"),
        (&["notify", "X_A=1", "--", "X_B=--ready"], "X_A=1\nX_B=--ready"),
    ] {
        let (output, told) = tell(arguments);
        assert_status(&output, 0);
        // The short forms end with a line feed, which s6 waits for; `notify` is `systemd-notify` to the byte.
        let message = if arguments[0] == "notify" { message.to_owned() } else { format!("{message}\n") };
        assert_eq!(texts(&told), [message.as_str(), "(barrier)"], "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn ok_reloading_has_its_time() {
    let before = readyup::monotonic_now().as_micros();
    let (output, told) = tell(&["reloading"]);
    assert_status(&output, 0);
    let time = told[0].text().strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end().parse().unwrap();
    assert!((before..readyup::monotonic_now().as_micros()).contains(&time));
}

#[test]
fn ok_barrier_alone() {
    let (output, told) = tell(&["barrier"]);
    assert_status(&output, 0);
    assert_eq!(texts(&told), ["(barrier)"]);
}

#[test]
fn ok_no_block_asks_nothing() {
    let (output, told) = tell(&["ready", "--no-block"]);
    assert_status(&output, 0);
    assert_eq!(texts(&told), ["READY=1\n"]);
}

/// As root for the process that called; otherwise for itself, with a word on what that means.
#[test]
fn ok_speaks_as_its_parent_where_it_may() {
    let (output, told) = tell(&["ready"]);
    assert_status(&output, 0);
    let [Told::Message { pid, .. }, Told::Barrier { pid: barrier_pid }] = told[..] else { panic!("{told:?}") };
    assert_eq!(pid, barrier_pid);
    assert_eq!(pid == std::process::id(), is_root());
    assert_eq!(output.stderr.is_empty(), is_root(), "{}", stderr(&output));
}

#[test]
fn ok_main_pid() {
    let own = std::process::id();
    let (output, told) = tell(&["notify", &format!("--pid={own}")]);
    assert_status(&output, 0);
    let id = readyup::pidfd_id(own).unwrap().map(|id| format!("\nMAINPIDFDID={id}")).unwrap_or_default();
    assert_eq!(told[0].text(), format!("MAINPID={own}{id}"));
}

#[test]
fn ok_descriptors() {
    let listener = readyup::manager::Listener::private().unwrap();
    let mut command = readyup(&["notify", "--fd=0", "--fd=0", "--fdname=mine"]);
    let output = command
        .env("NOTIFY_SOCKET", listener.address().to_os_string())
        .arg("--no-block")
        .stdin(Stdio::from(listener.as_fd().try_clone_to_owned().unwrap()))
        .output()
        .unwrap();
    assert_status(&output, 0);
    let told = Told::new(listener.receive(Some(crate::SOON)).unwrap().unwrap());
    let Told::Message { text, fds, .. } = told else { panic!("{told:?}") };
    assert_eq!((text.as_str(), fds), ("FDSTORE=1\nFDNAME=mine", 2));
}

#[test]
fn ok_without_a_manager_it_goes_on() {
    for arguments in [&["ready"][..], &["notify", "--ready"], &["barrier"], &["status", "x"]] {
        for set in [false, true] {
            let mut command = readyup(arguments);
            if set {
                command.env("NOTIFY_SOCKET", "");
            }
            let output = command.output().unwrap();
            assert_status(&output, 0);
            // Nobody at a terminal is reading it.
            assert_eq!(stderr(&output), "");
            let output = command.arg("--require").output().unwrap();
            assert_status(&output, 1);
            assert!(stderr(&output).starts_with("readyup: NOTIFY_SOCKET is not set"), "{}", stderr(&output));
        }
    }
}

#[test]
fn ok_called_by_the_name_of_systemd_notify() {
    let output = readyup(&["--ready"]).arg0("/some/where/systemd-notify").output().unwrap();
    // Which insists on a manager.
    assert_status(&output, 1);
    assert!(stderr(&output).starts_with("systemd-notify: NOTIFY_SOCKET is not set"), "{}", stderr(&output));
    let output = readyup(&["--version"]).arg0("systemd-notify").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("systemd-notify of readyup "));
}

#[test]
fn ok_called_by_no_name() {
    for name in ["", "/", ".."] {
        assert_status(&readyup(&["ready"]).arg0(name).output().unwrap(), 0);
    }
}

#[test]
fn ok_help() {
    for arguments in
        [&["notify", "--help"][..], &["notify", "-h"], &["help", "notify"], &["notify", "x", "--help", "-x"]]
    {
        let output = readyup(arguments).output().unwrap();
        assert_status(&output, 0);
        assert!(output.stderr.is_empty());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Usage: readyup notify [OPTION…]") && text.contains("--require"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
    let output = readyup(&["ready", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Usage: readyup ready ") && !text.contains("      --fork"), "{text}");
}
