//! What messages do to the manager's clocks, and what a `daemon-reload` makes of it.

use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager};

use crate::probe::{ProbeUnit, outside, said};
use crate::site::Site;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial_aside("daemon_reload_forgets", daemon_reload_forgets),
        site.trial_aside("each_line_of_a_command_has_its_own_time", each_line_has_its_time),
        site.trial("watchdog_can_be_set_and_disarmed", watchdog_can_be_set),
        site.trial("watchdog_can_be_triggered", watchdog_can_be_triggered),
    ]
}

/// In a lab where no other trial has systemd reload at the wrong moment.
fn daemon_reload_forgets(site: &Site) -> Completion {
    let lab = site.boot_aside("reloaded");
    watchdog_starts(&lab);
    time_out_can_be_extended(&lab);
    errno_zero_is_one(&lab);
    lab.stop().unwrap();
    Completion::Completed
}

/// Together they take longer than `TimeoutStartSec=`. In a lab where no `daemon-reload` disturbs the clock.
fn each_line_has_its_time(site: &Site) -> Completion {
    let lab = site.boot_aside("lines");
    let slow = "ExecStartPre=sleep 1.2\n".repeat(3);
    let unit = ProbeUnit::begun(&lab, "lines", &format!("TimeoutStartSec=2\n{slow}"));
    unit.wait_for("SubState", "start");
    assert_eq!(unit.show("Result"), "success");
    drop(unit);
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

/// `ERRNO=`: 0 is a number as others are.
fn errno_zero_is_one(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "errno", "");
    let errno_after = |message: &str| {
        unit.main.send(message);
        unit.show("StatusErrno")
    };
    assert_eq!(errno_after("ERRNO=5"), "5");
    assert_eq!(errno_after("ERRNO=0"), "0");
    assert_eq!(errno_after("ERRNO=ENOENT"), "2");
    for garbage in ["ERRNO=-1", "ERRNO=", "ERRNO=5x", "ERRNO=EWHATEVER", "ERRNO=5000"] {
        assert_eq!(errno_after(garbage), "2", "{garbage}");
    }
    // Of what was said, 252 forgets the number, and 257 does not.
    unit.main.send("STATUS=something");
    lab.systemctl(["daemon-reload"]).ok();
    let [errno, status] = unit.show_all(["StatusErrno", "StatusText"]);
    assert!(["0", "2"].contains(&errno.as_str()), "{errno}");
    assert_eq!(status, "something");
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
