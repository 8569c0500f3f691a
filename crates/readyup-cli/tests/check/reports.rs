//! How it is told.

use crate::{free_port, readyup};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// READY=1 too early, and otherwise well.
fn service(port: &str) -> Vec<String> {
    let script = format!(
        "from service import *
def reload(*_):
  say(f'RELOADING=1\\nMONOTONIC_USEC={{microseconds()}}')
  say('READY=1')
signal.signal(signal.SIGHUP, reload)
say('READY=1\\nSTATUS=Up <&> \\x1b[31m')
time.sleep(0.2)
s = socket.create_server(('127.0.0.1', {port}))
while True:
  say('WATCHDOG=1')
  time.sleep(0.2)"
    );
    ["python3", "-c", &script].map(str::to_owned).to_vec()
}

/// A text with what differs each time replaced: numbers other than `expected`'s own.
fn without_numbers(text: &str) -> String {
    let mut result = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if result.ends_with('#') => {}
            '0'..='9' => result.push('#'),
            other => result.push(other),
        }
    }
    // Times have more or fewer digits, and may be in one unit or the other.
    result.replace("#.# ms", "TIME").replace("#.# s", "TIME").lines().map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn ok_human() {
    let port = free_port();
    let options = ["--port", &port, "--watchdog", "2s", "--for", "500ms", "--reload"];
    let output = readyup(&options).arg("--").args(service(&port)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    // Nothing that a terminal would act upon.
    assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
    let text = without_numbers(&text);
    let pings = "TIME  python#[#]  WATCHDOG=#\n";
    let (first, rest) = text.split_once(pings).unwrap();
    let rest = rest.replace(pings, "");
    let expected_first = "TIME  inactive (dead) → activating (start)
TIME  process # started: python# -c from service import *\\ndef reload(*_):\\n  say(f'RELOADING=#\\nMONOTONIC_USEC={microseconds()}')\\n  say('READY=#')\\nsignal.signal(signal.SIGHUP, reload)\\nsay('READY=#\\nSTATUS=Up <&> \\x#b[#m')\\ntime.sleep(#.#)\\ns = socket.create_server(('#.#.#.#', #))\\nwhile True:\\n  say('WATCHDOG=#')\\n  time.sleep(#.#)
TIME  [! the port accepts no connections, and here comes READY=#]
TIME  python#[#]  READY=#  STATUS=Up <&> \\u{#b}[#m
TIME  activating (start) → active (running)
";
    assert_eq!(first.replace("TIME  the port accepts connections now\n", ""), expected_first);
    let expected_rest = "TIME  it is to reload
TIME  SIGHUP is sent to the main process
TIME  active (running) → reloading (reload-signal)
TIME  python#[#]  RELOADING=#  MONOTONIC_USEC=# (TIME ago)
TIME  reloading (reload-signal) → reloading (reload-notify)
TIME  python#[#]  READY=#
TIME  reloading (reload-notify) → active (running)
TIME  the reload is over: success
TIME  it is to stop
TIME  SIGTERM is sent to the main process
TIME  active (running) → deactivating (stop-sigterm)
TIME  python#[#]  STOPPING=#
TIME  python#[#] ended with exit status #
TIME  deactivating (stop-sigterm) → inactive (dead)

error[ready-before-listen]: #.#.#.#:# accepted no connection when READY=# came; it did TIME later (at TIME)
why: what is ordered after the unit starts at READY=#, connects, and is refused
fix: say READY=# when listen() has succeeded: in the callback of server.listen(), after TcpListener::bind()

measured: ready after TIME, # × WATCHDOG=#, at most TIME apart, reloaded in TIME, stopped in TIME, exit status #
result: # error
";
    assert_eq!(rest.replace("TIME  the port accepts connections now\n", ""), expected_rest);
}

/// The members of each kind of line, which scripts rely on.
#[test]
fn ok_json() {
    let port = free_port();
    let options = ["--json", "--port", &port, "--watchdog", "2s", "--for", "500ms", "--reload"];
    let output = readyup(&options).arg("--").args(service(&port)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for (event, expected) in [
        ("start", "command event pid time"),
        ("message", "assignments believed closed_fds command event fds main pid refused state time"),
        ("state", "active event from time to"),
        ("signal", "event signal time to"),
        ("exit", "command event main others pid status time"),
        ("port", "accepts event time"),
        ("reload", "broken event time"),
        ("reloaded", "event result time"),
        ("stop", "event time"),
        ("finding", "event fix id seen severity time why"),
        ("summary", "errors event largest_gap notes pings ready reloads result stop warnings"),
    ] {
        let line = text.lines().find(|line| line.contains(&format!("\"event\":\"{event}\""))).expect(event);
        let Value::Object(members) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
        let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), expected);
    }
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["errors"], &summary["result"]), (&1.into(), &"success".into()));
    assert!(summary["ready"].as_f64().unwrap() > 0.0 && summary["pings"].as_u64().unwrap() > 1);
}

