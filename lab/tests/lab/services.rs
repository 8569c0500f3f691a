//! Services of the system's manager.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager, is};

use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("system_is_running", system_is_running),
        site.trial("start_returns_once_ready", start_returns_once_ready),
        site.trial("status_is_shown", status_is_shown),
        site.trial_since(253, "reload_returns_once_ready_again", reload_returns_once_ready_again),
        site.trial("ending_before_ready_is_a_failure", ending_before_ready_is_a_failure),
        site.trial("manager_logs_notifications", manager_logs_notifications),
    ]
}

fn system_is_running(lab: &Lab) {
    lab.run(["systemctl", "is-system-running"]).ok();
    assert_eq!(lab.show("init.scope", "ActiveState"), "active");
    let version = lab.run(["systemctl", "--version"]).ok();
    assert!(version.starts_with(&format!("systemd {} ", lab.systemd_version())), "{version}");
}

fn start_returns_once_ready(lab: &Lab) {
    lab.install_unit(
        "ready.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'until [ -e /run/go ]; \
         do sleep 0.02; done; systemd-notify --ready; exec sleep infinity'\n",
    );
    let start = lab.spawn(["systemctl", "start", "ready.service"]);
    lab.wait_for("ready.service", "SubState", is("start"), BOUND);
    lab.write_file("/run/go", "");
    start.wait(BOUND).ok();
    assert_eq!(lab.show("ready.service", "SubState"), "running");
}

fn status_is_shown(lab: &Lab) {
    lab.install_unit(
        "status.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready \
         --status=\"all is well\"; exec sleep infinity'\n",
    );
    lab.run(["systemctl", "start", "status.service"]).ok();
    assert_eq!(lab.show("status.service", "StatusText"), "all is well");
}

fn reload_returns_once_ready_again(lab: &Lab) {
    lab.write_program(
        "/opt/lab/reloading",
        "#!/bin/sh\n\
         trap 'systemd-notify --reloading; echo again; systemd-notify --ready --status=reloaded' HUP\n\
         systemd-notify --ready\n\
         while :; do sleep 0.02; done\n",
    );
    lab.install_unit(
        "reloading.service",
        "[Service]\nType=notify-reload\nNotifyAccess=all\nExecStart=/opt/lab/reloading\n",
    );
    lab.run(["systemctl", "start", "reloading.service"]).ok();
    lab.run(["systemctl", "reload", "reloading.service"]).ok();
    assert_eq!(lab.show("reloading.service", "StatusText"), "reloaded");
    lab.wait_for_journal("reloading.service", "again\n", BOUND);
}

fn ending_before_ready_is_a_failure(lab: &Lab) {
    lab.install_unit("early.service", "[Service]\nType=notify\nExecStart=/bin/sh -c 'echo leaving early'\n");
    lab.run(["systemctl", "start", "early.service"]).fails();
    assert_eq!(lab.wait_for("early.service", "Result", |it| it != "success", BOUND), "protocol");
    lab.wait_for_journal("early.service", "leaving early\n", BOUND);
}

fn manager_logs_notifications(lab: &Lab) {
    lab.install_unit(
        "logged.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; \
         exec sleep infinity'\n",
    );
    lab.run(["systemctl", "start", "logged.service"]).ok();
    lab.wait_for_manager_log("logged.service: Got notification message from PID", BOUND);
}
