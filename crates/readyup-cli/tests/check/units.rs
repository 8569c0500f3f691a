//! Unit files.

use crate::{Outcome, check};

/// A check of a unit file with these lines in [Service]; `@SERVICE@` is the beginning of a command for a Python script.
fn unit(options: &[&str], lines: &str, script: &str) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program.py");
    std::fs::write(&program, format!("from service import *\n{script}")).unwrap();
    let file = directory.path().join("web@blue.service");
    let lines = lines.replace("@SERVICE@", &format!("python3 {}", program.display()));
    std::fs::write(&file, format!("[Unit]\nDescription=x\n[Service]\n{lines}\n")).unwrap();
    let mut command = crate::readyup(&["--json", "--unit", file.to_str().unwrap()]);
    let output = command.args(options).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    Outcome { lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output }
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
