//! The examples, under a real systemd.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup::monotonic_now;
use readyup_lab::{Lab, Manager};

use crate::built;
use crate::example::{EXAMPLES, Example, Service};
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

/// What is at once, on a machine that is busy with other trials. Every time-out there could be is far longer.
const AT_ONCE: Duration = Duration::from_secs(5);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    type Run = fn(&Lab, &Example);
    let of_all: &[(&str, Run)] = &[
        ("start_returns_at_ready", start_returns_at_ready),
        ("status_is_shown", status_is_shown),
        ("hung_service_is_replaced", hung_service_is_replaced),
        ("reload_by_signal", reload_by_signal),
        ("stop_is_announced", stop_is_announced),
        ("socket_outlives_a_restart", socket_outlives_a_restart),
        ("socket_unit_passes_its_socket", socket_unit_passes_its_socket),
        ("users_service", users_service),
    ];
    // Type=notify-reload
    let since_253: &[(&str, Run)] =
        &[("reload_is_waited_for", reload_is_waited_for), ("failed_reload_is_over_too", failed_reload_is_over_too)];

    let mut trials = vec![site.trial("healthy_services_outlive_their_watchdogs", healthy_services)];
    trials.push(site.trial("hang_is_located", |lab| hang_is_located(lab, node())));
    for example in EXAMPLES {
        for &(name, run) in of_all {
            trials.push(site.trial(&format!("{}_{name}", example.name), move |lab| run(lab, example)));
        }
        for &(name, run) in since_253 {
            trials.push(site.trial_since(253, &format!("{}_{name}", example.name), move |lab| run(lab, example)));
        }
    }
    trials
}

/// The example in Node, which is always there.
fn node() -> &'static Example {
    EXAMPLES.iter().find(|example| example.name == "node").expect("an example in Node")
}

fn start_returns_at_ready(lab: &Lab, example: &Example) {
    starts_when_ready(&Service::install(lab, example, "starting", ""));
}

/// Starting is over when READY=1 was sent: not before, and no later.
#[track_caller]
fn starts_when_ready<M: Manager>(service: &Service<'_, M>) {
    service.withhold_greeting();
    let start = service.spawn_systemctl("start");
    service.wait_for("SubState", "start");
    // The program is there, and systemd waits.
    let [state, pid, job] = service.show_all(["ActiveState", "MainPID", "Job"]);
    assert!(state == "activating" && pid != "0" && job != "0", "{state} {pid} {job}");

    let released = monotonic_now();
    service.greet("moin");
    start.wait(BOUND).ok();
    let returned = monotonic_now();
    let [state, ready] = service.show_all(["ActiveState", "ActiveEnterTimestampMonotonic"]);
    assert_eq!(state, "active");
    let ready = Duration::from_micros(ready.parse().unwrap());
    assert!(released <= ready && ready <= returned, "{released:?} {ready:?} {returned:?}");
    assert!(returned - released < AT_ONCE, "{:?}", returned - released);
}

fn status_is_shown(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "status", "");
    service.start();
    let port = service.port();
    // Not every systemctl ends in success for a service that is active, but this one does.
    let shown = lab.run(["systemctl", "status", "--no-pager", &service.unit]).ok();
    let line = format!("     Status: \"Serving on 127.0.0.1:{port}\"\n");
    assert!(shown.contains(&line), "{shown}");
    assert_eq!(service.get(&port), "moin");
    // What the unit does not say, and what therefore all of this holds under.
    assert_eq!(service.show("NotifyAccess"), "main");
}

fn healthy_services(lab: &Lab) {
    const PERIODS: u32 = 5;
    let services: Vec<_> =
        EXAMPLES.iter().map(|example| Service::install(lab, example, "healthy", "WatchdogSec=1\n")).collect();
    services.iter().for_each(Service::start);
    let before: Vec<_> = services.iter().map(|service| service.show("MainPID")).collect();
    std::thread::sleep(PERIODS * Duration::from_secs(1));
    for (service, pid) in services.iter().zip(before) {
        let now = service.show_all(["WatchdogUSec", "ActiveState", "MainPID", "NRestarts"]);
        assert_eq!(now, ["1s", "active", pid.as_str(), "0"], "{}", service.unit);
    }
}

