//! Barriers.

use crate::support::{SOON, payload};
use readyup::manager::{Incoming, Listener};
use readyup::testing::FakeManager;
use readyup::{ErrorKind, Notifier};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

#[test]
fn ok_answered_once_read() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    notifier.stopping().unwrap();
    let barrier = notifier.barrier().unwrap().unwrap();
    assert_eq!(barrier.is_done(), Ok(false));
    assert_eq!(barrier.wait(Duration::from_millis(10)).unwrap_err().kind(), ErrorKind::BarrierTimeout);

    assert_eq!(payload(&listener), "STOPPING=1");
    assert_eq!(barrier.is_done(), Ok(false));
    assert!(matches!(listener.receive(Some(SOON)).unwrap(), Some(Incoming::Barrier(_))));
    assert_eq!(barrier.is_done(), Ok(true));
    assert_eq!(barrier.wait(Duration::ZERO), Ok(()));
    assert_eq!(barrier.wait(SOON), Ok(()));
}

#[test]
fn ok_in_somebody_else_s_event_loop() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let manager = FakeManager::new();
    let barrier = Notifier::new(*manager.address()).barrier().unwrap().unwrap();
    let limit = Timespec { tv_sec: SOON.as_secs() as i64, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::from_borrowed_fd(barrier.as_fd(), PollFlags::IN)], Some(&limit)), Ok(1));
    assert_eq!(barrier.is_done(), Ok(true));
    // The manager counts it after it has answered.
    let end = Instant::now() + SOON;
    while manager.barriers() != 1 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn ok_relay_keeps_the_question() {
    let listener = Listener::private().unwrap().for_relay();
    let barrier = Notifier::new(*listener.address()).barrier().unwrap().unwrap();
    let Some(Incoming::Barrier(request)) = listener.receive(Some(SOON)).unwrap() else { panic!() };
    assert!(request.fd().is_some());
    assert_eq!(barrier.is_done(), Ok(false));
    drop(request);
    assert_eq!(barrier.wait(SOON), Ok(()));
}
