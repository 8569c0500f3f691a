//! What cannot be said, and what the error tells.

use crate::{assert_status, is_root, readyup, stderr, tell};
use readyup::manager::Listener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn err_arguments() {
    let long = format!("--status={}", "x".repeat(4096));
    for (arguments, message) in [
        (&["notify", "--nothing"][..], "there is no option --nothing; see `readyup notify --help`"),
        (&["ready", "--fork"], "there is no option --fork; see `readyup ready --help`"),
        (&["notify", "--ready=1"], "option --ready takes no argument; see `readyup notify --help`"),
        (&["notify", "--st=x"], "--st could be --stopping or --status; see `readyup notify --help`"),
        (&["notify", "READY"], "\"READY\" is no assignment: VARIABLE=VALUE is wanted"),
        (&["notify", "ready"], "\"ready\" is no assignment: VARIABLE=VALUE is wanted; did you mean `readyup ready`?"),
        (&["notify", "--pid", "123"], "\"123\" is no assignment: VARIABLE=VALUE is wanted; did you mean --pid=123?"),
        (
            &["status", "-5 °C"],
            "there is no option -5 (a text that begins with - goes behind --); see `readyup status --help`",
        ),
        (&["notify", "\x1b[31m"], "\"\\u{1b}[31m\" is no assignment: VARIABLE=VALUE is wanted"),
        (&["notify", "ready=1"], "\"ready=1\" is no assignment: a variable is made of A to Z, 0 to 9 and _"),
        (&["notify", "=1"], "\"=1\" is no assignment: a variable is made of A to Z, 0 to 9 and _"),
        (&["notify", "BARRIER=1"], "BARRIER=1 goes in a message of its own: use `readyup barrier`"),
        (&["notify", "RELOADING=1"], "RELOADING=1 needs MONOTONIC_USEC= beside it: use --reloading, which adds it"),
        (&["status", "a\nREADY=1"], "the status has a line break in it, behind which another assignment would begin"),
        (&["notify", "X_A=a\rREADY=1"], "X_A has a line break in it, behind which another assignment would begin"),
        (&["notify", &long], "the message has 4103 bytes, and a manager drops what has more than 4096"),
        (&["notify", "--ready", "--fdname=x"], "--fdname= names the descriptors of --fd=, and there is none"),
        (&["notify", "--fd=77"], "--fd=77: this descriptor was not passed, or is named twice"),
        (&["notify", "--fd=x"], "--fd=x: this is not a descriptor's number"),
        (&["notify", "--pid=x"], "--pid=x: this is no pid; a number, self, parent and auto are"),
        (
            &["notify", "--uid=nobody-like-this", "--ready"],
            "there is no user \"nobody-like-this\" in /etc/passwd; give --uid= a number",
        ),
        (&["ready", "--timeout=soon"], "--timeout=soon: this is no time; 5, 500ms, 2min and infinity are"),
        (&["status"], "what is the status? For example: readyup status 'Loading the index'"),
        (&["status", "loading", "tables"], "the status is one argument: put it in quotes"),
        (&["barrier", "X_A=1"], "a barrier says nothing besides; use `readyup notify` for more"),
        (&["notify", "--json", "--ready"], "--json shows what --fork sees, so it needs --fork"),
        (&["notify", "--exec", "--ready"], "--exec needs a `;` argument and a program behind it: --exec … \\; CMD…"),
        (&["notify", "--exec", "--ready", ";"], "--exec needs a program behind the `;` argument"),
        (&["notify", "--exec", ";", "true"], "there is nothing to say before the program of --exec is run"),
        (&["notify", "--fork"], "--fork needs a program to start: --fork -- CMD…"),
    ] {
        let (output, told) = tell(arguments);
        assert_status(&output, 2);
        assert_eq!(stderr(&output), format!("readyup: {message}\n"));
        // Nothing is said, and not by the way either.
        assert_eq!(told, [], "{arguments:?}");
    }
}

#[test]
fn err_values_that_a_manager_cannot_use() {
    for arguments in [&["notify", "MAINPID=abc"][..], &["notify", "--ready", "READY=2"], &["notify", "WATCHDOG=x"]] {
        let (output, told) = tell(arguments);
        assert_status(&output, 2);
        assert!(!output.stderr.is_empty());
        assert_eq!(told, []);
    }
}

