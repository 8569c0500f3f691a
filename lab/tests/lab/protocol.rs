//! What a real systemd makes of messages: the facts that the library, `readyup trace` and the documentation go by.
//!
//! A barrier follows each message, so that what systemd did about it is to be seen at once.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::probe::ProbeUnit;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("barrier_comes_after_what_was_said", barrier_comes_after_what_was_said),
        site.trial("flag_is_a_whole_line", flag_is_a_whole_line),
        site.trial("first_of_a_key_counts", first_of_a_key_counts),
        site.trial("status_that_is_not_utf8", status_that_is_not_utf8),
        site.trial("longest_message", longest_message),
        site.trial("nul_in_a_message", nul_in_a_message),
        site.trial("carriage_return_ends_a_line", carriage_return_ends_a_line),
        site.trial("barrier_beside_other_lines", barrier_beside_other_lines),
        site.trial("stopping_outranks_ready", stopping_outranks_ready),
        site.trial("stopping_before_ready", stopping_before_ready),
        site.trial("stopping_is_a_state", stopping_is_a_state),
        site.trial_since(253, "reload_wants_both_lines_together", reload_wants_both_lines_together),
        site.trial_since(253, "reload_signal_is_handled_before_ready", reload_signal_is_handled_before_ready),
    ]
}

fn barrier_comes_after_what_was_said(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "barrier", "");
    assert_eq!(unit.main.ask(["barrier"]), "sent");
    // Had the barrier been answered too early, one of these would be the one before, once in a while.
    for round in 0..10 {
        let status = format!("round {round}");
        unit.main.send(&format!("STATUS={status}"));
        assert_eq!(unit.status(), status);
    }
    // It says nothing about anything else.
    assert_eq!(unit.show("ActiveState"), "activating");
}

/// Flags are lines that are looked for, and no keys: `READY=0` neither says that the service is not ready nor hides a
/// `READY=1` that follows it.
fn flag_is_a_whole_line(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "flag", "");
    for message in ["READY=0", "READY=", "READY", "READY=11", " READY=1", "READY=1 ", "XREADY=1", "ready=1"] {
        unit.main.send(message);
        assert_eq!(unit.show("ActiveState"), "activating", "{message}");
    }
    unit.main.send(r"READY=0\nREADY=1");
    assert_eq!(unit.show("ActiveState"), "active");
    unit.main.send("READY=0");
    assert_eq!(unit.show("ActiveState"), "active");
}

fn first_of_a_key_counts(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "first", "");
    assert_eq!(unit.status_after(r"STATUS=a\nSTATUS=b"), "a");
    assert_eq!(unit.status_after(r"STATUS=\nSTATUS=b"), "");
    // Across messages, it is the last.
    assert_eq!(unit.status_after("STATUS=c"), "c");
}

/// The text that was there is cleared, and so it is by an empty one.
fn status_that_is_not_utf8(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "utf8", "");
    assert_eq!(unit.status_after(r"STATUS=caf\xc3\xa9"), "café");
    assert_eq!(unit.status_after(r"STATUS=caf\xe9"), "");
    unit.wait_for_journal("Status message in notification message is not UTF-8 clean, ignoring.");
    assert_eq!(unit.status_after("STATUS="), "");
    // Nothing else is lost with it.
    assert_eq!(unit.status_after(r"STATUS=\xff\nERRNO=5"), "");
    assert_eq!(unit.show("StatusErrno"), "5");
}

/// 4096 bytes, with all that is sent counted: a NUL at the end, too.
fn longest_message(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "longest", "");
    let status = |len: usize| "x".repeat(len - "STATUS=".len());
    let message = |len| format!("STATUS={}", status(len));
    assert_eq!(unit.status_after(&message(4095)), status(4095));
    assert_eq!(unit.status_after(&message(4096)), status(4096));
    assert_eq!(unit.status_after(&message(4097)), "before");
    assert_eq!(unit.status_after(&format!(r"{}\0", message(4095))), status(4095));
    assert_eq!(unit.status_after(&format!(r"{}\0", message(4096))), "before");
    assert_eq!(unit.status_after(&message(60_000)), "before");
}

fn nul_in_a_message(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "nul", "");
    assert_eq!(unit.status_after(r"STATUS=a\0"), "a");
    for dropped in [r"STATUS=a\0b", r"STATUS=a\0\0", r"STATUS=a\0\nSTATUS=b", r"\0STATUS=a", r"STATUS=a\n\0\n"] {
        assert_eq!(unit.status_after(dropped), "before", "{dropped}");
    }
}

fn carriage_return_ends_a_line(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "return", "");
    assert_eq!(unit.status_after(r"STATUS=a\rb"), "a");
    assert_eq!(unit.status_after(r"X_ANY=1\r\n\r\rSTATUS=c\r\n"), "c");
    unit.main.send(r"STATUS=d\rREADY=1\rX_ANY=1");
    assert_eq!(unit.show_all(["StatusText", "ActiveState"]), ["d", "active"]);
}

