//! The manager's fd store.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::probe::ProbeUnit;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("stored_fds_come_back_by_name", stored_fds_come_back_by_name),
        site.trial("store_without_room_takes_nothing", store_without_room_takes_nothing),
        site.trial("unclaimed_fds_are_closed", unclaimed_fds_are_closed),
    ]
}

fn stored_fds_come_back_by_name(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "stored", "FileDescriptorStoreMax=8\n");
    let stored = || unit.show("NFileDescriptorStore");
    assert_eq!(unit.main.ask(["store", "one"]), "sent");
    assert_eq!(unit.main.ask(["store", "two"]), "sent");
    assert_eq!(unit.main.ask(["store", "two"]), "sent");
    assert_eq!(stored(), "3");
    assert_eq!(unit.main.ask(["replace", "two"]), "sent");
    assert_eq!(stored(), "2");
    // Without a name, or with one that cannot be, there is a name all the same.
    assert_eq!(unit.main.ask(["send", "FDSTORE=1", "fds=1"]), "sent");
    assert_eq!(unit.main.ask(["send", r"FDSTORE=1\nFDNAME=a:b", "fds=1"]), "sent");
    assert_eq!(stored(), "4");
    // To remove them it takes one.
    unit.main.send("FDSTOREREMOVE=1");
    unit.main.send(r"FDSTOREREMOVE=1\nFDNAME=a:b");
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
    assert_eq!(unit.main.ask(["store", "any"]), "sent");
    assert_eq!(unit.main.ask(["released"]), "released");
    assert_eq!(unit.show("NFileDescriptorStore"), "0");

    let unit = ProbeUnit::ready(lab, "little-room", "FileDescriptorStoreMax=2\n");
    assert_eq!(unit.main.ask(["send", "FDSTORE=1", "fds=3"]), "sent");
    assert_eq!(unit.show("NFileDescriptorStore"), "2");
}

fn unclaimed_fds_are_closed(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "unclaimed", "FileDescriptorStoreMax=8\n");
    assert_eq!(unit.main.ask(["send", "STATUS=with something", "fds=2"]), "sent");
    assert_eq!(unit.main.ask(["released"]), "released");
    assert_eq!((unit.show("NFileDescriptorStore"), unit.status()), ("0".into(), "with something".into()));
    // As many as one message can carry.
    assert_eq!(unit.main.ask(["send", "STATUS=with a lot", "fds=253"]), "sent");
    assert_eq!(unit.main.ask(["released"]), "released");
    assert_eq!(unit.status(), "with a lot");
}
