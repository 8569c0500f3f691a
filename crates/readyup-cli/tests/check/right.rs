//! Services that are as they should be.

use crate::{Outcome, check, free_port, node, python, readyup_in, shell};
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

const EVERYTHING: &str = "def reload(*_):
  say(f'RELOADING=1\\nMONOTONIC_USEC={microseconds()}\\nSTATUS=Reading')
  say('READY=1\\nSTATUS=Read')
signal.signal(signal.SIGHUP, reload)
say('READY=1\\nSTATUS=Serving')
while True:
  say('WATCHDOG=1')
  time.sleep(0.4)";

#[test]
fn ok_python() {
    let outcome = python(&["--watchdog", "1s", "--reload", "--break-config", "true"], EVERYTHING);
    outcome.assert_clean();
    assert!(outcome.ids("note").is_empty(), "{:?}", outcome.ids("note"));
    let summary = outcome.of("summary").next().unwrap();
    assert_eq!((&summary["result"], summary["reloads"].as_array().unwrap().len()), (&"success".into(), 2));
}

#[test]
fn ok_with_the_rules_of_older_systemds() {
    python(&["--reload", "--for", "100ms", "--systemd", "257"], EVERYTHING).assert_clean();
    python(&["--watchdog", "1s", "--for", "500ms", "--systemd", "252"], EVERYTHING).assert_clean();
}

#[test]
fn ok_abstract_address() {
    python(&["--abstract"], "assert address[0] == '\\0'\nsay('READY=1')\nrun()").assert_clean();
}

#[test]
fn ok_shell() {
    let script = "trap '\"$READYUP\" stopping; exit 0' TERM
\"$READYUP\" ready --status=Serving
while \"$READYUP\" watchdog; do sleep 0.2; done";
    shell(&["--notify-access", "all", "--watchdog", "2s"], script).assert_clean();
}

/// The last line of a script becomes the service.
#[test]
fn ok_shell_that_becomes_the_program() {
    shell(&[], "exec \"$READYUP\" ready --exec \\; sleep 60").assert_clean();
}

#[test]
fn ok_node() {
    let port = free_port();
    let script = format!(
        "const {{ execFileSync }} = require('node:child_process');
const server = require('node:http').createServer((request, response) => response.end());
server.listen({port}, '127.0.0.1', () => execFileSync(process.env.READYUP, ['ready']));
process.on('SIGTERM', () => {{ execFileSync(process.env.READYUP, ['stopping']); server.close(); }});"
    );
    node(&["--notify-access", "all", "--port", &port], &script).assert_clean();
}

#[test]
fn ok_pings_that_stop_when_it_hangs() {
    let port = free_port();
    let script = format!(
        "s = socket.create_server(('127.0.0.1', {port}))
s.settimeout(0.2)
say('READY=1')
while True:
  try:
    connection = s.accept()
    time.sleep(60)
  except TimeoutError:
    say('WATCHDOG=1')"
    );
    let url = format!("http://127.0.0.1:{port}/");
    python(&["--watchdog", "800ms", "--stall-check", &url], &script).assert_clean();
}

#[test]
fn ok_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let path = format!("admin={}", directory.path().join("socket").display());
    let port = format!("http={}", free_port());
    let script = "assert os.environ['LISTEN_PID'] == str(os.getpid()), os.environ
assert (os.environ['LISTEN_FDS'], os.environ['LISTEN_FDNAMES']) == ('2', 'http:admin')
def serve(fd):
  s = socket.socket(fileno=fd)
  while True: s.accept()
for fd in 3, 4: threading.Thread(target=serve, args=[fd], daemon=True).start()
say('READY=1')
run()";
    python(&["--socket", &port, "--socket", &path], script).assert_clean();
    assert!(!directory.path().join("socket").exists());
}

#[test]
fn ok_a_descriptor_that_is_stored_twice() {
    let twice = "fd = os.open('/dev/null', 0)\nsay('FDSTORE=1', [fd, os.dup(fd)])\nsay('READY=1')\nrun()";
    python(&["--fd-store", "2"], twice).assert_clean();
}

#[test]
fn ok_stored_descriptors() {
    python(&["--fd-store", "2"], "say('FDSTORE=1\\nFDNAME=x', list(os.pipe()))\nsay('READY=1')\nrun()").assert_clean();
}

#[test]
fn ok_environment() {
    let script = "assert os.environ['COLOUR'] == 'blue'
assert (os.environ['WATCHDOG_USEC'], os.environ['WATCHDOG_PID']) == ('5000000', str(os.getpid()))
assert os.getsid(0) == os.getpid()
say('READY=1\\nWATCHDOG=1')
run()";
    python(&["--env", "COLOUR=blue", "--watchdog", "5s", "--for", "100ms"], script).assert_clean();
}

/// SIGPIPE is ignored, and standard input is empty.
#[test]
fn ok_start() {
    let script = "case $(grep SigIgn /proc/$$/status) in *1000) ;; *) exit 3 ;; esac
[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] || exit 4
exec \"$READYUP\" ready --exec \\; sleep 60";
    shell(&[], script).assert_clean();
}

