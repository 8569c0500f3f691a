//! Entries as a journal receives them.

use readyup::ErrorKind;
use readyup::journal::{FIELDS_MAX, Field, Journal, Outcome, Priority, encode};
use rustix::fs::{SealFlags, fcntl_get_seals};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, bind,
    recvmsg, socket_with,
};
use std::fs::File;
use std::io::{IoSliceMut, Read as _, Seek as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// Listens as the journal does, at an abstract name of its own.
struct FakeJournal {
    socket: OwnedFd,
    name: String,
}

impl FakeJournal {
    #[track_caller]
    fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::start_at(format!("readyup-journal-{}-{count}", std::process::id()))
    }

    #[track_caller]
    fn start_at(name: String) -> Self {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).unwrap();
        bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap()).unwrap();
        Self { socket, name }
    }

    fn client(&self) -> Journal {
        Journal::at(format!("@{}", self.name).parse().unwrap())
    }

    /// The next entry, and whether it came as a file.
    #[track_caller]
    fn take(&self) -> (Vec<u8>, bool) {
        let mut payload = vec![0; 1 << 20];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut payload)], &mut control, RecvFlags::CMSG_CLOEXEC)
                .expect("there is an entry");
        payload.truncate(received.bytes);
        let mut files: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                files.extend(fds);
            }
        }
        let Some(file) = files.pop() else {
            return (payload, false);
        };
        assert!(files.is_empty() && payload.is_empty(), "a file comes alone");
        let seals = fcntl_get_seals(&file).unwrap();
        assert_eq!(seals, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE);
        let mut file = File::from(file);
        file.rewind().unwrap();
        let mut entry = Vec::new();
        file.read_to_end(&mut entry).unwrap();
        (entry, true)
    }

    #[track_caller]
    fn expect(&self, fields: &[Field<'_>], as_file: bool) {
        let mut expected = Vec::new();
        encode(fields, &mut |piece| expected.extend_from_slice(piece)).unwrap();
        let (entry, file) = self.take();
        assert_eq!((entry.len(), file), (expected.len(), as_file));
        assert!(entry == expected, "{} is not {}", entry.escape_ascii(), expected.escape_ascii());
    }
}

#[test]
fn ok_entries_come_as_they_are_spelled() {
    let fake = FakeJournal::start();
    let journal = fake.client();
    assert_eq!(journal.print(Priority::Info, "100 %s\nof it"), Ok(Outcome::Sent));
    assert_eq!(fake.take().0, b"PRIORITY=6\nMESSAGE\n\x0c\0\0\0\0\0\0\x00100 %s\nof it\n");

    let bytes: Vec<u8> = (0..=255).collect();
    let fields =
        [Field::message("Up"), Field::new("ACME_BYTES", &bytes).unwrap(), Field::new("ACME_NOTHING", "").unwrap()];
    assert_eq!(journal.send(&fields), Ok(Outcome::Sent));
    fake.expect(&fields, false);
}

#[test]
fn ok_large_entries_come_as_a_file() {
    let fake = FakeJournal::start();
    let journal = fake.client();
    for (len, as_file) in [(100_000, false), (1 << 20, true), (5 << 20, true)] {
        let text = "x".repeat(len - 1) + "\n";
        let fields = [Field::priority(Priority::Info), Field::message(&text)];
        assert_eq!(journal.send(&fields), Ok(Outcome::Sent));
        fake.expect(&fields, as_file);
    }
}

#[test]
fn ok_many_fields() {
    let fake = FakeJournal::start();
    let journal = fake.client();
    for (count, as_file) in [(1, false), (64, false), (65, true), (FIELDS_MAX, true)] {
        let fields = vec![Field::message("a\nb"); count];
        assert_eq!(journal.send(&fields), Ok(Outcome::Sent));
        fake.expect(&fields, as_file);
    }
}

#[test]
fn ok_journal_that_was_started_anew() {
    let fake = FakeJournal::start();
    let journal = fake.client();
    assert_eq!(journal.print(Priority::Info, "one"), Ok(Outcome::Sent));
    let name = fake.name.clone();
    drop(fake);
    assert_eq!(journal.print(Priority::Info, "nobody hears it"), Ok(Outcome::NoJournal));
    let fake = FakeJournal::start_at(name);
    assert_eq!(journal.print(Priority::Info, "two"), Ok(Outcome::Sent));
    assert_eq!(fake.take().0, b"PRIORITY=6\nMESSAGE=two\n");
}

#[test]
fn ok_no_journal() {
    let journal = Journal::at("/nowhere/journal".parse().unwrap());
    assert_eq!(journal.print(Priority::Info, "nobody hears it"), Ok(Outcome::NoJournal));
    assert_eq!(journal.print(Priority::Info, &"x".repeat(1 << 20)), Ok(Outcome::NoJournal));
}

#[test]
fn err_full_queue() {
    let fake = FakeJournal::start();
    let journal = fake.client();
    let sent = (0..100_000).find_map(|count| journal.print(Priority::Info, "more").err().map(|error| (count, error)));
    let (count, error) = sent.expect("a queue ends somewhere");
    assert_eq!((error.kind(), error.raw_os_error(), error.syscall()), (ErrorKind::QueueFull, 11, Some("sendmsg")));
    assert_eq!(error.to_string(), "the journal's queue is full, and the entry was not sent; is it busy or stopped?");
    for _ in 0..count {
        fake.take();
    }
    assert_eq!(journal.print(Priority::Info, "again"), Ok(Outcome::Sent));
}

#[test]
fn err_entries() {
    let journal = Journal::at("/nowhere/journal".parse().unwrap());
    for fields in [vec![], vec![Field::message("x"); FIELDS_MAX + 1]] {
        let error = journal.send(&fields).unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error(), error.syscall()), (ErrorKind::Entry, 22, None));
    }
    let journal = Journal::at("vsock:2:9999".parse().unwrap());
    let error = journal.print(Priority::Info, "x").unwrap_err();
    assert_eq!(error.to_string(), "sending to the journal: address family not supported (EAFNOSUPPORT)");
}
