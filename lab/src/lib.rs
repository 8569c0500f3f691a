//! Boots a real systemd, in namespaces of its own, for tests to run against.
//!
//! A [`Lab`] looks to systemd like a machine: it is PID 1 there, with a file system, a network, a
//! cgroup tree and a journal of its own. It is up in half a second. The file system is an overlay
//! over a [`Root`], the host's own or one built by `lab/fetch-root`, with everything written going
//! to memory, so nothing in the lab can change the host or another lab.
//!
//! ```no_run
//! use readyup_lab::{Lab, Manager, Options, Root};
//!
//! let lab = Lab::boot(&Options::new(Root::host()))?;
//! lab.install_unit(
//!     "hello.service",
//!     "[Service]\nType=notify\nNotifyAccess=all\n\
//!      ExecStart=sh -c 'systemd-notify --ready --status=hello; exec sleep infinity'\n",
//! );
//! lab.run(["systemctl", "start", "hello.service"]).ok();
//! assert_eq!(lab.show("hello.service", "StatusText"), "hello");
//! lab.stop()?;
//! # Ok::<(), readyup_lab::Error>(())
//! ```
//!
//! # Running it
//!
//! ```text
//! lab/fetch-root trixie                  # once, for a second systemd
//! cargo test -p readyup-lab              # as root
//! ```
//!
//! The tests boot the host's systemd and every root under `target/lab/roots`, or, if
//! `READYUP_LAB_ROOTS` is set, those that it names. Where no lab can run they say so and pass, unless
//! `READYUP_REQUIRE_LAB=1` or `CI=true` is set: then they fail.
//!
//! # How it is made
//!
//! - `keeper.sh` runs beside the test program and holds the lab. It makes a cgroup, starts
//!   `init.sh` in new namespaces in it, and waits for its standard input to end. That happens when
//!   the [`Lab`] is dropped, and when the test program is killed: then the keeper kills the cgroup
//!   and removes it. There is nothing else to clean up, because mounts live and die with the
//!   namespace, and no file is made on the host.
//! - `init.sh` mounts what systemd needs, and becomes systemd. It starts a small target, so that what
//!   the host has enabled does not run.
//! - A [`Command`] enters by `nsenter`, in a cgroup next to that of systemd, by which it is killed if
//!   it takes too long.
//!
//! # What it is not
//!
//! No protection against malice: commands run with all of root's power, and namespaces do not hold
//! somebody who wants out. Of what no namespace divides (the clock, kernel modules and settings)
//! the lab's systemd is kept away. Resource limits such as `MemoryMax=` have no effect, because no
//! controllers are handed down.

mod cgroup;
mod collect;
mod command;
mod error;
mod host;
mod journal;
mod keeper;
mod lab;
mod manager;
mod options;
mod process;
mod root;
mod user;

use std::time::Duration;

pub use rustix::process::Signal;

pub use command::Command;
pub use error::Error;
pub use lab::Lab;
pub use manager::{Manager, is};
pub use options::Options;
pub use process::{Output, Process};
pub use root::Root;
pub use user::UserManager;

/// How long to wait before looking again, where the kernel has no way of telling.
const POLL: Duration = Duration::from_millis(10);