/// A child that ends right after it spoke, but not before that was read.
#[test]
fn ok_child_that_waits() {
    let barrier = "r, w = os.pipe()
s.connect(os.environ['NOTIFY_SOCKET'])
socket.send_fds(s, [b'BARRIER=1'], [w])
os.close(w)
os.read(r, 1)";
    let script = format!("child('READY=1', {barrier:?})\nrun()");
    python(&["--notify-access", "all"], &script).assert_clean();
}

/// Somebody who talks without end does not keep the manager from its other duties.
#[test]
fn ok_flood() {
    let script = "def flood():
  while True: say('STATUS=x')
threading.Thread(target=flood, daemon=True).start()
time.sleep(0.1)
say('READY=1')
run()";
    python(&["--stop-timeout", "10s"], script).assert_clean();
}

/// A child that speaks all the time ends with the service.
#[test]
fn ok_child_that_stays() {
    let script = "say('READY=1')\nchild('STATUS=', 'while True:\\n s.sendto(b\"STATUS=x\", os.environ[\"NOTIFY_SOCKET\"])\\n time.sleep(0.02)')\nrun()";
    python(&["--notify-access", "all", "--for", "1s"], script).assert_clean();
}

#[test]
fn ok_another_main_process() {
    let script = "r, w = os.pipe()
if os.fork() == 0:
  pid = os.fork()
  if pid == 0: run()
  os.write(w, str(pid).encode())
  os._exit(0)
os.wait()
say('READY=1\\nMAINPID=' + os.read(r, 20).decode())
os._exit(0)";
    python(&[], script).assert_clean();
}

#[test]
fn ok_more_time() {
    let script = "for _ in range(4):
  say('EXTEND_TIMEOUT_USEC=2000000')
  time.sleep(0.7)
say('READY=1')
run()";
    python(&["--start-timeout", "2s"], script).assert_clean();
}

/// As many daemons do that root starts.
#[test]
fn ok_another_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become another user");
        return;
    }
    let outcome = python(
        &["--start-timeout", "5s"],
        "os.setgid(65534)\nos.setuid(65534)\nsay('READY=1\\nSTATUS=' + address)\nrun()",
    );
    outcome.assert_clean();
    let message = outcome.of("message").next().unwrap();
    let socket = message["assignments"][1]["value"].as_str().unwrap();
    assert!(!std::path::Path::new(socket).parent().unwrap().exists(), "{socket}");
}

/// Whoever else finds the socket says nothing for the service.
#[test]
fn err_stranger() {
    let service = ["--json", "--notify-access", "all", "--", "sh", "-c", "echo \"$NOTIFY_SOCKET\"; exec sleep 60"];
    let mut check = readyup_in(&[], &[&["--start-timeout", "1s"], &service[..]].concat());
    let mut check = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut socket = String::new();
    BufReader::new(check.stderr.take().unwrap()).read_line(&mut socket).unwrap();
    let sent = UnixDatagram::unbound().unwrap().send_to(b"READY=1", socket.trim_end());
    let outcome: Outcome = check.wait_with_output().unwrap().into();
    sent.unwrap();
    outcome.assert_error("never-ready");
    assert_eq!(outcome.of("stranger").next().unwrap()["pid"], std::process::id());
}

/// A service whose first thread has ended, to the kernel a zombie, and that goes on in another one.
fn without_first_thread(options: &[&str], end: &str) -> Outcome {
    let script = format!(
        "import pathlib
def work():
  stat = pathlib.Path('/proc/self/stat')
  while stat.read_text().rsplit(') ', 1)[1][0] != 'Z': time.sleep(0.01)
  say('READY=1\\nSTATUS=Up')
  {end}
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.Thread(target=work).start()
ctypes.CDLL(None).pthread_exit(None)"
    );
    python(options, &script)
}

#[test]
fn ok_first_thread_that_ends() {
    without_first_thread(&["--start-timeout", "5s"], "signal.sigwait([signal.SIGTERM]); os._exit(0)").assert_clean();
}

#[test]
fn err_first_thread_that_ends() {
    let outcome = without_first_thread(&["--start-timeout", "5s", "--stop-timeout", "300ms"], "run()");
    outcome.assert_error("stop-timeout");
    let pid = outcome.of("start").next().unwrap()["pid"].to_string();
    assert!(!std::path::Path::new("/proc").join(pid).exists());
}

#[test]
fn err_not_run() {
    let outcome = check(&[], &["/there/is/no/such/program"]);
    outcome.assert(127, &[], &[]);
    let outcome = check(&[], &["/etc/passwd"]);
    outcome.assert(126, &[], &[]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    check(&["--port", &port], &["true"]).assert(125, &[], &[]);
    check(&["--port", "x"], &["true"]).assert(2, &[], &[]);
    check(&["--stall-check", "http://localhost/"], &["true"]).assert(2, &[], &[]);
}
