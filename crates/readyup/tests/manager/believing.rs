//! Whose word counts.

use crate::support::message;
use readyup::manager::{Believing, Listener, Standing};
use readyup::{Assignment, Attachments, Message, Notifier, NotifyAccess};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use std::os::fd::AsFd as _;

#[test]
fn ok_access() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let own = std::process::id();
    for (main, access, believed) in [
        (own, NotifyAccess::None, false),
        (own, NotifyAccess::Main, true),
        (own, NotifyAccess::Exec, true),
        (own, NotifyAccess::All, true),
        (own + 1, NotifyAccess::Main, false),
        (own + 1, NotifyAccess::All, true),
    ] {
        notifier.ready().unwrap();
        let mut believing = Believing::new(main, access);
        let standing = if main == own { Standing::Main } else { Standing::Other };
        assert_eq!(believing.standing(own), standing);
        assert_eq!(believing.on_message(&message(&listener)), believed, "{main} {access:?}");
    }
}

#[test]
fn ok_follows_what_it_believes() {
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let mut believing = Believing::new(std::process::id(), NotifyAccess::Main);
    notifier.notify([Assignment::MainPid(4242), Assignment::NotifyAccess(NotifyAccess::All)]).unwrap();
    assert!(believing.on_message(&message(&listener)));
    assert_eq!((believing.main_pid(), believing.access()), (4242, NotifyAccess::All));

    let mut deaf = Believing::new(1, NotifyAccess::Main);
    notifier.main_pid(4242).unwrap();
    assert!(!deaf.on_message(&message(&listener)));
    assert_eq!(deaf.main_pid(), 1);
}

#[test]
fn ok_a_pidfd_wins_over_a_pid() {
    let listener = Listener::private().unwrap();
    let parent = getppid().unwrap();
    let pidfd = pidfd_open(parent, PidfdFlags::empty()).unwrap();
    let attachments = Attachments { pid: None, insist: false, fds: &[pidfd.as_fd()] };
    let handover = Message::raw(b"MAINPID=4242\nMAINPIDFD=1").unwrap();
    Notifier::new(*listener.address()).send_with(handover, &attachments).unwrap();
    let mut believing = Believing::new(std::process::id(), NotifyAccess::Main);
    assert!(believing.on_message(&message(&listener)));
    assert_eq!(Pid::from_raw(believing.main_pid().try_into().unwrap()), Some(parent));
}
