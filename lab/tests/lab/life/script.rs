//! What a scripted service is, and what becomes of it: as text, so that a script that was drawn at random can be read, and
//! put into the table.
//!
//! Settings are words: the type, `access=`, `start=`, `stop=`, `abort=`, `runtime=` and `watchdog=` in seconds, `store=`,
//! `preserve=`, `kill=`, `remain`, `no-sigkill`, `start-mode=`, `stop-mode=`, the commands `pre`, `post`, `reload`, `stop` and
//! `stop-post` (`pre=2` for two lines of it), and `ignores-term`, `ignores-abrt` and `ignores-hup`, which is what its processes do about signals.
//!
//! Steps are separated by `;`:
//!
//! ```text
//! start | stop | restart | reload          somebody asks for it, if there is something to be done
//! restart-anyway                           also while it is on its way down
//! main: LINE | LINE                        the main process sends a message; so do `first` (the process that was started),
//!                                          `child0`, `child1`, … and `control`
//! main +2 =1 @child0: LINE                 the same, with two new descriptors, one that was sent before, and a pidfd
//! spawn                                    the process that was started has a child
//! exit main 0 | die main 9                 a process ends
//! hang-up first                            its ends of what it sent are closed
//! pass                                     time, up to the next deadline if it is near
//! ```
//!
//! In a line, `{now}` is the time, `{child0}` a process id, `{id:child0}` the number of its pidfd.

use readyup::NotifyAccess;
use readyup::manager::service::{Config, FdStorePreserve, KillMode, ServiceType, TimeoutFailureMode};
use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

/// A service and its script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) settings: String,
    pub(crate) steps: Vec<String>,
}

impl Script {
    pub(crate) fn new(settings: &str, steps: &str) -> Self {
        Self {
            settings: settings.to_owned(),
            steps: steps.split(';').map(|step| step.trim().to_owned()).filter(|step| !step.is_empty()).collect(),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}, {:?})", self.settings, self.steps.join("; "))
    }
}

/// What the settings mean.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    /// The signals that its processes survive, beside `SIGHUP` from 1.
    pub(crate) ignored: Vec<i32>,
    pub(crate) handles_hup: bool,
    /// How many lines a command has, by its word here.
    lines: HashMap<String, usize>,
}

