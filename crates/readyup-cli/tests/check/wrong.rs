//! Services that are wrong.

use crate::{check, free_port, node, python, readyup_in, shell};
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

const SOON: [&str; 2] = ["--start-timeout", "2s"];
const RELOAD: [&str; 5] = ["--reload", "--start-timeout", "1s", "--for", "100ms"];
const ANYBODY: [&str; 2] = ["--notify-access", "all"];
const WATCHDOG: [&str; 2] = ["--watchdog", "400ms"];

/// Whether there are namespaces of users' own, as most machines have them.
fn can_unshare(which: &str) -> bool {
    let works = Command::new("unshare").args([which, "true"]).status().is_ok_and(|status| status.success());
    let is_needed = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(works || !is_needed, "unshare {which} does not work, and what is found in namespaces must be tested");
    if !works {
        eprintln!("SKIPPED: unshare {which} does not work, so what is found in namespaces is not tested");
    }
    works
}

#[test]
fn err_never_ready() {
    shell(&SOON, "exec sleep 60").assert_error("never-ready");
}

#[test]
fn err_never_ready_although_it_says_something() {
    let outcome = python(&SOON, "say('STATUS=Starting')\nrun()");
    outcome.assert_error("never-ready");
    let seen = outcome.of("finding").next().unwrap()["seen"].as_str().unwrap();
    assert_eq!(seen, "one message came, without READY=1 in 2.000 s");
}

#[test]
fn err_never_ready_in_node() {
    node(&SOON, "require('node:http').createServer(() => {}).listen(0, '127.0.0.1')").assert_error("never-ready");
}

#[test]
fn err_environment_lost() {
    shell(&SOON, "exec env -i sleep 60").assert_error("environment-lost");
}

#[test]
fn err_socket_hidden() {
    if !can_unshare("-Urm") {
        return;
    }
    let script = "exec unshare -Urm sh -c 'mount -t tmpfs none \"$(dirname \"$NOTIFY_SOCKET\")\" && exec sleep 60'";
    shell(&["--start-timeout", "2s"], script).assert_error("socket-hidden");
}

/// A client that takes an abstract address for a path.
#[test]
fn err_never_ready_at_an_abstract_address() {
    let script = "try: notify.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
except OSError: pass
run()";
    let outcome = python(&[&SOON[..], &["--abstract"]].concat(), script);
    outcome.assert_error("never-ready");
    let seen = outcome.of("finding").next().unwrap()["seen"].as_str().unwrap();
    assert!(seen.ends_with("; the socket is an abstract one, which not every library knows"), "{seen}");
}

/// What a container's runtime starts is not the main process, and has another pid where it is.
#[test]
fn err_wrong_sender_in_a_container() {
    if !can_unshare("-Urpf") {
        return;
    }
    let service = "from service import *; assert os.getpid() < 10; say('READY=1'); run()";
    check(&["--start-timeout", "2s"], &["unshare", "-Urpf", "--kill-child", "python3", "-c", service])
        .assert_error("wrong-sender");
}

#[test]
fn err_start_failed() {
    python(&[], "sys.exit(3)").assert_error("start-failed");
}

#[test]
fn err_exited_before_ready() {
    shell(&[], "exit 0").assert_error("exited-before-ready");
}

#[test]
fn err_daemonized() {
    shell(&[], "sleep 60 & exit 0").assert_error("daemonized");
}

#[test]
fn err_wrong_sender() {
    python(&SOON, "child('READY=1', 'time.sleep(60)')\nrun()").assert_error("wrong-sender");
}

