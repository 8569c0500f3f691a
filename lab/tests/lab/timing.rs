//! What messages do to the manager's clocks.

use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager};

use crate::probe::{ProbeUnit, outside, said};
use crate::site::Site;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial_aside("clocks_and_daemon_reload", clocks_and_daemon_reload),
        site.trial("watchdog_can_be_set_and_disarmed", watchdog_can_be_set),
        site.trial("watchdog_can_be_triggered", watchdog_can_be_triggered),
    ]
}

/// What a `daemon-reload` makes systemd forget, if it comes at the wrong moment.
fn clocks_and_daemon_reload(site: &Site) -> Completion {
    let lab = site.boot_aside("clocks");
    watchdog_starts(&lab);
    time_out_can_be_extended(&lab);
    lab.stop().unwrap();
    Completion::Completed
}

/// A service that takes long to start has no watchdog, unless it begins to ping before it is ready.
fn watchdog_starts(lab: &Lab) {
    let [silent, forgotten, pinging] =
        ["silent", "forgotten", "pinging"].map(|name| ProbeUnit::install(lab, name, "WatchdogSec=300ms\n"));
    for unit in [&silent, &forgotten, &pinging] {
        unit.begin();
        assert_eq!(unit.main.ask(["barrier"]), "sent");
    }
    assert_eq!(forgotten.main.ask(["watchdog"]), "sent");
    lab.systemctl(["daemon-reload"]).ok();
    assert_eq!(pinging.main.ask(["watchdog"]), "sent");
    pinging.wait_for("Result", "watchdog");
    // The others have been there for longer.
    assert_eq!(silent.show("ActiveState"), "activating");
    assert_eq!(forgotten.show("ActiveState"), "activating");
    silent.main.send("READY=1");
    silent.wait_for("Result", "watchdog");
}

/// `EXTEND_TIMEOUT_USEC=`: the later of what is left and what is said.
fn time_out_can_be_extended(lab: &Lab) {
    let [extended, forgotten, other] =
        ["extended", "reloaded", "other"].map(|name| ProbeUnit::install(lab, name, "TimeoutStartSec=1500ms\n"));
    extended.begin();
    forgotten.begin();
    forgotten.main.send("EXTEND_TIMEOUT_USEC=60000000");
    // The extension is forgotten: with services that need it, it is to be said again now and then.
    lab.systemctl(["daemon-reload"]).ok();
    extended.main.send("EXTEND_TIMEOUT_USEC=60000000");
    other.begin();
    // It makes nothing shorter.
    other.main.send("EXTEND_TIMEOUT_USEC=1");
    assert_eq!(other.show("ActiveState"), "activating");
    other.wait_for("Result", "timeout");
    forgotten.wait_for("Result", "timeout");
    assert_eq!(extended.show("ActiveState"), "activating");
    assert_eq!(extended.main.ask(["ready"]), "sent");
    assert_eq!(extended.show("ActiveState"), "active");
}

/// `WATCHDOG_USEC=`: it begins to run at once. 0 is none at all, and not garbage.
fn watchdog_can_be_set(lab: &Lab) {
    let disarmed = ProbeUnit::ready(lab, "watchdog-disarmed", "WatchdogSec=1s\n");
    disarmed.main.send("WATCHDOG_USEC=0");
    assert_eq!(disarmed.show("WatchdogUSec"), "0");
    let shorter = ProbeUnit::ready(lab, "watchdog-shorter", "WatchdogSec=1h\n");
    shorter.main.send("WATCHDOG_USEC=garbage");
    assert_eq!(shorter.show("WatchdogUSec"), "1h");
    shorter.main.send("WATCHDOG_USEC=1200000");
    shorter.wait_for("Result", "watchdog");
    // The other one was to be dead by now.
    assert_eq!(disarmed.show("ActiveState"), "active");

    // Without WatchdogSec= as well.
    let new = ProbeUnit::ready(lab, "watchdog-new", "");
    new.main.send("WATCHDOG_USEC=100000");
    new.wait_for("Result", "watchdog");
}

/// `WATCHDOG=trigger`, without `WatchdogSec=`, too.
fn watchdog_can_be_triggered(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "watchdog-triggered", "");
    unit.main.send("WATCHDOG=triggered");
    assert_eq!(unit.show("ActiveState"), "active");
    // Said for it, because it does not live to say that it was heard.
    let name = format!("as={}", unit.show("MainPID"));
    assert_eq!(said(outside(lab, ["send", "WATCHDOG=trigger", &name]).run()), "sent");
    unit.wait_for("Result", "watchdog");
}
