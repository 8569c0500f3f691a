//! What the cookbook for Node has for units only.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, is};

use crate::built;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(40);

/// A server that knows nothing of systemd, and takes its time.
const SERVER: &str = "const { createServer } = require('node:http');
setTimeout(() => {
  if (process.env.FAIL) process.exit(3);
  createServer((request, response) => response.end('hello')).listen(3000, '127.0.0.1');
}, 700);
";

/// What the unit asks with, in roots that have none: as much of it as is needed.
const CURL: &str = "#!/bin/sh\nexec lab-probe get 3000 / >/dev/null 2>&1\n";

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![site.trial_aside("cookbook_asks_from_outside", |site| {
        built::require_node();
        // The port that the unit names is in a network of its own.
        let lab = site.boot_aside("outside");
        asks_from_outside(&lab);
        lab.stop().unwrap();
        Completion::Completed
    })]
}

/// The unit after this mark.
fn recipe(mark: &str) -> String {
    let cookbook = fs::read_to_string(built::workspace().join("docs/node-cookbook.md")).expect("there is a cookbook");
    let (_, after) = cookbook.split_once(&format!("<!-- {mark} -->\n\n```ini\n")).expect("the cookbook has this");
    after.split_once("```").expect("a piece ends").0.to_owned()
}

fn asks_from_outside(lab: &Lab) {
    let unit = "outside.service";
    lab.write_file("/srv/app/server.js", SERVER);
    if !lab.run(["sh", "-c", "command -v curl"]).status.success() {
        lab.write_program("/usr/local/bin/curl", CURL);
    }
    lab.install_unit(unit, &recipe("unit: outside"));
    let start = lab.spawn(["systemctl", "start", unit]);
    lab.wait_for(unit, "SubState", is("start-post"), BOUND);
    start.wait(BOUND).ok();
    // Once it was started, it answers.
    assert_eq!(lab.run(["lab-probe", "get", "3000", "/"]).ok().trim_end(), "hello");
    lab.run(["systemctl", "stop", unit]).ok();

    // What ends without ever having answered is not waited for.
    lab.install_unit(unit, &format!("{}Environment=FAIL=1\nRestart=no\n", recipe("unit: outside")));
    let start = lab.spawn(["systemctl", "start", unit]);
    start.wait(BOUND).fails();
    assert_eq!(lab.show_all(unit, ["ActiveState", "ExecMainStatus"]), ["failed", "3"]);
}
