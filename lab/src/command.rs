//! Commands, and their way into a lab.

use std::ffi::{OsStr, OsString};
use std::process::Command as HostCommand;
use std::time::Duration;

use crate::host::PATH;
use crate::process::{Output, Process};
use crate::{Error, Lab};

/// How long a command may take, unless told: longer than anything a test would wait for, shorter
/// than anybody's patience.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Joins the cgroup of the command, and goes on as what enters the lab.
const ENTER: &str = r#"echo 0 >"$1" && shift && exec "$@""#;

/// A command to be run in a lab, from outside of any unit.
///
/// It sees the lab's files, processes and network. Its environment holds `PATH` and `HOME` and what
/// [`env`](Self::env) adds; descriptors that this program was started with, and that are not closed
/// on exec, come along. In the lab's eyes it belongs to no unit, so the service manager does not
/// listen to what it sends: what is to be heard has to be a service.
#[must_use = "nothing runs until `run` or `spawn` is called"]
pub struct Command<'lab> {
    lab: &'lab Lab,
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    user: Option<u32>,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
}

impl<'lab> Command<'lab> {
    pub(crate) fn new<I>(lab: &'lab Lab, words: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let command =
            Self { lab, words: Vec::new(), environment: Vec::new(), user: None, stdin: None, timeout: TIMEOUT };
        command.args(words).env("PATH", PATH).env("HOME", "/root").env("LANG", "C.UTF-8")
    }

    /// Adds arguments.
    pub fn args<I>(mut self, words: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs as the user, and the group, with this number instead of as root.
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// Gives it something to read; otherwise its standard input is `/dev/null`.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// How long [`run`](Self::run) lets it take; a minute unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end.
    ///
    /// What it leaves running goes on until the lab ends.
    ///
    /// # Panics
    ///
    /// When it takes too long, or the lab is over: with the command, and what it said.
    #[track_caller]
    pub fn run(self) -> Output {
        self.try_run().unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`run`](Self::run), with an error where that panics.
    ///
    /// # Errors
    ///
    /// [`Error::Hang`] when it takes too long, [`Error::Over`] when the lab is over.
    pub fn try_run(self) -> Result<Output, Error> {
        let timeout = self.timeout;
        self.start()?.finish(timeout)
    }

    /// Starts it, and returns.
    ///
    /// # Panics
    ///
    /// When the lab is over.
    #[track_caller]
    pub fn spawn(self) -> Process {
        self.start().unwrap_or_else(|error| panic!("{error}"))
    }

    fn start(self) -> Result<Process, Error> {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        let name = words.join(" ");
        let (init, group) = self.lab.admit(&name)?;

        let mut entering = HostCommand::new("sh");
        entering.args(["-c", ENTER, "enter"]).arg(group.entrance());
        // The working directory, like the root, is that of PID 1.
        entering.args(["nsenter", "--target", &init.to_string()]);
        entering.args(["--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup", "--root", "--wd"]);
        if let Some(id) = self.user {
            let id = id.to_string();
            entering.args(["setpriv", "--reuid", &id, "--regid", &id, "--init-groups"]);
        }
        entering.args(["env", "-i"]);
        for (name, value) in &self.environment {
            let mut assignment = name.clone();
            assignment.push("=");
            assignment.push(value);
            entering.arg(assignment);
        }
        entering.args(&self.words).env_clear().env("PATH", PATH).current_dir("/");
        Process::start(name, entering, group, self.stdin)
    }
}
