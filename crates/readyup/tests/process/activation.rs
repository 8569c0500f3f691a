//! Descriptors that a manager passes.

use crate::{copy, is_role, succeed};
use readyup::{ErrorKind, PassedFds};
use rustix::io::{FdFlags, fcntl_getfd};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

/// Runs the role with descriptors from 3 on, as a manager would: a shell puts them there, and its pid stays the same.
fn pass(test: &str, role: &str, redirections: &str, variables: &str) -> Command {
    let copy = copy(test, role);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("export LISTEN_PID=$$ {variables}; exec \"$0\" \"$@\" {redirections}"));
    shell.arg(copy.get_program()).args(copy.get_args());
    for (name, value) in copy.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn ok_taken_once_by_name() {
    if is_role("service") {
        let mut passed = PassedFds::take().unwrap();
        assert_eq!(passed.len(), 3);
        assert_eq!(passed.names().collect::<Vec<_>>(), [&b"http"[..], b"log", b"null"]);
        for fd in [3, 4, 5] {
            // All are close-on-exec by now: a child has none of them.
            let inherited = Command::new("sh").arg("-c").arg(format!(": >&{fd}")).stderr(Stdio::null()).status();
            assert!(!inherited.unwrap().success(), "{fd}");
        }

        // The wrong kind is refused, and stays.
        let error = passed.unix_listener("http").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongFd);
        assert_eq!(
            error.to_string(),
            "the descriptor passed as \"http\" is not a listening Unix stream socket; look at the unit's .socket file"
        );
        assert_eq!(passed.tcp_listener("null").unwrap_err().kind(), ErrorKind::WrongFd);
        assert_eq!(passed.len(), 3);

        let http: TcpListener = passed.tcp_listener("http").unwrap().unwrap();
        assert!(http.local_addr().unwrap().ip().is_loopback());
        let log: UnixDatagram = passed.unix_datagram("log").unwrap().unwrap();
        assert!(fcntl_getfd(log.as_fd()).unwrap().contains(FdFlags::CLOEXEC));
        assert!(passed.tcp_listener("http").unwrap().is_none());
        assert!(passed.remove("null").is_some());
        assert!(passed.is_empty());

        assert_eq!(PassedFds::take().unwrap_err().kind(), ErrorKind::AlreadyTaken);
        return;
    }
    // The sockets go through standard input and output, which is how `Command` passes descriptors.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let datagram = UnixDatagram::unbound().unwrap();
    let mut command = pass(
        "activation::ok_taken_once_by_name",
        "service",
        "3<&0 4<&1 5</dev/null 0</dev/null 1>&2",
        "LISTEN_FDS=3 LISTEN_FDNAMES=http:log:null",
    );
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    command.stdout(Stdio::from(std::os::fd::OwnedFd::from(datagram)));
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ok_the_first_of_a_name_and_kind() {
    if is_role("service") {
        let mut passed = PassedFds::take().unwrap();
        // The sockets of a unit have its name, all of them.
        assert!(passed.tcp_listener("dns").unwrap().is_some());
        assert_eq!(passed.tcp_listener("dns").unwrap_err().kind(), ErrorKind::WrongFd);
        assert!(passed.unix_datagram("dns").unwrap().is_some());
        assert!(passed.tcp_listener("dns").unwrap().is_none());
        return;
    }
    let mut command = pass(
        "activation::ok_the_first_of_a_name_and_kind",
        "service",
        "3<&1 4<&0 0</dev/null 1>&2",
        "LISTEN_FDS=2 LISTEN_FDNAMES=dns:dns",
    );
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap())));
    command.stdout(Stdio::from(std::os::fd::OwnedFd::from(UnixDatagram::unbound().unwrap())));
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ok_nothing_was_passed() {
    if is_role("service") {
        assert!(PassedFds::take().unwrap().is_empty());
        // Nothing was taken, so that there is nothing to have been taken before.
        assert!(PassedFds::take().unwrap().is_empty());
        return;
    }
    let test = "activation::ok_nothing_was_passed";
    succeed(&mut copy(test, "service"));
    succeed(copy(test, "service").env("LISTEN_PID", "1").env("LISTEN_FDS", "2"));
    succeed(&mut pass(test, "service", "", "LISTEN_FDS=0"));
}

#[test]
fn err_garbage() {
    if is_role("service") {
        let error = PassedFds::take().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Environment | ErrorKind::System), "{error}");
        return;
    }
    let test = "activation::err_garbage";
    for variables in ["LISTEN_FDS=x", "LISTEN_FDS=-1", "LISTEN_FDS=99999999999", "LISTEN_FDS=1 LISTEN_FDNAMES=a:b"] {
        succeed(&mut pass(test, "service", "3</dev/null", variables));
    }
    // More are counted than are open.
    succeed(&mut pass(test, "service", "3</dev/null", "LISTEN_FDS=500000"));
    succeed(copy(test, "service").env("LISTEN_PID", "garbage").env("LISTEN_FDS", "1"));
}
