//! Services written for the npm packages that ours stand in for, on the machine's Node, and on the oldest and the newest
//! one that is promised.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Options, is};

use crate::built;
use crate::required;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(40);

/// Those in `conformance/node/applications`.
const APPLICATIONS: [&str; 4] = ["sd-notify", "systemd-daemon", "sdnotify-wrapper", "sd_notify_promise"];

/// Loaded before an application: its server listens only once the file that `GATE` names is there.
pub(crate) const GATE: &str = "const { existsSync } = require('node:fs');
const { Server } = require('node:net');
const { listen } = Server.prototype;
Server.prototype.listen = function (...where) {
  const timer = setInterval(() => {
    if (!existsSync(process.env.GATE)) return;
    clearInterval(timer);
    listen.apply(this, where);
  }, 20);
  return this;
};
";

/// A Node, and where a lab sees it.
#[derive(Clone, Copy)]
struct Node {
    name: &'static str,
    program: &'static str,
    /// As `runtimes/fetch` leaves it, if it is not the machine's own.
    fetched: Option<&'static str>,
}

const NODES: [Node; 3] = [
    Node { name: "node", program: "node", fetched: None },
    Node { name: "node18", program: "/opt/node18/node", fetched: Some("node18") },
    Node { name: "node26", program: "/opt/node26/node", fetched: Some("node26") },
];

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    let trial = |node: Node| {
        site.trial_aside(&format!("applications_on_{}", node.name), move |site| {
            built::require_node();
            if let Some(missing) = node.missing() {
                let why = format!("{} is missing: run `runtimes/fetch`", missing.display());
                assert!(!required(), "{why}");
                return Completion::ignored_with(why);
            }
            let lab = site.lab();
            // They spend their time waiting.
            thread::scope(|scope| {
                let lives = APPLICATIONS.map(|application| scope.spawn(move || lives(lab, application, node)));
                for life in lives {
                    life.join().unwrap_or_else(|panic| resume_unwind(panic));
                }
            });
            Completion::Completed
        })
    };
    NODES.into_iter().map(trial).collect()
}

impl Node {
    fn path(&self) -> Option<PathBuf> {
        let runtimes = built::workspace().join("target/runtimes/npm/node_modules");
        self.fetched.map(|name| runtimes.join(name).join("bin/node"))
    }

    fn missing(&self) -> Option<PathBuf> {
        self.path().filter(|path| !path.exists())
    }
}

/// Shows a lab those that were fetched, and a library that the newest one needs and that small roots lack.
pub(crate) fn show(mut options: Options) -> Options {
    for node in NODES.iter().filter(|node| node.missing().is_none()) {
        if let Some(path) = node.path() {
            options = options.bind_at(path, node.program);
        }
    }
    let library = PathBuf::from("/usr/lib/x86_64-linux-gnu/libatomic.so.1");
    if library.exists() { options.bind_at(library, "/opt/lib/libatomic.so.1") } else { options }
}

/// Its whole life, as systemd sees it.
fn lives(lab: &Lab, application: &str, node: Node) {
    for built in [built::PACKAGE, built::SD_NOTIFY, built::SYSTEMD_DAEMON, built::SDNOTIFY_WRAPPER] {
        built.require();
    }
    let name = format!("{}-{application}", node.name);
    let unit = format!("{name}.service");
    let gate = format!("/run/{name}.gate");
    lab.write_file("/opt/lab/gate.cjs", GATE);
    lab.install_unit(
        &unit,
        &format!(
            "[Service]\nType=notify\nExecStart={} /srv/applications/{application}.cjs\nWatchdogSec=1\nTimeoutStartSec=60\n\
             Environment=GATE={gate} LD_LIBRARY_PATH=/opt/lib NODE_OPTIONS=--require=/opt/lab/gate.cjs\n",
            node.program
        ),
    );

    // Not before it is ready, though it is there and sends heartbeats if it likes.
    let start = lab.spawn(["systemctl", "start", &unit]);
    lab.wait_for(&unit, "SubState", is("start"), BOUND);
    let [state, job] = lab.show_all(&unit, ["ActiveState", "Job"]);
    assert!(state == "activating" && job != "0", "{state} {job}");
    lab.write_file(&gate, "");
    start.wait(BOUND).ok();
    assert_eq!(lab.show(&unit, "ActiveState"), "active");

    let status = lab.wait_for(&unit, "StatusText", |text| text.starts_with("Listening on "), BOUND);
    let shown = lab.run(["systemctl", "status", "--no-pager", &unit]).ok();
    assert!(shown.contains(&format!("Status: \"{status}\"\n")), "{shown}");
    let port = status.strip_prefix("Listening on ").unwrap().trim();
    assert_eq!(lab.run(["lab-probe", "get", port, "/"]).ok(), "hello\n");

    // It lives longer than the watchdog would let it.
    let pid = lab.show(&unit, "MainPID");
    let ready: u64 = lab.show(&unit, "ActiveEnterTimestampMonotonic").parse().unwrap();
    let outlived = |time: &str| time.parse().is_ok_and(|time: u64| time > ready + 2_000_000);
    lab.wait_for(&unit, "WatchdogTimestampMonotonic", outlived, BOUND);
    assert_eq!(lab.show_all(&unit, ["MainPID", "NRestarts"]), [pid.as_str(), "0"]);

    if application == "sd-notify" {
        logs(lab, &pid, port);
    }

    lab.run(["systemctl", "stop", &unit]).ok();
    assert_eq!(lab.show_all(&unit, ["ActiveState", "Result", "NRestarts"]), ["inactive", "success", "0"]);
    let journal = lab.wait_for_journal(&unit, "Main process exited, code=exited, status=0/SUCCESS", BOUND);
    assert!(journal.contains("STOPPING=1"), "{journal}");
}

/// What it says through the package, and not through its standard output, is one entry.
fn logs(lab: &Lab, pid: &str, port: &str) {
    lab.run(["journalctl", "--sync"]).ok();
    // What systemd itself says of this process has another identifier.
    let of = ["_TRANSPORT=journal".to_owned(), "SYSLOG_IDENTIFIER=node".to_owned(), format!("_PID={pid}")];
    let journalctl = ["journalctl", "--quiet", "--no-pager", "--output=json"];
    let entry = lab.run(journalctl.into_iter().chain(of.iter().map(String::as_str))).ok();
    assert_eq!(entry.lines().count(), 1, "{entry}");
    let entry = entry.replace("\" : ", "\":");
    for field in [format!("\"MESSAGE\":\"listening on {port}\""), "\"PRIORITY\":\"6\"".to_owned()] {
        assert!(entry.contains(&field), "{field} is not in {entry}");
    }
}
