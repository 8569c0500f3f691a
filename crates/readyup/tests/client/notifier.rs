//! Messages, and what becomes of them.

use crate::support::{SOON, message, payload};
use readyup::manager::Listener;
use readyup::{Address, Assignment, ErrorKind, Message, Notifier, Outcome};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn pair() -> (Listener, Notifier) {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    (listener, notifier)
}

#[test]
fn ok_each_method() {
    let (listener, notifier) = pair();
    for (result, expected) in [
        (notifier.ready(), "READY=1"),
        (notifier.status("größer"), "STATUS=größer"),
        (notifier.stopping(), "STOPPING=1"),
        (notifier.watchdog(), "WATCHDOG=1"),
        (notifier.watchdog_trigger(), "WATCHDOG=trigger"),
        (notifier.extend_timeout(Duration::from_millis(1500)), "EXTEND_TIMEOUT_USEC=1500000"),
        (notifier.main_pid(4242), "MAINPID=4242"),
        (notifier.notify([Assignment::Ready, Assignment::Status("up")]), "READY=1\nSTATUS=up"),
        (notifier.send(Message::raw(b"ANY=thing\nwhatever").unwrap()), "ANY=thing\nwhatever"),
    ] {
        assert_eq!(result, Ok(Outcome::Sent));
        assert_eq!(payload(&listener), expected);
    }
}

#[test]
fn ok_reloading_carries_the_time() {
    let (listener, notifier) = pair();
    let before = readyup::monotonic_now();
    notifier.reloading().unwrap();
    let after = readyup::monotonic_now();
    let received = message(&listener);
    assert!(received.message().has(Assignment::Reloading));
    let times: Vec<_> = received
        .message()
        .assignments()
        .filter_map(|assignment| match assignment {
            Ok(Assignment::MonotonicUsec(time)) => Some(time),
            _ => None,
        })
        .collect();
    assert!(matches!(times[..], [time] if (before..=after).contains(&time)), "{times:?}");
}

#[test]
fn ok_without_a_manager() {
    for notifier in
        [Notifier::disabled(), Notifier::from_value(None).unwrap(), Notifier::from_value(Some(b"")).unwrap()]
    {
        assert!(!notifier.is_enabled());
        assert_eq!(notifier.ready(), Ok(Outcome::NoManager));
        assert_eq!(notifier.reloading(), Ok(Outcome::NoManager));
        assert!(notifier.barrier().unwrap().is_none());
        // What is wrong is wrong without a manager too.
        assert_eq!(notifier.status("a\nb").unwrap_err().kind(), ErrorKind::Message);
    }
}

#[test]
fn ok_abstract_socket() {
    let address: Address = format!("@readyup-test-{}", std::process::id()).parse().unwrap();
    let listener = Listener::bind(address).unwrap();
    Notifier::new(address).ready().unwrap();
    assert_eq!(payload(&listener), "READY=1");
}

#[test]
fn ok_4096_bytes() {
    let (listener, notifier) = pair();
    let state = vec![b'x'; 4096];
    notifier.send(Message::raw(&state).unwrap()).unwrap();
    assert_eq!(message(&listener).message().as_bytes(), state);
}

#[test]
fn err_an_injected_line_sends_nothing() {
    let (listener, notifier) = pair();
    let error = notifier.status("a\nREADY=1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Message);
    assert_eq!(error.to_string(), "STATUS holds a newline, which would begin another assignment");
    assert!(listener.receive(Some(Duration::ZERO)).unwrap().is_none());
}

#[test]
fn err_nobody_there() {
    let gone = Notifier::new("/nonexistent/readyup/notify".parse().unwrap()).ready().unwrap_err();
    assert_eq!((gone.kind(), gone.raw_os_error(), gone.syscall()), (ErrorKind::NotFound, 2, Some("connect")));
    assert!(gone.to_string().contains("must be mounted in"), "{gone}");

    let refused = Notifier::new("@readyup-nobody-listens-here".parse().unwrap()).ready().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);

    // A socket that somebody else listens on, but not for datagrams.
    let directory = std::env::temp_dir().join(format!("readyup-stream-{}", std::process::id()));
    let stream = std::os::unix::net::UnixListener::bind(&directory).unwrap();
    let error = Notifier::new(directory.to_str().unwrap().parse().unwrap()).ready().unwrap_err();
    std::fs::remove_file(&directory).unwrap();
    drop(stream);
    assert!(error.to_string().contains("not a datagram socket"), "{error}");
}