#[test]
fn err_wrong_sender_in_node() {
    let script = "const sent = `import os,socket,time
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.sendto(b'READY=1',os.environ['NOTIFY_SOCKET'])
time.sleep(60)`;
require('node:child_process').spawn('python3', ['-c', sent]);";
    node(&["--start-timeout", "2s"], script).assert_error("wrong-sender");
}

/// A wrapper that does not become the program.
#[test]
fn err_wrong_sender_behind_a_shell() {
    let script = "python3 -c 'import os,socket,time
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.sendto(b\"READY=1\",os.environ[\"NOTIFY_SOCKET\"])
time.sleep(60)'; true";
    shell(&["--start-timeout", "2s"], script).assert_error("wrong-sender");
}

#[test]
fn warn_wrong_sender_of_a_text() {
    python(&["--for", "1500ms"], "say('READY=1')\nchild('STATUS=Working', 'time.sleep(60)')\nrun()")
        .assert_warning("wrong-sender");
}

#[test]
fn err_hurried_away() {
    python(&ANYBODY, "child('READY=1').wait()\nrun()").assert_error("hurried-away");
}

#[test]
fn err_hurried_away_in_shell() {
    let script = "trap 'kill $!; exit 0' TERM
python3 -c 'import os,socket
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.sendto(b\"READY=1\",os.environ[\"NOTIFY_SOCKET\"])'
sleep 60 & wait";
    shell(&ANYBODY, script).assert_error("hurried-away");
}

/// The reload signal is not the end.
#[test]
fn warn_hurried_away_during_a_reload() {
    let script = "def reload(*_):
  child('STATUS=Reloading').wait()
  say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')
  say('READY=1')
signal.signal(signal.SIGHUP, reload)
say('READY=1')
run()";
    python(&["--notify-access", "all", "--reload", "--for", "100ms"], script).assert_warning("hurried-away");
}

#[test]
fn err_second_speaker() {
    python(&["--notify-access", "all", "--for", "1500ms"], "say('READY=1')\nchild('READY=1', 'time.sleep(60)')\nrun()")
        .assert_error("second-speaker");
}

#[test]
fn note_socket_inherited() {
    let outcome = python(&["--for", "1500ms"], "say('READY=1')\nsubprocess.Popen(['sleep', '60'])\nrun()");
    outcome.assert_clean();
    assert_eq!(outcome.ids("note"), ["socket-inherited"]);
    // A fork has its parent's environment, too, and knows what it is doing.
    let outcome = python(&["--for", "1s"], "say('READY=1')\nif os.fork() == 0: run()\nrun()");
    outcome.assert_clean();
    assert!(outcome.ids("note").is_empty(), "{:?}", outcome.ids("note"));
}

#[test]
fn err_ready_before_listen() {
    let port = free_port();
    let script = format!("say('READY=1')\ntime.sleep(0.3)\ns = socket.create_server(('127.0.0.1', {port}))\nrun()");
    python(&["--port", &port], &script).assert_error("ready-before-listen");
}

#[test]
fn err_ready_before_listen_in_node() {
    let port = free_port();
    let script = format!(
        "const server = require('node:http').createServer(() => {{}});
require('node:child_process').execFileSync(process.env.READYUP, ['ready']);
server.listen({port}, '127.0.0.1');
process.on('SIGTERM', () => process.exit());"
    );
    node(&["--notify-access", "all", "--port", &port], &script).assert_error("ready-before-listen");
}

#[test]
fn err_socket_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let socket = format!("http={}", directory.path().join("socket").display());
    python(&["--socket", &socket], "say('READY=1')\nrun()").assert_error("socket-ignored");
}

#[test]
fn err_watchdog_never() {
    python(&WATCHDOG, "say('READY=1')\nrun()").assert_error("watchdog-never");
}

#[test]
fn err_watchdog_late() {
    python(&WATCHDOG, "say('READY=1')\nfor _ in range(3):\n  say('WATCHDOG=1')\n  time.sleep(0.1)\nrun()")
        .assert_error("watchdog-late");
}

#[test]
fn warn_watchdog_tight() {
    python(&["--watchdog", "1s"], "say('READY=1')\nwhile True:\n  say('WATCHDOG=1')\n  time.sleep(0.7)")
        .assert_warning("watchdog-tight");
}

#[test]
fn err_watchdog_blind() {
    let port = free_port();
    let script = format!(
        "import http.server
class Handler(http.server.BaseHTTPRequestHandler):
  def do_GET(self): time.sleep(60)
def ping():
  while True:
    say('WATCHDOG=1')
    time.sleep(0.1)
server = http.server.HTTPServer(('127.0.0.1', {port}), Handler)
threading.Thread(target=ping, daemon=True).start()
say('READY=1')
server.serve_forever()"
    );
    let url = format!("http://127.0.0.1:{port}/");
    python(&["--watchdog", "600ms", "--stall-check", &url], &script).assert_error("watchdog-blind");
}

/// Pings that come from another process than the one that works.
#[test]
fn err_watchdog_blind_in_node() {
    let port = free_port();
    let script = format!(
        "const {{ spawn, execFileSync }} = require('node:child_process');
const pings = spawn('sh', ['-c', 'while \"$READYUP\" watchdog; do sleep 0.1; done']);
process.on('SIGTERM', () => {{ pings.kill(); process.exit(); }});
require('node:http').createServer((request, response) => {{
  const end = Date.now() + 6000;
  while (Date.now() < end);
  response.end();
}}).listen({port}, '127.0.0.1', () => execFileSync(process.env.READYUP, ['ready']));"
    );
    let url = format!("http://127.0.0.1:{port}/");
    let options = ["--notify-access", "all", "--watchdog", "2s", "--for", "1s", "--stall-check", &url];
    node(&options, &script).assert_error("watchdog-blind");
}

#[test]
fn warn_stall_answered() {
    let port = free_port();
    let script = format!(
        "s = socket.create_server(('127.0.0.1', {port}))
def answer():
  while True: s.accept()[0].close()
threading.Thread(target=answer, daemon=True).start()
say('READY=1')
while True:
  say('WATCHDOG=1')
  time.sleep(0.2)"
    );
    let url = format!("http://127.0.0.1:{port}/");
    python(&["--watchdog", "2s", "--for", "500ms", "--stall-check", &url], &script).assert_warning("stall-answered");
}

#[test]
fn err_watchdog_triggered() {
    python(&[], "say('READY=1')\nsay('WATCHDOG=trigger')\nrun()").assert_error("watchdog-triggered");
}

#[test]
fn err_reload_kills() {
    let options = [&RELOAD[..], &["--systemd", "257"]].concat();
    python(&options, "say('READY=1')\nrun()").assert_error("reload-kills");
}

#[test]
fn err_reload_signal_unhandled() {
    python(&RELOAD, "say('READY=1')\nrun()").assert_error("reload-signal-unhandled");
}

/// A service that answers SIGHUP with what `handler` says.
fn reloading(options: &[&str], handler: &str) -> crate::Outcome {
    let options = [&RELOAD[..], options].concat();
    let script =
        format!("start = microseconds()\ndef reload(*_):\n  {handler}\nsignal.signal(signal.SIGHUP, reload)\n");
    python(&options, &(script + "say('READY=1')\nrun()"))
}

#[test]
fn err_reload_without_time() {
    reloading(&[], "say('RELOADING=1'); say('READY=1')").assert_error("reload-without-time");
}

#[test]
fn err_reload_without_time_in_shell() {
    let script = "trap 'exit 0' TERM
trap '\"$READYUP\" notify RELOADING=1; \"$READYUP\" ready' HUP
\"$READYUP\" ready
while :; do sleep 0.05; done";
    let options = [&RELOAD[..], &ANYBODY].concat();
    let outcome = shell(&options, script);
    // The command refuses to send it so, as it is known to be of no use.
    outcome.assert_error("reload-ignored");
}

#[test]
fn err_reload_split() {
    reloading(&[], "say('RELOADING=1'); say(f'MONOTONIC_USEC={microseconds()}'); say('READY=1')")
        .assert_error("reload-split");
}

#[test]
fn err_reload_wrong_clock() {
    reloading(&[], "say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds() // 1000}'); say('READY=1')")
        .assert_error("reload-wrong-clock");
}

#[test]
fn warn_reload_wrong_clock() {
    reloading(&[], "say(f'RELOADING=1\\nMONOTONIC_USEC={time.time_ns() // 1000}'); say('READY=1')")
        .assert_warning("reload-wrong-clock");
}

#[test]
fn err_reload_too_early() {
    reloading(&[], "say(f'RELOADING=1\\nMONOTONIC_USEC={start}'); say('READY=1')").assert_error("reload-too-early");
}

#[test]
fn err_reload_ignored() {
    reloading(&[], "pass").assert_error("reload-ignored");
}

#[test]
fn err_reload_unfinished() {
    reloading(&[], "say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')").assert_error("reload-unfinished");
}

/// Up to 258 systemd does not give it up, and the check does.
#[test]
fn err_reload_of_its_own_unfinished() {
    for systemd in ["252", "257", "262"] {
        let script = "say('READY=1')\nsay(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')\nrun()";
        python(&["--start-timeout", "2s", "--systemd", systemd], script).assert_error("reload-unfinished");
    }
}

#[test]
fn err_reload_unfinished_before_259() {
    let outcome = reloading(&["--systemd", "257"], "say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}')");
    outcome.assert_error("reload-unfinished");
    let took = outcome.of("summary").next().unwrap()["reloads"][0].as_f64().unwrap();
    assert!(took >= 1.0, "{took}");
}

#[test]
fn err_reload_failure_unfinished() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken");
    let handler = format!(
        "say(f'RELOADING=1\\nMONOTONIC_USEC={{microseconds()}}'); os.path.exists('{0}') or say('READY=1')",
        broken.display()
    );
    reloading(&["--break-config", &format!("touch {}", broken.display())], &handler)
        .assert_error("reload-failure-unfinished");
}

#[test]
fn err_dropped_too_long() {
    python(&SOON, "say('READY=1\\nSTATUS=' + 'x' * 5000)\nrun()").assert_error("dropped-too-long");
}

#[test]
fn err_dropped_nul() {
    python(&SOON, "say('READY=1\\0STATUS=Up')\nrun()").assert_error("dropped-nul");
}

/// Who is not in the manager's pid namespace, or in one below it, has no pid there.
#[test]
fn err_dropped_no_pid() {
    if !can_unshare("-Urpf") {
        return;
    }
    let wrapper = ["unshare", "-Urpf", "--kill-child", "--mount-proc"];
    let service = ["--json", "--start-timeout", "2s", "--", "sh", "-c", "echo \"$NOTIFY_SOCKET\"; exec sleep 60"];
    let mut check = readyup_in(&wrapper, &service);
    let mut check = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut socket = String::new();
    BufReader::new(check.stderr.take().unwrap()).read_line(&mut socket).unwrap();
    let sent = UnixDatagram::unbound().unwrap().send_to(b"READY=1", socket.trim_end());
    let outcome: crate::Outcome = check.wait_with_output().unwrap().into();
    sent.unwrap();
    outcome.assert_error("dropped-no-pid");
}

/// A manager that may not have more descriptors open is given as many of them as it may have.
#[test]
fn err_dropped_control() {
    let script = "from service import *; say('READY=1\\nFDSTORE=1', [0] * 100); run()";
    let arguments = ["--json", "--start-timeout", "2s", "--fd-store", "200", "--", "python3", "-c", script];
    let output = readyup_in(&["prlimit", "--nofile=64:64"], &arguments).output().unwrap();
    crate::Outcome::from(output).assert_error("dropped-control");
}

#[test]
fn err_barrier_not_alone() {
    python(&SOON, "r, w = os.pipe()\nsay('READY=1\\nBARRIER=1', [w])\nrun()").assert_error("barrier-not-alone");
}

#[test]
fn err_barrier_descriptors() {
    python(&[], "say('READY=1')\nsay('BARRIER=1')\nrun()").assert_error("barrier-descriptors");
}

#[test]
fn err_newline_in_value() {
    python(&[], "say('READY=1\\nSTATUS=Said by a guest:\\nhello')\nrun()").assert_error("newline-in-value");
}

#[test]
fn err_newline_in_value_of_node() {
    let script = "const { execFileSync } = require('node:child_process');
execFileSync('python3', ['-c', `import os,socket,time
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.sendto(os.environ['TEXT'].encode(),os.environ['NOTIFY_SOCKET'])
time.sleep(0.3)`], { env: { ...process.env, TEXT: 'READY=1\\nSTATUS=' + new Error('it went\\nwrong').stack } });
process.on('SIGTERM', () => process.exit());
setInterval(() => {}, 1000);";
    node(&ANYBODY, script).assert_error("newline-in-value");
}

#[test]
fn err_bad_line() {
    python(&[], "say('hello')\nsay('READY=1')\nrun()").assert_error("bad-line");
}

#[test]
fn err_bad_value() {
    python(&SOON, "say('READY=yes')\nrun()").assert_error("bad-value");
}

#[test]
fn warn_status_not_utf8() {
    python(&[], "say(b'READY=1\\nSTATUS=gr\\xfc\\xdfe')\nrun()").assert_warning("status-not-utf8");
}

#[test]
fn warn_unknown_key() {
    python(&[], "say('READY=1\\nSTATE=up\\nX_ACME_STATE=up')\nrun()").assert_warning("unknown-key");
}

#[test]
fn warn_key_twice() {
    python(&[], "say('READY=1\\nSTATUS=a\\nSTATUS=b')\nrun()").assert_warning("key-twice");
}

#[test]
fn warn_newer_key() {
    python(&["--systemd", "252"], "say('READY=1\\nNOTIFYACCESS=main')\nrun()").assert_warning("newer-key");
}

#[test]
fn err_store_full() {
    let outcome = python(&[], "say('FDSTORE=1\\nFDNAME=x', list(os.pipe()))\nsay('READY=1')\nrun()");
    outcome.assert_error("store-full");
    assert_eq!(outcome.of("finding").next().unwrap()["fix"], "FileDescriptorStoreMax=2 or more");
}

#[test]
fn err_store_full_of_one_file_opened_twice() {
    let twice = "say('FDSTORE=1', [os.open('/dev/null', 0), os.open('/dev/null', 0)])\nsay('READY=1')\nrun()";
    python(&["--fd-store", "1"], twice).assert_error("store-full");
}

#[test]
fn warn_store_nothing() {
    python(&["--fd-store", "5"], "say('FDSTORE=1')\nsay('READY=1')\nrun()").assert_warning("store-nothing");
}

#[test]
fn err_store_name() {
    python(&["--fd-store", "5"], "say('FDSTORE=1\\nFDNAME=a:b', [0])\nsay('READY=1')\nrun()")
        .assert_error("store-name");
}

#[test]
fn warn_descriptors_unclaimed() {
    python(&[], "say('READY=1', [0])\nrun()").assert_warning("descriptors-unclaimed");
}

#[test]
fn err_main_pid_refused() {
    python(&[], "say('READY=1\\nMAINPID=1')\nrun()").assert_error("main-pid-refused");
}

/// Its parent lives, so that it is not the manager's child.
#[test]
fn err_main_pid_foreign() {
    let script = "pid = os.fork()
if pid == 0: run()
say(f'READY=1\\nMAINPID={pid}')
time.sleep(0.3)
os._exit(0)";
    python(&[], script).assert_error("main-pid-foreign");
}

#[test]
fn err_after_stopping() {
    python(&SOON, "say('STOPPING=1')\nsay('READY=1')\nrun()").assert_error("after-stopping");
}

#[test]
fn warn_ended_by_itself() {
    python(&["--for", "5s"], "say('READY=1')\nsys.exit()").assert_warning("ended-by-itself");
}

/// A daemon that goes to the background too late. What is left of it speaks when it is killed, and nobody misses that.
#[test]
fn warn_ended_by_itself_with_children() {
    let outcome = python(&["--for", "5s"], "say('READY=1')\nif os.fork(): os._exit(0)\nrun()");
    outcome.assert_warning("ended-by-itself");
    let seen = outcome.of("finding").next().unwrap()["seen"].as_str().unwrap();
    assert!(seen.ends_with(" after READY=1, and left 1 process behind"), "{seen}");
}

#[test]
fn err_crashed() {
    python(&["--for", "5s"], "say('READY=1')\ntime.sleep(0.1)\nos.abort()").assert_error("crashed");
}

#[test]
fn err_crashed_in_node() {
    let script = "require('node:child_process').execFileSync(process.env.READYUP, ['ready']);
setTimeout(() => { throw new Error('no'); }, 100);";
    node(&["--notify-access", "all", "--for", "5s"], script).assert_error("crashed");
}

#[test]
fn err_stop_timeout() {
    let ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay('READY=1')\nrun()";
    python(&["--stop-timeout", "500ms"], ignoring).assert_error("stop-timeout");
}

/// A shell does not run its trap before the program in the foreground has ended.
#[test]
fn err_stop_timeout_in_shell() {
    let script = "trap 'exit 0' TERM; \"$READYUP\" ready; setsid sh -c 'trap \"\" TERM; sleep 60'; true";
    shell(&["--notify-access", "all", "--stop-timeout", "500ms"], script).assert_error("stop-timeout");
}

#[test]
fn err_stop_failed() {
    let outcome = python(&[], "signal.signal(signal.SIGTERM, lambda *_: os._exit(143))\nsay('READY=1')\nrun()");
    outcome.assert_error("stop-failed");
    assert_eq!(outcome.of("finding").next().unwrap()["fix"], "end with exit status 0, or SuccessExitStatus=143");
}

#[test]
fn err_children_left() {
    let script = "if os.fork() == 0:
  signal.signal(signal.SIGTERM, signal.SIG_IGN)
  run()
say('READY=1')
run()";
    python(&["--stop-timeout", "500ms"], script).assert_error("children-left");
}
