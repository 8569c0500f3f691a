//! Services that say what a trial has them say: see `lab/probe`.

use std::time::Duration;

use readyup_lab::{Command, Lab, Manager, Output, is};

use crate::built;

const BOUND: Duration = Duration::from_secs(20);

/// A process that says what it is asked to say.
pub(crate) struct Probe<'lab> {
    lab: &'lab Lab,
    name: String,
    unit: String,
}

/// A unit with a probe for its main process. It goes with the trial.
pub(crate) struct ProbeUnit<'lab> {
    pub(crate) main: Probe<'lab>,
    pub(crate) unit: String,
}

impl<'lab> Probe<'lab> {
    /// Has the probe carry out a request. What it sends is believed, or not, by the time this returns.
    #[track_caller]
    pub(crate) fn ask<const N: usize>(&self, request: [&str; N]) -> String {
        let answer = self.lab.command(["lab-probe", "ask", &self.name]).args(request).run();
        let journal = || self.lab.journal(&self.unit);
        assert!(answer.status.success(), "{answer}\n--- journal\n{}", journal());
        answer.stdout.trim_end_matches('\n').to_owned()
    }

    /// Has it send a message: `\n`, `\r`, `\0` and `\xHH` in it are as in Rust.
    #[track_caller]
    pub(crate) fn send(&self, message: &str) {
        assert_eq!(self.ask(["send", message]), "sent");
    }

    /// Starts a child of it, which is a probe too.
    #[track_caller]
    pub(crate) fn spawn(&self) -> (Probe<'lab>, String) {
        let child = Probe { lab: self.lab, name: format!("{}-child", self.name), unit: self.unit.clone() };
        let pid = self.ask(["spawn", &child.name]);
        (child, pid)
    }
}

impl<'lab> ProbeUnit<'lab> {
    /// Installs a service of `Type=notify`, with `settings` added to its `[Service]`.
    #[track_caller]
    pub(crate) fn install(lab: &'lab Lab, name: &str, settings: &str) -> Self {
        let unit = format!("probe-{name}.service");
        let unit = Self { main: Probe { lab, name: name.to_owned(), unit: unit.clone() }, unit };
        lab.install_unit(
            &unit.unit,
            &format!("[Service]\nType=notify\nExecStart=/usr/local/bin/lab-probe serve {name}\n{settings}"),
        );
        unit
    }

    /// The same, and it starts, but is not ready.
    #[track_caller]
    pub(crate) fn begun(lab: &'lab Lab, name: &str, settings: &str) -> Self {
        let unit = Self::install(lab, name, settings);
        unit.begin();
        unit
    }

    #[track_caller]
    pub(crate) fn begin(&self) {
        self.main.lab.systemctl(["start", "--no-block", &self.unit]).ok();
    }

    /// The same, and it is ready.
    #[track_caller]
    pub(crate) fn ready(lab: &'lab Lab, name: &str, settings: &str) -> Self {
        let unit = Self::begun(lab, name, settings);
        assert_eq!(unit.main.ask(["ready"]), "sent");
        assert_eq!(unit.show("ActiveState"), "active");
        unit
    }

    #[track_caller]
    pub(crate) fn show(&self, property: &str) -> String {
        self.main.lab.show(&self.unit, property)
    }

    #[track_caller]
    pub(crate) fn show_all<const N: usize>(&self, properties: [&str; N]) -> [String; N] {
        self.main.lab.show_all(&self.unit, properties)
    }

    #[track_caller]
    pub(crate) fn status(&self) -> String {
        self.show("StatusText")
    }

    /// What the status is after the main process has sent `message`, which may be something that the library refuses to
    /// send. Before it, it was "before".
    #[track_caller]
    pub(crate) fn status_after(&self, message: &str) -> String {
        assert_eq!(self.main.ask(["send", "STATUS=before", ";", "datagram", message]), "sent");
        self.status()
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, property: &str, value: &str) {
        self.main.lab.wait_for(&self.unit, property, is(value), BOUND);
    }

    /// Waits until the unit's journal holds `text`.
    #[track_caller]
    pub(crate) fn wait_for_journal(&self, text: &str) {
        self.main.lab.wait_for_journal(&self.unit, text, BOUND);
    }
}

impl Drop for ProbeUnit<'_> {
    fn drop(&mut self) {
        // A probe that has said that it is stopping does not.
        let kill = r#"systemctl kill --signal=KILL "$1"; systemctl stop --no-block "$1""#;
        if let Err(error) = self.main.lab.command(["sh", "-c", kill, "sh", &self.unit]).timeout(BOUND).try_run() {
            eprintln!(
                "{error}\n--- journal\n{}\n----ALL{}",
                self.main.lab.journal(&self.unit),
                self.main.lab.manager_log()
            );
        }
    }
}

/// Carries out a request from outside of any unit.
pub(crate) fn outside<'lab, const N: usize>(lab: &'lab Lab, request: [&str; N]) -> Command<'lab> {
    lab.command(["lab-probe", "do"]).args(request).env("NOTIFY_SOCKET", "/run/systemd/notify")
}

/// What it said, in case it went well.
#[track_caller]
pub(crate) fn said(output: Output) -> String {
    output.ok().trim_end_matches('\n').to_owned()
}

/// Settings for a service in which `readyup trace` runs the probe called `name`.
#[track_caller]
pub(crate) fn traced(name: &str, options: &str) -> String {
    built::COMMAND.require();
    format!("ExecStart=\nExecStart=readyup trace {options} -- lab-probe serve {name}\n")
}
