//! Others than systemd's manager that take notifications: `start-stop-daemon`, s6, and `systemd-notify --fork`.
//!
//! Each of them is over as soon as it has what it waits for, maybe before it was asked whether it has read it. To `readyup`
//! that is an answer, too. To our `systemd-notify`, as to systemd's, it is an error, so what it ends with is chance.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Output};

use crate::built;
use crate::required;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

/// So often, because it is chance who is faster.
const ROUNDS: usize = 10;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("start_stop_daemon_awaits_ready", start_stop_daemon_awaits_ready),
        site.trial("start_stop_daemon_times_out", start_stop_daemon_times_out),
        site.trial("start_stop_daemon_takes_errors", start_stop_daemon_takes_errors),
        site.trial_aside("s6_is_told", s6_is_told),
        site.trial_since(262, "fork_of_systemd_takes_ready", fork_of_systemd_takes_ready),
        site.trial("fork_takes_systemds_ready", fork_takes_systemds_ready),
    ]
}

/// A program that a receiver starts, in the lab. It ends with the trial.
struct Program<'lab> {
    lab: &'lab Lab,
    directory: String,
}

impl<'lab> Program<'lab> {
    /// A shell script that says something, with `said STATUS` for a way to say how it went. It lives on after that, as a
    /// server does.
    #[track_caller]
    fn install(lab: &'lab Lab, name: &str, script: &str) -> Self {
        built::STATIC_COMMAND.require();
        built::SYSTEMD_NOTIFY.require();
        let program = Self { lab, directory: format!("/run/receivers/{name}") };
        let directory = &program.directory;
        lab.write_program(
            &program.path(),
            format!(
                "#!/bin/sh\necho $$ >{directory}/pid\nsaid() {{ echo \"$1\" >{directory}/.said; mv {directory}/.said \
                 {directory}/said; }}\n{script}\nexec sleep 4321\n"
            ),
        );
        program
    }

    fn path(&self) -> String {
        format!("{}/program", self.directory)
    }

    /// Has a receiver start it, and gives what the receiver said. What the program says is in `program.log`.
    #[track_caller]
    fn started_by(&self, receiver: &str) -> Output {
        let log = format!("exec {receiver} {} 2>>{}/program.log", self.path(), self.directory);
        let started = self
            .lab
            .command(["sh", "-c", &log])
            .env("PATH", "/opt/static:/usr/sbin:/usr/bin:/sbin:/bin")
            .timeout(BOUND);
        started.run()
    }

    /// What the program said of how it went. It may still be at it when the receiver is over.
    #[track_caller]
    fn said(&self) -> String {
        let wait = r#"until [ -e "$1/said" ]; do sleep 0.02; done; cat "$1/said"; rm "$1/said""#;
        let said = self.lab.command(["sh", "-c", wait, "sh", &self.directory]).timeout(BOUND).run().ok();
        said.trim_end().to_owned()
    }

    /// Insists that `readyup` is content with how it went.
    #[track_caller]
    fn assert_said_well(&self, command: &str, round: usize) {
        let said = self.said();
        if command.starts_with("readyup ") {
            assert_eq!(said, "0", "{command}, round {round}: {}", self.log());
        }
    }

    /// All that was written to standard error.
    #[track_caller]
    fn log(&self) -> String {
        self.lab.read_file(&format!("{}/program.log", self.directory))
    }