impl Setup {
    pub(crate) fn parse(settings: &str, systemd: u32) -> Self {
        let mut config = Config::new(ServiceType::Notify);
        config.systemd = systemd;
        // Nothing happens in a script by itself, unless it is told.
        (config.timeout_start, config.timeout_stop) = (None, None);
        let (mut ignored, mut handles_hup) = (Vec::new(), true);
        let mut lines = HashMap::new();
        for word in settings.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let time = || Some(Duration::from_secs_f64(value.parse().expect("seconds")));
            if matches!(key, "pre" | "post" | "reload" | "stop-post") {
                lines.insert(key.to_owned(), if value.is_empty() { 1 } else { value.parse().expect("a number") });
            }
            let mode = || match value {
                "terminate" => TimeoutFailureMode::Terminate,
                "abort" => TimeoutFailureMode::Abort,
                "kill" => TimeoutFailureMode::Kill,
                _ => panic!("{word}"),
            };
            match key {
                "simple" => config.service_type = ServiceType::Simple,
                "exec" => config.service_type = ServiceType::Exec,
                "notify" => config.service_type = ServiceType::Notify,
                "notify-reload" => config.service_type = ServiceType::NotifyReload,
                "access" => {
                    let all = [NotifyAccess::None, NotifyAccess::Main, NotifyAccess::Exec, NotifyAccess::All];
                    config.notify_access = all.into_iter().find(|access| access.as_str() == value).expect(word);
                }
                "start" => config.timeout_start = time(),
                "stop" if !value.is_empty() => config.timeout_stop = time(),
                "abort" => config.timeout_abort = time(),
                "runtime" => config.runtime_max = time(),
                "watchdog" => config.watchdog = time(),
                "start-mode" => config.timeout_start_failure_mode = mode(),
                "stop-mode" => config.timeout_stop_failure_mode = mode(),
                "store" => config.fd_store_max = value.parse().expect(word),
                "preserve" => {
                    config.fd_store_preserve = match value {
                        "no" => FdStorePreserve::No,
                        "restart" => FdStorePreserve::Restart,
                        "yes" => FdStorePreserve::Yes,
                        _ => panic!("{word}"),
                    }
                }
                "kill" => {
                    config.kill_mode = match value {
                        "control-group" => KillMode::ControlGroup,
                        "mixed" => KillMode::Mixed,
                        "process" => KillMode::Process,
                        "none" => KillMode::None,
                        _ => panic!("{word}"),
                    }
                }
                "remain" => config.remain_after_exit = true,
                "no-sigkill" => config.send_sigkill = false,
                "pre" => config.exec_start_pre = true,
                "post" => config.exec_start_post = true,
                "reload" => config.exec_reload = true,
                "stop" => config.exec_stop = true,
                "stop-post" => config.exec_stop_post = true,
                "ignores-term" => ignored.push(libc::SIGTERM),
                "ignores-abrt" => ignored.push(libc::SIGABRT),
                "ignores-hup" => handles_hup = false,
                _ => panic!("{word}"),
            }
        }
        // It handles, or ignores, the reload signal in any case.
        ignored.push(libc::SIGHUP);
        Self { config, ignored, handles_hup, lines }
    }

    /// How many lines the command of this word has.
    pub(crate) fn lines(&self, command: &str) -> usize {
        self.lines.get(command).copied().unwrap_or(1)
    }

    /// The unit file for it.
    pub(crate) fn unit(&self, name: &str) -> String {
        let config = &self.config;
        let mut text = "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\n".to_owned();
        let mut set = |key: &str, value: &str| writeln!(text, "{key}={value}").expect("a String takes anything");
        let time =
            |time: Option<Duration>| time.map_or("infinity".to_owned(), |time| format!("{}us", time.as_micros()));
        set("Type", config.service_type.as_str());
        set("NotifyAccess", config.notify_access.as_str());
        set("TimeoutStartSec", &time(config.timeout_start));
        set("TimeoutStopSec", &time(config.timeout_stop));
        if config.timeout_abort.is_some() {
            set("TimeoutAbortSec", &time(config.timeout_abort));
        }
        set("RuntimeMaxSec", &time(config.runtime_max));
        set("WatchdogSec", &config.watchdog.map_or("0".to_owned(), |period| format!("{}us", period.as_micros())));
        let mode = |mode| match mode {
            TimeoutFailureMode::Abort => "abort",
            TimeoutFailureMode::Kill => "kill",
            _ => "terminate",
        };
        set("TimeoutStartFailureMode", mode(config.timeout_start_failure_mode));
        set("TimeoutStopFailureMode", mode(config.timeout_stop_failure_mode));
        set("FileDescriptorStoreMax", &config.fd_store_max.to_string());
        if config.systemd >= 254 {
            set(
                "FileDescriptorStorePreserve",
                match config.fd_store_preserve {
                    FdStorePreserve::No => "no",
                    FdStorePreserve::Yes => "yes",
                    _ => "restart",
                },
            );
        }
        set("RemainAfterExit", if config.remain_after_exit { "yes" } else { "no" });
        set("SendSIGKILL", if config.send_sigkill { "yes" } else { "no" });
        set(
            "KillMode",
            match config.kill_mode {
                KillMode::Mixed => "mixed",
                KillMode::Process => "process",
                KillMode::None => "none",
                _ => "control-group",
            },
        );
        // No core dumps, wherever the kernel would bring them.
        set("LimitCORE", "1");
        // Who is not to speak is not told where to, and is to be heard trying.
        set("Environment", "NOTIFY_SOCKET=/run/systemd/notify");
        let ignored: Vec<_> =
            self.ignored.iter().filter(|signal| **signal != libc::SIGHUP).map(ToString::to_string).collect();
        let ignored =
            if ignored.is_empty() { String::new() } else { format!("--ignore-signal={} ", ignored.join(",")) };
        // A signal that is blocked counts as handled: it may be for a signalfd.
        let hup = if self.handles_hup { "--block-signal=HUP" } else { "--ignore-signal=HUP" };
        let mut command = |key: &str, role: &str| {
            set(key, &format!("/usr/bin/env {ignored}{hup} /usr/local/bin/lab-probe act {name}.{role}"));
        };
        command("ExecStart", "main");
        for (given, key, role) in [
            (config.exec_start_pre, "ExecStartPre", "pre"),
            (config.exec_start_post, "ExecStartPost", "post"),
            (config.exec_reload, "ExecReload", "reload"),
            (config.exec_stop, "ExecStop", "stop"),
            (config.exec_stop_post, "ExecStopPost", "stop-post"),
        ] {
            for _ in 0..self.lines(role) {
                if given {
                    command(key, role);
                }
            }
        }
        text
    }
}