/// It is ignored as a whole, and yet its descriptor is closed: whoever waits for that is not told.
fn barrier_beside_other_lines(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "beside", "FileDescriptorStoreMax=4\n");
    for message in [
        r"STATUS=beside\nBARRIER=1",
        r"BARRIER=1\nSTATUS=beside",
        r"BARRIER=1\nBARRIER=1\nSTATUS=beside",
        r"FDSTORE=1\nBARRIER=1\nSTATUS=beside",
    ] {
        unit.main.ask(["send", "STATUS=before", ";", "send", message, "fds=1", ";", "released"]);
        assert_eq!(unit.show_all(["StatusText", "NFileDescriptorStore"]), ["before", "0"], "{message}");
    }
    // So are all of them if they are too many.
    unit.main.ask(["send", "BARRIER=1", "fds=2", ";", "released"]);
    // Line ends around it are no lines, and no value but 1 is a barrier.
    unit.main.ask(["send", r"\nBARRIER=1\n\n", "fds=1", ";", "released"]);
    assert_eq!(unit.status_after(r"BARRIER=0\nSTATUS=no barrier"), "no barrier");
}

/// In one message, STOPPING=1 counts and READY=1 does not.
fn stopping_outranks_ready(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "outranks", "");
    unit.main.send(r"READY=1\nSTOPPING=1\nSTATUS=both");
    assert_eq!(unit.show_all(["ActiveState", "StatusText"]), ["activating", "both"]);
}

/// Up to 258, STOPPING=1 is forgotten over a READY=1 that comes after it. (From 259 on it is said to be final.)
fn stopping_before_ready(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "stopping-early", "");
    assert_eq!(unit.main.ask(["stopping"]), "sent");
    assert_eq!(unit.show("ActiveState"), "activating");
    assert_eq!(unit.main.ask(["ready"]), "sent");
    let expected = if lab.systemd_version() < 259 { "active" } else { "activating" };
    assert_eq!(unit.show("ActiveState"), expected);
}

/// The service is deactivating as soon as it says so, and has the time to stop that its unit gives it.
fn stopping_is_a_state(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "stopping", "");
    assert_eq!(unit.main.ask(["stopping"]), "sent");
    assert_eq!(unit.show_all(["ActiveState", "SubState"]), ["deactivating", "stop-sigterm"]);
    // There is no way back.
    assert_eq!(unit.main.ask(["ready"]), "sent");
    assert_eq!(unit.show("ActiveState"), "deactivating");
    // It is listened to all the same.
    assert_eq!(unit.status_after("STATUS=last words"), "last words");
}

/// `Type=notify-reload`: what many programs get wrong. Each of these leaves `systemctl reload` waiting.
fn reload_wants_both_lines_together(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "both-lines", &reloadable("both-lines", "trap : HUP;"));
    let reload = lab.spawn(["systemctl", "reload", &unit.unit]);
    unit.wait_for("SubState", "reload-signal");
    for wrong in [
        // Without the time; with one from before the reload; in two messages.
        r"RELOADING=1",
        r"RELOADING=1\nMONOTONIC_USEC=1",
        r"MONOTONIC_USEC=99999999999999",
    ] {
        unit.main.ask(["send", wrong, ";", "send", r"READY=1\nSTATUS=reloaded"]);
        assert_eq!(unit.show_all(["SubState", "StatusText"]), ["reload-signal", "reloaded"], "{wrong}");
    }
    assert_eq!(unit.main.ask(["reloading"]), "sent");
    assert_eq!(unit.show("SubState"), "reload-notify");
    assert_eq!(unit.main.ask(["ready"]), "sent");
    reload.wait(BOUND).ok();
    assert_eq!(unit.show("SubState"), "running");
}

/// A reload that comes before the program handles its signal ends the service, and up to 257 `systemctl reload` finds
/// nothing wrong with that. 262 looks at READY=1 whether it is handled, and refuses to let the service start.
fn reload_signal_is_handled_before_ready(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "no-handler", &reloadable("no-handler", ""));
    // Where it is refused, it does not live to say that it was heard.
    let ready = lab.run(["lab-probe", "ask", "no-handler", "ready"]);
    if lab.systemd_version() >= 262 {
        unit.wait_for("Result", "protocol");
        unit.wait_for_journal("lacks handler for reload signal HUP");
    } else {
        ready.ok();
        lab.run(["systemctl", "reload", &unit.unit]).ok();
        unit.wait_for("ActiveState", "inactive");
    }
}

/// Settings for a service whose main process is a shell, with the probe for a child.
fn reloadable(name: &str, before: &str) -> String {
    let script = format!("{before} lab-probe serve {name} & while kill -0 $$!; do wait $$!; done");
    format!("Type=notify-reload\nNotifyAccess=all\nExecStart=\nExecStart=/bin/sh -c '{script}'\n")
}
