//! What the environment's values mean. JavaScript reads them: in a worker, and in Bun, it alone has the right ones.

use crate::arguments::{self, TEXT_BUFFER};
use crate::napi::{Arguments, Env, Value};
use core::time::Duration;
use readyup::protocol::ListenVariables;
use readyup::{Error, WatchdogSettings};

/// The process id of this process.
fn own_pid() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get().unsigned_abs()
}

/// A time in whole microseconds, as JavaScript's number.
pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs() as f64 * 1e6 + f64::from(time.subsec_micros())
}

/// `watchdogPeriod(usec?: string, pid?: string)`: in milliseconds; `undefined` where no watchdog is set on this process.
pub(crate) fn watchdog_period(env: Env, [usec, pid, ..]: Arguments) -> Value {
    let (mut usec_buffer, mut pid_buffer) = (TEXT_BUFFER, TEXT_BUFFER);
    let usec = arguments::text(env, usec, &mut usec_buffer);
    let pid = arguments::text(env, pid, &mut pid_buffer);
    match WatchdogSettings::parse(usec, pid, own_pid()) {
        Ok(Some(settings)) => {
            // From whole microseconds, so that the last digit is right.
            env.number(microseconds(settings.period()) / 1e3)
        }
        Ok(None) => env.undefined(),
        Err(error) => arguments::throw(env, &Error::from(error)),
    }
}

/// `listenFds(pid?: string, fds?: string, names?: string, pidfdId?: string)`: the passed descriptors, each made
/// close-on-exec, as `[fd, name, fd, name, …]`.
pub(crate) fn listen_fds(env: Env, [pid, fds, names, pidfd_id]: Arguments) -> Value {
    let (mut pid_buffer, mut fds_buffer, mut id_buffer) = (TEXT_BUFFER, TEXT_BUFFER, TEXT_BUFFER);
    // As many names of full length as one message can bring descriptors.
    let mut names_buffer = [0; 256 * 256];
    let values = ListenVariables {
        pid: arguments::text(env, pid, &mut pid_buffer),
        fds: arguments::text(env, fds, &mut fds_buffer),
        names: env.get_string(names, &mut names_buffer),
        pidfd_id: arguments::text(env, pidfd_id, &mut id_buffer),
    };
    match readyup::listen_fds(&values) {
        Ok(listed) => {
            let array = env.array();
            let mut index = 0u32;
            for (fd, name) in listed.range().zip(listed.names()) {
                env.set_element(array, index, env.integer(fd));
                env.set_element(array, index.wrapping_add(1), env.string(name));
                index = index.wrapping_add(2);
            }
            array
        }
        Err(error) => arguments::throw(env, &error),
    }
}

/// `booted()`: whether the machine was booted with systemd.
pub(crate) fn booted(env: Env, _: Arguments) -> Value {
    env.boolean(readyup::booted())
}
