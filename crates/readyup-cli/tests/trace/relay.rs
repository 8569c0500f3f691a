//! Passing everything on to the manager above.

use crate::{assert_status, events, is_role, of_kind, trace_role};
use readyup::manager::{Incoming, Listener};
use readyup::testing::FakeManager;
use readyup::{Assignment, Attachments, FdName, Message, Notifier, PassedFds, WatchdogSettings};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn ok_messages_descriptors_and_barriers() {
    const TEST: &str = "relay::ok_messages_descriptors_and_barriers";
    if is_role("service") {
        let notifier = Notifier::from_env().unwrap();
        notifier.ready().unwrap();
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut read = std::fs::File::from(read);
        notifier.store_fds(FdName::new("pipe").unwrap(), &[write.as_fd()]).unwrap();
        drop(write);
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through the trace");
        notifier.stopping().unwrap();
        notifier.barrier().unwrap().unwrap().wait(SOON).unwrap();
        return;
    }
    let manager = FakeManager::new();
    let mut command = trace_role(&["--json"], TEST, "service");
    command.env("NOTIFY_SOCKET", manager.address().to_string()).stdout(Stdio::piped());
    let tracer = command.spawn().unwrap();
    let ready = manager.expect(Assignment::Ready, SOON);
    assert_eq!(ready.sender().pid(), tracer.id(), "to the manager above, the tracer is the service");
    let mut stored = manager.expect(Assignment::FdStore, SOON);
    std::fs::File::from(stored.take_fds().pop().unwrap()).write_all(b"through the trace").unwrap();
    manager.expect(Assignment::Stopping, SOON);
    let output = tracer.wait_with_output().unwrap();
    assert_status(&output, 0);
    assert_eq!(manager.barriers(), 1);
    let events = events(&output);
    for event in of_kind(&events, "message").into_iter().chain(of_kind(&events, "barrier")) {
        assert_eq!(event["passed_on"], true);
    }
}

#[test]
fn ok_a_manager_that_does_not_answer_leaves_the_barrier_unanswered() {
    const TEST: &str = "relay::ok_a_manager_that_does_not_answer_leaves_the_barrier_unanswered";
    if is_role("service") {
        let barrier = Notifier::from_env().unwrap().barrier().unwrap().unwrap();
        barrier.wait(Duration::from_millis(300)).unwrap_err();
        return;
    }
    let silent = Listener::private().unwrap();
    let mut command = trace_role(&["--json"], TEST, "service");
    let output = command.env("NOTIFY_SOCKET", silent.address().to_string()).output().unwrap();
    assert_status(&output, 0);
}

#[test]
fn ok_a_manager_that_is_gone_is_told_in_the_trace() {
    const TEST: &str = "relay::ok_a_manager_that_is_gone_is_told_in_the_trace";
    if is_role("service") {
        Notifier::from_env().unwrap().ready().unwrap();
        return;
    }
    let mut command = trace_role(&["--json"], TEST, "service");
    let output = command.env("NOTIFY_SOCKET", "/nonexistent/notify").output().unwrap();
    assert_status(&output, 0);
    let events = events(&output);
    let passed_on = of_kind(&events, "message")[0]["passed_on"].as_str().unwrap().to_owned();
    assert!(passed_on.starts_with("connecting to the notify socket: no such file (ENOENT)"), "{passed_on}");
}

#[test]
fn ok_what_was_meant_for_the_tracer_s_pid_is_the_program_s() {
    const TEST: &str = "relay::ok_what_was_meant_for_the_tracer_s_pid_is_the_program_s";
    if is_role("service") {
        assert_eq!(WatchdogSettings::from_env().unwrap().unwrap().period(), Duration::from_secs(3));
        let mut passed = PassedFds::take().unwrap();
        assert!(passed.tcp_listener("http").unwrap().is_some());
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let inner = trace_role(&[], TEST, "service");
    // A shell's pid stays the same when it becomes the tracer, as a manager's child's does.
    let mut command = Command::new("sh");
    command.arg("-c").arg(
        "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http WATCHDOG_PID=$$ WATCHDOG_USEC=3000000; \
         exec \"$0\" \"$@\" 3<&0 0</dev/null",
    );
    command.arg(inner.get_program()).args(inner.get_args()).env(crate::ROLE, "service").env_remove("NOTIFY_SOCKET");
    let output = command.stdin(Stdio::from(OwnedFd::from(listener))).output().unwrap();
    assert_status(&output, 0);
}

#[test]
fn ok_a_flood_arrives_in_order_and_is_shown_as_it_is() {
    const TEST: &str = "relay::ok_a_flood_arrives_in_order_and_is_shown_as_it_is";
    const COUNT: usize = 2000;
    // The same several times, and then something else; with a descriptor, and in another name, now and then.
    fn text(number: usize) -> String {
        format!("X_NUMBER={}", number / 7)
    }
    if is_role("service") {
        let notifier = Notifier::from_env().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        for number in 0..COUNT {
            let text = text(number);
            let message = Message::raw(text.as_bytes()).unwrap();
            let fds = [file.as_fd()];
            let fds = if number % 100 == 50 { &fds[..] } else { &[] };
            notifier.send_with(message, &Attachments { fds, ..Attachments::default() }).unwrap();
        }
        return;
    }
    let listener = Listener::private().unwrap();
    let mut command = trace_role(&["--json"], TEST, "service");
    let tracer = command.env("NOTIFY_SOCKET", listener.address().to_string()).stdout(Stdio::piped()).spawn().unwrap();
    // Its trace is read, too, or it would wait for that.
    let output = std::thread::spawn(|| tracer.wait_with_output().unwrap());
    for number in 0..COUNT {
        let Some(Incoming::Message(received)) = listener.receive(Some(SOON)).unwrap() else { panic!("{number}") };
        assert_eq!(received.message().as_bytes(), text(number).as_bytes());
        assert_eq!(received.closed_fds(), usize::from(number % 100 == 50), "{number}");
        if number % 500 == 0 {
            // A queue that is full for a while.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let output = output.join().unwrap();
    assert_status(&output, 0);
    let events = events(&output);
    let messages = of_kind(&events, "message");
    assert_eq!(messages.len(), COUNT);
    for (number, message) in messages.into_iter().enumerate() {
        assert_eq!(message["assignments"][0]["value"], (number / 7).to_string());
        assert_eq!(message["fds"].as_array().unwrap().len(), usize::from(number % 100 == 50), "{number}");
        assert_eq!(message["passed_on"], true);
    }
}
