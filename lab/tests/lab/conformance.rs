//! The table of `conformance`, against the systemd-notify of each root.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::built;
use crate::site::Site;

/// It takes some seconds on a quiet machine, and here other trials are running.
const BOUND: Duration = Duration::from_secs(180);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("systemd_notify_is_systemd_notify", |lab| agree(lab, &built::SYSTEMD_NOTIFY)),
        site.trial("readyup_is_systemd_notify_by_that_name", |lab| agree(lab, &built::STATIC_COMMAND)),
    ]
}

/// Whether ours does what the original does, but for what the table explains.
fn agree(lab: &Lab, ours: &built::Built) {
    ours.require();
    built::CONFORMANCE.require();
    let command = ["notify-conformance", "--theirs", "/usr/bin/systemd-notify", "--ours", ours.place];
    let output = lab.command(command).timeout(BOUND).run();
    let differing: Vec<&str> = output.stdout.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(output.status.success(), "{}\n{}", differing.join("\n"), output.stderr);
    // That it ran, and compared what it should.
    assert!(output.stdout.contains(" cases: ") && output.stdout.contains("ok      --ready"), "{}", output.stdout);
}
