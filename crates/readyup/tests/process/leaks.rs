//! No descriptor is left, whatever is sent.

use crate::support::{SOON, open_fds};
use crate::{copy, is_role, succeed};
use readyup::manager::Listener;
use readyup::{Attachments, Message, Notifier};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::Duration;

#[test]
fn a_million_messages() {
    if !is_role("sender") {
        succeed(&mut copy("leaks::a_million_messages", "sender"));
        return;
    }
    const COUNT: usize = 1_000_000;
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    // Opens the socket.
    notifier.ready().unwrap();
    drop(listener.receive(Some(SOON)).unwrap().unwrap());
    let before = open_fds();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..COUNT {
                listener.receive(Some(SOON)).unwrap().unwrap();
            }
        });
        for _ in 0..COUNT {
            notifier.watchdog().unwrap();
        }
    });
    assert_eq!(open_fds(), before);
}

#[test]
fn everything_that_can_be_sent() {
    if !is_role("both") {
        succeed(&mut copy("leaks::everything_that_can_be_sent", "both"));
        return;
    }
    let listener = Listener::private().unwrap();
    let relay = Listener::private().unwrap().for_relay();
    let file = File::open("/dev/null").unwrap();
    let fds = vec![file.as_fd(); 253];
    let notifiers = [Notifier::new(*listener.address()), Notifier::new(*relay.address())];
    let round = || {
        for (notifier, listener) in notifiers.iter().zip([&listener, &relay]) {
            for payload in [&b"READY=1"[..], b"FDSTORE=1", b"MAINPIDFD=1", b"BARRIER=1", b"BARRIER=1\nX=1", b"", b"\n"]
            {
                for count in [0, 1, 2, 253] {
                    let attachments = Attachments { pid: None, insist: false, fds: &fds[..count] };
                    notifier.send_with(Message::raw(payload).unwrap(), &attachments).unwrap();
                    drop(listener.receive(Some(SOON)).unwrap().unwrap());
                }
            }
            let barrier = notifier.barrier().unwrap().unwrap();
            drop(listener.receive(Some(SOON)).unwrap().unwrap());
            barrier.wait(SOON).unwrap();
            // Descriptors that nobody ever received are the kernel's to close, with the socket.
            let never_received = Listener::private().unwrap();
            let attachments = Attachments { pid: None, insist: false, fds: &fds };
            Notifier::new(*never_received.address()).send_with(Message::READY, &attachments).unwrap();
            let failing = Notifier::new("/nonexistent/notify".parse().unwrap()).with_timeout(Duration::ZERO);
            failing.send_with(Message::READY, &attachments).unwrap_err();
        }
    };
    round();
    let before = open_fds();
    for _ in 0..20 {
        round();
    }
    assert_eq!(open_fds(), before);
}
