//! The manager's fd store.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::probe::{ProbeUnit, traced};
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("stored_fds_come_back_by_name", |lab| stored_fds_come_back_by_name(lab, "stored", "")),
        site.trial("traced_stored_fds_come_back_by_name", |lab| {
            stored_fds_come_back_by_name(lab, "traced-stored", &traced("traced-stored", ""));
        }),
        site.trial("store_without_room_takes_nothing", store_without_room_takes_nothing),
        site.trial("unclaimed_fds_are_closed", unclaimed_fds_are_closed),
    ]
}

fn stored_fds_come_back_by_name(lab: &Lab, name: &str, settings: &str) {
    let unit = ProbeUnit::ready(lab, name, &format!("FileDescriptorStoreMax=8\n{settings}"));
    let stored = || unit.show("NFileDescriptorStore");
    unit.main.ask(["store", "one", ";", "store", "two", ";", "store", "two"]);
    assert_eq!(stored(), "3");
    assert_eq!(unit.main.ask(["replace", "two"]), "sent");
    assert_eq!(stored(), "2");
    // Without a name, or with one that cannot be, there is a name all the same.
    unit.main.ask(["send", "FDSTORE=1", "fds=1", ";", "send", r"FDSTORE=1\nFDNAME=a:b", "fds=1"]);
    assert_eq!(stored(), "4");
    // To remove them it takes one.
    unit.main.ask(["send", "FDSTOREREMOVE=1", ";", "send", r"FDSTOREREMOVE=1\nFDNAME=a:b"]);
    assert_eq!(stored(), "4");

    // What has hung up is not kept, unless it was said so.
    assert_eq!(unit.main.ask(["send", r"FDSTORE=1\nFDNAME=kept\nFDPOLL=0", "fds=2"]), "sent");
    assert_eq!(stored(), "6");
    unit.main.ask(["hang-up"]);
    unit.wait_for("NFileDescriptorStore", "2");

    let pid = unit.show("MainPID");
    let restart = lab.spawn(["systemctl", "restart", &unit.unit]);
    lab.wait_for(&unit.unit, "MainPID", |new| !["0", &pid].contains(&new), BOUND);
    assert_eq!(unit.main.ask(["passed"]), "kept kept");
    assert_eq!(unit.main.ask(["ready"]), "sent");
    restart.wait(BOUND).ok();
    assert_eq!(stored(), "2");
    assert_eq!(unit.main.ask(["remove", "kept"]), "sent");
    assert_eq!(stored(), "0");
}

/// `FDSTORE=1` without `FileDescriptorStoreMax=` is dropped without a word to the sender, and so is what is too much.
fn store_without_room_takes_nothing(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "no-room", "");
    unit.main.ask(["store", "any", ";", "released"]);
    assert_eq!(unit.show("NFileDescriptorStore"), "0");

    let unit = ProbeUnit::ready(lab, "little-room", "FileDescriptorStoreMax=2\n");
    assert_eq!(unit.main.ask(["send", "FDSTORE=1", "fds=3"]), "sent");
    assert_eq!(unit.show("NFileDescriptorStore"), "2");
}

fn unclaimed_fds_are_closed(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "unclaimed", "FileDescriptorStoreMax=8\n");
    unit.main.ask(["send", "STATUS=with something", "fds=2", ";", "released"]);
    assert_eq!(unit.show_all(["NFileDescriptorStore", "StatusText"]), ["0", "with something"]);
    // As many as one message can carry.
    unit.main.ask(["send", "STATUS=with a lot", "fds=253", ";", "released"]);
    assert_eq!(unit.status(), "with a lot");
}
