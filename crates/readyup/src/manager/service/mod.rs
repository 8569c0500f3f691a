//! The life of a service as its manager sees it: what systemd does about messages, ends of processes, requests and time.
//!
//! [`Service`] is a value. It starts nothing, kills nothing and has no clock: it is told what happens and when, and tells
//! what state the service is in ([`sub_state`](Service::sub_state), [`result`](Service::result) and so on, by the names
//! that `systemctl show` has for them), what a manager does next ([`Effect`]), and until when it waits
//! ([`deadline`](Service::deadline)). What a message is ignored for is an effect, too ([`Refusal`]): a real manager says
//! that in its debug log, if at all.
//!
//! Times are what [`monotonic_now`](crate::monotonic_now) gives, as `MONOTONIC_USEC=` is compared with them.
//!
//! ```
//! use readyup::Message;
//! use readyup::manager::service::{ActiveState, Config, Effect, Exit, Notification, Service, ServiceResult, ServiceType, SubState};
//! use std::time::Duration;
//!
//! let mut config = Config::new(ServiceType::Notify);
//! config.watchdog = Some(Duration::from_secs(10));
//! let mut service = Service::new(config);
//!
//! let mut now = Duration::from_secs(1000); // readyup::monotonic_now() elsewhere
//! service.start(now);
//! service.on_spawned(now, 42);
//! assert_eq!(service.sub_state(), SubState::Start);
//!
//! // Not the main process.
//! let effects = service.on_message(now, &Notification::new(Message::READY, 43, 0));
//! assert!(matches!(effects[..], [Effect::Refused(_)]));
//! service.on_message(now, &Notification::new(Message::READY, 42, 0));
//! assert_eq!(service.active_state(), ActiveState::Active);
//!
//! // No WATCHDOG=1 for 10 seconds.
//! now = service.deadline().expect("a watchdog");
//! service.on_deadline(now);
//! assert_eq!(service.sub_state(), SubState::StopWatchdog);
//! service.on_exit(now, 42, Exit::CoreDump(6));
//! assert_eq!((service.active_state(), service.result()), (ActiveState::Failed, ServiceResult::Watchdog));
//! ```
//!
//! # What it knows
//!
//! Services of `Type=notify`, `notify-reload`, `exec` and `simple`, with `ExecStartPre=`, `ExecStartPost=`, `ExecReload=`,
//! `ExecStop=` and `ExecStopPost=`, whose lines are counted outside ([`Service::on_next_line`]). It was compared with systemd 252, 254, 257 and 262,
//! script by script. Where those differ, [`Config::systemd`] decides; for a version in between, a rule begins where the
//! notes of the releases have it. `Restart=`, `ExitType=cgroup`, `PIDFile=` and the freezer are left out.

mod config;
mod effect;
mod ends;
mod errno;
mod input;
mod life;
mod message;
mod number;
mod properties;
mod signal;
mod state;
mod steps;
mod store;

pub use config::{Config, FdStorePreserve, KillMode, ServiceType, TimeoutFailureMode};
pub use effect::{Command, Effect, MainPidRefusal, Refusal, Target};
pub use input::{Exit, FdKey, Notification, Process};
pub use life::Service;
pub use message::NamedProcess;
pub use state::{ActiveState, ServiceResult, SubState};
pub use store::StoredFd;