#[test]
fn ok_a_replaced_socket_gets_the_message() {
    let directory = std::env::temp_dir().join(format!("readyup-replaced-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let address: Address = directory.join("notify").to_str().unwrap().parse().unwrap();
    let notifier = Notifier::new(address);
    for round in 0..3 {
        let listener = Listener::bind(address).unwrap();
        let status = format!("round {round}");
        assert_eq!(notifier.status(&status), Ok(Outcome::Sent));
        assert_eq!(payload(&listener), format!("STATUS={status}"));
        drop(listener);
    }
    let error = notifier.ready().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    std::fs::remove_dir(&directory).unwrap();
}

/// Fills the manager's queue; how many messages that took.
fn fill(notifier: &Notifier) -> usize {
    (0..).take_while(|_| notifier.watchdog().is_ok()).count()
}

#[test]
fn err_full_queue_without_waiting() {
    let (listener, notifier) = pair();
    let notifier = notifier.with_timeout(Duration::ZERO);
    let sent = fill(&notifier);
    assert!(sent > 0);
    let error = notifier.ready().unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::QueueFull, 11));
    for _ in 0..sent {
        assert_eq!(payload(&listener), "WATCHDOG=1");
    }
    assert_eq!(notifier.ready(), Ok(Outcome::Sent));
}

#[test]
fn err_full_queue_after_the_limit() {
    let (_listener, notifier) = pair();
    let notifier = notifier.with_timeout(Duration::ZERO);
    fill(&notifier);
    let limit = Duration::from_millis(50);
    let notifier = notifier.with_timeout(limit);
    let start = Instant::now();
    assert_eq!(notifier.ready().unwrap_err().kind(), ErrorKind::QueueFull);
    assert!((limit..SOON).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[test]
fn ok_full_queue_with_room_in_time() {
    let (listener, notifier) = pair();
    let notifier = Arc::new(notifier.with_timeout(Duration::ZERO));
    let sent = fill(&notifier);
    drop(notifier);
    let waiting = Notifier::new(*listener.address()).with_timeout(SOON);
    let waiter = std::thread::spawn(move || waiting.ready());
    for _ in 0..sent {
        assert_eq!(payload(&listener), "WATCHDOG=1");
    }
    assert_eq!(payload(&listener), "READY=1");
    assert_eq!(waiter.join().unwrap(), Ok(Outcome::Sent));
}

#[test]
fn ok_from_many_threads() {
    const THREADS: usize = 8;
    const EACH: usize = 500;
    let (listener, notifier) = pair();
    let notifier = Arc::new(notifier);
    let senders: Vec<_> = (0..THREADS)
        .map(|thread| {
            let notifier = Arc::clone(&notifier);
            std::thread::spawn(move || {
                for number in 0..EACH {
                    notifier.status(&format!("{thread} {number}")).unwrap();
                }
            })
        })
        .collect();
    let mut next = [0; THREADS];
    for _ in 0..THREADS * EACH {
        let payload = payload(&listener);
        let (thread, number) = payload.strip_prefix("STATUS=").unwrap().split_once(' ').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(number.parse(), Ok(next[thread]), "the messages of a thread stay in order");
        next[thread] += 1;
    }
    for sender in senders {
        sender.join().unwrap();
    }
}

#[test]
fn err_vsock_without_a_receiver() {
    // The loopback context of this machine, if it has one at all: nobody listens there.
    for address in ["vsock:local:4242", "vsock-stream:1:4242", "vsock-seqpacket:1:4242", "vsock-dgram:1:4242"] {
        let notifier = Notifier::new(address.parse().unwrap()).with_timeout(Duration::from_secs(1));
        let error = notifier.ready().unwrap_err();
        assert!(!matches!(error.kind(), ErrorKind::Message | ErrorKind::Address), "{address}: {error}");
        assert_eq!(notifier.barrier().unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
