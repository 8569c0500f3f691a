//! Whose word counts, and who can speak for whom.

use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Signal};
use rustix::process::{Pid, kill_process};

use crate::probe::{ProbeUnit, outside, said};
use crate::site::Site;

/// Somebody who is not root: `nobody`.
const NOBODY: u32 = 65534;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("access_decides_who_is_believed", access_decides_who_is_believed),
        site.trial_since(254, "access_can_be_changed_by_a_message", access_can_be_changed_by_a_message),
        site.trial("root_can_speak_for_the_main_process", root_can_speak_for_the_main_process),
        site.trial("others_can_speak_only_for_themselves", others_can_speak_only_for_themselves),
        site.trial_aside("sender_that_is_gone_is_nobody", sender_that_is_gone_is_nobody),
        site.trial("main_process_can_hand_over", main_process_can_hand_over),
        site.trial("main_process_of_another_parent_is_not_followed", main_process_of_another_parent),
        site.trial("main_process_can_be_outside_if_root_says_so", main_process_outside),
    ]
}

fn access_decides_who_is_believed(lab: &Lab) {
    for (access, [main, child, control]) in [
        ("none", [false, false, false]),
        ("main", [true, false, false]),
        ("exec", [true, false, true]),
        ("all", [true, true, true]),
    ] {
        // Under Type=notify, none would be taken for main; under any other, systemd would not say where to send to.
        let settings = format!(
            "Type=exec\nNotifyAccess={access}\nEnvironment=NOTIFY_SOCKET=/run/systemd/notify\n\
             ExecReload=lab-probe do send STATUS=control\n"
        );
        let unit = ProbeUnit::begun(lab, &format!("access-{access}"), &settings);
        let believed = |text, believed| {
            assert_eq!(unit.status() == text, believed, "NotifyAccess={access}: {text}: {:?}", unit.status());
        };
        unit.main.send("STATUS=main");
        believed("main", main);
        let (probe, pid) = unit.main.spawn();
        probe.send("STATUS=child");
        believed("child", child);
        said(lab.run(["systemctl", "reload", &unit.unit]));
        believed("control", control);
        // At debug level only, systemd says why.
        if !child {
            unit.wait_for_journal(&format!("Got notification message from PID {pid}, but reception "));
        }
    }
}

fn access_can_be_changed_by_a_message(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "access-changed", "");
    let (child, _) = unit.main.spawn();
    child.send(r"NOTIFYACCESS=all\nSTATUS=child");
    assert_eq!(unit.show_all(["NotifyAccess", "StatusText"]), ["main", ""]);
    unit.main.send("NOTIFYACCESS=all");
    assert_eq!(unit.show("NotifyAccess"), "all");
    child.send("STATUS=child");
    assert_eq!(unit.status(), "child");
    unit.main.send("NOTIFYACCESS=main");
    child.send("STATUS=child again");
    assert_eq!(unit.status(), "child");
}

/// `sd_pid_notify`, from a process that no unit knows.
fn root_can_speak_for_the_main_process(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "spoken-for", "");
    unit.main.send("STATUS=its own");
    let pid = unit.show("MainPID");
    // Not in its own name.
    assert_eq!(said(outside(lab, ["send", r"READY=1\nSTATUS=ours"]).run()), "sent");
    assert_eq!(unit.status(), "its own");
    assert_eq!(said(outside(lab, ["send", r"READY=1\nSTATUS=ours", &format!("as={pid}")]).run()), "sent");
    assert_eq!(unit.show_all(["StatusText", "ActiveState"]), ["ours", "active"]);
    // The name of a process that is no more cannot be used.
    assert_eq!(said(outside(lab, ["send", "STATUS=gone", "as=999999"]).run()), "sent as self");
    assert_eq!(unit.status(), "ours");
}

fn others_can_speak_only_for_themselves(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "not-spoken-for", "");
    unit.main.send("STATUS=its own");
    let name = format!("as={}", unit.show("MainPID"));
    // It is sent all the same, and systemd does not know the sender.
    assert_eq!(said(outside(lab, ["send", "STATUS=ours", &name]).user(NOBODY).run()), "sent as self");
    assert_eq!(unit.status(), "its own");
}