#[test]
fn err_nothing_to_say() {
    let (output, told) = tell(&["notify"]);
    assert_status(&output, 2);
    assert_eq!(told, []);
    let text = stderr(&output);
    assert!(text.contains("Usage: readyup notify") && text.ends_with("readyup: there is nothing to say\n"), "{text}");
}

#[test]
fn err_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    drop(UnixDatagram::bind(path("gone")).unwrap());
    let _stream = UnixListener::bind(path("stream")).unwrap();
    for (socket, told) in [
        (path("missing"), "no such file (ENOENT); $NOTIFY_SOCKET names a socket that is gone or hidden"),
        (path("gone"), "connection refused (ECONNREFUSED); whoever set $NOTIFY_SOCKET no longer listens on it"),
        (path("stream"), "wrong type of socket (EPROTOTYPE); the socket that $NOTIFY_SOCKET names is not a datagram"),
        (path(&"x".repeat(108)), "and a socket address takes at most 107"),
        ("relative".into(), "$NOTIFY_SOCKET begins with neither"),
    ] {
        let output = readyup(&["ready"]).env("NOTIFY_SOCKET", &socket).output().unwrap();
        assert_status(&output, 1);
        assert!(stderr(&output).contains(told), "{socket:?}: {}", stderr(&output));
    }
}

#[test]
fn err_permission() {
    if !is_root() {
        eprintln!("skipped: only root can become somebody who may not");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = directory.path().join("notify");
    let _manager = UnixDatagram::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let output = readyup(&["ready"]).env("NOTIFY_SOCKET", &path).uid(65534).output();
    // The program itself may be where only root gets at.
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("skipped: others cannot run what was built here");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_status(&output, 1);
    let told = "permission denied (EACCES); this process may not write to the socket that $NOTIFY_SOCKET names";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn err_a_manager_that_does_not_read() {
    let listener = Listener::private().unwrap();
    let start = Instant::now();
    let output = readyup(&["ready", "--timeout=200ms"])
        .env("NOTIFY_SOCKET", listener.address().to_os_string())
        .output()
        .unwrap();
    assert!((Duration::from_millis(200)..crate::SOON).contains(&start.elapsed()));
    assert_status(&output, 1);
    assert!(stderr(&output).contains("is anybody reading from the notify socket?"), "{}", stderr(&output));
    // Until its queue is full, and then there is no waiting for ever either.
    let full = (0..1000).map(|_| {
        readyup(&["ready", "--no-block", "--timeout=100ms"])
            .env("NOTIFY_SOCKET", listener.address().to_os_string())
            .output()
            .unwrap()
    });
    let output = full.into_iter().find(|output| !output.status.success()).expect("the queue has an end");
    assert_status(&output, 1);
    assert!(stderr(&output).contains("the manager's queue is full"), "{}", stderr(&output));
}

/// It was in time, if it was; and nobody is left who could read it later.
#[test]
fn ok_a_manager_that_goes_once_it_has_heard() {
    let listener = Listener::private().unwrap();
    let address = listener.address().to_os_string();
    let mut child = readyup(&["ready", "--timeout=10"]).env("NOTIFY_SOCKET", address).spawn().unwrap();
    assert!(listener.receive(Some(crate::SOON)).unwrap().is_some());
    drop(listener);
    assert!(child.wait().unwrap().success());
}

#[test]
fn err_a_barrier_alone_keeps_to_its_time() {
    let listener = Listener::private().unwrap();
    let notify = |arguments: &[&str]| {
        let mut command = readyup(arguments);
        command.env("NOTIFY_SOCKET", listener.address().to_os_string());
        command
    };
    let fill = || notify(&["notify", "X_FULL=1", "--no-block", "--timeout=0"]).stderr(Stdio::null()).status().unwrap();
    while fill().success() {}
    let start = Instant::now();
    let child = notify(&["barrier", "--timeout=1"]).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    // Room for the question, but it is not answered.
    listener.receive(Some(crate::SOON)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < Duration::from_millis(1600), "{:?}", start.elapsed());
    assert_status(&output, 1);
    assert!(stderr(&output).starts_with("readyup: the manager did not answer the barrier"), "{}", stderr(&output));
}
