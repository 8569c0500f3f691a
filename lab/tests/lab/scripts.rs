//! The scripts in `examples/scripts`, with the units that they are shipped with.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Root};

use crate::built;
use crate::site::Site;
use crate::unit::Unit;

const BOUND: Duration = Duration::from_secs(40);

/// The server of the scripts. It is well as long as the file is there that it makes when it starts, and it takes its time
/// to stop as long as there is another one.
const SERVER: &str = r#"#!/bin/sh
touch "$STATE/healthy"
trap 'while [ -e "$STATE/hold" ]; do sleep 0.02; done; exit 0' TERM
while :; do
    sleep 0.1 &
    wait "$!"
done
"#;

/// A server that says that it is ready.
const READY_SERVER: &str = "#!/bin/sh\nexec readyup notify --exec --ready \\; -- sleep infinity\n";

/// Asks that server how it is.
const CURL: &str = "#!/bin/sh\n[ -e \"$STATE/healthy\" ]\n";

/// Runs a script as a child, and tells it when it is to stop.
const WRAPPER: &str = r#"#!/bin/sh
"$@" &
trap 'kill "$!"' TERM
wait "$!"
wait "$!"
"#;

/// The script is the main process: under `User=`, its children may speak if the unit says so.
const UNPRIVILEGED: &str = "";
/// The script is the main process, and root: its children speak in its name.
const ROOT: &str = "User=\nNotifyAccess=main\n";

/// A script that is a service all by itself.
#[derive(Clone, Copy)]
struct Script {
    file: &'static str,
    unit: &'static str,
    needs: &'static [&'static str],
}

const SH: Script = Script { file: "notify.sh", unit: "notify-sh.service", needs: &[] };
const PY: Script = Script { file: "notify.py", unit: "notify-py.service", needs: &["python3"] };
const MJS: Script = Script { file: "notify.mjs", unit: "notify-mjs.service", needs: &["node"] };

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    let mut trials = vec![
        site.trial("script_keeps_its_server_alive", script_keeps_its_server_alive),
        site.trial("script_stops_its_server", script_stops_its_server),
        site.trial("script_without_access_is_told", script_without_access_is_told),
        // What tells who is the main process.
        site.trial_since(248, "script_within_a_script_is_told", script_within_a_script_is_told),
        site.trial("script_that_becomes_its_server_needs_no_access", script_that_becomes_its_server),
        site.trial("start_script_returns_when_ready", start_script_returns_when_ready),
        site.trial_since(253, "script_mjs_reload_is_waited_for", reload_is_waited_for),
    ];
    for script in [SH, PY, MJS] {
        let kind = script.file.replace('.', "_");
        for (name, settings) in [("unprivileged", UNPRIVILEGED), ("as_root", ROOT)] {
            trials.push(site.trial_aside(&format!("script_{kind}_{name}"), move |site| {
                on(site, script, |lab| lives(lab, script, name, settings))
            }));
        }
        trials.push(site.trial_aside(&format!("script_{kind}_as_a_child"), move |site| {
            on(site, script, |lab| works_as_a_child(lab, script))
        }));
    }
    trials
}

/// Runs a trial where there is what the script needs. The host is to have it all; Python is more than one file, so the
/// other roots have it or not.
fn on(site: &Site, script: Script, trial: impl FnOnce(&Lab)) -> Completion {
    let lab = site.lab();
    for program in script.needs {
        if !lab.run(["sh", "-c", "command -v \"$1\"", "sh", program]).status.success() {
            assert!(*program != "node" && *site.root() != Root::host(), "{program} is missing: install it");
            return Completion::ignored_with(format!("there is no {program} in this root"));
        }
    }
    trial(lab);
    Completion::Completed
}

/// Installs a unit as it is shipped, with `settings` added to its `[Service]`.
#[track_caller]
fn shipped<'lab>(lab: &'lab Lab, file: &str, name: &str, settings: &str) -> Unit<'lab> {
    let text = fs::read_to_string(built::workspace().join("examples/scripts").join(file)).unwrap();
    let state = state(name);
    lab.run(["mkdir", "--parents", "--mode=777", &state]).ok();
    lab.write_program(&format!("{state}/my-server"), SERVER);
    lab.write_program(&format!("{state}/curl"), CURL);
    // A network to itself, because each of them wants port 8080.
    let text = format!("{text}\n[Service]\nPrivateNetwork=yes\nEnvironment=STATE={state}\n{settings}");
    Unit::install_with_path(lab, &format!("script-{name}"), &text, &format!("/opt/static:{state}"))
}

