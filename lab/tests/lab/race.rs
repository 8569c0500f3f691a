//! The race that one-shot senders run: systemd looks up whom a message comes from when it reads it, and by then the sender
//! may be gone. `readyup notify` waits until it was read, and so none of its messages may be lost.
//!
//! What is lost without waiting is chance; it is printed, and asserted nowhere.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Root, is};

use crate::built;
use crate::site::Site;

/// How many messages each sender says, each by a process of its own.
const MESSAGES: usize = 2000;

/// How many of those processes there are at any time.
const AT_ONCE: usize = 8;

/// How long a sender may take over all of it, on a machine that is busy with other trials.
const BOUND: Duration = Duration::from_secs(120);

/// Has all senders run under every systemd, and not under the host's alone: it takes half a minute for each.
const ALL: &str = "READYUP_LAB_RACE_ALL";

/// `race AT_ONCE EACH COMMAND…`. The barrier at its end is for those that do not wait: a unit that is over knows none of
/// the messages that are still to be read, but that is another race.
const RACE: &str = r#"#!/bin/sh
at_once=$1 each=$2
shift 2
for sender in $(seq "$at_once"); do
    (
        number=0
        while [ "$number" -lt "$each" ]; do
            number=$((number + 1))
            "$@" "X_RACE=$sender.$number" || exit
        done
    ) &
done
wait
exec readyup barrier --timeout=60
"#;

/// What systemd logs when it cannot tell whom a message comes from: any, and 257.
const UNKNOWN: [&str; 2] =
    ["Cannot find unit for notify message of PID ", "Notify sender died before message is processed. Ignoring."];

struct Sender {
    name: &'static str,
    command: &'static str,
}

const WAITING: &[Sender] = &[
    Sender { name: "readyup notify", command: "readyup notify --quiet" },
    Sender { name: "our systemd-notify", command: "systemd-notify" },
];

const OTHERS: &[Sender] = &[
    Sender { name: "readyup notify --no-block", command: "readyup notify --quiet --no-block" },
    Sender { name: "our systemd-notify --no-block", command: "systemd-notify --no-block" },
    Sender { name: "systemd's systemd-notify", command: "/usr/bin/systemd-notify" },
    Sender { name: "systemd's systemd-notify --no-block", command: "/usr/bin/systemd-notify --no-block" },
];

/// What became of a sender's messages.
struct Outcome {
    /// Those that systemd took for the unit's.
    attributed: usize,
    /// Those that systemd took for nobody's.
    lost: usize,
}

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![site.trial_aside("race_is_won_by_waiting", race_is_won_by_waiting)]
}

/// In a lab of its own: of what systemd cannot attribute nobody knows which trial it came from.
fn race_is_won_by_waiting(site: &Site) -> Completion {
    built::STATIC_COMMAND.require();
    built::SYSTEMD_NOTIFY.require();
    let lab = site.boot_aside("race");
    lab.write_program("/opt/lab/race", RACE);
    for sender in WAITING {
        // Counted from both sides, because PID 1 gives up a line for which the journal has no room for 10 ms. A log that
        // is not whole proves nothing, so it is all done again.
        let whole = (0..3).map(|_| run(&lab, sender)).find(|it| it.attributed + it.lost == MESSAGES);
        let Outcome { attributed, lost } = whole.expect("the log is whole");
        assert_eq!((attributed, lost), (MESSAGES, 0), "{}", sender.name);
    }
    if *site.root() == Root::host() || std::env::var_os(ALL).is_some() {
        for sender in OTHERS {
            run(&lab, sender);
        }
    }
    lab.stop().unwrap();
    Completion::Completed
}

/// Has a sender say all of it, as a service that is not root and whose main process others speak for.
#[track_caller]
fn run(lab: &Lab, sender: &Sender) -> Outcome {
    let name = sender.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let (unit, each) = (format!("race-{name}.service"), MESSAGES / AT_ONCE);
    lab.install_unit(
        &unit,
        &format!(
            "[Service]\nType=exec\nRemainAfterExit=yes\nNotifyAccess=all\nUser=nobody\n\
             Environment=PATH=/opt/static:/usr/bin:/bin\nExecStart=/opt/lab/race {AT_ONCE} {each} {}\n",
            sender.command
        ),
    );
    let cursor = lab.run(["journalctl", "--quiet", "--lines=0", "--show-cursor"]).ok();
    let cursor = cursor.trim().strip_prefix("-- cursor: ").expect("there is a journal");
    lab.systemctl(["restart", &unit]).ok();
    lab.wait_for(&unit, "SubState", is("exited"), BOUND);
    let [begin, end] = lab
        .show_all(&unit, ["ExecMainStartTimestampMonotonic", "ExecMainExitTimestampMonotonic"])
        .map(|text| Duration::from_micros(text.parse().unwrap()));

    lab.run(["journalctl", "--sync"]).ok();
    let since = format!("--after-cursor={cursor}");
    let log = lab.run(["journalctl", "--quiet", "--output=cat", &since, "_PID=1", "+", &format!("UNIT={unit}")]).ok();
    let heard = format!("{unit}: Got notification message from PID ");
    let numbers = log.lines().filter(|line| line.starts_with(&heard)).filter_map(|line| line.split_once("X_RACE="));
    let attributed = numbers.map(|(_, number)| number.trim_end_matches(')')).collect::<HashSet<_>>().len();
    let lost = log.lines().filter(|line| UNKNOWN.iter().any(|text| line.starts_with(text))).count();
    println!(
        "race: systemd {}: {:36} {:4} of {MESSAGES} lost ({:4.1} %), {:.2} ms each",
        lab.systemd_version(),
        sender.name,
        lost,
        100.0 * lost as f64 / MESSAGES as f64,
        (end - begin).as_secs_f64() * 1e3 / MESSAGES as f64,
    );
    Outcome { attributed, lost }
}
