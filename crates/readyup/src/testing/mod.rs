//! For the tests of your service: is it ready, alive, reloaded and stopped as its manager wants it?
//!
//! A [`TestService`] is run by a manager's rules. What judges its messages is [`Service`](crate::manager::service::Service),
//! which was compared with real systemds: what these ignore without a word is [there to be looked
//! at](TestService::ignored), and a service that hangs is killed by the watchdog as theirs is.
//!
//! Your program, started as systemd starts it:
//!
//! ```no_run
//! use readyup::manager::service::{Config, Exit, ServiceType};
//! use readyup::testing::TestService;
//! use std::process::Command;
//! use std::time::Duration;
//!
//! const SOON: Duration = Duration::from_secs(5);
//!
//! // In a test of your crate's, env!("CARGO_BIN_EXE_server") is the program.
//! let mut config = Config::new(ServiceType::NotifyReload);
//! config.watchdog = Some(Duration::from_millis(500));
//! let service = TestService::start(Command::new("target/debug/server"), config);
//!
//! service.ready(SOON); // READY=1 has come, from the right process
//! assert_eq!(service.life().status_text(), Some("Serving on :8080"));
//! service.expect_pings(3, SOON);
//! service.reload(SOON); // RELOADING=1 with its time, then READY=1
//! assert_eq!(service.stop(SOON).exit, Some(Exit::Code(0)));
//! assert!(service.ignored().is_empty(), "{service}");
//! ```
//!
//! Code that runs in the test itself, which is the main process then:
//!
//! ```
//! use readyup::manager::service::{Config, ServiceResult, ServiceType};
//! use readyup::testing::TestService;
//! use readyup::{Heartbeat, Notifier};
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use std::time::Duration;
//!
//! const SOON: Duration = Duration::from_secs(5);
//!
//! // What is to be tested.
//! fn serve(notifier: Notifier, healthy: Arc<AtomicBool>) -> Result<Heartbeat, readyup::Error> {
//!     notifier.ready()?;
//!     Heartbeat::start(notifier, Duration::from_millis(100), move || healthy.load(Ordering::Relaxed))
//! }
//!
//! let mut config = Config::new(ServiceType::Notify);
//! config.watchdog = Some(Duration::from_millis(200));
//! let service = TestService::in_process(config);
//! let healthy = Arc::new(AtomicBool::new(true));
//! let _heartbeat = serve(service.notifier(), Arc::clone(&healthy))?;
//!
//! service.ready(SOON);
//! service.expect_pings(2, SOON);
//! healthy.store(false, Ordering::Relaxed);
//! service.expect_stall(SOON); // the pings stop, and the watchdog would have killed it
//! assert_eq!(service.life().result(), ServiceResult::Watchdog);
//! # Ok::<(), readyup::Error>(())
//! ```
//!
//! Whatever fails prints all that happened until then, and whatever way a test ends, the service ends with it. A [`FakeManager`] knows no rules: it only tells what came in.

mod expect;
mod fake_manager;
mod heard;
mod hearing;
mod processes;
mod program;
mod requests;
mod runner;
mod service;
mod timeline;
mod unit;
mod waiting;
mod watcher;

pub use fake_manager::FakeManager;
pub use heard::{Heard, Ignored, IgnoredReason, Stopped};
pub use service::TestService;
