//! What a lab needs of the machine it runs on, and how it is found there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Access;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::{Error, Root};

/// Where programs are looked for, on the host and in the lab. Not the caller's `PATH`: half of what
/// is needed is in `sbin`, which that often leaves out.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What `keeper.sh`, the first lines of `init.sh`, and commands that enter the lab call.
const PROGRAMS: &[&str] = &["sh", "unshare", "setpriv", "nsenter", "mount", "pivot_root", "chroot", "find", "env"];

/// Tries, in namespaces that end with it, what a boot could be refused: new namespaces, and an
/// overlay over the root.
const PROBE: &str = "mount -n -t tmpfs readyup-lab /sys && mkdir /sys/upper /sys/work /sys/root && \
    mount -n -t overlay -o lowerdir=/,upperdir=/sys/upper,workdir=/sys/work readyup-lab /sys/root";

/// Says in one line why no lab can run here, if none can.
pub(crate) fn check() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("this needs root: run it as root, or with sudo".to_owned());
    }
    for name in PROGRAMS {
        if find_program(name, PATH.as_ref()).is_none() {
            return Err(format!("{name} is missing: install util-linux, mount, coreutils and findutils"));
        }
    }
    let Some(cgroups) = cgroups() else {
        return Err("there is no cgroup2 at /sys/fs/cgroup or /sys/fs/cgroup/unified".to_owned());
    };
    if let Err(error) = rustix::fs::access(cgroups, Access::WRITE_OK) {
        return Err(format!(
            "{}: {error}: a container needs to be privileged, with its cgroups writable",
            cgroups.display()
        ));
    }
    let probe = Command::new("unshare")
        .args(["--pid", "--fork", "--mount", "--propagation", "private"])
        .args(["--ipc", "--uts", "--net", "--cgroup", "sh", "-c", PROBE])
        .env_clear()
        .env("PATH", PATH)
        .output()
        .map_err(|error| format!("unshare: {error}"))?;
    if !probe.status.success() {
        let said = String::from_utf8_lossy(&probe.stderr);
        let first = said.lines().next().unwrap_or("no reason given");
        return Err(format!("{first}: a container needs to be privileged"));
    }
    // A root that was named and is not there is a mistake, and no reason to go without a lab: that is
    // for whoever looks for roots.
    if Root::found().is_ok_and(|roots| roots.is_empty()) {
        return Err("there is no systemd to boot: install the package systemd, or run lab/fetch-root trixie".to_owned());
    }
    Ok(())
}

/// Where the cgroup2 hierarchy is: in a corner of its own beside the older controllers, or, where
/// there are none of those, in the middle.
pub(crate) fn cgroups() -> Option<&'static Path> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .into_iter()
        .map(Path::new)
        // Only this version of cgroups has such a file.
        .find(|path| path.join("cgroup.subtree_control").exists())
}

/// The file of the program called `name`, in the directories of `path`, with symbolic links
/// followed.
pub(crate) fn find_program(name: &str, path: &std::ffi::OsStr) -> Option<PathBuf> {
    env::split_paths(path)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok())
        .and_then(|file| file.canonicalize().ok())
}

/// Waits for a child to end; `None` when it did not in time.
pub(crate) fn wait_child(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, Error> {
    let failed = || Error::io("waiting for a child process");
    // Not reaped yet, so the process id is still the child's.
    if let Some(status) = child.try_wait().map_err(failed())? {
        return Ok(Some(status));
    }
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).map_err(|errno| failed()(errno.into()))?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A wait longer than the kernel can count is as good as an hour; the loop goes on.
        let left =
            Timespec::try_from(left.min(Duration::from_secs(3600))).expect("an hour is in the range of a timespec");
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
            Ok(0) if Instant::now() >= deadline => return Ok(None),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return child.wait().map(Some).map_err(failed()),
            Err(errno) => return Err(failed()(errno.into())),
        }
    }
}
