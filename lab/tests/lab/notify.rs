//! What else `readyup notify` and our `systemd-notify` can tell a real manager.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::built;
use crate::site::Site;
use crate::unit::Unit;

/// With their paths, because what a unit calls itself is not looked for in its `PATH=`.
const TELLS: [(&str, &str); 2] = [("readyup", "/opt/static/readyup notify"), ("small", "/opt/static/systemd-notify")];

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("notify_fd_comes_back_by_name", fd_comes_back_by_name),
        site.trial("notify_fds_that_are_too_many_are_dropped", fds_that_are_too_many),
        site.trial("notify_in_exec_start_speaks_as_itself", in_exec_start),
        site.trial("notify_in_a_users_service", in_a_users_service),
        site.trial("notify_booted", booted),
    ]
}

/// Installs a script.
fn script(lab: &Lab, name: &str, text: &str) -> String {
    let path = format!("/opt/notify/{name}");
    lab.write_program(&path, format!("#!/bin/sh\n{text}\n"));
    path
}

/// `--fd=FD --fdname=NAME`: a descriptor of the script's, over a restart.
fn fd_comes_back_by_name(lab: &Lab) {
    for (kind, tell) in TELLS {
        for (user, access) in [("root", "main"), ("nobody", "all")] {
            let name = format!("fd-{kind}-{user}");
            let file = format!("/run/{name}");
            lab.write_file(&file, "kept\n");
            let main = script(
                lab,
                &name,
                &format!(
                    "if [ \"${{LISTEN_FDS:-0}}\" = 0 ]; then\n\
                     {tell} --fd=4 --fdname=data 4<{file}\n{tell} --ready --status='stored'\nelse\n\
                     read -r line <&3\n{tell} --ready --status=\"$LISTEN_FDNAMES: $line\"\nfi\nexec sleep 4321"
                ),
            );
            let unit = Unit::install(
                lab,
                &name,
                &format!(
                    "[Service]\nType=notify\nUser={user}\nNotifyAccess={access}\nFileDescriptorStoreMax=4\n\
                     ExecStart={main}\n"
                ),
            );
            unit.start();
            assert_eq!(unit.show(["NFileDescriptorStore", "StatusText"]), ["1", "stored"], "{tell}");
            // The file itself is kept, and not its name.
            lab.run(["rm", &file]).ok();
            unit.systemctl("restart");
            assert_eq!(unit.show(["NFileDescriptorStore", "StatusText"]), ["1", "data: kept"], "{tell}");
        }
    }
}

/// More than `FileDescriptorStoreMax=` allows: nobody is told, but systemd still answers.
fn fds_that_are_too_many(lab: &Lab) {
    for (kind, tell) in TELLS {
        let name = format!("fds-{kind}");
        let main = script(
            lab,
            &name,
            &format!("{tell} --fd=0 --fd=1 --fd=2 --fdname=many; echo \"stored: $?\"\n{tell} --ready\nexec sleep 4321"),
        );
        let text = format!("[Service]\nType=notify\nNotifyAccess=all\nFileDescriptorStoreMax=2\nExecStart={main}\n");
        let unit = Unit::install(lab, &name, &text);
        unit.start();
        unit.wait_for_journal("stored: 0");
        let [count] = unit.show(["NFileDescriptorStore"]);
        assert!(count.parse::<u32>().unwrap() <= 2, "{count}");
    }
}

/// Without any script: its parent is the manager, for which it is not to speak.
fn in_exec_start(lab: &Lab) {
    for (kind, tell) in TELLS {
        let unit = Unit::install(
            lab,
            &format!("exec-start-{kind}"),
            &format!(
                "[Service]\nType=notify\nUser=nobody\n\
                 ExecStart={tell} --exec --ready --status=itself \\; -- sleep 4321\n"
            ),
        );
        unit.start();
        let shown = unit.show(["StatusText", "NotifyAccess"]);
        assert_eq!(shown, ["itself", "main"], "{tell}");
        unit.wait_for_main("sleep");
    }
}

/// In the service of a user whose manager is not PID 1, which `$MANAGERPID` tells.
fn in_a_users_service(lab: &Lab) {
    built::STATIC_COMMAND.require();
    built::SYSTEMD_NOTIFY.require();
    let user = lab.user_manager();
    for (kind, tell) in TELLS {
        let main = script(lab, &format!("users-{kind}"), &format!("{tell} --ready --status=child\nexec sleep 4321"));
        for (name, settings, status) in [
            ("itself", format!("ExecStart={tell} --exec --ready --status=itself \\; -- sleep 4321"), "itself"),
            ("child", format!("NotifyAccess=all\nExecStart={main}"), "child"),
        ] {
            let unit = format!("users-{name}-{kind}.service");
            user.install_unit(&unit, &format!("[Service]\nType=notify\nTimeoutStartSec=20\n{settings}\n"));
            user.systemctl(["start", &unit]).ok();
            assert_eq!(user.show(&unit, "StatusText"), status, "{tell}");
            let journal = user.journal(&unit);
            assert!(!journal.contains("warning: "), "{journal}");
            user.systemctl(["stop", &unit]).ok();
        }
    }
}

fn booted(lab: &Lab) {
    built::STATIC_COMMAND.require();
    built::SYSTEMD_NOTIFY.require();
    for words in [&["readyup", "notify", "--booted"][..], &["systemd-notify", "--booted"]] {
        let program = format!("/opt/static/{}", words[0]);
        let inside = lab.command([program.as_str()]).args(&words[1..]).run();
        assert!(inside.status.success(), "{inside}");
        // This machine may have another init.
        let program = built::workspace().join("target/static").join(words[0]);
        let outside = Command::new(program).args(&words[1..]).status().unwrap();
        assert_eq!(outside.success(), Path::new("/run/systemd/system").exists(), "{words:?}");
    }
}
