//! What the system's service manager and a user's have in common.

use std::ffi::OsStr;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Command, Lab, Output, POLL, Process};

/// The longest time between two looks. Each takes a process or two, and whoever is waited for may need the machine.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// A service manager in a lab: the system's, which is [`Lab`] itself, or a user's.
pub trait Manager {
    /// How `systemctl` is called to speak to this manager.
    const SYSTEMCTL: &'static [&'static str];

    /// Where units that last until the lab ends are put for this manager.
    const UNITS: &'static str;

    /// The lab that the manager is in.
    fn lab(&self) -> &Lab;

    /// A command, to be run as whom the manager runs as.
    fn command<I>(&self, words: I) -> Command<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>;

    /// What a unit has written, and what the manager has to say about it. The name is given in
    /// full: `x.service`.
    ///
    /// A unit's last words may take a moment to arrive: to look for something in here, use
    /// [`wait_for_journal`](Self::wait_for_journal).
    fn journal(&self, unit: &str) -> String;

    /// All that the manager itself has logged, at debug level. What it logged last may take a moment
    /// to arrive: see [`wait_for_manager_log`](Self::wait_for_manager_log).
    fn manager_log(&self) -> String;

    /// Runs a command to its end, for a minute at most. See [`Command::run`].
    #[track_caller]
    fn run<I>(&self, words: I) -> Output
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command(words).run()
    }

    /// Starts a command. See [`Command::spawn`].
    #[track_caller]
    fn spawn<I>(&self, words: I) -> Process
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command(words).spawn()
    }

    /// Runs `systemctl` against this manager.
    #[track_caller]
    fn systemctl<I>(&self, words: I) -> Output
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command(Self::SYSTEMCTL).args(words).run()
    }

    /// Writes a unit, or a drop-in such as `x.service.d/limit.conf`, and has the manager read it.
    ///
    /// Trials share a lab, so each takes names for its units that no other does.
    #[track_caller]
    fn install_unit(&self, name: &str, text: &str) {
        self.lab().write_file(&format!("{}/{name}", Self::UNITS), text);
        // A manager looks for a unit that it does not know. What it does know it reads anew only with everything else,
        // which takes longer than most trials, and is not without effect on the services that run.
        let known = self.systemctl(["show", "--property", "LoadState,NeedDaemonReload", name]);
        if known.stdout != "LoadState=loaded\nNeedDaemonReload=no\n" {
            self.systemctl(["daemon-reload"]).ok();
        }
    }

    /// A property of a unit, as `systemctl show` gives it.
    #[track_caller]
    fn show(&self, unit: &str, property: &str) -> String {
        let value = self.systemctl(["show", "--property", property, "--value", unit]).ok();
        value.trim_end_matches('\n').to_owned()
    }

    /// Several properties of a unit as they are at the same moment, each of one line.
    ///
    /// ```no_run
    /// # use readyup_lab::{Lab, Manager};
    /// # fn trial(lab: &Lab) {
    /// assert_eq!(lab.show_all("x.service", ["ActiveState", "StatusText"]), ["active", "all is well"]);
    /// # }
    /// ```
    #[track_caller]
    fn show_all<const N: usize>(&self, unit: &str, properties: [&str; N]) -> [String; N] {
        let shown = self.systemctl(["show", "--property", &properties.join(","), unit]).ok();
        properties.map(|property| {
            let value = shown.lines().find_map(|line| line.strip_prefix(property)?.strip_prefix('='));
            value.unwrap_or_else(|| panic!("{unit}: there is no {property}\n{shown}")).to_owned()
        })
    }

    /// Waits until a property of a unit is as `wanted`, and gives it.
    ///
    /// ```no_run
    /// # use readyup_lab::{Lab, Manager, is};
    /// # use std::time::Duration;
    /// # fn trial(lab: &Lab) {
    /// let bound = Duration::from_secs(10);
    /// lab.wait_for("x.service", "ActiveState", is("active"), bound);
    /// lab.wait_for("x.service", "NRestarts", |count| count != "0", bound);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When it is not within `timeout`: with the unit's status and journal.
    #[track_caller]
    fn wait_for(&self, unit: &str, property: &str, wanted: impl Fn(&str) -> bool, timeout: Duration) -> String {
        let deadline = Instant::now() + timeout;
        let mut pause = POLL;
        loop {
            // A manager that re-executes cannot be asked for a moment: that is waited out, too.
            let shown = self.systemctl(["show", "--property", property, "--value", unit]);
            let value = shown.stdout.trim_end_matches('\n');
            if shown.status.success() && wanted(value) {
                return value.to_owned();
            }
            if Instant::now() >= deadline {
                let status = self.systemctl(["status", "--no-pager", "--lines", "0", unit]);
                panic!(
                    "{unit}: {property} is {value:?} after {timeout:?}\n{shown}\n{status}\n\
                     --- journal\n{}",
                    self.journal(unit)
                );
            }
            thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Waits until `text` is in [`journal`](Self::journal), and gives the whole of that.
    ///
    /// # Panics
    ///
    /// When it is not within `timeout`: with the journal.
    #[track_caller]
    fn wait_for_journal(&self, unit: &str, text: &str, timeout: Duration) -> String {
        let what = format!("the journal of {unit}");
        wait_for_text(&what, || self.journal(unit), text, timeout)
    }

    /// Waits until `text` is in [`manager_log`](Self::manager_log), and gives the whole of that.
    ///
    /// # Panics
    ///
    /// When it is not within `timeout`: with the log, which is long.
    #[track_caller]
    fn wait_for_manager_log(&self, text: &str, timeout: Duration) -> String {
        wait_for_text("the manager's log", || self.manager_log(), text, timeout)
    }
}

#[track_caller]
fn wait_for_text(what: &str, read: impl Fn() -> String, wanted: &str, timeout: Duration) -> String {
    let deadline = Instant::now() + timeout;
    let mut pause = POLL;
    loop {
        let text = read();
        if text.contains(wanted) {
            return text;
        }
        if Instant::now() >= deadline {
            panic!("{what} has no {wanted:?} after {timeout:?}\n{text}");
        }
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// For [`Manager::wait_for`]: the property has exactly this value.
pub fn is(value: &str) -> impl Fn(&str) -> bool {
    move |seen| seen == value
}
