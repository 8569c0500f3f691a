//! The examples with large frameworks, as `scripts/test-examples` builds them. It is also what runs these trials: without it
//! they are listed as ignored.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, is};

use crate::built;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(40);

struct Framework {
    name: &'static str,
    /// What the service is given besides its unit.
    settings: &'static str,
    port: &'static str,
    answer: &'static str,
    reloads: bool,
}

const FRAMEWORKS: [Framework; 2] = [
    Framework {
        name: "node-nest",
        settings: "Environment=PORT=8080 GREETING_FILE=/run/greeting\n",
        port: "8080",
        answer: "moin",
        reloads: true,
    },
    Framework { name: "node-next", settings: "", port: "3000", answer: "hello from Next.js", reloads: false },
];

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    FRAMEWORKS
        .into_iter()
        .map(|framework| {
            let name = format!("framework_{}", framework.name.replace('-', "_"));
            let trial = site.trial_aside(&name, move |site| {
                built::require_node();
                let built = built::workspace().join("target/examples").join(framework.name);
                assert!(built.is_dir(), "{} is missing: run `make test-examples`", built.display());
                // A lab of its own, and with it the ports that the unit names.
                let options = site.options_for(framework.name).bind_at(built, format!("/srv/{}", framework.name));
                let lab = Lab::boot(&built::show(options)).unwrap_or_else(|error| panic!("{error}"));
                lives(&lab, &framework);
                lab.stop().unwrap();
                Completion::Completed
            });
            trial.with_ignored_flag(true)
        })
        .collect()
}

/// From its start to its end, by the unit that is shipped, but with a watchdog that does not take long.
fn lives(lab: &Lab, framework: &Framework) {
    let Framework { name, settings, port, answer, reloads } = framework;
    let shipped = built::workspace().join("examples").join(name).join(format!("{name}.service"));
    let shipped = fs::read_to_string(shipped).expect("the example has a unit");
    let unit = format!("{name}.service");
    lab.write_file("/run/greeting", "moin\n");
    // A kill that a shell has built in is all that the smallest root has.
    let reload = if *reloads { "ExecReload=\nExecReload=sh -c 'kill -HUP $MAINPID'\n" } else { "" };
    lab.install_unit(&unit, &format!("{shipped}\n[Service]\n{settings}{reload}WatchdogSec=2\n"));

    lab.run(["systemctl", "start", &unit]).ok();
    assert_eq!(lab.show(&unit, "ActiveState"), "active");
    assert!(lab.show(&unit, "StatusText").starts_with("Serving"), "{}", lab.show(&unit, "StatusText"));
    // Ready means that it answers.
    let get = || lab.run(["lab-probe", "get", port, "/"]).ok();
    let said = get();
    assert!(said.contains(answer), "{said}");

    let pid = lab.show(&unit, "MainPID");
    for _ in 0..4 {
        let before = lab.show(&unit, "WatchdogTimestampMonotonic");
        lab.wait_for(&unit, "WatchdogTimestampMonotonic", |now| now != before, BOUND);
    }
    if *reloads {
        lab.write_file("/run/greeting", "servus\n");
        lab.run(["systemctl", "reload", &unit]).ok();
        lab.wait_for(&unit, "StatusText", |text| text.starts_with("Reloaded") || text.starts_with("Serving"), BOUND);
        lab.wait_for_journal(&unit, "RELOADING=1", BOUND);
        lab.wait_for(&unit, "ActiveState", is("active"), BOUND);
        assert_eq!(get().trim_end(), "servus");
    }
    assert_eq!(lab.show_all(&unit, ["MainPID", "NRestarts"]), [pid.as_str(), "0"]);

    lab.run(["systemctl", "stop", &unit]).ok();
    assert_eq!(lab.show_all(&unit, ["ActiveState", "Result"]), ["inactive", "success"], "{}", lab.journal(&unit));
    lab.wait_for_journal(&unit, "STOPPING=1", BOUND);
}
