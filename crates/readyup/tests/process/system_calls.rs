//! What a message costs the kernel.

use crate::{copy, is_role, succeed};
use readyup::Notifier;
use readyup::manager::Listener;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

const COUNT: usize = 1000;

#[test]
fn a_heartbeat_is_one_system_call() {
    if is_role("sender") {
        let notifier = Notifier::from_env().unwrap();
        notifier.ready().unwrap();
        // Marks in the trace, between which there must be nothing else.
        let mut marks = std::fs::File::create("/dev/null").unwrap();
        marks.write_all(b"begin").unwrap();
        for _ in 0..COUNT {
            notifier.watchdog().unwrap();
        }
        marks.write_all(b"end").unwrap();
        return;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing");
        println!("skipped: strace is missing");
        return;
    }
    let listener = Listener::private().unwrap();
    let log = std::env::temp_dir().join(format!("readyup-strace-{}", std::process::id()));
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            for _ in 0..=COUNT {
                listener.receive(Some(Duration::from_secs(30))).unwrap().unwrap();
            }
        });
        let traced = copy("system_calls::a_heartbeat_is_one_system_call", "sender");
        let mut strace = Command::new("strace");
        // Only the thread that sends: the test runner's others do as they please.
        strace.args(["-f", "-o"]).arg(&log).arg(traced.get_program()).args(traced.get_args());
        for (name, value) in traced.get_envs() {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        strace.env("NOTIFY_SOCKET", listener.address().to_string());
        succeed(&mut strace);
        receiver.join().unwrap();
    });
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();

    let begin = text.lines().position(|line| line.contains("\"begin\"")).expect("the beginning");
    let end = text.lines().position(|line| line.contains("\"end\"")).expect("the end");
    let thread = text.lines().nth(begin).unwrap().split(' ').next().unwrap();
    let calls = text.lines().take(end).skip(begin + 1).filter(|line| line.split(' ').next() == Some(thread));
    let mut sent = 0;
    let mut others = Vec::new();
    // A message that finds the queue full waits, which takes calls of its own; that is not the steady state.
    let mut waiting = false;
    for call in calls {
        if call.contains("\"WATCHDOG=1\"") {
            waiting = call.contains("EAGAIN");
            sent += usize::from(!waiting);
        } else if !waiting {
            others.push(call);
        }
    }
    assert_eq!(sent, COUNT);
    assert!(others.is_empty(), "{others:?}");
}
