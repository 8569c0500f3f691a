//! The bare socket.

use readyup::manager::{Credentials, NotifySocket};
use readyup::protocol::FDS_MAX;
use readyup::{Address, Attachments, ErrorKind, Message, Notifier, monotonic_now};
use rustix::io::{FdFlags, fcntl_getfd, read, write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

fn listen() -> (NotifySocket, Notifier) {
    let socket = NotifySocket::bind(None).unwrap();
    let notifier = Notifier::new(socket.address().unwrap());
    (socket, notifier)
}

#[test]
fn ok_sender_and_payload() {
    let (mut socket, notifier) = listen();
    notifier.status("Grüße").unwrap();
    let mut payload = [0; 100];
    let datagram = socket.receive(&mut payload, &mut drop).unwrap().unwrap();
    assert_eq!(&payload[..datagram.len], "STATUS=Grüße".as_bytes());
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    assert_eq!(datagram.credentials, Some(Credentials { pid: std::process::id(), uid, gid }));
    assert!(!datagram.control_truncated);
    assert_eq!(socket.receive(&mut payload, &mut drop).unwrap(), None);
}

#[test]
fn ok_everything_that_anybody_can_send() {
    let path = std::env::temp_dir().join(format!("readyup-bare-{}", std::process::id()));
    let mut socket = NotifySocket::bind(Some(&path.to_str().unwrap().parse().unwrap())).unwrap();
    assert_eq!(socket.address().unwrap().path(), path.to_str().map(str::as_bytes));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let sender = UnixDatagram::unbound().unwrap();
    sender.connect(&path).unwrap();
    for sent in [&b""[..], b"\0", b"\xff\0READY=1", &[b'x'; 4096], &[b'x'; 4097], &[b'x'; 100_000]] {
        sender.send(sent).unwrap();
        let mut payload = [0; 4096];
        let datagram = socket.receive(&mut payload, &mut drop).unwrap().unwrap();
        assert_eq!(datagram.len, sent.len());
        let kept = sent.len().min(payload.len());
        assert_eq!(&payload[..kept], &sent[..kept]);
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn ok_abstract_names() {
    for len in [50, 106] {
        let name = format!("{}-{len}", std::process::id());
        let address: Address = format!("@{name:x<len$}").parse().unwrap();
        let socket = NotifySocket::bind(Some(&address)).unwrap();
        assert_eq!(socket.address().unwrap(), address);
        Notifier::new(address).ready().unwrap();
    }
}

#[test]
fn ok_all_descriptors() {
    let (mut socket, notifier) = listen();
    let (reading, writing) = rustix::pipe::pipe().unwrap();
    assert_eq!(write(&writing, b"x"), Ok(1));
    let attachments = Attachments { fds: &[reading.as_fd(); FDS_MAX], ..Attachments::default() };
    notifier.send_with(Message::parse(b"FDSTORE=1").unwrap(), &attachments).unwrap();
    let mut fds: Vec<OwnedFd> = Vec::new();
    let datagram = socket.receive(&mut [0; 9], &mut |fd| fds.push(fd)).unwrap().unwrap();
    assert_eq!((datagram.len, fds.len(), datagram.control_truncated), (9, FDS_MAX, false));
    for fd in &fds {
        assert_eq!(fcntl_getfd(fd).unwrap(), FdFlags::CLOEXEC);
    }
    let mut byte = [0];
    assert_eq!(read(&fds[FDS_MAX - 1], &mut byte), Ok(1));
    assert_eq!(byte, *b"x");
}

#[test]
fn ok_a_descriptor_that_is_dropped_answers_the_barrier() {
    let (mut socket, notifier) = listen();
    let barrier = notifier.barrier().unwrap().unwrap();
    let mut kept = None;
    socket.receive(&mut [0; 100], &mut |fd| kept = Some(fd)).unwrap().unwrap();
    assert!(!barrier.is_done().unwrap());
    drop(kept);
    assert!(barrier.is_done().unwrap());
}

#[test]
fn ok_arrival_is_when_it_was_sent() {
    let (mut socket, notifier) = listen();
    // Read after so long that none of them can have come "now".
    let wait = Duration::from_millis(50);
    let mut late = Vec::new();
    for _ in 0..5 {
        let before = monotonic_now();
        notifier.ready().unwrap();
        let after = monotonic_now();
        std::thread::sleep(wait);
        let arrival = socket.receive(&mut [0; 100], &mut drop).unwrap().unwrap().arrival;
        assert!(before <= arrival && arrival <= monotonic_now(), "{before:?} <= {arrival:?}");
        late.push(arrival.saturating_sub(after));
    }
    // The kernel tells it by another clock: what happens between looking at the two comes on top.
    assert!(late.iter().min() < Some(&(wait / 2)), "{late:?}");
}

#[test]
fn ok_arrivals_do_not_go_back() {
    let (mut socket, notifier) = listen();
    let mut last = Duration::ZERO;
    for _ in 0..2000 {
        for _ in 0..5 {
            notifier.watchdog().unwrap();
        }
        while let Some(datagram) = socket.receive(&mut [0; 100], &mut drop).unwrap() {
            assert!(last <= datagram.arrival && datagram.arrival <= monotonic_now());
            last = datagram.arrival;
        }
    }
}

#[test]
fn err_where_nobody_can_listen() {
    for (address, kind, errno, syscall) in [
        ("vsock:1:5", ErrorKind::Unsupported, 95, None),
        ("/nowhere/notify", ErrorKind::NotFound, 2, Some("bind")),
        ("/tmp", ErrorKind::System, 98, Some("bind")),
    ] {
        let error = NotifySocket::bind(Some(&address.parse().unwrap())).unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error(), error.syscall()), (kind, errno, syscall), "{address}");
    }
}
