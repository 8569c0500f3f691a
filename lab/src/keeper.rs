//! The process that keeps a lab: starts it, and takes it away when we are done, or gone.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::collect::Collector;
use crate::host::{PATH, cgroups, wait_child};
use crate::{Error, Options};

const KEEPER: &str = include_str!("keeper.sh");
const INIT: &str = include_str!("init.sh");

/// How long taking a lab away may take. It is over in milliseconds unless a process hangs in the
/// kernel; the keeper itself gives up after five seconds.
const DISMISSAL: Duration = Duration::from_secs(10);

/// How much of the console errors quote.
const CONSOLE_LINES: usize = 40;

/// A running `keeper.sh`.
///
/// The keeper waits for the end of its standard input, which this program holds: when this program
/// ends, the kernel closes it, however the end came about. That works from any thread, which
/// `PR_SET_PDEATHSIG` alone would not.
pub(crate) struct Keeper {
    child: Child,
    /// Gone once the keeper was told to take the lab away.
    lifeline: Option<ChildStdin>,
    /// The process id of PID 1, and then nothing until the lab is over.
    report: Collector,
    /// What the scripts, and systemd before it has a journal, say.
    console: Collector,
    cgroup: PathBuf,
}

impl Keeper {
    pub(crate) fn start(options: &Options) -> Result<Self, Error> {
        let Some(cgroups) = cgroups() else {
            return Err(Error::Unavailable("there is no cgroup2: see Lab::available".to_owned()));
        };
        let prefix = cgroups.join(format!("readyup-lab.{}", options.name)).into_os_string();
        let mut child = Command::new("sh")
            .args(["-c", r#"eval "$KEEPER""#, "keeper"])
            .arg(&prefix)
            .args(options.words()?)
            // Nothing of ours, least of all NOTIFY_SOCKET, is for the lab.
            .env_clear()
            .envs([("PATH", PATH), ("KEEPER", KEEPER), ("INIT", INIT)])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for this program: the keeper outlives it by a moment.
            .process_group(0)
            .spawn()
            .map_err(Error::io("sh"))?;
        let lifeline = child.stdin.take();
        let report = Collector::start(child.stdout.take().expect("was asked for"));
        let console = Collector::start(child.stderr.take().expect("was asked for"));
        let mut cgroup = prefix;
        cgroup.push(format!(".{}", child.id()));
        Ok(Self { child, lifeline, report, console, cgroup: PathBuf::from(cgroup) })
    }

    /// The process id, as the host counts, of what is about to become systemd. By then it has moved
    /// into the lab for good. `None` when the scripts failed, or did not get there in time.
    pub(crate) fn init(&self, deadline: Instant) -> Option<u32> {
        self.report.wait_line(deadline)?.parse().ok()
    }

    /// Whether PID 1 of the lab has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.report.closed()
    }

    /// Waits for PID 1 of the lab to end; `false` when it did not in time.
    pub(crate) fn wait_over(&self, deadline: Instant) -> bool {
        self.report.wait_closed(deadline)
    }

    /// The last of what came out of the lab before it had a journal.
    pub(crate) fn console(&self) -> String {
        self.console.tail(CONSOLE_LINES)
    }

    /// Takes away a lab that failed, and gives all that came out of it: before its end, the last of it may still be on
    /// its way.
    pub(crate) fn last_words(&mut self) -> String {
        if let Err(error) = self.dismiss() {
            return error.to_string();
        }
        self.console.wait_closed(Instant::now() + DISMISSAL);
        self.console()
    }

    /// The cgroup that holds all of the lab.
    pub(crate) fn cgroup(&self) -> &Path {
        &self.cgroup
    }

    /// Has the lab killed and its cgroup removed. Once that was done, does nothing.
    pub(crate) fn dismiss(&mut self) -> Result<(), Error> {
        if self.lifeline.take().is_none() {
            return Ok(());
        }
        match wait_child(&mut self.child, Instant::now() + DISMISSAL)? {
            Some(status) if status.success() => Ok(()),
            _ => Err(Error::Stop(format!(
                "{} could not be taken away: see which processes are in there\n--- console\n{}",
                self.cgroup.display(),
                self.console()
            ))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Err(error) = self.dismiss() {
            eprintln!("lab: {error}");
        }
    }
}
