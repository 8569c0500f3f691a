//! What a manager ignores.

use crate::support::SOON;
use crate::{copy, failure, notify, role, shell, start, with};
use readyup::manager::DropReason;
use readyup::manager::service::{ActiveState, Refusal};
use readyup::protocol::Unseen;
use readyup::testing::{IgnoredReason, TestService};
use readyup::{Assignment, Attachments, FdName, Message, Notifier, NotifyAccess};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;

const HINT: &str = "\nsome messages are not believed: start the program that sends them itself, or set notify_access = NotifyAccess::All\nstate: ";

/// A child of the service says that the service is ready.
fn by_a_child(test: &str, notifier: &Notifier) {
    if role().as_deref() == Some("child") {
        notifier.ready().unwrap();
    } else {
        assert!(copy(test, "child").status().unwrap().success());
        notifier.status("The child has said it").unwrap();
        std::thread::park();
    }
}

#[test]
fn err_a_child_with_access_for_main() {
    let test = "ignored::err_a_child_with_access_for_main";
    let Some(service) = start(test, notify(), |notifier| by_a_child(test, notifier)) else { return };
    service.expect(Assignment::Status("The child has said it"), SOON);
    let ignored = service.ignored();
    let [one] = &ignored[..] else { panic!("{ignored:?}\n{service}") };
    let main = service.life().main_pid();
    let sender = one.sender.expect("a sender");
    assert_ne!(Some(sender), main);
    assert_eq!(one.reason, IgnoredReason::Refused(Refusal::Access { sender, access: NotifyAccess::Main, main }));
    assert_eq!(one.text, "READY=1");
    let believed: Vec<bool> = service.messages().iter().map(|heard| heard.believed).collect();
    assert_eq!(believed, [false, true]);

    let text = failure(|| service.ready(std::time::Duration::from_millis(20)));
    assert!(text.starts_with("expected the service to be ready within 20ms: some of what it said was ignored\n"));
    assert!(text.contains(HINT), "{text}");
    assert!(text.contains(&format!("process {sender}")) && text.contains(": READY=1\n"), "{text}");
    let reason = format!("! a message of process {sender} is dropped: NotifyAccess=main, and the main process is ");
    assert!(text.contains(&reason), "{text}");
    assert_eq!(one.to_string(), format!("process {sender}: READY=1: {}", one.reason));
}

#[test]
fn ok_a_child_with_access_for_all() {
    let test = "ignored::ok_a_child_with_access_for_all";
    let config = with(notify(), |config| config.notify_access = NotifyAccess::All);
    let Some(service) = start(test, config, |notifier| by_a_child(test, notifier)) else { return };
    service.ready(SOON);
    service.expect(Assignment::Status("The child has said it"), SOON);
    assert!(service.ignored().is_empty(), "{service}");
    let text = failure(|| service.expect(Assignment::Stopping, std::time::Duration::from_millis(20)));
    assert!(!text.contains("not believed"), "{text}");
}

#[test]
fn err_datagrams_and_descriptors() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    notifier.send(Message::raw(b"BARRIER=1\nREADY=1").unwrap()).unwrap();
    let null = File::open("/dev/null").unwrap();
    let attachments = Attachments { fds: &[null.as_fd(), null.as_fd()], ..Attachments::default() };
    notifier.send_with(Message::READY, &attachments).unwrap();
    service.ready(SOON);
    let ignored = service.ignored();
    let reasons: Vec<_> = ignored.iter().map(|one| &one.reason).collect();
    assert_eq!(
        reasons,
        [&IgnoredReason::Dropped(DropReason::BarrierNotAlone), &IgnoredReason::UnclaimedFds { count: 2 }]
    );
    assert_eq!((ignored[0].text.as_str(), ignored[1].text.as_str()), ("", "READY=1"));
    let text = service.to_string();
    assert!(text.contains("! BARRIER=1 must be alone in its message\n"), "{text}");
    assert!(text.contains("! 2 descriptors were closed that came without FDSTORE=1\n"), "{text}");
}