#[test]
fn ok_junit_and_plot() {
    let directory = tempfile::tempdir().unwrap();
    let (junit, plot) = (directory.path().join("check.xml"), directory.path().join("check.svg"));
    let port = free_port();
    let options = ["--port", &port, "--watchdog", "2s", "--for", "500ms", "--reload"];
    let mut command = readyup(&options);
    command.args(["--junit".as_ref(), junit.as_os_str(), "--plot".as_ref(), plot.as_os_str()]);
    let output = command.arg("--").args(service(&port)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));

    let report = std::fs::read_to_string(&junit).unwrap();
    for expected in [
        "tests=\"55\" skipped=\"4\"",
        "failures=\"1\"",
        "<testcase name=\"says READY=1 in time (never-ready)\" classname=\"readyup.check\"/>",
        "type=\"ready-before-listen\">",
        "fix: say READY=1 when listen() has succeeded",
    ] {
        assert!(report.contains(expected), "{expected}\nin:\n{report}");
    }
    let picture = std::fs::read_to_string(&plot).unwrap();
    for expected in [
        "<title>active (running)</title>",
        "READY=1  STATUS=Up &lt;&amp;&gt; \\u{1b}[31m</text>",
        "WatchdogSec=2.000 s",
        ">ready-before-listen: 127.0.0.1:",
    ] {
        assert!(picture.contains(expected), "{expected}\nin:\n{picture}");
    }
    // A browser would say so if it were not well-formed.
    let parse = "import sys, xml.dom.minidom as m; [m.parse(name) for name in sys.argv[1:]]";
    assert!(
        std::process::Command::new("python3").args(["-c", parse]).args([&junit, &plot]).status().unwrap().success()
    );

    // Known before the service is started.
    let output = readyup(&["--junit", "/there/is/no/such/directory/x.xml", "--", "true"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0));
}

#[test]
fn ok_explain() {
    let output = readyup(&["--explain", "hurried-away"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("hurried-away: a service waits until its messages are read\n\n"), "{text}");
    let output = readyup(&["--explain", "what"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.starts_with("readyup: --explain what: there is no such finding; there are never-ready, "), "{text}");
}

/// Somebody presses Ctrl-C: the service ends as it should, and nobody takes the check for one that was passed.
#[test]
fn err_interrupted() {
    let mut command =
        readyup(&["--for", "1min", "--", "python3", "-c", "from service import *\nsay('READY=1')\nrun()"]);
    // `timeout` passes it on.
    let mut check = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(check.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("active (running)")));
    let pid = rustix::process::Pid::from_child(&check);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(check.wait().unwrap().code(), Some(125), "{rest:#?}");
    for expected in ["interrupted", "STOPPING=1", "ended with exit status 0", "result: interrupted"] {
        assert!(rest.iter().any(|line| line.contains(expected)), "{expected}: {rest:#?}");
    }
}
