//! A booted lab.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgroup::Group;
use crate::keeper::Keeper;
use crate::{Command, Error, Manager, Options, POLL, UserManager, host};

/// How long systemd is given to stop everything by itself, before it is killed. Far less than the
/// minute and a half that a unit may take: nobody waits for the outcome any more.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a lab that failed to boot is asked for reasons.
const INQUIRY: Duration = Duration::from_secs(5);

/// A machine of its own, as far as systemd can tell: systemd runs in it as PID 1.
///
/// Several can run at once, a lab can be shared between threads, and it can be booted from any
/// thread. When it is dropped, or when this program ends by whatever means, all of it goes away.
pub struct Lab {
    name: String,
    version: u32,
    /// PID 1, as the host counts.
    init: u32,
    keeper: Keeper,
    /// How many commands were run: each has a cgroup, named by its number.
    commands: AtomicU32,
    user: OnceLock<()>,
}

impl Lab {
    /// Whether a lab can run here: as root, on Linux 5.14 or later, with cgroup2, an overlay file
    /// system, and a systemd to boot.
    ///
    /// # Errors
    ///
    /// In one line, why not, and what to do about it.
    pub fn available() -> Result<(), String> {
        host::check()
    }

    /// Boots systemd, and waits until it has come up. Takes half a second.
    ///
    /// # Errors
    ///
    /// [`Error::Boot`], with what systemd had to say, when it does not come up; others when it does
    /// not come to that. Nothing is left behind.
    pub fn boot(options: &Options) -> Result<Self, Error> {
        let version = options.root.systemd_version()?;
        let mut keeper = Keeper::start(options)?;
        let deadline = Instant::now() + options.boot_timeout;
        let Some(init) = keeper.init(deadline) else {
            return Err(Error::Boot {
                lab: options.name.clone(),
                why: "it could not be started; the console says why".to_owned(),
                console: keeper.last_words(),
                journal: String::new(),
            });
        };
        let lab = Self {
            name: options.name.clone(),
            version,
            init,
            keeper,
            commands: AtomicU32::new(0),
            user: OnceLock::new(),
        };
        match lab.wait_until_up(deadline) {
            Ok(()) => Ok(lab),
            Err(why) => Err(lab.boot_error(why)),
        }
    }

    /// Has systemd stop everything and end, and takes away what is left: processes, mounts, cgroup.
    ///
    /// Dropping a lab does the same, but can only print an error.
    ///
    /// # Errors
    ///
    /// When something could not be taken away.
    pub fn stop(mut self) -> Result<(), Error> {
        self.bid_farewell();
        self.keeper.dismiss()
    }

    /// Its name, which is its host name, too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cgroup, as a directory of the host's, that holds all of the lab.
    pub fn cgroup(&self) -> &Path {
        self.keeper.cgroup()
    }

    /// The process id of the lab's PID 1, as the host counts.
    pub fn init(&self) -> u32 {
        self.init
    }

    /// The version of systemd that runs in it, such as `257`.
    pub fn systemd_version(&self) -> u32 {
        self.version
    }

    /// Writes a file of the lab's, and makes the directories above it.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    #[track_caller]
    pub fn write_file(&self, path: &str, text: impl Into<Vec<u8>>) {
        // Through a command, because a symbolic link in the path is to be followed in the lab.
        self.run_with(r#"mkdir -p "${1%/*}/" && cat >"$1""#, path, text.into());
    }

    /// As [`write_file`](Self::write_file), for a script that is to be run.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    #[track_caller]
    pub fn write_program(&self, path: &str, text: impl Into<Vec<u8>>) {
        self.run_with(r#"mkdir -p "${1%/*}/" && cat >"$1" && chmod 755 "$1""#, path, text.into());
    }

    /// Reads a file of the lab's.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    #[track_caller]
    pub fn read_file(&self, path: &str) -> String {
        self.run(["cat", path]).ok()
    }

    /// The service manager of an ordinary user, which is started when this is first called.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[track_caller]
    pub fn user_manager(&self) -> UserManager<'_> {
        self.user.get_or_init(|| UserManager::create(self));
        UserManager::attach(self)
    }

    /// Lets a command in: PID 1, whose namespaces to enter, and a cgroup to be in meanwhile.
    pub(crate) fn admit(&self, command: &str) -> Result<(u32, Group), Error> {
        // The process id of a PID 1 that has ended may by now be anybody's on the host.
        if self.keeper.is_over() {
            return Err(Error::Over { command: command.to_owned(), console: self.keeper.console() });
        }
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let path = self.cgroup().join("commands").join(number.to_string());
        let group = Group::create(path).map_err(Error::io("making a cgroup"))?;
        Ok((self.init, group))
    }

    #[track_caller]
    fn run_with(&self, script: &str, path: &str, text: Vec<u8>) {
        self.command(["sh", "-c", script, "sh", path]).stdin(text).run().ok();
    }

    /// Waits until systemd has done all that it was to do at boot, or says why it has not.
    fn wait_until_up(&self, deadline: Instant) -> Result<(), String> {
        let mut last = "nobody was asked".to_owned();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(last);
            }
            let asked = self.command(["systemctl", "is-system-running", "--wait"]).timeout(left);
            match asked.try_run() {
                // A unit that failed is for the trials to judge: a root may bring one along.
                Ok(state) if matches!(state.stdout.trim(), "running" | "degraded") => return Ok(()),
                // For the first moments nobody is there to be asked.
                Ok(state) => last = state.to_string(),
                Err(Error::Hang { .. }) => {
                    return Err(format!("it was still not up when time ran out; before: {last}"));
                }
                Err(Error::Over { .. }) => return Err("PID 1 has ended".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
            thread::sleep(POLL);
        }
    }

    fn boot_error(mut self, why: String) -> Error {
        let inquiry = "systemctl list-jobs --no-pager; journalctl --no-pager -p info -n 60";
        let journal = match self.command(["sh", "-c", inquiry]).timeout(INQUIRY).try_run() {
            Ok(output) => format!("{}{}", output.stdout, output.stderr),
            Err(error) => error.to_string(),
        };
        Error::Boot { lab: self.name.clone(), why, console: self.keeper.last_words(), journal }
    }

    /// Has systemd end by itself, if it can: units are stopped as they would be on a machine.
    fn bid_farewell(&self) {
        let deadline = Instant::now() + FAREWELL;
        let asked = self.command(["systemctl", "exit"]).timeout(FAREWELL).try_run();
        // A PID 1 that does not even take the request is killed at once.
        if asked.is_ok_and(|output| output.status.success()) {
            self.keeper.wait_over(deadline);
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The keeper, dropped next, does the rest.
        if !self.keeper.is_over() {
            self.bid_farewell();
        }
    }
}

impl Manager for Lab {
    const SYSTEMCTL: &'static [&'static str] = &["systemctl"];
    const UNITS: &'static str = "/run/systemd/system";

    fn lab(&self) -> &Lab {
        self
    }

    fn command<I>(&self, words: I) -> Command<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Command::new(self, words)
    }

    #[track_caller]
    fn journal(&self, unit: &str) -> String {
        self.read_unit_journal("_SYSTEMD_UNIT", "UNIT", unit)
    }

    #[track_caller]
    fn manager_log(&self) -> String {
        self.read_journal(&["_PID=1"])
    }
}
