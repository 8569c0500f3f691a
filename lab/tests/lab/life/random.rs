//! Scripts drawn at random.

use super::script::Script;

/// The same numbers for the same seed, on any machine: SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one of many scripts of a seed.
    pub(crate) fn of(seed: u64, index: u64) -> Self {
        let mut random = Self(seed ^ index.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// A script for this version of systemd.
pub(crate) fn script(random: &mut Random, systemd: u32) -> Script {
    let mut settings = vec![match random.below(12) {
        0..6 if systemd >= 253 => "notify-reload",
        0..10 => "notify",
        10 => "exec",
        _ => "simple",
    }];
    settings.push(random.pick(&[
        "access=all",
        "access=all",
        "access=all",
        "access=main",
        "access=exec",
        "access=none",
    ]));
    if !random.one_in(4) {
        settings.push(random.pick(&["store=1", "store=2", "store=4"]));
    }
    if systemd >= 254 && random.one_in(3) {
        settings.push(random.pick(&["preserve=no", "preserve=yes"]));
    }
    // At most one clock that runs out, so that it is known which.
    if random.one_in(3) {
        settings.push(random.pick(&["start=2.5", "stop=2.5", "runtime=2.5", "watchdog=2.5"]));
    } else if random.one_in(2) {
        settings.push("watchdog=1000");
    }
    for (chance, words) in [
        (3, &["ignores-term"][..]),
        (5, &["ignores-abrt"]),
        (9, &["ignores-hup"]),
        (6, &["remain"]),
        (9, &["no-sigkill"]),
        (5, &["kill=mixed", "kill=process"]),
        (8, &["start-mode=abort", "start-mode=kill"]),
        (8, &["stop-mode=abort", "stop-mode=kill"]),
        (9, &["pre", "pre", "pre=2"]),
        (8, &["post", "post", "post=2"]),
        (3, &["reload", "reload", "reload=2"]),
        (7, &["stop"]),
        (7, &["stop-post"]),
    ] {
        if random.one_in(chance) {
            settings.push(random.pick(words));
        }
    }
    // Where SIGKILL does not come, somebody who ignores everything else would be there for ever.
    let mut steps = vec!["start".to_owned()];
    if random.one_in(2) {
        steps.push("spawn".to_owned());
    }
    let reloads = settings.iter().any(|word| word.starts_with("reload"));
    for _ in 0..5 + random.below(9) {
        // What is said while ExecReload= runs would hardly ever come by chance.
        if reloads && random.one_in(6) {
            reload(random, &mut steps);
        } else {
            steps.push(step(random));
        }
    }
    if settings.contains(&"preserve=yes") {
        // Which of the two systemd finds first, the process dead or its descriptors hung up, decides what it is called then.
        steps.iter_mut().for_each(|step| *step = step.replace("FDSTORE=1", "FDSTORE=1|FDPOLL=0"));
    }
    Script { settings: settings.join(" "), steps }
}

fn step(random: &mut Random) -> String {
    match random.below(40) {
        0 => "start".to_owned(),
        1 => "stop".to_owned(),
        2 => "restart".to_owned(),
        3..7 => "reload".to_owned(),
        7 => "spawn".to_owned(),
        8 => format!("hang-up {}", who(random)),
        9 | 10 => {
            let status = random.pick(&["0", "0", "1", "7"]);
            format!("exit {} {status}", who(random))
        }
        11 => {
            let signal = random.pick(&["9", "10", "2"]);
            format!("die {} {signal}", who(random))
        }
        12 => "pass".to_owned(),
        13..16 => {
            let status = random.pick(&["0", "0", "0", "1"]);
            format!("exit control {status}")
        }
        16..20 => "main: READY=1".to_owned(),
        20 => "main: RELOADING=1|MONOTONIC_USEC={now}".to_owned(),
        _ => message(random),
    }
}

/// A reload by a command, with messages while it runs, and perhaps its end.
fn reload(random: &mut Random, steps: &mut Vec<String>) {
    steps.extend(["main: READY=1".to_owned(), "reload".to_owned()]);
    for _ in 0..1 + random.below(3) {
        let sender = random.pick(&["main", "main", "main", "control", "first"]);
        let lines = random.pick(&[
            "RELOADING=1",
            "RELOADING=1|MONOTONIC_USEC={now}",
            "RELOADING=1|MONOTONIC_USEC={now}",
            "RELOADING=1|MONOTONIC_USEC=1",
            "RELOADING=1|READY=1|MONOTONIC_USEC={now}",
            "READY=1",
            "READY=1",
            "STOPPING=1",
            "MONOTONIC_USEC={now}|STATUS=reloading",
        ]);
        steps.push(format!("{sender}: {lines}"));
    }
    if !random.one_in(6) {
        let status = random.pick(&["0", "0", "0", "1"]);
        steps.push(format!("exit control {status}"));
    }
}

fn who(random: &mut Random) -> &'static str {
    random.pick(&["main", "main", "main", "first", "child0", "child0", "child1"])
}

fn message(random: &mut Random) -> String {
    let sender = random.pick(&["main", "main", "main", "main", "first", "child0", "control"]);
    let lines: Vec<_> = (0..1 + random.below(3).min(random.below(4))).map(|_| line(random)).collect();
    let mut fds = String::new();
    if lines.iter().any(|line| line.starts_with("FD")) || random.one_in(12) {
        fds += random.pick(&[" +1", " +1", " +2", " +3", " =1", " +1 =1", ""]);
    }
    if lines.iter().any(|line| line.starts_with("MAINPIDFD=")) {
        fds += random.pick(&[" @child0", " @child0", " @main", ""]);
    }
    format!("{sender}{fds}: {}", lines.join("|"))
}

fn line(random: &mut Random) -> String {
    match random.below(30) {
        0..4 => "READY=1",
        4..7 => random.pick(&[
            "RELOADING=1",
            "RELOADING=1|MONOTONIC_USEC={now}",
            "MONOTONIC_USEC={now}|READY=1|RELOADING=1",
        ]),
        7 => random.pick(&[
            "MONOTONIC_USEC={now}",
            "MONOTONIC_USEC=1",
            "MONOTONIC_USEC=x",
            "MONOTONIC_USEC=18446744073709551615",
        ]),
        8 => "STOPPING=1",
        9..12 => random.pick(&[
            "STATUS=a",
            "STATUS=b",
            "STATUS=",
            r"STATUS=caf\xc3\xa9",
            r"STATUS=\xff",
            r"STATUS=\xef\xbf\xbe",
            r"STATUS=tab\x09",
            "STATUS=first|STATUS=second",
        ]),
        12 | 13 => random.pick(&[
            "NOTIFYACCESS=all",
            "NOTIFYACCESS=main",
            "NOTIFYACCESS=exec",
            "NOTIFYACCESS=none",
            "NOTIFYACCESS=x",
            "NOTIFYACCESS=",
        ]),
        14 => random.pick(&["ERRNO=5", "ERRNO=0", "ERRNO=ENOENT", "ERRNO=0x10", "ERRNO=-1", "ERRNO=4096", "ERRNO=x"]),
        15 => random.pick(&["BUSERROR=a.b", "BUSERROR=", "VARLINKERROR=a.b", r"BUSERROR=\x01", "VARLINKERROR=it's"]),
        16..19 => random.pick(&[
            "MAINPID={child0}",
            "MAINPID={child0}",
            "MAINPID={first}",
            "MAINPID={control}",
            "MAINPID={child0}|MAINPIDFDID={id:child0}",
            "MAINPID={child0}|MAINPIDFDID=1",
            "MAINPIDFD=1",
            "MAINPID=1",
            "MAINPID=4194300",
            "MAINPID=x",
        ]),
        19 | 20 => random.pick(&["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=trigger", "WATCHDOG=2"]),
        21 => random.pick(&[
            "WATCHDOG_USEC=0",
            "WATCHDOG_USEC=3600000000",
            "WATCHDOG_USEC=18446744073709551615",
            "WATCHDOG_USEC=x",
            "WATCHDOG_USEC=0x77359400",
        ]),
        22 => random.pick(&["EXTEND_TIMEOUT_USEC=3600000000", "EXTEND_TIMEOUT_USEC=1", "EXTEND_TIMEOUT_USEC=x"]),
        23..27 => random.pick(&[
            "FDSTORE=1",
            "FDSTORE=1|FDNAME=a",
            "FDSTORE=1|FDNAME=b|FDPOLL=0",
            "FDSTORE=1|FDNAME=a:b",
            "FDSTORE=1|FDNAME=",
            "FDSTOREREMOVE=1|FDNAME=a",
            "FDSTOREREMOVE=1|FDNAME=stored",
            "FDSTOREREMOVE=1|FDNAME=",
            "FDSTOREREMOVE=1",
        ]),
        27 => random.pick(&["RESTART_RESET=1", "X_ANY=1", "READY=0", "EXIT_STATUS=3", "word", "="]),
        _ => "",
    }
    .to_owned()
}
