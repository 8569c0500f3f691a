//! Unit files.

use crate::{Outcome, check};

/// `ExecReload=` that ends a while after its signal.
const RELOADING_BEFORE_IT_ENDS: &str = "ExecReload=sh -c 'kill -HUP $MAINPID; sleep 0.5'";

/// A check of a unit file with these lines in [Service]; `@SERVICE@` is the beginning of a command for a Python script.
fn unit(options: &[&str], lines: &str, script: &str) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program.py");
    std::fs::write(&program, format!("from service import *\n{script}")).unwrap();
    let file = directory.path().join("web@blue.service");
    let lines = lines.replace("@SERVICE@", &format!("python3 {}", program.display()));
    std::fs::write(&file, format!("[Unit]\nDescription=x\n[Service]\n{lines}\n")).unwrap();
    let mut command = crate::readyup(&["--json", "--unit", file.to_str().unwrap()]);
    command.args(options).output().unwrap().into()
}

#[test]
fn ok_unit() {
    let script = "assert sys.argv[1:] == ['--name', 'blue sky', 'a', 'b'], sys.argv
assert os.environ['COLOUR'] == 'dark blue' and 'HOME' not in os.environ
assert (os.environ['WATCHDOG_USEC'], os.environ['FDSTORE']) == ('2000000', '3')
assert os.getcwd() == '/usr'
def reload(*_):
  say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')
  say('READY=1')
signal.signal(signal.SIGUSR1, reload)
signal.signal(signal.SIGINT, stop)
say('READY=1\\nWATCHDOG=1')
run()";
    let lines = "Type=notify-reload
ExecStart=@SERVICE@ --name \"%i sky\" \\
  $LIST
Environment=\"COLOUR=dark blue\" LIST='a b'
UnsetEnvironment=HOME
WatchdogSec=2
TimeoutStartSec=1min
FileDescriptorStoreMax=3
ReloadSignal=SIGUSR1
KillSignal=SIGINT
WorkingDirectory=/usr
Restart=always";
    let outcome = unit(&["--reload", "--for", "200ms"], lines, script);
    outcome.assert_clean();
    assert!(outcome.output.stderr.is_empty(), "{}", String::from_utf8_lossy(&outcome.output.stderr));
}

#[test]
fn ok_exec_reload() {
    let script = "signal.signal(signal.SIGHUP, lambda *_: say('STATUS=Read'))\nsay('READY=1')\nrun()";
    let lines = "Type=notify\nExecStart=@SERVICE@\nExecReload=/bin/kill -HUP $MAINPID";
    let outcome = unit(&["--reload", "--for", "100ms"], lines, script);
    outcome.assert_clean();
    assert!(outcome.of("message").any(|line| line["assignments"][0]["value"] == "Read"));
}

#[test]
fn err_exec_reload() {
    let lines = "Type=notify\nExecStart=@SERVICE@\nExecReload=/bin/false";
    unit(&["--reload", "--for", "100ms"], lines, "say('READY=1')\nrun()").assert_error("reload-failed");
}

/// A service that takes its time, and a command that has ended by then. The rules of systemd 259 would have it over.
#[test]
fn ok_exec_reload_that_is_outlasted() {
    let script = "def finish():
  time.sleep(1.5)
  say('READY=1')
def reload(*_):
  say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')
  threading.Thread(target=finish).start()
signal.signal(signal.SIGHUP, reload)
say('READY=1')
run()";
    // The command ends once the service has begun.
    let lines = format!("Type=notify\nExecStart=@SERVICE@\n{RELOADING_BEFORE_IT_ENDS}");
    for systemd in ["257", "262"] {
        let options = ["--reload", "--for", "100ms", "--start-timeout", "10s", "--systemd", systemd];
        let outcome = unit(&options, &lines, script);
        outcome.assert_clean();
        assert_eq!(outcome.of("message").filter(|line| line["assignments"][0]["key"] == "READY").count(), 2);
    }
}

#[test]
fn err_exec_reload_that_is_unfinished() {
    let script = "def reload(*_): say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')
signal.signal(signal.SIGHUP, reload)
say('READY=1')
run()";
    let lines = format!("Type=notify\nExecStart=@SERVICE@\n{RELOADING_BEFORE_IT_ENDS}");
    for systemd in ["257", "262"] {
        let options = ["--reload", "--for", "100ms", "--start-timeout", "2s", "--systemd", systemd];
        unit(&options, &lines, script).assert_error("reload-unfinished");
    }
}

/// Each line after the one before, all of them around the service, and each told what it is to know.
#[test]
fn ok_commands() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("place");
    let log = place.join("log");
    let script = format!("open({log:?}, 'a').write('main\\n')\nsay('READY=1')\nrun()");
    let record = |what: &str| format!("sh -c 'echo {what} >>{}'", log.display());
    let lines = format!(
        "Type=notify
ExecStart=@SERVICE@
ExecStartPre=mkdir {0} ; {1}
ExecStartPre=-false
ExecStartPre=-/there/is/no/such/program
ExecStartPre={2}
ExecStartPost={3}
ExecStartPost={4}
ExecReload={5} ; {6}
ExecStop={7}
ExecStop={8}
ExecStopPost={9}",
        place.display(),
        record("pre one"),
        record("pre two ${MAINPID:-none} ${NOTIFY_SOCKET:-none}"),
        record("post"),
        record("post ${MAINPID:+pid}"),
        record("reload ${MAINPID:+pid}"),
        record("reload again"),
        record("stop $SERVICE_RESULT"),
        "kill -TERM $MAINPID",
        record("stop-post $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS"),
    )
    // These are for the shell, not for the unit file.
    .replace("${", "$${")
    .replace("$$S", "$S");
    let outcome = unit(&["--reload", "--for", "100ms"], &lines, &script);
    outcome.assert_clean();
    assert_eq!(outcome.output.stderr, b"");
    let expected = "pre one\npre two none none\nmain\npost\npost pid\nreload pid\nreload again\nstop success\n\
                    stop-post success exited 0\n";
    assert_eq!(std::fs::read_to_string(&log).unwrap(), expected);
}

