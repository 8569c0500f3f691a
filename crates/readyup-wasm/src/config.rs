//! The configuration, as lines of a unit file.

use readyup::NotifyAccess;
use readyup::manager::service::{Config, Exit, KillMode, ServiceType};
use std::time::Duration;

/// Reads it: names as in a unit file, times in microseconds or `infinity`, signals as numbers, and `Systemd=` for the
/// version whose rules hold.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let mut config = Config::new(ServiceType::Notify);
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        set(&mut config, name, value).ok_or_else(|| format!("{name}: \"{value}\" is none of its values"))?;
    }
    Ok(config)
}

fn set(config: &mut Config, name: &str, value: &str) -> Option<()> {
    match name {
        "Systemd" => config.systemd = value.parse().ok()?,
        "Type" => {
            let types = [ServiceType::Simple, ServiceType::Exec, ServiceType::Notify, ServiceType::NotifyReload];
            config.service_type = types.into_iter().find(|kind| kind.as_str() == value)?;
        }
        "NotifyAccess" => {
            let all = [NotifyAccess::None, NotifyAccess::Main, NotifyAccess::Exec, NotifyAccess::All];
            config.notify_access = all.into_iter().find(|access| access.as_str() == value)?;
        }
        "TimeoutStartSec" => config.timeout_start = span(value)?,
        "TimeoutStopSec" => config.timeout_stop = span(value)?,
        "TimeoutAbortSec" => config.timeout_abort = span(value)?,
        "WatchdogSec" => config.watchdog = span(value)?,
        "FileDescriptorStoreMax" => config.fd_store_max = value.parse().ok()?,
        "SuccessExitStatus" => {
            let status = |word: &str| word.parse().ok().map(Exit::Code);
            config.success_exit_status = value.split_ascii_whitespace().map(status).collect::<Option<_>>()?;
        }
        "ReloadSignal" => config.reload_signal = signal(value)?,
        "KillSignal" => config.kill_signal = signal(value)?,
        "WatchdogSignal" => config.watchdog_signal = signal(value)?,
        "KillMode" => {
            config.kill_mode = match value {
                "control-group" => KillMode::ControlGroup,
                "mixed" => KillMode::Mixed,
                "process" => KillMode::Process,
                "none" => KillMode::None,
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

fn span(value: &str) -> Option<Option<Duration>> {
    if value == "infinity" { Some(None) } else { value.parse().ok().map(|usec| Some(Duration::from_micros(usec))) }
}

fn signal(value: &str) -> Option<i32> {
    value.parse().ok().filter(|number| (1..=64).contains(number))
}
