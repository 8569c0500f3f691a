//! Which unit we are in, and what its manager says of it.

use readyup_notify::UnitAccess;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Which manager `$NOTIFY_SOCKET` belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    System,
    User,
}

/// The unit's `NotifyAccess=` and main process, from `systemctl`, which is there wherever systemd is and knows how to ask.
pub(crate) fn access(limit: Duration) -> Option<UnitAccess> {
    if is_managed_by_readyup() {
        // `trace` and `--fork` say themselves whom they don't believe.
        return Some(UnitAccess { unit: String::new(), access: "all".into(), main_pid: None });
    }
    let manager = manager(&std::env::var("NOTIFY_SOCKET").ok()?)?;
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let unit = unit(&cgroups, manager)?;
    let mut command = Command::new("systemctl");
    if manager == Manager::User {
        command.arg("--user");
    }
    command.args(["show", "--property=LoadState,NotifyAccess,MainPID", "--", unit]).env_remove("NOTIFY_SOCKET");
    let properties = output(&mut command, limit)?;
    let property = |name: &str| properties.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    // Of a unit that it does not know systemd says anything.
    let access = property("NotifyAccess").filter(|_| property("LoadState") == Some("loaded"))?;
    let main_pid = property("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0);
    let is_access = ["none", "main", "exec", "all"].contains(&access);
    is_access.then(|| UnitAccess { unit: unit.into(), access: access.into(), main_pid })
}

/// Whether `$MANAGERPID` is one of us.
fn is_managed_by_readyup() -> bool {
    let pid = std::env::var("MANAGERPID").ok().filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()));
    pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok())
        .is_some_and(|name| name == "readyup\n")
}

/// The managers that `systemctl` can ask are known by where they listen.
fn manager(notify_socket: &str) -> Option<Manager> {
    if notify_socket == "/run/systemd/notify" {
        return Some(Manager::System);
    }
    let user = notify_socket.strip_prefix("/run/user/")?.strip_suffix("/systemd/notify")?;
    user.bytes().all(|byte| byte.is_ascii_digit()).then_some(Manager::User)
}

/// The service that a process with these cgroups (`/proc/PID/cgroup`) belongs to.
fn unit(cgroups: &str, manager: Manager) -> Option<&str> {
    let path = |start: &str| cgroups.lines().find_map(|line| line.split_once(start).map(|(_, path)| path));
    // The one hierarchy of today, or the one that systemd uses besides the older ones.
    let path = path("0::").filter(|path| *path != "/").or_else(|| path(":name=systemd:"))?;
    let mut services = path.split('/').filter(|part| part.ends_with(".service"));
    let service = match manager {
        Manager::System => services.next(),
        // The first is the user's manager itself.
        Manager::User => services.nth(1),
    }?;
    // A name that would look like one of the kernel's own files (memory.service) has this in front.
    Some(service.strip_prefix('_').unwrap_or(service))
}

/// What a command prints, if it succeeds in time.
fn output(command: &mut Command, limit: Duration) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let end = Instant::now().checked_add(limit);
    let text = child.stdout.take().and_then(|mut stdout| {
        let mut text = Vec::new();
        let mut part = [0; 256];
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            poll(&mut [PollFd::new(&stdout, PollFlags::IN)], timeout.as_ref()).ok().filter(|ready| *ready > 0)?;
            match stdout.read(&mut part).ok()? {
                0 => return String::from_utf8(text).ok(),
                // Nothing that is asked for is longer.
                len if text.len() + len <= 4096 => text.extend_from_slice(&part[..len]),
                _ => return None,
            }
        }
    });
    // It has said all it will; one that does not end is of no use any more.
    while text.is_some() && end.is_none_or(|end| Instant::now() < end) {
        if let Some(status) = child.try_wait().ok()? {
            return text.filter(|_| status.success());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_managers() {
        assert_eq!(manager("/run/systemd/notify"), Some(Manager::System));
        assert_eq!(manager("/run/user/1000/systemd/notify"), Some(Manager::User));
        for other in ["@notify", "/run/user/x/systemd/notify", "/tmp/notify", "/run/user/1/systemd/notify2"] {
            assert_eq!(manager(other), None);
        }
    }

    #[test]
    fn ok_units() {
        let user = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n";
        for (cgroups, manager, expected) in [
            ("0::/system.slice/web.service\n", Manager::System, Some("web.service")),
            ("0::/system.slice/system-web.slice/web@1.service/worker\n", Manager::System, Some("web@1.service")),
            ("3:cpu:/\n1:name=systemd:/system.slice/web.service\n0::/\n", Manager::System, Some("web.service")),
            ("0::/system.slice/_memory.service\n", Manager::System, Some("memory.service")),
            (user, Manager::User, Some("web.service")),
            (user, Manager::System, Some("user@1000.service")),
            ("0::/user.slice/session-1.scope\n", Manager::System, None),
            ("", Manager::System, None),
        ] {
            assert_eq!(unit(cgroups, manager), expected);
        }
    }
}