/// systemd looks up the unit of a sender when it gets to read the message. Without a barrier, a short-lived process may be
/// gone by then, and nobody is told that its message was for nothing.
fn sender_that_is_gone_is_nobody(site: &Site) -> Completion {
    // PID 1 is stopped in it.
    let lab = site.boot_aside("gone");
    let unit = ProbeUnit::ready(&lab, "gone", "NotifyAccess=all\n");
    let init = Pid::from_raw(lab.init().try_into().unwrap()).unwrap();
    unit.main.send("STATUS=before");
    kill_process(init, Signal::STOP).unwrap();
    unit.main.ask(["shout", "STATUS=last words"]);
    kill_process(init, Signal::CONT).unwrap();
    unit.main.ask(["barrier"]);
    assert_eq!(unit.status(), "before");
    // At debug level only, systemd says why.
    let log = lab.manager_log();
    let reasons = ["Cannot find unit for notify message of PID", "Notify sender died before message is processed."];
    assert!(reasons.iter().any(|reason| log.contains(reason)), "{log}");
    drop(unit);
    lab.stop().unwrap();
    Completion::Completed
}

fn main_process_can_hand_over(lab: &Lab) {
    hands_over(&ProbeUnit::ready(lab, "handing-over", ""));
}

/// Whether systemd listens to the new main process, and no longer to the old one.
#[track_caller]
pub(crate) fn hands_over(unit: &ProbeUnit<'_>) {
    let (child, pid) = unit.main.spawn();
    assert_eq!(unit.main.ask(["main-pid", &pid]), "sent");
    assert_eq!(unit.show("MainPID"), pid);
    child.send("STATUS=the new one");
    assert_eq!(unit.status(), "the new one");
    unit.main.send("STATUS=the old one");
    assert_eq!(unit.status(), "the new one");
}

/// systemd is told how its own children end. A main process whose parent lives may be gone for good, and the unit is active.
fn main_process_of_another_parent(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "not-followed", "NotifyAccess=all\n");
    let (_child, pid) = unit.main.spawn();
    unit.main.ask(["main-pid", &pid]);
    unit.wait_for_journal(&format!("Supervising process {pid} which is not our child. "));
    // Its parent has not waited for it, so that its id is nobody else's.
    said(lab.run(["kill", "-KILL", &pid]));
    unit.main.send("STATUS=nobody minds");
    let state = ["ActiveState", "MainPID", "StatusText"];
    assert_eq!(unit.show_all(state), ["active", &pid, "nobody minds"]);
}

fn main_process_outside(lab: &Lab) {
    let stranger = lab.spawn(["sleep", "4321"]);
    let stranger = stranger.pid().to_string();

    let unprivileged = ProbeUnit::ready(lab, "outside-nobody", "User=nobody\n");
    let pid = unprivileged.show("MainPID");
    for refused in [stranger.as_str(), "999999"] {
        assert_eq!(unprivileged.main.ask(["main-pid", refused]), "sent");
        assert_eq!(unprivileged.show("MainPID"), pid, "{refused}");
    }
    let (_child, own) = unprivileged.main.spawn();
    assert_eq!(unprivileged.main.ask(["main-pid", &own]), "sent");
    assert_eq!(unprivileged.show("MainPID"), own);

    let root = ProbeUnit::ready(lab, "outside-root", "NotifyAccess=all\n");
    let pid = root.show("MainPID");
    // Not even root can make it these: PID 1, which the library does not let pass, and a process that is no more.
    for refused in ["1", "0", "999999", "garbage"] {
        root.main.send(&format!("MAINPID={refused}"));
        assert_eq!(root.show("MainPID"), pid, "{refused}");
    }
    assert_eq!(root.main.ask(["main-pid", &stranger]), "sent");
    assert_eq!(root.show("MainPID"), stranger);
    // Its own child again: systemd would not learn of the end of a stranger.
    root.main.ask(["main-pid", &pid]);
    assert_eq!(root.show("MainPID"), pid);
}
