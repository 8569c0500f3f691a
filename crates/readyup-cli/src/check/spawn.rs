//! Starting programs as systemd starts those of a service.

use super::plan::Plan;
use crate::exec_as;
use crate::exit::Failure;
use readyup::Address;
use readyup::protocol::LISTEN_FDS_START;
use rustix::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Access, access};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Starts the service itself; returns its process id.
///
/// It is told where to send to if anybody of it would be believed.
pub(super) fn service(
    plan: &Plan,
    notify_socket: Option<&Address>,
    sockets: &[(&str, BorrowedFd<'_>)],
) -> Result<u32, Failure> {
    let mut program = plan.command.clone();
    find(&mut program, plan)?;
    let mut environment = environment(plan, notify_socket);
    let mut for_its_pid = Vec::new();
    if let Some(period) = plan.config.watchdog {
        environment.push(("WATCHDOG_USEC".into(), period.as_micros().to_string().into()));
        for_its_pid.push("WATCHDOG_PID");
    }
    if !sockets.is_empty() {
        let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
        environment.push(("LISTEN_FDS".into(), sockets.len().to_string().into()));
        environment.push(("LISTEN_FDNAMES".into(), names.join(":").into()));
        for_its_pid.push("LISTEN_PID");
    }
    if plan.config.fd_store_max > 0 {
        environment.push(("FDSTORE".into(), plan.config.fd_store_max.to_string().into()));
    }
    let mut command = exec_as::command_for(&program, &for_its_pid)?;
    configure(&mut command, plan, environment, &for_its_pid);
    let failed = |error: &dyn std::fmt::Display| Failure::new("passing the sockets to the service", error);
    let first = LISTEN_FDS_START;
    let end = first + i32::try_from(sockets.len()).map_err(|error| failed(&error))?;
    // What std opens on the way must not get a number that the service is to find a socket at.
    let _taken = occupy(end).map_err(|error| failed(&error))?;
    let copies = sockets.iter().map(|(_, fd)| fcntl_dupfd_cloexec(fd, end)).collect::<Result<Vec<_>, Errno>>();
    let copies = copies.map_err(|error| failed(&error))?;
    become_service(&mut command, copies.iter().map(|fd| fd.as_raw_fd()).zip(first..).collect());
    spawn(command, &program[0])
}

/// Starts another command of the unit file's, or of the command line's.
///
/// It is told where to send to if it would be believed.
pub(super) fn command(
    words: &[String],
    plan: &Plan,
    notify_socket: Option<&Address>,
    main: Option<u32>,
    told: &[(&str, String)],
) -> Result<u32, Failure> {
    let main = main.map(|main| main.to_string());
    let pid = main.as_deref().unwrap_or_default();
    let is_there = |word: &&String| main.is_some() || *word != "$MAINPID";
    let words: Vec<OsString> = words
        .iter()
        .filter(is_there)
        .map(|word| word.replace("${MAINPID}", pid).replace("$MAINPID", pid).into())
        .collect();
    let (program, arguments) =
        words.split_first().ok_or_else(|| Failure::start(OsStr::new(""), &io::ErrorKind::NotFound.into()))?;
    let mut command = Command::new(program);
    command.args(arguments);
    let mut environment = environment(plan, notify_socket);
    environment.extend(main.map(|main| ("MAINPID".into(), main.into())));
    environment.extend(told.iter().map(|(name, value)| ((*name).into(), value.into())));
    configure(&mut command, plan, environment, &[]);
    become_service(&mut command, Vec::new());
    spawn(command, program)
}

fn environment(plan: &Plan, notify_socket: Option<&Address>) -> Vec<(OsString, OsString)> {
    let mut environment = plan.environment.clone();
    environment.extend(notify_socket.map(|address| ("NOTIFY_SOCKET".into(), address.to_os_string())));
    // We are its manager: a command that speaks for its parent, as systemd-notify does, must not speak for us.
    environment.push(("MANAGERPID".into(), std::process::id().to_string().into()));
    environment
}

fn configure(command: &mut Command, plan: &Plan, environment: Vec<(OsString, OsString)>, set_already: &[&str]) {
    // What was meant for us is not for it.
    for variable in readyup::protocol::NOTIFY_VARIABLES {
        if !set_already.contains(&variable) {
            command.env_remove(variable);
        }
    }
    for variable in &plan.unset {
        command.env_remove(variable);
    }
    command.env_remove("MANAGERPIDFDID").envs(environment);
    if let Some(directory) = &plan.directory {
        command.current_dir(directory);
    }
    // Standard output is for what we have to say.
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_or_else(|_| Stdio::null(), Stdio::from);
    command.stdin(Stdio::null()).stdout(stderr).stderr(Stdio::inherit());
}

fn spawn(mut command: Command, program: &OsStr) -> Result<u32, Failure> {
    // The end of it is heard of with that of all others.
    command.spawn().map(|child| child.id()).map_err(|error| Failure::start(program, &error))
}

/// Puts the program's place where its name is, or says that there is none: what starts it in our place could only say so
/// by an exit status, which is then the service's.
fn find(program: &mut [OsString], plan: &Plan) -> Result<(), Failure> {
    let name = program[0].clone();
    let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if name.as_bytes().contains(&b'/') {
        let path = plan.directory.as_deref().unwrap_or(Path::new("")).join(&name);
        return match path.is_file() {
            true if is_program(&path) => Ok(()),
            true => Err(Failure::start(&name, &io::ErrorKind::PermissionDenied.into())),
            false => Err(Failure::start(&name, &io::ErrorKind::NotFound.into())),
        };
    }
    let path = plan.environment.iter().rfind(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let found: Option<PathBuf> =
        std::env::split_paths(&path).map(|directory| directory.join(&name)).find(|path| is_program(path));
    program[0] = found.ok_or_else(|| Failure::start(&name, &io::ErrorKind::NotFound.into()))?.into();
    Ok(())
}

/// Takes every free number below `end`.
fn occupy(end: i32) -> io::Result<Vec<OwnedFd>> {
    let mut taken = Vec::new();
    loop {
        let null = OwnedFd::from(File::open("/dev/null")?);
        if null.as_raw_fd() >= end {
            return Ok(taken);
        }
        taken.push(null);
    }
}

/// What is done between fork and exec: a session of its own, `IgnoreSIGPIPE=yes`, and each of `fds` at its number.
#[allow(unsafe_code)]
fn become_service(command: &mut Command, fds: Vec<(i32, i32)>) {
    let prepare = move || {
        // SAFETY: it takes nothing.
        unsafe { libc::setsid() };
        // SAFETY: it names no function.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        for (from, to) in &fds {
            // SAFETY: the numbers are this process's to do with as it likes: nothing of it is left after exec.
            if unsafe { libc::dup2(*from, *to) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: nothing but system calls, which is allowed between fork and exec.
    unsafe { command.pre_exec(prepare) };
}