fn hung_service_is_replaced(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "hanging", "WatchdogSec=1\n");
    service.start();
    let (port, pid) = (service.port(), service.show("MainPID"));
    lab.run(["lab-probe", "poke", &port, "/hang"]).ok();
    service.wait_for("NRestarts", "1");
    service.wait_for("ActiveState", "active");
    assert_ne!(service.show("MainPID"), pid);
    // The result itself is forgotten at the restart.
    let journal = service.wait_for_journal("Failed with result 'watchdog'.");
    assert!(journal.contains("Watchdog timeout (limit 1s)!"), "{journal}");
    // On the socket that was stored by the one that hung.
    assert_eq!(service.status(), format!("Serving on 127.0.0.1:{port}, a passed socket"));
    assert_eq!(service.get(&port), "moin");
}

/// What a service that was killed for hanging has said about it, and where it can be read.
fn hang_is_located(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "located", "WatchdogSec=2\nRestart=no\n");
    service.start();
    lab.run(["lab-probe", "poke", &service.port(), "/hang"]).ok();
    service.wait_for("Result", "watchdog");
    let source = fs::read_to_string(built::workspace().join("examples/node-http/server.mjs")).unwrap();
    let line = source.lines().position(|line| line.contains("for (;;)")).unwrap() + 1;
    let place = format!(" in <anonymous> (/srv/node-http/server.mjs:{line}:");
    let is_told = |text: &str| text.contains("event loop blocked for ") && text.contains(&place);
    let status = service.status();
    assert!(is_told(&status), "{status}");
    let journal = service.wait_for_journal("Failed with result 'watchdog'.");
    assert!(journal.lines().any(is_told), "{journal}");
    // Not an error, and no mere information.
    let warnings = ["journalctl", "-o", "cat", "-p", "warning..warning", "-u", &service.unit];
    let warnings = lab.run(warnings).ok();
    assert!(warnings.lines().any(is_told), "{warnings}");
}

/// `Type=notify` with `ExecReload=kill -HUP $MAINPID`. Whether `systemctl reload` returns once the signal was sent, or only
/// when the service is ready again, is chance: up to 257, RELOADING=1 makes it wait if it comes before the end of `kill`.
/// That is what `Type=notify-reload` is better at.
fn reload_by_signal(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "signalled", "");
    service.start();
    let [port, pid] = [service.port(), service.show("MainPID")];

    // Not by systemd's wish, and it is told all the same.
    service.withhold_greeting();
    lab.run(["kill", "-HUP", &pid]).ok();
    service.wait_for("StatusText", "Reading the greeting");
    assert_eq!(service.show("ActiveState"), "reloading");
    service.greet("servus");
    service.wait_for("StatusText", "The greeting is servus");
    assert_eq!(service.show("ActiveState"), "active");
    assert_eq!(service.get(&port), "servus");

    service.lose_greeting();
    service.greet("ahoi");
    service.systemctl("reload");
    service.wait_for("StatusText", "The greeting is ahoi");
    service.wait_for("ActiveState", "active");

    service.lose_greeting();
    service.systemctl("reload");
    lab.wait_for(&service.unit, "StatusText", |status| status.starts_with("Reload failed: "), BOUND);
    service.wait_for("ActiveState", "active");
    assert_eq!(service.get(&port), "ahoi");
}

/// `Type=notify-reload`: `systemctl reload` returns when the reload is over.
fn reload_is_waited_for(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "reloading", "Type=notify-reload\nExecReload=\n");
    service.start();
    let port = service.port();
    service.withhold_greeting();
    let reload = service.spawn_systemctl("reload");
    service.wait_for("StatusText", "Reading the greeting");
    let [state, job] = service.show_all(["ActiveState", "Job"]);
    assert!(state == "reloading" && job != "0", "{state} {job}");

    let released = monotonic_now();
    service.greet("servus");
    reload.wait(BOUND).ok();
    assert!(monotonic_now() - released < AT_ONCE);
    assert_eq!(service.show_all(["ActiveState", "StatusText"]), ["active", "The greeting is servus"]);
    assert_eq!(service.get(&port), "servus");
}

fn failed_reload_is_over_too(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "failing", "Type=notify-reload\nExecReload=\n");
    service.start();
    let (port, pid) = (service.port(), service.show("MainPID"));
    service.lose_greeting();
    let begun = monotonic_now();
    // To systemd, it has succeeded: it is the status that tells.
    service.systemctl("reload");
    assert!(monotonic_now() - begun < AT_ONCE);
    let [status, state, same] = service.show_all(["StatusText", "ActiveState", "MainPID"]);
    assert!(status.starts_with("Reload failed: "), "{status}");
    assert_eq!((state, same), ("active".to_owned(), pid));
    assert_eq!(service.get(&port), "moin");
}