/// Where the server of a unit keeps its files.
fn state(name: &str) -> String {
    format!("/run/scripts/{name}")
}

/// From its start to its end, with the script for a main process.
fn lives(lab: &Lab, script: Script, name: &str, settings: &str) {
    let unit = shipped(lab, script.unit, &script.file.replace('.', &format!("-{name}-")), settings);
    unit.start();
    assert_eq!(unit.show(["ActiveState", "StatusText"]), ["active", "Serving on :8080"]);
    let [pid] = unit.show(["MainPID"]);
    if script.file != SH.file {
        // `Type=notify`: whether `systemctl reload` waits is chance, and yet it will be over.
        unit.systemctl("reload");
        unit.wait_for("StatusText", "Reloaded");
        unit.wait_for("ActiveState", "active");
        assert_eq!(unit.show(["MainPID"]), [pid.as_str()]);
        let journal = unit.wait_for_journal("RELOADING=1");
        assert!(journal.contains("MONOTONIC_USEC="), "{journal}");
    }
    // By its own: so it is STOPPING=1 that tells systemd, and not its wish.
    lab.run(["kill", "-TERM", &pid]).ok();
    unit.wait_for("ActiveState", "inactive");
    assert_eq!(unit.show(["Result"]), ["success"]);
    let journal = unit.wait_for_journal("Main process exited, code=exited, status=0/SUCCESS");
    let order = ["STOPPING=1", "Changed running -> stop-sigterm", "Main process exited"];
    let places = order.map(|text| journal.find(text));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}\n{journal}");
    assert!(!journal.contains("readyup: "), "{journal}");
}

/// Somebody else is the main process, which only `NotifyAccess=all` makes no matter.
fn works_as_a_child(lab: &Lab, script: Script) {
    let text = fs::read_to_string(built::workspace().join("examples/scripts").join(script.unit)).unwrap();
    let start = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let settings = format!("KillMode=mixed\nExecStart=\nExecStart=/opt/lab/wrapper {start}\n");
    lab.write_program("/opt/lab/wrapper", WRAPPER);
    let unit = shipped(lab, script.unit, &script.file.replace('.', "-child-"), &settings);
    unit.start();
    assert_eq!(unit.show(["ActiveState", "StatusText"]), ["active", "Serving on :8080"]);
    unit.systemctl("stop");
    assert_eq!(unit.show(["ActiveState", "Result"]), ["inactive", "success"]);
    unit.wait_for_journal("STOPPING=1");
}

fn reload_is_waited_for(lab: &Lab) {
    built::require_node();
    for (name, settings) in [("unprivileged", UNPRIVILEGED), ("root", ROOT)] {
        let settings = format!("Type=notify-reload\nExecReload=\n{settings}");
        let unit = shipped(lab, MJS.unit, &format!("reloaded-{name}"), &settings);
        unit.start();
        unit.systemctl("reload");
        assert_eq!(unit.show(["ActiveState", "StatusText"]), ["active", "Reloaded"]);
    }
}

fn script_keeps_its_server_alive(lab: &Lab) {
    const WATCHDOG: u64 = 3_000_000;
    let unit = shipped(lab, SH.unit, "watchdog", "WatchdogSec=3\n");
    unit.start();
    let before = unit.show(["MainPID", "ActiveEnterTimestampMonotonic"]);
    let ready: u64 = before[1].parse().unwrap();
    // The time of the last ping.
    let outlived = |time: &str| time.parse().is_ok_and(|time: u64| time > ready + 3 * WATCHDOG);
    lab.wait_for(&unit.name, "WatchdogTimestampMonotonic", outlived, BOUND);
    assert_eq!(unit.show(["MainPID", "ActiveEnterTimestampMonotonic"]), before);

    // The server is there, but not well.
    lab.run(["rm", &format!("{}/healthy", state("watchdog"))]).ok();
    unit.wait_for("NRestarts", "1");
    unit.wait_for("ActiveState", "active");
    unit.wait_for_journal("Failed with result 'watchdog'.");
    assert_ne!(unit.show(["MainPID"])[0], before[0]);
}

