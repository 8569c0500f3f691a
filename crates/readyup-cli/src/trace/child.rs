//! The traced program, and the signals meant for it.

use crate::exec_as;
use crate::exit::Failure;
use readyup::Address;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::signal::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::emulate_default_handler;
use signal_hook::low_level::siginfo::Cause;
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::sync::Arc;

/// What is passed on: everything that people and managers send to services.
const PASSED_ON: [i32; 10] = [SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH];
/// The real-time signals, which some services have a use for.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The traced program.
pub(super) struct Child {
    process: std::process::Child,
    /// Stands for this very process: a signal can't hit another one that got its pid later.
    pidfd: OwnedFd,
}

/// Signals that were caught and are to be passed on.
pub(super) struct Signals {
    caught: SignalDelivery<UnixStream, WithOrigin>,
}

impl Child {
    /// Starts the program, with signals caught from before it is there.
    pub(super) fn start(program: &[OsString], notify_socket: &Address) -> Result<(Self, Signals), Failure> {
        let signals = Signals::catch().map_err(|error| Failure::new("catching signals", &error))?;
        let mut command = exec_as::command(program)?;
        command.env("NOTIFY_SOCKET", notify_socket.to_os_string());
        // We are the program's manager: a command that it becomes, and that would speak for its parent as
        // systemd-notify does, must not speak for us.
        command.env("MANAGERPID", std::process::id().to_string()).env_remove("MANAGERPIDFDID");
        // Where it is ignored, as some supervisors have it, nobody would hear how the program ends. The program gets it as
        // we got it.
        if exec_as::ignored_signals() & 1 << (SIGCHLD - 1) != 0 {
            signal_hook::flag::register(SIGCHLD, Arc::default())
                .map_err(|error| Failure::new("catching a signal", &error))?;
        }
        let mut process = command.spawn().map_err(|error| Failure::start(program[0].as_os_str(), &error))?;
        let pidfd = i32::try_from(process.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
            .map_err(|errno| {
                // Not to be left running without anybody to look after it.
                let _ = process.kill();
                let _ = process.wait();
                Failure::new("following the program", &errno)
            })?;
        Ok((Self { process, pidfd }, signals))
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How it ended; to be called once its descriptor is readable.
    pub(super) fn wait(&mut self) -> Result<ExitStatus, Failure> {
        self.process.wait().map_err(|error| Failure::new("waiting for the program", &error))
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Signals {
    fn catch() -> io::Result<Self> {
        let ignored = exec_as::ignored_signals();
        // A signal that was ignored when we were started (by nohup, say) stays so, for the program as well.
        let wanted = PASSED_ON.into_iter().chain(REAL_TIME).filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let (read, write) = UnixStream::pair()?;
        Ok(Self { caught: SignalDelivery::with_pipe(read, write, WithOrigin::default(), wanted)? })
    }

    /// Passes on what was caught.
    pub(super) fn pass_on(&mut self, child: &Child) {
        for origin in self.caught.pending() {
            // A terminal sends to the whole foreground group, so that the program has it already if it is still in there.
            if origin.cause != Cause::Kernel || !readyup_notify::is_in_our_group(child.pid()) {
                if let Some(signal) = signal(origin.signal) {
                    // The program may have ended just now, and then there is nobody to tell.
                    let _ = pidfd_send_signal(&child.pidfd, signal);
                }
            }
            if origin.signal == SIGTSTP {
                // Stopped with the program, as a shell's job.
                let _ = emulate_default_handler(SIGTSTP);
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.caught.get_read().as_fd()
    }
}

/// The signal of that number, to be sent.
fn signal(number: i32) -> Option<Signal> {
    if REAL_TIME.contains(&number) {
        // SAFETY: 34 to 64 are real-time signals that the C library leaves to programs. It is only sent, to a process
        // for which it was meant.
        #[allow(unsafe_code)]
        Some(unsafe { Signal::from_raw_unchecked(number) })
    } else {
        Signal::from_named_raw(number)
    }
}
