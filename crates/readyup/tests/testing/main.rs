//! A service under test. The services are copies of this program, each in the role that its test gives it, and shells.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod ignored;
mod in_process;
mod left_behind;
mod pings;
mod reload;
mod start;
mod stop;

use readyup::manager::service::{Config, ServiceType};
use readyup::testing::TestService;
use readyup::{Assignment, MessageBuf, Notifier, monotonic_now};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

const ROLE: &str = "READYUP_TEST_ROLE";

/// The role of this copy, if it is one.
fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A copy of this program that runs just the test `test`, which finds itself in `role`.
fn copy(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A copy as a service. In that copy it runs `body` instead, and there is nothing left to do.
fn start(test: &str, config: Config, body: impl FnOnce(&Notifier)) -> Option<TestService> {
    if role().is_some() {
        body(&Notifier::from_env().unwrap());
        return None;
    }
    Some(TestService::start(copy(test, "service"), config))
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn notify() -> Config {
    Config::new(ServiceType::Notify)
}

fn notify_reload() -> Config {
    Config::new(ServiceType::NotifyReload)
}

fn exec() -> Config {
    Config::new(ServiceType::Exec)
}

fn with(mut config: Config, change: impl FnOnce(&mut Config)) -> Config {
    change(&mut config);
    config
}

/// A pipe whose ends no other program inherits.
fn pipe() -> (File, OwnedFd) {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    (read.into(), write)
}

/// Waits until nobody has the pipe's other end any more, and returns what came.
fn read_all(mut pipe: File) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    text
}

/// Serves until `SIGTERM` comes, and reloads as it should.
fn serve(notifier: &Notifier) {
    let mut signals = Signals::new([SIGHUP, SIGTERM]).unwrap();
    notifier.notify([Assignment::Ready, Assignment::Status("Serving")]).unwrap();
    for signal in signals.forever() {
        if signal == SIGTERM {
            notifier.stopping().unwrap();
            return;
        }
        notifier.send(MessageBuf::reloading(monotonic_now()).unwrap().as_message().unwrap()).unwrap();
        notifier.notify([Assignment::Ready, Assignment::Status("Reloaded")]).unwrap();
    }
}

/// What the test would have failed with.
#[track_caller]
fn failure<T>(test: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(test)) else { panic!("it should have failed") };
    *panic.downcast::<String>().unwrap()
}

/// Whether the process runs: one that is dead, and was not waited for, does not.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let (_, fields) = stat.rsplit_once(')').unwrap();
    !fields.starts_with(" Z") && !fields.starts_with(" X")
}