fn script_stops_its_server(lab: &Lab) {
    let unit = shipped(lab, SH.unit, "stopping", "");
    unit.start();
    let [pid] = unit.show(["MainPID"]);
    let hold = format!("{}/hold", state("stopping"));
    lab.write_file(&hold, "");
    lab.run(["kill", "-TERM", &pid]).ok();
    // As long as the server takes.
    unit.wait_for("ActiveState", "deactivating");
    assert_eq!(unit.show(["MainPID", "SubState"]), [pid.as_str(), "stop-sigterm"]);
    lab.run(["rm", &hold]).ok();
    unit.wait_for("ActiveState", "inactive");
    // When systemd wishes so.
    unit.start();
    unit.systemctl("stop");
    assert_eq!(unit.show(["ActiveState", "Result"]), ["inactive", "success"]);
}

/// What cannot work: a child of a script that is not root, where only the main process may speak.
fn script_without_access_is_told(lab: &Lab) {
    let unit = Unit::install(
        lab,
        "script-no-access",
        "[Service]\nType=notify\nUser=nobody\nExecStart=/bin/sh -c 'readyup ready; exec sleep infinity'\n",
    );
    lab.systemctl(["start", "--no-block", &unit.name]).ok();
    let journal = unit.wait_for_journal("readyup: ");
    let told = journal.lines().find(|line| line.contains("readyup: ")).unwrap();
    for what in ["NotifyAccess=all", "`exec`"] {
        assert!(told.contains(what), "{told}");
    }
    // systemd has read it by the time that the shell has become `sleep`.
    unit.wait_for_main("sleep");
    assert_eq!(unit.show(["ActiveState"]), ["activating"]);
    unit.wait_for_journal("but reception only permitted for main PID");
}

/// Root speaks for the parent, and that is not the main process either.
fn script_within_a_script_is_told(lab: &Lab) {
    let unit = Unit::install(
        lab,
        "script-in-script",
        "[Service]\nType=notify\nExecStart=/bin/sh -c 'sh -c \"readyup ready; :\"; exec sleep infinity'\n",
    );
    lab.systemctl(["start", "--no-block", &unit.name]).ok();
    let journal = unit.wait_for_journal("readyup: ");
    let told = journal.lines().find(|line| line.contains("readyup: ")).unwrap();
    for what in ["which is not the main process (", "NotifyAccess=main", "set NotifyAccess=all"] {
        assert!(told.contains(what), "{told}");
    }
}

fn script_that_becomes_its_server(lab: &Lab) {
    let unit = shipped(lab, "exec.service", "becoming", "");
    unit.start();
    let shown = unit.show(["ActiveState", "StatusText", "NotifyAccess", "User"]);
    assert_eq!(shown, ["active", "Prepared", "main", "nobody"]);
    unit.wait_for_main("my-server");
    lab.run(["test", "-d", "/var/lib/my-server/cache"]).ok();
    unit.systemctl("stop");
    assert_eq!(unit.show(["Result"]), ["success"]);
    assert!(!unit.journal().contains("readyup: "), "{}", unit.journal());
}

/// Without any manager.
fn start_script_returns_when_ready(lab: &Lab) {
    built::STATIC_COMMAND.require();
    lab.write_program("/opt/start-script/my-server", READY_SERVER);
    let run = |verb: &str| {
        lab.command(["/srv/scripts/start-stop.sh", verb])
            .env("PATH", "/opt/static:/opt/start-script:/usr/bin:/bin")
            .env("PID_FILE", "/run/start-script.pid")
    };
    // What it starts keeps the standard error that it was started with.
    let quiet = r#"exec "$@" 2>/run/start-script.log"#;
    let start = lab.command(["sh", "-c", quiet, "sh", "/srv/scripts/start-stop.sh", "start"]);
    start
        .env("PATH", "/opt/static:/opt/start-script:/usr/bin:/bin")
        .env("PID_FILE", "/run/start-script.pid")
        .run()
        .ok();
    let pid = lab.read_file("/run/start-script.pid");
    assert_eq!(lab.read_file(&format!("/proc/{}/comm", pid.trim())), "sleep\n");
    run("stop").run().ok();
    let gone = r#"while [ -e "/proc/$1" ]; do sleep 0.02; done"#;
    lab.command(["sh", "-c", gone, "sh", pid.trim()]).timeout(BOUND).run().ok();
    lab.run(["test", "-e", "/run/start-script.pid"]).fails();
}