fn stop_is_announced(lab: &Lab, example: &Example) {
    // By systemd's wish.
    let service = Service::install(lab, example, "stopping", "");
    service.start();
    let pid = service.show("MainPID");
    service.systemctl("stop");
    assert_eq!(service.show_all(["ActiveState", "Result"]), ["inactive", "success"]);
    assert_stopped_well(&service, &pid);

    // By its own: it is STOPPING=1 that tells systemd, and not the end of the process.
    service.start();
    let pid = service.show("MainPID");
    lab.run(["kill", "-TERM", &pid]).ok();
    service.wait_for("ActiveState", "inactive");
    assert_eq!(service.show("Result"), "success");
    let journal = assert_stopped_well(&service, &pid);
    let order = ["STOPPING=1, STATUS=", "Changed running -> stop-sigterm", "Main process exited"];
    let places = order.map(|text| journal.rfind(text));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}\n{journal}");
}

/// What the main process said last, and how it ended; gives the journal.
#[track_caller]
fn assert_stopped_well(service: &Service<'_, Lab>, pid: &str) -> String {
    let journal = service.wait_for_journal(&format!("Child {pid} belongs to "));
    let from = format!("Got notification message from PID {pid}");
    let said = journal.lines().any(|line| line.contains(&from) && line.contains("STOPPING=1, STATUS="));
    assert!(said && journal.contains("Main process exited, code=exited, status=0/SUCCESS"), "{pid}\n{journal}");
    journal
}

fn socket_outlives_a_restart(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "restarted", "");
    service.start();
    assert_eq!(service.show("NFileDescriptorStore"), "1");
    let (port, pid) = (service.port(), service.show("MainPID"));

    service.withhold_greeting();
    let restart = service.spawn_systemctl("restart");
    lab.wait_for(&service.unit, "MainPID", |new| !["0", &pid].contains(&new), BOUND);
    service.wait_for("SubState", "start");
    // Nobody listens, but the kernel lets a client in all the same.
    let client = lab.spawn(["lab-probe", "get", &port, "/"]);
    client.wait_for_text("connected", BOUND);
    assert_eq!(service.show("ActiveState"), "activating");
    service.greet("servus");
    restart.wait(BOUND).ok();
    assert_eq!(client.wait(BOUND).ok(), "servus\n");
    let [status, stored, pid] = service.show_all(["StatusText", "NFileDescriptorStore", "MainPID"]);
    assert_eq!((status, stored), (format!("Serving on 127.0.0.1:{port}, a passed socket"), "1".to_owned()));

    let removal = lab.command(["lab-probe", "do", "send", r"FDSTOREREMOVE=1\nFDNAME=http", &format!("as={pid}")]);
    assert_eq!(removal.env("NOTIFY_SOCKET", "/run/systemd/notify").run().ok(), "sent\n");
    assert_eq!(service.show("NFileDescriptorStore"), "0");
}

fn socket_unit_passes_its_socket(lab: &Lab, example: &Example) {
    let service = Service::install(lab, example, "activated", "");
    let unit = service.unit.replace(".service", ".socket");
    // A port of its own, which the kernel does not give to anybody who has no wishes.
    let port = example.port.to_string();
    lab.install_unit(&unit, &format!("[Socket]\nListenStream=127.0.0.1:{port}\nFileDescriptorName=http\n"));
    lab.systemctl(["start", &unit]).ok();
    assert_eq!(service.show("ActiveState"), "inactive");
    // The first client starts it.
    assert_eq!(service.get(&port), "moin");
    service.wait_for("ActiveState", "active");
    assert_eq!(service.status(), format!("Serving on 127.0.0.1:{port}, a passed socket"));
    assert_eq!(service.show("NFileDescriptorStore"), "0");
    lab.systemctl(["stop", &unit]).ok();
}

fn users_service(lab: &Lab, example: &Example) {
    let user = lab.user_manager();
    let service = Service::install(&user, example, "users", "");
    starts_when_ready(&service);
    let pid = service.show("MainPID");
    assert_eq!(lab.run(["stat", "--format=%u", &format!("/proc/{pid}")]).ok(), format!("{}\n", user.id()));
    let shown = user.systemctl(["status", "--no-pager", &service.unit]).ok();
    let line = format!("     Status: \"Serving on 127.0.0.1:{}\"\n", service.port());
    assert!(shown.contains(&line), "{shown}");
    assert_eq!(service.get(&service.port()), "moin");

    service.lose_greeting();
    service.greet("servus");
    service.systemctl("reload");
    service.wait_for("StatusText", "The greeting is servus");
}
