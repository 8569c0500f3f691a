//! Units in which `readyup notify` and our `systemd-notify` speak.

use std::time::Duration;

use readyup_lab::{Lab, Manager, is};

use crate::built;

const BOUND: Duration = Duration::from_secs(40);

/// A unit of a trial's own. It goes with the trial.
pub(crate) struct Unit<'lab> {
    lab: &'lab Lab,
    pub(crate) name: String,
}

impl<'lab> Unit<'lab> {
    /// Installs a service in which our programs come before those of the system.
    #[track_caller]
    pub(crate) fn install(lab: &'lab Lab, name: &str, text: &str) -> Self {
        Self::install_with_path(lab, name, text, "/opt/static")
    }

    /// The same, with directories to find programs in.
    #[track_caller]
    pub(crate) fn install_with_path(lab: &'lab Lab, name: &str, text: &str, path: &str) -> Self {
        built::STATIC_COMMAND.require();
        built::SYSTEMD_NOTIFY.require();
        let unit = Self { lab, name: format!("{name}.service") };
        let path = format!("Environment=PATH={path}:/usr/local/bin:/usr/bin:/bin");
        lab.install_unit(&unit.name, &format!("{text}\n[Service]\nLimitCORE=0\n{path}\n"));
        unit
    }

    #[track_caller]
    pub(crate) fn start(&self) {
        self.systemctl("start");
    }

    /// Has `systemctl` do something to it, and insists that it succeeds.
    #[track_caller]
    pub(crate) fn systemctl(&self, verb: &str) {
        let output = self.lab.systemctl([verb, self.name.as_str()]);
        assert!(output.status.success(), "{output}\n--- journal\n{}", self.journal());
    }

    #[track_caller]
    pub(crate) fn show<const N: usize>(&self, properties: [&str; N]) -> [String; N] {
        self.lab.show_all(&self.name, properties)
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, property: &str, value: &str) {
        self.lab.wait_for(&self.name, property, is(value), BOUND);
    }

    #[track_caller]
    pub(crate) fn journal(&self) -> String {
        self.lab.journal(&self.name)
    }

    /// Waits until the unit's journal holds `text`, and gives all of it.
    #[track_caller]
    pub(crate) fn wait_for_journal(&self, text: &str) -> String {
        self.lab.wait_for_journal(&self.name, text, BOUND)
    }

    /// Waits until the main process has become a program.
    #[track_caller]
    pub(crate) fn wait_for_main(&self, program: &str) {
        let [pid] = self.show(["MainPID"]);
        let become_it = r#"until [ "$(cat "/proc/$1/comm")" = "$2" ]; do sleep 0.02; done"#;
        self.lab.command(["sh", "-c", become_it, "sh", &pid, program]).timeout(BOUND).run().ok();
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        let stop = r#"systemctl kill --signal=KILL "$1"; systemctl stop --no-block "$1""#;
        let _ = self.lab.command(["sh", "-c", stop, "sh", &self.name]).timeout(BOUND).try_run();
    }
}
