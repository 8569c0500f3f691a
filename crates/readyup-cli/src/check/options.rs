//! The command line, and the plan that comes of it.

use super::plan::{self, Commands, Plan, SocketSpec, Url};
use super::{time_span, unit_file};
use crate::exit::{Exit, Failure};
use crate::trace::Access;
use clap::Args;
use readyup::manager::service::{Config, ServiceType};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Run a service through its life as systemd would, and say what is wrong
///
/// The service is started with a notify socket of its own, so that no systemd is needed. It is watched until it is ready
/// and for a while after that, asked to reload (--reload), and stopped. A line is printed for everything that happens,
/// and at the end one finding for each mistake: what was seen, why it matters, and what mends it.
///
/// A service is taken for one of Type=notify, unless --unit names a unit file that says otherwise or --reload is given,
/// which makes it notify-reload. Options win over the unit file.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  readyup check -- node server.js
  readyup check --port 8080 --watchdog 2 --reload -- ./service
  readyup check --unit web.service --start-timeout 10 --junit check.xml
  readyup check --explain ready-before-listen

Exit status: 0 if all is well, or worth a warning at most; 1 if something is wrong; 2 if the arguments are; 125 if the
check failed, 126 if the program cannot be run, 127 if there is no such program.")]
pub(crate) struct Options {
    /// Take the command, its environment and its limits from a unit file
    #[arg(long, value_name = "FILE")]
    unit: Option<PathBuf>,

    /// How long it may take to be ready, or to reload: TimeoutStartSec= (90 s)
    #[arg(long, value_name = "TIME", value_parser = time_span::parse_option)]
    start_timeout: Option<Duration>,

    /// How long it may take to end: TimeoutStopSec= (90 s)
    #[arg(long, value_name = "TIME", value_parser = time_span::parse_option)]
    stop_timeout: Option<Duration>,

    /// How long to watch after READY=1 (1 s, or two and a half watchdog periods)
    #[arg(long = "for", value_name = "TIME", value_parser = time_span::parse_option)]
    watch: Option<Duration>,

    /// How long it may go without WATCHDOG=1: WatchdogSec=
    #[arg(long, value_name = "TIME", value_parser = time_span::parse_option)]
    watchdog: Option<Duration>,

    /// Have it reload
    #[arg(long)]
    reload: bool,

    /// Have it reload once more after the shell's CMD, which makes that fail
    #[arg(long, value_name = "CMD", requires = "reload")]
    break_config: Option<String>,

    /// What must accept connections when READY=1 comes: PORT or ADDRESS:PORT
    #[arg(long, value_name = "PORT", value_parser = plan::parse_port)]
    port: Option<SocketAddr>,

    /// Ask for an http:// URL that makes the service hang, and see whether its pings stop
    #[arg(long, value_name = "URL", value_parser = plan::parse_url)]
    stall_check: Option<Url>,

    /// Pass it a listening socket, as a socket unit does: NAME=PORT, NAME=ADDRESS:PORT or NAME=/PATH
    #[arg(long = "socket", value_name = "NAME=ADDRESS", value_parser = plan::parse_socket)]
    sockets: Vec<SocketSpec>,

    /// Set a variable of its environment
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = plan::parse_variable)]
    environment: Vec<(String, String)>,

    /// Whose messages count: NotifyAccess= (main)
    #[arg(long, value_enum, value_name = "WHOSE")]
    notify_access: Option<Access>,

    /// How many descriptors it may store: FileDescriptorStoreMax= (0)
    #[arg(long, value_name = "N")]
    fd_store: Option<usize>,

    /// The version of systemd whose rules count
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u32).range(252..))]
    systemd: Option<u32>,

    /// Listen at an abstract address (@NAME) rather than at a path
    #[arg(long = "abstract")]
    is_abstract: bool,

    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,

    /// Write a JUnit report to FILE
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,

    /// Draw the timeline, as SVG, to FILE
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,

    /// Tell more about a finding, and do nothing else
    #[arg(long, value_name = "ID")]
    pub(super) explain: Option<String>,

    /// The program, and its arguments
    #[arg(required_unless_present_any = ["unit", "explain"], trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Options {
    /// What is to be done, and remarks about what is not.
    pub(super) fn plan(&self) -> Result<(Plan, Vec<String>), Failure> {
        let default_type = if self.reload { ServiceType::NotifyReload } else { ServiceType::Notify };
        let mut plan = Plan {
            command: self.command.clone(),
            environment: Vec::new(),
            unset: Vec::new(),
            directory: None,
            commands: Commands::default(),
            config: Config::new(default_type),
            is_abstract: self.is_abstract,
            port: self.port,
            sockets: self.sockets.clone(),
            reload: self.reload,
            break_config: self.break_config.clone(),
            stall: self.stall_check.clone(),
            watch: Duration::ZERO,
        };
        let mut remarks = Vec::new();
        if let Some(path) = &self.unit {
            let name = path.display().to_string();
            let unit = unit_file::read(path).map_err(|error| Failure::new(&name, &error))?;
            remarks.extend(unit.remarks.iter().map(|remark| format!("{name}: {remark}")));
            plan.config = unit.config;
            plan.commands = unit.commands;
            plan.unset = unit.unset;
            plan.directory = unit.directory;
            plan.environment = unit.environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            if plan.command.is_empty() {
                plan.command = unit.command.into_iter().map(OsString::from).collect();
            }
            if plan.command.is_empty() {
                return Err(usage(format!("{name} has no ExecStart= that can be read")));
            }
        }
        let own = self.environment.iter().map(|(name, value)| (name.into(), value.into()));
        plan.environment.extend(own);
        self.configure(&mut plan.config);
        if self.reload && plan.config.service_type != ServiceType::NotifyReload && !plan.config.exec_reload {
            return Err(usage("--reload: the unit has neither Type=notify-reload nor ExecReload=".to_owned()));
        }
        if plan.config.service_type == ServiceType::NotifyReload && plan.config.systemd < 253 {
            return Err(usage("Type=notify-reload is known from systemd 253 on".to_owned()));
        }
        if self.stall_check.is_some() && plan.config.watchdog.is_none() {
            return Err(usage("--stall-check: there is no watchdog; add --watchdog".to_owned()));
        }
        let periods = plan.config.watchdog.map(|period| period.saturating_mul(5) / 2);
        plan.watch = self.watch.or(periods).unwrap_or(Duration::from_secs(1));
        Ok((plan, remarks))
    }

    fn configure(&self, config: &mut Config) {
        if self.start_timeout.is_some() {
            config.timeout_start = self.start_timeout;
        }
        if self.stop_timeout.is_some() {
            config.timeout_stop = self.stop_timeout;
        }
        if self.watchdog.is_some() {
            config.watchdog = self.watchdog;
        }
        if let Some(access) = self.notify_access {
            config.notify_access = access.into();
        }
        config.fd_store_max = self.fd_store.unwrap_or(config.fd_store_max);
        config.systemd = self.systemd.unwrap_or(config.systemd);
    }
}

fn usage(message: String) -> Failure {
    Failure { exit: Exit::Usage, message }
}
