//! Descriptors and other processes' names.

use crate::support::message;
use readyup::manager::{Incoming, Listener};
use readyup::{Assignment, Attachments, ErrorKind, FdName, Message, Notifier, Outcome};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

#[test]
fn ok_store_and_remove() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let name = FdName::new("data").unwrap();
    let file = File::open("/dev/null").unwrap();
    notifier.store_fds(name, &[file.as_fd(), file.as_fd()]).unwrap();
    let received = message(&listener);
    assert_eq!(received.message().as_bytes(), b"FDSTORE=1\nFDNAME=data");
    assert_eq!(received.fds().len(), 2);

    notifier.replace_fds(name, &[file.as_fd()]).unwrap();
    let removed = message(&listener);
    assert!(removed.message().has(Assignment::FdStoreRemove));
    assert!(removed.fds().is_empty());
    assert_eq!(message(&listener).fds().len(), 1);
}

#[test]
fn ok_the_descriptor_is_the_same_file() {
    let listener = Listener::private().unwrap();
    let (read, write) = rustix::pipe::pipe().unwrap();
    let mut read = File::from(read);
    Notifier::new(*listener.address()).store_fds(FdName::new("pipe").unwrap(), &[write.as_fd()]).unwrap();
    drop(write);
    let mut received = message(&listener);
    let mut passed = File::from(received.take_fds().pop().unwrap());
    passed.write_all(b"hello").unwrap();
    assert!(passed.stream_position().is_err(), "a pipe has no position");
    drop(passed);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn ok_253_and_err_254_descriptors() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let file = File::open("/dev/null").unwrap();
    let message_of_many = Message::raw(b"FDSTORE=1").unwrap();
    let fds: Vec<BorrowedFd<'_>> = vec![file.as_fd(); 254];

    let attachments = Attachments { pid: None, insist: false, fds: &fds[..253] };
    assert_eq!(notifier.send_with(message_of_many, &attachments), Ok(Outcome::Sent));
    assert_eq!(message(&listener).fds().len(), 253);

    for notifier in [notifier, Notifier::disabled()] {
        let error =
            notifier.send_with(message_of_many, &Attachments { pid: None, insist: false, fds: &fds }).unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::TooManyFds, 7));
        assert_eq!(
            error.to_string(),
            "254 descriptors in one message, and it can carry at most 253; send several messages"
        );
    }
}

#[test]
fn ok_own_pid_needs_no_credentials() {
    let listener = Listener::private().unwrap();
    let attachments = Attachments { pid: Some(std::process::id()), ..Attachments::default() };
    let outcome = Notifier::new(*listener.address()).send_with(Message::READY, &attachments);
    assert_eq!(outcome, Ok(Outcome::Sent));
    assert_eq!(message(&listener).sender().pid(), std::process::id());
}

#[test]
fn ok_another_pid_or_else_our_own() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let parent = std::os::unix::process::parent_id();
    let attachments = Attachments { pid: Some(parent), ..Attachments::default() };
    let outcome = notifier.send_with(Message::READY, &attachments).unwrap();
    let sender = message(&listener).sender().pid();
    match outcome {
        Outcome::Sent => assert_eq!(sender, parent, "root may speak as another"),
        Outcome::SentAsSelf => assert_eq!(sender, std::process::id()),
        Outcome::NoManager => panic!("there is a manager"),
    }

    // Nobody can speak as a process that does not exist.
    let attachments = Attachments { pid: Some(i32::MAX as u32), ..Attachments::default() };
    assert_eq!(notifier.send_with(Message::READY, &attachments), Ok(Outcome::SentAsSelf));
    assert_eq!(message(&listener).sender().pid(), std::process::id());
}

#[test]
fn err_insisting_on_another_s_name() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let attachments = Attachments { pid: Some(i32::MAX as u32), insist: true, ..Attachments::default() };
    let error = notifier.send_with(Message::READY, &attachments).unwrap_err();
    // Without the right to, that there is no such process is not even looked at.
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(error.kind(), if is_root { ErrorKind::NoProcess } else { ErrorKind::PermissionDenied });
    assert!(error.to_string().starts_with("speaking as another process: "), "{error}");
    assert!(listener.receive(Some(Duration::ZERO)).unwrap().is_none());
    // For oneself there is nothing to insist on.
    let attachments = Attachments { pid: Some(std::process::id()), insist: true, ..Attachments::default() };
    assert_eq!(notifier.send_with(Message::READY, &attachments), Ok(Outcome::Sent));
}

#[test]
fn ok_descriptors_in_another_s_name() {
    let listener = Listener::private().unwrap();
    let file = File::open("/dev/null").unwrap();
    let fds = vec![file.as_fd(); 253];
    let attachments = Attachments { pid: Some(std::os::unix::process::parent_id()), insist: false, fds: &fds };
    let outcome =
        Notifier::new(*listener.address()).send_with(Message::raw(b"FDSTORE=1").unwrap(), &attachments).unwrap();
    assert!(outcome.is_sent());
    match listener.receive(Some(Duration::ZERO)).unwrap() {
        Some(Incoming::Message(received)) => assert_eq!(received.fds().len(), 253),
        other => panic!("{other:?}"),
    }
}
