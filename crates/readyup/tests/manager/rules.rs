//! What a manager drops, takes, and closes.

use crate::support::SOON;
use readyup::manager::{Batch, DropReason, Incoming, Listener};
use readyup::{Attachments, Message, Notifier};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;

/// Sends raw bytes, as any program may, and tells what came of it.
fn judge(payload: &[u8]) -> Incoming {
    let listener = Listener::private().unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(payload, listener.address().to_string()).unwrap();
    listener.receive(Some(SOON)).unwrap().unwrap()
}

#[track_caller]
fn dropped(payload: &[u8]) -> DropReason {
    match judge(payload) {
        Incoming::Dropped(dropped) => {
            assert_eq!(dropped.sender().unwrap().pid(), std::process::id());
            dropped.reason()
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn taken(payload: &[u8]) -> Vec<u8> {
    match judge(payload) {
        Incoming::Message(received) => received.message().as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ok_taken() {
    assert_eq!(taken(b"READY=1"), b"READY=1");
    assert_eq!(taken(b"READY=1\0"), b"READY=1");
    assert_eq!(taken(b""), b"");
    assert_eq!(taken(b"\0"), b"");
    assert_eq!(taken(b"\xff\xfe"), b"\xff\xfe");
    assert_eq!(taken(&[b'x'; 4096]).len(), 4096);
    // As part of a longer word it is no barrier.
    assert_eq!(taken(b"XBARRIER=1\nREADY=1"), b"XBARRIER=1\nREADY=1");
    assert_eq!(taken(b"BARRIER=2"), b"BARRIER=2");
}

#[test]
fn err_dropped() {
    assert_eq!(dropped(&[b'x'; 4097]), DropReason::TooLong { len: 4097 });
    assert_eq!(dropped(&[b'x'; 70_000]), DropReason::TooLong { len: 70_000 });
    assert_eq!(dropped(b"READY=1\0\0"), DropReason::Nul);
    assert_eq!(dropped(b"\0READY=1"), DropReason::Nul);
    assert_eq!(dropped(b"BARRIER=1"), DropReason::BarrierFds { count: 0 });
    assert_eq!(dropped(b"BARRIER=1\nREADY=1"), DropReason::BarrierNotAlone);
    assert_eq!(dropped(b"X_A=1\rBARRIER=1"), DropReason::BarrierNotAlone);
}

/// Sends with the writing ends of `count` pipes; tells the judgement, and whether all of them were closed by it.
fn with_pipes(payload: &[u8], count: usize) -> (Incoming, bool) {
    let listener = Listener::private().unwrap();
    let (read, write) = rustix::pipe::pipe().unwrap();
    let mut read = File::from(read);
    let fds = vec![write.as_fd(); count];
    let attachments = Attachments { pid: None, insist: false, fds: &fds };
    Notifier::new(*listener.address()).send_with(Message::raw(payload).unwrap(), &attachments).unwrap();
    drop(write);
    let incoming = listener.receive(Some(SOON)).unwrap().unwrap();
    let flags = rustix::fs::fcntl_getfl(&read).unwrap();
    rustix::fs::fcntl_setfl(&read, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let closed = matches!(read.read(&mut [0]), Ok(0));
    (incoming, closed)
}

#[test]
fn ok_claimed_descriptors_are_kept() {
    for (payload, count) in [(&b"FDSTORE=1"[..], 3), (b"FDSTORE=1\nFDNAME=a", 253), (b"MAINPIDFD=1\nMAINPID=5", 1)] {
        let (incoming, closed) = with_pipes(payload, count);
        let Incoming::Message(received) = incoming else { panic!("{incoming:?}") };
        assert_eq!((received.fds().len(), received.closed_fds(), closed), (count, 0, false));
    }
}

#[test]
fn ok_unclaimed_descriptors_are_closed() {
    for (payload, count) in [(&b"READY=1"[..], 2), (b"FDSTORE=0", 1), (b"MAINPIDFD=1", 2), (b"", 253)] {
        let (incoming, closed) = with_pipes(payload, count);
        let Incoming::Message(received) = incoming else { panic!("{incoming:?}") };
        assert_eq!((received.fds().len(), received.closed_fds(), closed), (0, count, true));
    }
}

#[test]
fn ok_descriptors_of_what_is_dropped_are_closed() {
    for (payload, count, reason) in [
        (&b"BARRIER=1"[..], 2, DropReason::BarrierFds { count: 2 }),
        (b"BARRIER=1\nREADY=1", 1, DropReason::BarrierNotAlone),
    ] {
        let (incoming, closed) = with_pipes(payload, count);
        let Incoming::Dropped(dropped) = incoming else { panic!("{incoming:?}") };
        assert_eq!((dropped.reason(), closed), (reason, true));
    }
}

#[test]
fn ok_a_barrier_is_answered_by_itself() {
    let (incoming, closed) = with_pipes(b"BARRIER=1", 1);
    assert!(matches!(incoming, Incoming::Barrier(_)));
    assert!(closed, "although its value is still there");
}

#[test]
fn ok_a_relay_closes_nothing() {
    let listener = Listener::private().unwrap().for_relay();
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(), file.as_fd()];
    Notifier::new(*listener.address())
        .send_with(Message::READY, &Attachments { pid: None, insist: false, fds: &fds })
        .unwrap();
    let Some(Incoming::Message(received)) = listener.receive(Some(SOON)).unwrap() else { panic!() };
    assert_eq!((received.fds().len(), received.closed_fds()), (2, 0));
}

#[test]
fn ok_many_are_judged_as_one_is() {
    let listener = Listener::private().unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    let raw = |payload: &[u8]| socket.send_to(payload, listener.address().to_string()).unwrap();
    let notifier = Notifier::new(*listener.address());
    let file = File::open("/dev/null").unwrap();
    let with_fds = |payload| {
        let attachments = Attachments { fds: &[file.as_fd(), file.as_fd()], ..Attachments::default() };
        notifier.send_with(Message::raw(payload).unwrap(), &attachments).unwrap();
    };
    raw(b"READY=1");
    raw(&[b'x'; 4096]);
    raw(&[b'x'; 4097]);
    with_fds(b"FDSTORE=1");
    with_fds(b"WATCHDOG=1");
    raw(b"");
    let mut batch = Batch::new();
    assert!(listener.receive_many(&mut batch, Some(SOON)).unwrap());
    let came: Vec<_> = batch
        .map(|incoming| {
            assert_eq!(incoming.sender().unwrap().pid(), std::process::id());
            match incoming {
                Incoming::Message(received) => {
                    Ok((received.message().as_bytes().len(), received.fds().len(), received.closed_fds()))
                }
                Incoming::Dropped(dropped) => Err(dropped.reason()),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let too_long = DropReason::TooLong { len: 4097 };
    assert_eq!(came, [Ok((7, 0, 0)), Ok((4096, 0, 0)), Err(too_long), Ok((9, 2, 0)), Ok((10, 0, 2)), Ok((0, 0, 0))]);
}

#[test]
fn ok_more_than_a_batch_holds() {
    let listener = Listener::private().unwrap();
    let mut batch = Batch::new();
    assert!(!listener.receive_many(&mut batch, Some(std::time::Duration::ZERO)).unwrap());
    let address = *listener.address();
    let sender = std::thread::spawn(move || {
        let notifier = Notifier::new(address);
        for number in 0..1000u32 {
            notifier.send(Message::raw(format!("X_NUMBER={number}").as_bytes()).unwrap()).unwrap();
        }
    });
    for number in 0..1000u32 {
        // Filled again while there is still something in it, now and then.
        if batch.len() == 0 || (batch.len() == 1 && number < 900) {
            assert!(listener.receive_many(&mut batch, Some(SOON)).unwrap());
        }
        let Some(Incoming::Message(received)) = batch.next() else { panic!("number {number} is missing") };
        assert_eq!(received.message().as_bytes(), format!("X_NUMBER={number}").as_bytes());
    }
    sender.join().unwrap();
}

#[test]
fn ok_a_barrier_among_many_is_answered_in_its_turn() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    notifier.ready().unwrap();
    let barrier = notifier.barrier().unwrap().unwrap();
    let mut batch = Batch::new();
    listener.receive_many(&mut batch, Some(SOON)).unwrap();
    assert!(matches!(batch.next(), Some(Incoming::Message(_))));
    assert!(!barrier.is_done().unwrap(), "before its turn");
    let request = batch.next().unwrap();
    assert!(matches!(request, Incoming::Barrier(_)));
    barrier.wait(SOON).unwrap();
}

#[test]
fn ok_without_pidfds() {
    let listener = Listener::private().unwrap().without_pidfds();
    Notifier::new(*listener.address()).ready().unwrap();
    let incoming = listener.receive(Some(SOON)).unwrap().unwrap();
    assert!(incoming.sender().unwrap().pidfd().is_none());
}
