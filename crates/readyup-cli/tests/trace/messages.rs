//! What a trace tells of messages.

use crate::{assert_status, events, is_role, of_kind, trace_role};
use readyup::protocol::Message;
use readyup::{Assignment, Attachments, FdName, Notifier};
use serde_json::{Value, json};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

fn everything() {
    let notifier = Notifier::from_env().unwrap();
    notifier.notify([Assignment::Ready, Assignment::Status("größer\u{1b}[31m")]).unwrap();
    notifier.send(Message::raw(b"READY=yes\nSTATUS=a\nSTATUS=b\nWHAT=1\nX_ACME=1\nbare").unwrap()).unwrap();
    notifier.reloading().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    notifier.store_fds(FdName::new("http").unwrap(), &[listener.as_fd()]).unwrap();
    let attachments = Attachments { pid: None, insist: false, fds: &[listener.as_fd(), listener.as_fd()] };
    notifier.send_with(Message::WATCHDOG, &attachments).unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(&[b'x'; 5000], notifier.address().unwrap().to_string()).unwrap();
    notifier.stopping().unwrap();
    notifier.barrier().unwrap().unwrap().wait(Duration::from_secs(5)).unwrap();
}

#[test]
fn ok_json() {
    if is_role("service") {
        return everything();
    }
    let output = trace_role(&["--json"], "messages::ok_json", "service").output().unwrap();
    assert_status(&output, 0);
    let events = events(&output);
    let pid = of_kind(&events, "start")[0]["pid"].clone();
    let messages = of_kind(&events, "message");
    assert_eq!(messages.len(), 6, "{messages:#?}");

    let mut times: Vec<f64> = events.iter().map(|event| event["time"].as_f64().unwrap()).collect();
    times.dedup();
    assert!(times.is_sorted());
    for message in &messages {
        assert_eq!(message["pid"], pid);
        assert_eq!(message["uid"], rustix::process::getuid().as_raw());
        assert!(message["command"].is_string());
        assert_eq!((&message["standing"], &message["believed"]), (&json!("main"), &json!(true)));
        assert!(message.get("passed_on").is_none());
    }

    assert_eq!(
        messages[0]["assignments"],
        json!([{"key": "READY", "value": "1"}, {"key": "STATUS", "value": "größer\u{1b}[31m"}])
    );
    let ignored: Vec<&Value> =
        messages[1]["assignments"].as_array().unwrap().iter().map(|line| &line["ignored"]).collect();
    assert_eq!(
        ignored,
        [
            &json!("READY has a value other than 1, which a manager ignores"),
            &Value::Null,
            &json!("an earlier line gave the same key"),
            &Value::Null,
            &Value::Null,
            &json!("bare has no '=' and no value"),
        ]
    );
    assert_eq!(messages[1]["assignments"][3]["meaning"], "no manager knows this key");
    assert_eq!(messages[2]["assignments"][1]["key"], "MONOTONIC_USEC");
    assert!(messages[2]["assignments"][1]["meaning"].as_str().unwrap().ends_with(" ago"));

    let fd = &messages[3]["fds"][0];
    assert_eq!(fd["kind"], "socket");
    assert!(fd["description"].as_str().unwrap().starts_with("listening TCP socket 127.0.0.1:"), "{fd}");
    assert_eq!((&messages[4]["fds"], &messages[4]["closed_fds"]), (&json!([]), &json!(2)));

    let dropped = of_kind(&events, "dropped");
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0]["reason"], "it has 5000 bytes, and a manager takes at most 4096");
    assert_eq!(of_kind(&events, "barrier").len(), 1);
}

#[test]
fn ok_text() {
    if is_role("service") {
        return everything();
    }
    let output = trace_role(&[], "messages::ok_text", "service").output().unwrap();
    assert_status(&output, 0);
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in [
        // Nothing that a terminal would act upon.
        "  READY=1  STATUS=größer\\u{1b}[31m\n",
        "  READY=yes [! ignored: READY has a value other than 1, which a manager ignores]  STATUS=a  STATUS=b [! ignored: \
         an earlier line gave the same key]  WHAT=1 (no manager knows this key)  X_ACME=1  bare [! ignored: bare has no \
         '=' and no value]\n",
        "  FDSTORE=1  FDNAME=http  [listening TCP socket 127.0.0.1:",
        "  WATCHDOG=1  [! 2 descriptors closed: no assignment asks to keep them]\n",
        "  [! dropped: it has 5000 bytes, and a manager takes at most 4096]\n",
        "  BARRIER=1  (answered)\n",
        " s  ended with exit status 0\n",
    ] {
        assert!(text.contains(expected), "{expected}\nin:\n{text}");
    }
}

#[test]
fn ok_who_is_believed() {
    const TEST: &str = "messages::ok_who_is_believed";
    if is_role("child") {
        Notifier::from_env().unwrap().ready().unwrap();
        return;
    }
    if is_role("parent") {
        let notifier = Notifier::from_env().unwrap();
        let child = || {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            assert!(child.args([TEST, "--exact"]).env(crate::ROLE, "child").status().unwrap().success());
        };
        child();
        notifier.notify([Assignment::NotifyAccess(readyup::NotifyAccess::All)]).unwrap();
        child();
        return;
    }
    for (access, expected) in [("main", [false, true, true]), ("all", [true, true, true]), ("none", [false; 3])] {
        let output = trace_role(&["--json", "--notify-access", access], TEST, "parent").output().unwrap();
        assert_status(&output, 0);
        let events = events(&output);
        let messages = of_kind(&events, "message");
        let standings: Vec<_> = messages.iter().map(|message| message["standing"].as_str().unwrap()).collect();
        assert_eq!(standings, ["other", "main", "other"]);
        let believed: Vec<_> = messages.iter().map(|message| message["believed"].as_bool().unwrap()).collect();
        assert_eq!(believed, expected, "{access}");
    }
}
