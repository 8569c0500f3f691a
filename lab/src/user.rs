//! A user's service manager.

use std::ffi::OsStr;

use crate::{Command, Lab, Manager};

/// Not 1000: a root may have somebody there already.
const ID: u32 = 4242;

/// The service manager of a user of the lab, who is called `lab` and has the number 4242.
///
/// Got by [`Lab::user_manager`].
pub struct UserManager<'lab> {
    lab: &'lab Lab,
}

impl<'lab> UserManager<'lab> {
    /// Creates the user and starts the manager. To be done once in a lab.
    #[track_caller]
    pub(crate) fn create(lab: &'lab Lab) {
        let id = ID.to_string();
        lab.run(["groupadd", "--gid", &id, "lab"]).ok();
        lab.run(["useradd", "--uid", &id, "--gid", &id, "--create-home", "lab"]).ok();
        // What a session would do, without one: no login, no terminal.
        let started = lab.run(["systemctl", "start", &format!("user@{ID}.service")]);
        if !started.status.success() {
            panic!(
                "{started}\nIs the package libpam-systemd in the root?\n--- journal\n{}",
                lab.journal(&format!("user@{ID}.service"))
            );
        }
        Self::attach(lab).systemctl(["log-level", "debug"]).ok();
    }

    /// The manager, once it is there.
    pub(crate) fn attach(lab: &'lab Lab) -> Self {
        Self { lab }
    }

    /// The user's number, which is the group's, too.
    pub fn id(&self) -> u32 {
        ID
    }

    /// Where the user's sockets are.
    pub fn runtime_directory(&self) -> String {
        format!("/run/user/{ID}")
    }
}

impl Manager for UserManager<'_> {
    const SYSTEMCTL: &'static [&'static str] = &["systemctl", "--user"];
    const UNITS: &'static str = "/run/systemd/user";

    fn lab(&self) -> &Lab {
        self.lab
    }

    fn command<I>(&self, words: I) -> Command<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Command::new(self.lab, words)
            .user(ID)
            .env("HOME", "/home/lab")
            .env("USER", "lab")
            .env("LOGNAME", "lab")
            .env("XDG_RUNTIME_DIR", self.runtime_directory())
    }

    #[track_caller]
    fn journal(&self, unit: &str) -> String {
        self.lab.read_unit_journal("_SYSTEMD_USER_UNIT", "USER_UNIT", unit)
    }

    #[track_caller]
    fn manager_log(&self) -> String {
        let pid = self.lab.show(&format!("user@{ID}.service"), "MainPID");
        self.lab.read_journal(&[&format!("_PID={pid}")])
    }
}