    fn kill(&self) {
        let kill = r#"if [ -e "$1/pid" ]; then kill -KILL "$(cat "$1/pid")" 2>/dev/null; rm "$1/pid"; fi"#;
        let _ = self.lab.command(["sh", "-c", kill, "sh", &self.directory]).timeout(BOUND).try_run();
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

const START: &str = "start-stop-daemon --start --background --notify-await --oknodo --notify-timeout";

/// With each way of saying it.
fn start_stop_daemon_awaits_ready(lab: &Lab) {
    for (name, ready) in [("ssd", "readyup ready"), ("ssd-small", "systemd-notify --ready")] {
        let program = Program::install(lab, name, &format!("{ready}; said $?"));
        for round in 0..ROUNDS {
            program.started_by(&format!("{START} 10 --exec")).ok();
            program.assert_said_well(ready, round);
            program.kill();
        }
    }
    // What is said before does no harm, and the time can be made longer.
    let script = "readyup status 'Not yet' && readyup notify EXTEND_TIMEOUT_USEC=20000000 && sleep 1.5 && readyup ready; \
                  said $?";
    let program = Program::install(lab, "ssd-extended", script);
    program.started_by(&format!("{START} 1 --exec")).ok();
    assert_eq!(program.said(), "0");
}

fn start_stop_daemon_times_out(lab: &Lab) {
    let program = Program::install(lab, "ssd-silent", "readyup notify X_ANY=1; said $?");
    program.started_by(&format!("{START} 1 --exec")).fails();
    assert_eq!(program.said(), "0");
    assert!(program.log().contains("timed out"), "{}", program.log());
}

fn start_stop_daemon_takes_errors(lab: &Lab) {
    let program = Program::install(lab, "ssd-errno", "readyup notify ERRNO=13 'STATUS=No access'; said $?");
    program.started_by(&format!("{START} 10 --exec")).fails();
    assert_eq!(program.said(), "0");
    assert!(program.log().contains("Permission denied"), "{}", program.log());
}

/// s6 has a program that turns what systemd is told into what s6 is told: a line feed. From 2.14 on, which of the roots is
/// in sid alone. It wants a line feed after READY=1 as well.
fn s6_is_told(site: &Site) -> Completion {
    let lab = site.lab();
    if !lab.run(["test", "-x", "/usr/bin/s6-notify-fd-from-socket"]).status.success() {
        assert!(
            !required() || lab.systemd_version() < 262,
            "s6 is missing in {}: see lab/fetch-root",
            site.root().name()
        );
        return Completion::ignored_with("there is no s6-notify-fd-from-socket in this root");
    }
    for (name, ready) in [("s6", "readyup ready"), ("s6-small", "systemd-notify --ready --status=Up")] {
        let program = Program::install(lab, name, &format!("readyup status Soon; {ready}; said $?"));
        let told = format!("{}/told", program.directory);
        for round in 0..ROUNDS {
            lab.run(["mkfifo", &told]).ok();
            let reader = lab.spawn(["cat", &told]);
            // It becomes the program, and so is not over before it.
            let receiver = lab
                .command([
                    "sh",
                    "-c",
                    r#"exec s6-notify-fd-from-socket -3 5 "$1/program" 5>"$1/told" 2>"$1/program.log""#,
                ])
                .args(["sh", &program.directory])
                .env("PATH", "/opt/static:/usr/bin:/bin")
                .spawn();
            assert_eq!(reader.wait(BOUND).ok(), "\n");
            program.assert_said_well(ready, round);
            drop(receiver);
            lab.run(["rm", &told]).ok();
        }
    }
    Completion::Completed
}

/// It takes no descriptors, so nobody can find out whether it has read something, and who asks is refused.
fn fork_of_systemd_takes_ready(lab: &Lab) {
    for (name, ready) in [("fork", "readyup ready"), ("fork-small", "systemd-notify --ready")] {
        let program = Program::install(lab, name, &format!("{ready}; said $?"));
        for round in 0..ROUNDS {
            program.started_by("/usr/bin/systemd-notify --fork --").ok();
            program.assert_said_well(ready, round);
            program.kill();
        }
    }
}

/// The other way round, with the `systemd-notify` of each version.
fn fork_takes_systemds_ready(lab: &Lab) {
    for (name, fork) in [("forked", "readyup notify --fork"), ("forked-small", "systemd-notify --fork")] {
        let program = Program::install(lab, name, "/usr/bin/systemd-notify --ready --status=up; said $?");
        let pid = program.started_by(&format!("{fork} --")).ok();
        assert_eq!(pid, lab.read_file(&format!("{}/pid", program.directory)), "{fork}");
        program.said();
        program.kill();
    }
}
