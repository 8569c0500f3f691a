//! Services of a user's manager.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("user_manager_runs_services", user_manager_runs_services),
        site.trial("user_commands_are_the_users", user_commands_are_the_users),
    ]
}

fn user_manager_runs_services(lab: &Lab) {
    let user = lab.user_manager();
    user.install_unit(
        "own.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'echo as $$(id -u); \
         systemd-notify --ready --status=mine; exec sleep infinity'\n",
    );
    user.systemctl(["start", "own.service"]).ok();
    assert_eq!(user.show("own.service", "StatusText"), "mine");
    user.wait_for_journal("own.service", &format!("as {}\n", user.id()), BOUND);
    user.wait_for_manager_log("own.service: Got notification message from PID", BOUND);
}

fn user_commands_are_the_users(lab: &Lab) {
    let user = lab.user_manager();
    assert_eq!(user.run(["id", "-un"]).ok(), "lab\n");
    let made = format!("{}/made", user.runtime_directory());
    user.run(["sh", "-c", r#"touch "$XDG_RUNTIME_DIR/made""#]).ok();
    assert_eq!(lab.run(["stat", "--format", "%u:%g", &made]).ok(), "4242:4242\n");
}
