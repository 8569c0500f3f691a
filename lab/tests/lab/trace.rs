//! `readyup trace` before the program in `ExecStart=`: it is to change nothing.
//!
//! How the examples do under it is tried with them.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager, is};

use crate::access::hands_over;
use crate::built;
use crate::probe::{ProbeUnit, traced};
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("trace_shows_what_it_passes_on", trace_shows_what_it_passes_on),
        site.trial("trace_passes_on_barriers_in_order", trace_passes_on_barriers_in_order),
        site.trial("trace_leaves_access_to_the_manager", trace_leaves_access_to_the_manager),
        site.trial("trace_lends_its_name_to_nobody_who_is_gone", trace_lends_its_name_to_nobody_who_is_gone),
        site.trial("traced_main_process_can_hand_over", traced_main_process_can_hand_over),
        site.trial("users_trace_lends_nobody_its_name", users_trace_lends_nobody_its_name),
        site.trial("trace_ends_as_the_program_does", trace_ends_as_the_program_does),
    ]
}

fn trace_shows_what_it_passes_on(lab: &Lab) {
    let unit = ProbeUnit::begun(lab, "traced", &traced("traced", ""));
    unit.main.send(r"READY=1\nSTATUS=up");
    assert_eq!(unit.show_all(["ActiveState", "StatusText"]), ["active", "up"]);
    unit.wait_for_journal("]  READY=1  STATUS=up\n");
    // What systemd would drop does not even get there.
    assert_eq!(unit.status_after(r"STATUS=a\0b"), "before");
    unit.wait_for_journal("]  [! dropped: it holds a NUL byte]\n");
}

fn trace_passes_on_barriers_in_order(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "traced-barrier", &traced("traced-barrier", ""));
    for round in 0..10 {
        let status = format!("round {round}");
        unit.main.send(&format!("STATUS={status}"));
        assert_eq!(unit.status(), status);
    }
    // Nobody holds what went with a message that has no use for it.
    unit.main.ask(["send", "STATUS=with something", "fds=2", ";", "released"]);
}

/// Whomever the trace would believe: it is systemd that decides, by who has said it.
fn trace_leaves_access_to_the_manager(lab: &Lab) {
    for access in ["main", "all"] {
        for traces in ["main", "all"] {
            let name = format!("traced-{access}-{traces}");
            let settings = traced(&name, &format!("--notify-access={traces}"));
            let unit = ProbeUnit::ready(lab, &name, &format!("NotifyAccess={access}\n{settings}"));
            unit.main.send("STATUS=main");
            assert_eq!(unit.status(), "main");
            let (child, _) = unit.main.spawn();
            child.send("STATUS=child");
            assert_eq!(unit.status() == "child", access == "all", "NotifyAccess={access}, and {traces} for the trace");
        }
    }
}

/// It cannot be passed on in the name of a process that is gone, and in that of the trace it would be believed.
fn trace_lends_its_name_to_nobody_who_is_gone(lab: &Lab) {
    let unit = ProbeUnit::ready(lab, "traced-gone", &traced("traced-gone", ""));
    unit.main.send("STATUS=main");
    let trace = unit.show("MainPID");
    lab.run(["kill", "-STOP", &trace]).ok();
    unit.main.ask(["shout", "STATUS=gone"]);
    lab.run(["kill", "-CONT", &trace]).ok();
    unit.main.ask(["barrier"]);
    assert_eq!(unit.status(), "main");
}

fn traced_main_process_can_hand_over(lab: &Lab) {
    hands_over(&ProbeUnit::ready(lab, "traced-handing-over", &traced("traced-handing-over", "")));
}

/// Who is not root cannot pass a message on in the name of who has sent it. To do so in its own, as the main process, would
/// make systemd believe what it must not.
fn users_trace_lends_nobody_its_name(lab: &Lab) {
    built::COMMAND.require();
    let user = lab.user_manager();
    let unit = "users-traced.service";
    user.install_unit(unit, "[Service]\nType=notify\nExecStart=readyup trace -- lab-probe serve users-traced\n");
    let start = user.command(["systemctl", "--user", "start", unit]).spawn();
    let ask = |name: &str, request: &[&str]| lab.command(["lab-probe", "ask", name]).args(request).run().ok();
    ask("users-traced", &["send", r"READY=1\nSTATUS=main"]);
    start.wait(BOUND).ok();
    assert_eq!(user.show(unit, "StatusText"), "main");
    ask("users-traced", &["spawn", "users-traced-child"]);
    ask("users-traced-child", &["send", "STATUS=child"]);
    assert_eq!(user.show(unit, "StatusText"), "main");
    user.systemctl(["stop", unit]).ok();
}

fn trace_ends_as_the_program_does(lab: &Lab) {
    built::COMMAND.require();
    for (name, script, status) in [("seven", "exit 7", "7"), ("killed", "kill -KILL $$$$", "137")] {
        let unit = format!("traced-{name}.service");
        lab.install_unit(&unit, &format!("[Service]\nType=exec\nExecStart=readyup trace -- sh -c '{script}'\n"));
        lab.systemctl(["start", &unit]).ok();
        lab.wait_for(&unit, "Result", is("exit-code"), BOUND);
        assert_eq!(lab.show(&unit, "ExecMainStatus"), status, "{script}");
    }
}
