//! The socket itself.

use crate::support::message;
use readyup::manager::Listener;
use readyup::{Address, ErrorKind, Notifier};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn path(address: &Address) -> PathBuf {
    PathBuf::from(address.to_string())
}

#[test]
fn ok_private_directory_and_mode() {
    let listener = Listener::private().unwrap();
    let socket = path(listener.address());
    let directory = socket.parent().unwrap().to_owned();
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&directory), 0o700);
    drop(listener);
    assert!(!socket.exists());
    assert!(!directory.exists());
}

#[test]
fn err_taken_address() {
    let listener = Listener::private().unwrap();
    let error = Listener::bind(*listener.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::System);
    assert!(error.to_string().contains("something is bound there already"), "{error}");
    // The one that failed did not take the other's socket away.
    assert!(path(listener.address()).exists());
}

/// A manager that is restarted may be there again before the old one is quite gone.
#[test]
fn ok_a_successor_s_socket_stays() {
    let directory = std::env::temp_dir().join(format!("readyup-successor-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let place = directory.join("notify");
    let address: Address = place.to_str().unwrap().parse().unwrap();
    let first = Listener::bind(address).unwrap();
    std::fs::rename(&place, directory.join("old")).unwrap();
    let second = Listener::bind(address).unwrap();
    drop(first);
    Notifier::new(address).ready().unwrap();
    message(&second);
    drop(second);
    assert!(!place.exists());
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn err_vsock_is_not_listened_on() {
    let error = Listener::bind("vsock:1:5".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn ok_deadline() {
    let listener = Listener::private().unwrap();
    let start = Instant::now();
    assert!(listener.receive(Some(Duration::ZERO)).unwrap().is_none());
    let limit = Duration::from_millis(30);
    assert!(listener.receive(Some(limit)).unwrap().is_none());
    assert!(start.elapsed() >= limit);
}

#[test]
fn ok_sender() {
    let listener = Listener::private().unwrap();
    Notifier::new(*listener.address()).ready().unwrap();
    let received = message(&listener);
    let sender = received.sender();
    assert_eq!(sender.pid(), std::process::id());
    assert_eq!(sender.uid(), rustix::process::getuid().as_raw());
    assert_eq!(sender.gid(), rustix::process::getgid().as_raw());
    if let Some(pidfd) = sender.pidfd() {
        // Only kernels that know SO_PASSPIDFD give one; then it is of this very process, which is alive.
        rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::CONT).unwrap();
    }
}