#[test]
fn ok_garbage_is_printable() {
    let service = TestService::in_process(notify());
    service.notifier().send(Message::raw(b"STATUS=\x1b[2J\xff").unwrap()).unwrap();
    service.notifier().send(Message::raw(b"").unwrap()).unwrap();
    let ignored = service.ignored();
    assert_eq!(ignored[0].text, "STATUS=\\u{1b}[2J\u{fffd}");
    let text = service.to_string();
    assert!(text.contains(": an empty message") && !text.contains('\x1b'), "{text}");
}

#[test]
fn err_lines_that_nobody_sees() {
    let service = TestService::in_process(notify());
    let notifier = service.notifier();
    let lines = b"READY=true\nready=1\nREADY\nX_OWN=1\nSTATUS=Up\nSTATUS=\x1b[2J\nREADY=1";
    notifier.send(Message::raw(lines).unwrap()).unwrap();
    service.ready(SOON);
    assert_eq!(service.life().status_text(), Some("Up"));
    let wanted = [
        ("READY=true", Unseen::OtherValue { flag: "READY=1" }),
        ("ready=1", Unseen::UnknownKey),
        ("READY", Unseen::NoEqualsSign),
        ("STATUS=\\u{1b}[2J", Unseen::Shadowed),
    ];
    let reasons: Vec<_> = service.ignored().into_iter().map(|one| one.reason).collect();
    assert_eq!(reasons, wanted.map(|(line, why)| IgnoredReason::Unseen { line: line.to_owned(), why }));
    assert!(service.to_string().contains("! READY=true: only READY=1 has an effect\n"), "{service}");
}

#[test]
fn err_nothing_to_store() {
    let service = TestService::in_process(with(notify(), |config| config.fd_store_max = 1));
    service.notifier().send(Message::raw(b"FDSTORE=1\nFDNAME=kept").unwrap()).unwrap();
    let null = File::open("/dev/null").unwrap();
    service.notifier().store_fds(FdName::new("kept").unwrap(), &[null.as_fd()]).unwrap();
    let reasons: Vec<_> = service.ignored().into_iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [IgnoredReason::NothingToStore]);
    assert_eq!(service.life().stored_fds().len(), 1);
    assert!(service.to_string().contains("! FDSTORE=1 comes without a descriptor\n"), "{service}");
}

/// Only the first reason counts: whoever is not believed need not be told the rest.
#[test]
fn err_nobody_sees_what_is_not_believed() {
    let service = TestService::start(shell("exec sleep 1000"), notify());
    service.notifier().send(Message::raw(b"READY=true\nFDSTORE=1").unwrap()).unwrap();
    let ignored = service.ignored();
    assert!(matches!(&ignored[..], [one] if matches!(one.reason, IgnoredReason::Refused(Refusal::Access { .. }))));
}

#[test]
fn ok_a_nul_at_the_end() {
    let service = TestService::in_process(notify());
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"READY=1\0", service.address().to_string()).unwrap();
    service.ready(SOON);
    service.expect(Assignment::Ready, SOON);
    assert!(service.ignored().is_empty(), "{service}");
}

#[test]
fn err_a_nul_inside() {
    let service = TestService::in_process(notify());
    let socket = UnixDatagram::unbound().unwrap();
    for payload in [&b"READY=1\0\0"[..], b"READY=1\0\n", b"STATUS=a\0b\nREADY=1\0"] {
        socket.send_to(payload, service.address().to_string()).unwrap();
    }
    let ignored = service.ignored();
    assert_eq!(ignored.len(), 3, "{service}");
    for one in ignored {
        assert_eq!((one.sender, one.reason), (Some(std::process::id()), IgnoredReason::Dropped(DropReason::Nul)));
    }
    assert_eq!(service.life().active_state(), ActiveState::Activating);
}
