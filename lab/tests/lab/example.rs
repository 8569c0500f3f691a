//! The project's examples as services: their units as they are shipped, and what a trial changes about them.

use std::fs;
use std::time::Duration;

use readyup_lab::{Lab, Manager, Process, is};

use crate::built::{self, Built};

const BOUND: Duration = Duration::from_secs(20);

/// A program that is to do well under a real systemd.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    pub(crate) name: &'static str,
    /// The unit, as it is shipped.
    unit: &'static str,
    /// Stands in for the unit's `ExecStart=`.
    start: Option<&'static str>,
    /// For a socket unit.
    pub(crate) port: u16,
    is_node: bool,
    built: &'static [Built],
}

/// The examples, and one of them under `readyup trace`, which is to make no difference.
pub(crate) const EXAMPLES: &[Example] = &[
    Example {
        name: "node",
        unit: "examples/node-http/node-http.service",
        start: None,
        port: 8081,
        is_node: true,
        built: &[built::PACKAGE],
    },
    Example {
        name: "rust",
        unit: "examples/rust-service/rust-service.service",
        start: None,
        port: 8082,
        is_node: false,
        built: &[built::RUST_SERVICE],
    },
    Example {
        name: "traced",
        unit: "examples/node-http/node-http.service",
        start: Some("readyup trace -- node /srv/node-http/server.mjs"),
        port: 8083,
        is_node: true,
        built: &[built::PACKAGE, built::COMMAND],
    },
];

/// An example that is installed as a unit of a trial's own. It goes with the trial.
pub(crate) struct Service<'m, M: Manager> {
    manager: &'m M,
    pub(crate) unit: String,
    /// What the service reads its greeting from.
    pub(crate) greeting: String,
}

impl<'m, M: Manager> Service<'m, M> {
    /// Installs the shipped unit with `settings` added to its `[Service]`, with a greeting to read, and a port that the
    /// kernel picks.
    #[track_caller]
    pub(crate) fn install(manager: &'m M, example: &Example, trial: &str, settings: &str) -> Self {
        if example.is_node {
            built::require_node();
        }
        example.built.iter().for_each(Built::require);
        let shipped = fs::read_to_string(built::workspace().join(example.unit)).expect("the example has a unit");
        let start = example.start.map(|start| format!("ExecStart=\nExecStart={start}\n")).unwrap_or_default();
        let name = format!("{trial}-{}", example.name);
        let service = Self { manager, unit: format!("{name}.service"), greeting: format!("/run/greetings/{name}") };
        let greeting = &service.greeting;
        service.greet("moin");
        manager.install_unit(
            &service.unit,
            // What a hung service leaves is of no use to anybody.
            &format!(
                "{shipped}\n[Service]\nEnvironment=PORT=0 GREETING_FILE={greeting}\nLimitCORE=0\n{start}{settings}"
            ),
        );
        service
    }

    /// Changes the greeting; the service does not know yet. Where something waits for it, see
    /// [`withhold_greeting`](Self::withhold_greeting), it goes on.
    #[track_caller]
    pub(crate) fn greet(&self, text: &str) {
        self.lab().write_file(&self.greeting, format!("{text}\n"));
    }

    /// From here on, whoever reads the greeting waits until there is one.
    #[track_caller]
    pub(crate) fn withhold_greeting(&self) {
        self.lose_greeting();
        self.lab().run(["mkfifo", "--mode=644", &self.greeting]).ok();
    }

    #[track_caller]
    pub(crate) fn lose_greeting(&self) {
        self.lab().run(["rm", "--force", &self.greeting]).ok();
    }

    #[track_caller]
    pub(crate) fn start(&self) {
        self.systemctl("start");
    }

    /// Has `systemctl` do something to the service, and insists that it succeeds.
    #[track_caller]
    pub(crate) fn systemctl(&self, verb: &str) {
        let output = self.manager.systemctl([verb, self.unit.as_str()]);
        assert!(output.status.success(), "{output}\n--- journal\n{}", self.manager.journal(&self.unit));
    }

    /// The same, without waiting for it.
    #[track_caller]
    pub(crate) fn spawn_systemctl(&self, verb: &str) -> Process {
        self.manager.command(M::SYSTEMCTL).args([verb, self.unit.as_str()]).spawn()
    }

    #[track_caller]
    pub(crate) fn show(&self, property: &str) -> String {
        self.manager.show(&self.unit, property)
    }

    #[track_caller]
    pub(crate) fn show_all<const N: usize>(&self, properties: [&str; N]) -> [String; N] {
        self.manager.show_all(&self.unit, properties)
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, property: &str, value: &str) {
        self.manager.wait_for(&self.unit, property, is(value), BOUND);
    }

    /// Waits until the unit's journal holds `text`, and gives all of it.
    #[track_caller]
    pub(crate) fn wait_for_journal(&self, text: &str) -> String {
        self.manager.wait_for_journal(&self.unit, text, BOUND)
    }

    #[track_caller]
    pub(crate) fn status(&self) -> String {
        self.show("StatusText")
    }

    /// Where it listens, as its status says.
    #[track_caller]
    pub(crate) fn port(&self) -> String {
        let status = self.status();
        let port = status.strip_prefix("Serving on 127.0.0.1:").and_then(|rest| rest.split(',').next());
        port.unwrap_or_else(|| panic!("{}: {status:?} names no port", self.unit)).to_owned()
    }

    /// Fetches the greeting from the service.
    #[track_caller]
    pub(crate) fn get(&self, port: &str) -> String {
        self.lab().run(["lab-probe", "get", port, "/"]).ok().trim_end().to_owned()
    }

    pub(crate) fn lab(&self) -> &'m Lab {
        self.manager.lab()
    }
}

impl<M: Manager> Drop for Service<'_, M> {
    fn drop(&mut self) {
        // A service that a trial gave up is in nobody's way for long: the lab ends, too.
        let _ = self.manager.command(M::SYSTEMCTL).args(["stop", "--no-block", &self.unit]).try_run();
    }
}
