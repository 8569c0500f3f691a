//! Whose word counts when it is said by `readyup notify` or by our `systemd-notify`, and whom they speak for.

use std::sync::Arc;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::site::Site;
use crate::unit::Unit;

/// How to say something, and a name for it. With their paths, because what a unit calls itself is not looked for in its
/// `PATH=`.
const TELLS: [(&str, &str); 2] = [("readyup", "/opt/static/readyup notify"), ("small", "/opt/static/systemd-notify")];

/// Under any other than `Type=notify`, which takes none for main, systemd would not say where to send to.
const SOCKET: &str = "Environment=NOTIFY_SOCKET=/run/systemd/notify";

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("notify_access_of_root", |lab| who_is_heard(lab, "root", ROOT)),
        site.trial("notify_access_of_a_user", |lab| who_is_heard(lab, "nobody", NOBODY)),
        site.trial_since(254, "notify_access_can_be_changed", access_can_be_changed),
        site.trial("notify_pid_hands_over", pid_hands_over),
        site.trial("notify_pid_names_the_sender", pid_names_the_sender),
        site.trial("notify_uid_takes_power_away", uid_takes_power_away),
    ]
}

/// Who may speak under each `NotifyAccess=`: a child of the main process, a child of that, the main process, a control
/// process, and a child of that.
type Heard = [(&'static str, &'static [&'static str]); 4];

/// Root speaks as its parent, if that is not the manager.
const ROOT: Heard = [
    ("none", &[]),
    ("main", &["child", "main"]),
    ("exec", &["child", "main", "control", "control-child"]),
    ("all", &["child", "grandchild", "main", "control", "control-child"]),
];

const NOBODY: Heard = [
    ("none", &[]),
    ("main", &["main"]),
    ("exec", &["main", "control"]),
    ("all", &["child", "grandchild", "main", "control", "control-child"]),
];

fn who_is_heard(lab: &Lab, user: &str, table: Heard) {
    for (kind, tell) in TELLS {
        for (access, expected) in table {
            let name = format!("heard-{user}-{kind}-{access}");
            let main = script(
                lab,
                &name,
                &format!(
                    "{tell} --status=child\nsh -c '{tell} --status=grandchild; :'\n\
                     exec {tell} --exec --status=main \\; -- sleep infinity"
                ),
            );
            let control = script(lab, &format!("{name}-control"), &format!("{tell} --status=control-child\n:"));
            let unit = Unit::install(
                lab,
                &name,
                &format!(
                    "[Service]\nType=exec\nUser={user}\nNotifyAccess={access}\n{SOCKET}\nExecStart={main}\n\
                     ExecReload={tell} --status=control\nExecReload={control}\n"
                ),
            );
            unit.start();
            // By then it was read, whether or not it was believed.
            unit.wait_for_main("sleep");
            unit.systemctl("reload");
            // Of what it does not believe, systemd logs that it came, and not what it was.
            let journal = unit.wait_for_journal("Reloaded ");
            let heard = |who: &str| journal.lines().any(|line| is_status(line, who));
            let all = ["child", "grandchild", "main", "control", "control-child"];
            let heard: Vec<_> = all.into_iter().filter(|who| heard(who)).collect();
            assert_eq!(heard, expected, "NotifyAccess={access}, {tell}\n{journal}");
        }
    }
}

/// Whether systemd says here that it was told this status.
fn is_status(line: &str, text: &str) -> bool {
    line.contains(": Got notification message from PID ") && {
        let status = format!("STATUS={text}");
        line.trim_end_matches(')').split([' ', '(', ',']).any(|word| word == status)
    }
}

/// Installs a script.
fn script(lab: &Lab, name: &str, text: &str) -> String {
    let path = format!("/opt/notify/{name}");
    lab.write_program(&path, format!("#!/bin/sh\n{text}\n"));
    path
}

fn access_can_be_changed(lab: &Lab) {
    for (kind, tell) in TELLS {
        let name = format!("changed-{kind}");
        let main = script(
            lab,
            &name,
            &format!(
                "{tell} --status=before\n{tell} NOTIFYACCESS=main\n{tell} --status=refused\n\
                 exec {tell} --exec --ready --status=after \\; -- sleep infinity"
            ),
        );
        let unit = Unit::install(
            lab,
            &name,
            &format!("[Service]\nType=notify\nUser=nobody\nNotifyAccess=all\nExecStart={main}\n"),
        );
        unit.start();
        assert_eq!(unit.show(["NotifyAccess", "StatusText"]), ["main", "after"], "{tell}");
        let journal = unit.journal();
        assert!(journal.lines().any(|line| is_status(line, "before")), "{journal}");
        assert!(!journal.contains("STATUS=refused"), "{journal}");
        // It lasts as long as the service runs.
        unit.systemctl("stop");
        assert_eq!(unit.show(["NotifyAccess"]), ["all"]);
    }
}

/// `--pid=PID`: the new main process is named by its number and, where systemd knows what to do with it, by what tells it
/// from a later one with that number.
fn pid_hands_over(lab: &Lab) {
    for (kind, tell) in TELLS {
        for user in ["root", "nobody"] {
            let name = format!("hand-over-{user}-{kind}");
            let main = script(lab, &name, &format!("sleep 4321 &\n{tell} --ready --status=\"$!\" --pid=\"$!\"\nwait"));
            let text = format!("[Service]\nType=notify\nUser={user}\nNotifyAccess=all\nExecStart={main}\n");
            let unit = Unit::install(lab, &name, &text);
            unit.start();
            let [main, new] = unit.show(["MainPID", "StatusText"]);
            assert_eq!(main, new);
            unit.wait_for_main("sleep");
            let journal = unit.wait_for_journal("New main PID ");
            let said = journal.lines().find(|line| line.contains(&format!("MAINPID={new}"))).expect("it was said");
            if lab.systemd_version() >= 257 {
                assert!(said.contains("MAINPIDFDID="), "{said}");
            }
            // The service is over when it is, and not when the one that it began with is.
            lab.run(["kill", "-TERM", &new]).ok();
            unit.wait_for("ActiveState", "inactive");
            assert_eq!(unit.show(["Result"]), ["success"]);
        }
    }
}

/// `--pid`, `--pid=parent` and `--pid=self`, and a process that is no more.
fn pid_names_the_sender(lab: &Lab) {
    for (kind, tell) in TELLS {
        let name = format!("sender-{kind}");
        let main = script(
            lab,
            &name,
            &format!(
                "sleep 4321 &\n{tell} --pid=\"$!\"\n\
                 {tell} --pid=parent --status=\"$$\"\necho \"parent: $?\"\n\
                 {tell} --pid=999999; echo \"gone: $?\"\n\
                 exec {tell} --exec --ready --pid=self \\; -- sleep infinity"
            ),
        );
        let unit = Unit::install(lab, &name, &format!("[Service]\nType=notify\nNotifyAccess=all\nExecStart={main}\n"));
        unit.start();
        unit.wait_for_main("sleep");
        let [main, first] = unit.show(["MainPID", "StatusText"]);
        assert_eq!(main, first);
        // A value that is wrong; `systemd-notify` has one status for everything.
        let journal = unit.wait_for_journal(if kind == "readyup" { "gone: 2" } else { "gone: 1" });
        assert!(journal.contains("parent: 0"), "{journal}");
        assert!(!journal.contains("MAINPID=999999"), "{journal}");
    }
}

/// `--uid=USER`: systemd lets root, and nobody else, make a process that is not the unit's its main process.
fn uid_takes_power_away(lab: &Lab) {
    for (kind, tell) in TELLS {
        let process = lab.spawn(["sleep", "4321"]);
        let stranger = process.pid().to_string();
        let name = format!("uid-{kind}");
        let main = script(
            lab,
            &name,
            &format!(
                "{tell} --uid=nobody MAINPID={stranger}; echo \"as nobody: $?\"\n\
                 exec {tell} --exec --ready --uid=nobody \\; -- sleep infinity"
            ),
        );
        let text = format!(
            "[Service]\nType=notify\nNotifyAccess=all\nExecStart={main}\nExecReload={tell} MAINPID={stranger}\n"
        );
        let unit = Unit::install(lab, &name, &text);
        unit.start();
        unit.wait_for_main("sleep");
        let [pid] = unit.show(["MainPID"]);
        assert_ne!(pid, stranger);
        let journal = unit.wait_for_journal("as nobody: 0");
        assert!(journal.contains(&format!("MAINPID={stranger}")), "{journal}");
        // As root, it is taken.
        unit.systemctl("reload");
        assert_eq!(unit.show(["MainPID"]), [stranger.as_str()]);
        // systemd would not learn of the end of a stranger, and wait for it.
        unit.systemctl("kill");
    }
}
