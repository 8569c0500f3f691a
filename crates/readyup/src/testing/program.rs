//! Starting a program as systemd starts that of a service.

use crate::manager::service::Config;
use crate::protocol::{Address, NOTIFY_VARIABLES};
use crate::sys;
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::{Child, Command};
use std::sync::Arc;

/// A program that was started, and was not waited for yet, so that its pid is its own.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) pid: u32,
    pub(super) pidfd: Arc<OwnedFd>,
}

/// What names a manager of ours, and is none of the program's business.
const MANAGER_VARIABLES: [&str; 2] = ["MANAGERPID", "MANAGERPIDFDID"];

/// What sets a service's life apart from all others, as systemd has it for `$INVOCATION_ID`.
pub(super) fn invocation() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().replace('-', ""))
}

pub(super) fn start(
    mut command: Command,
    notify_socket: Option<&Address>,
    invocation: &str,
    config: &Config,
) -> io::Result<Started> {
    let mut environment = environment(&mut command);
    environment.remove(OsStr::new("NOTIFY_SOCKET"));
    environment.extend(notify_socket.map(|address| ("NOTIFY_SOCKET".into(), address.to_os_string())));
    environment.insert("INVOCATION_ID".into(), invocation.into());
    // We are its manager: a command that speaks for its parent, as systemd-notify does, must not speak for us.
    environment.insert("MANAGERPID".into(), std::process::id().to_string().into());
    let mut for_its_pid = Vec::new();
    if let Some(period) = config.watchdog {
        environment.insert("WATCHDOG_USEC".into(), period.as_micros().to_string().into());
        for_its_pid.push("WATCHDOG_PID");
    }
    // Somebody put descriptors there.
    if environment.contains_key(OsStr::new("LISTEN_FDS")) {
        for_its_pid.push("LISTEN_PID");
    }
    if config.fd_store_max > 0 {
        environment.insert("FDSTORE".into(), config.fd_store_max.to_string().into());
    }
    environment.retain(|name, _| !for_its_pid.iter().any(|own| name == own));

    let paths = paths(command.get_program(), environment.get(OsStr::new("PATH")));
    let words = [command.get_program()].into_iter().chain(command.get_args()).map(OsStr::to_owned);
    let entries = environment.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name
    });
    let program = sys::Program::new(texts(paths)?, texts(words)?, texts(entries)?, &for_its_pid);
    program.take_over(&mut command);
    let mut child = command.spawn()?;
    match open(child.id()) {
        Ok(pidfd) => Ok(Started { pid: child.id(), child, pidfd: Arc::new(pidfd) }),
        Err(error) => {
            // It is there, and must not stay.
            let _ = child.kill().and_then(|()| child.wait());
            Err(error)
        }
    }
}

/// A pidfd.
pub(super) fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// The command's environment, without what our own manager put into ours.
fn environment(command: &mut Command) -> BTreeMap<OsString, OsString> {
    let mut environment = BTreeMap::new();
    // The standard library tells what was set and what is to be taken out. Where nothing is inherited, there is nothing to
    // be taken out.
    let probe = MANAGER_VARIABLES[0];
    command.env_remove(probe);
    if command.get_envs().any(|(name, _)| name == probe) {
        let is_ours = |name: &OsString| NOTIFY_VARIABLES.iter().chain(&MANAGER_VARIABLES).any(|own| name == own);
        environment.extend(std::env::vars_os().filter(|(name, _)| !is_ours(name)));
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => drop(environment.insert(name.to_owned(), value.to_owned())),
            None => drop(environment.remove(name)),
        }
    }
    environment
}

/// Where the program may be, as `execvp(3)` looks for it.
fn paths(program: &OsStr, path: Option<&OsString>) -> Vec<OsString> {
    if program.as_bytes().contains(&b'/') {
        return vec![program.to_owned()];
    }
    let path = path.map_or(OsStr::new("/bin:/usr/bin"), OsString::as_os_str);
    std::env::split_paths(path).map(|directory| directory.join(program).into_os_string()).collect()
}

fn texts(words: impl IntoIterator<Item = OsString>) -> io::Result<Vec<CString>> {
    words.into_iter().map(|word| CString::new(word.into_vec()).map_err(io::Error::from)).collect()
}