#[test]
fn err_commands() {
    let fails = |lines: &str, seen: &str| {
        let lines = format!("Type=notify\nTimeoutStartSec=3\nExecStart=@SERVICE@\n{lines}");
        let outcome = unit(&["--for", "100ms"], &lines, "say('READY=1')\nrun()");
        outcome.assert_error("command-failed");
        assert_eq!(outcome.of("finding").next().unwrap()["seen"], seen);
        outcome
    };
    // The one that fails is the last.
    let outcome =
        fails("ExecStartPre=true\nExecStartPre=false\nExecStartPre=true", "ExecStartPre= ended with exit status 1");
    assert_eq!((outcome.of("command").count(), outcome.of("start").count()), (2, 0));
    fails("ExecStartPre=sleep 60", "ExecStartPre= took too long, and was ended by SIGTERM");
    fails("ExecStartPost=sh -c 'kill -KILL $$$$'", "ExecStartPost= was ended by SIGKILL");
    fails("ExecStop=sh -c 'exit 7'", "ExecStop= ended with exit status 7");
    fails("ExecStopPost=false", "ExecStopPost= ended with exit status 1");
    let lines = "Type=notify\nExecStart=@SERVICE@\nExecReload=true\nExecReload=false\nExecReload=true";
    unit(&["--reload", "--for", "100ms"], lines, "say('READY=1')\nrun()").assert_error("reload-failed");
}

/// A command that notifies counts where it is one of those who are believed.
#[test]
fn ok_command_that_speaks() {
    let lines = "Type=notify\nNotifyAccess=exec\nExecStart=@SERVICE@\nExecStartPost=sh -c '\"$READYUP\" status Warm'";
    let outcome = unit(&["--for", "100ms"], lines, "say('READY=1')\nrun()");
    outcome.assert_clean();
    let warm = outcome.of("message").find(|line| line["assignments"][0]["value"] == "Warm").unwrap();
    assert_eq!((&warm["believed"], &warm["state"]), (&true.into(), &"start-post".into()));
}

#[test]
fn err_command_that_is_none() {
    let service = "Type=notify\nExecStart=@SERVICE@\n";
    unit(&[], &format!("{service}ExecStartPre=/there/is/no/such/program"), "say('READY=1')\nrun()").assert(
        127,
        &[],
        &[],
    );
    unit(&[], &format!("{service}ExecStartPre=$NOTHING"), "say('READY=1')\nrun()").assert(127, &[], &[]);
}

#[test]
fn ok_exit_status() {
    let lines = "Type=notify\nExecStart=@SERVICE@\nSuccessExitStatus=143";
    unit(&[], lines, "signal.signal(signal.SIGTERM, lambda *_: os._exit(143))\nsay('READY=1')\nrun()").assert_clean();
}

/// Nothing of it has to do with messages.
#[test]
fn ok_simple_service() {
    unit(&[], "ExecStart=sleep 60", "").assert_clean();
    unit(&[], "Type=exec\nExecStart=sleep 60", "").assert_clean();
}

#[test]
fn ok_nobody_is_believed() {
    let is_told = "env | grep -q ^NOTIFY_SOCKET= && exec sleep 60";
    unit(&[], &format!("Type=exec\nExecStart=sh -c '! {is_told}'"), "").assert_clean();
    unit(&[], &format!("Type=exec\nNotifyAccess=main\nExecStart=sh -c '{is_told}'"), "").assert_clean();
}

#[test]
fn ok_remarks() {
    let lines = "Type=notify\nUser=nobody\nWatchdogSec=soon\nExecStart=@SERVICE@";
    let outcome = unit(&[], lines, "say('READY=1')\nrun()");
    outcome.assert_clean();
    let stderr = String::from_utf8_lossy(&outcome.output.stderr).into_owned();
    for expected in ["line 5: User= is not taken into account\n", "line 6: WatchdogSec=: \"soon\" cannot be read\n"] {
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn err_unit() {
    unit(&[], "Type=notify", "").assert(2, &[], &[]);
    unit(&["--reload"], "Type=notify\nExecStart=sleep 60", "").assert(2, &[], &[]);
    check(&["--unit", "/there/is/no/such.service"], &["true"]).assert(125, &[], &[]);
}

/// What the manager would leave running, the check does not.
#[test]
fn ok_nothing_left() {
    let script = "for _ in range(2):
  if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(2, b'%d\\n' % os.getpid())
    run()
time.sleep(0.2)
say('READY=1')
run()";
    let outcome = unit(&[], "Type=notify\nExecStart=@SERVICE@\nKillMode=process", script);
    outcome.assert_clean();
    let pids = String::from_utf8_lossy(&outcome.output.stderr).into_owned();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    for pid in pids.lines() {
        assert!(!std::path::Path::new("/proc").join(pid).exists(), "{pid}");
    }
}
