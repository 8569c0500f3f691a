//! The configuration, setting by setting.

use core::time::Duration;
use readyup::NotifyAccess;
use readyup::manager::service::{Config, Exit, KillMode, ServiceType};

type Set = fn(&mut Config, f64);

/// By their names in a unit file, with a word behind the name, and `Systemd` for the version whose rules hold.
const SETTINGS: [(&str, Set); 22] = [
    ("Systemd", |config, value| config.systemd = value as u32),
    ("Type=simple", |config, _| config.service_type = ServiceType::Simple),
    ("Type=exec", |config, _| config.service_type = ServiceType::Exec),
    ("Type=notify", |config, _| config.service_type = ServiceType::Notify),
    ("Type=notify-reload", |config, _| config.service_type = ServiceType::NotifyReload),
    ("NotifyAccess=none", |config, _| config.notify_access = NotifyAccess::None),
    ("NotifyAccess=main", |config, _| config.notify_access = NotifyAccess::Main),
    ("NotifyAccess=exec", |config, _| config.notify_access = NotifyAccess::Exec),
    ("NotifyAccess=all", |config, _| config.notify_access = NotifyAccess::All),
    ("TimeoutStartSec", |config, value| config.timeout_start = span(value)),
    ("TimeoutStopSec", |config, value| config.timeout_stop = span(value)),
    ("TimeoutAbortSec", |config, value| config.timeout_abort = span(value)),
    ("WatchdogSec", |config, value| config.watchdog = span(value)),
    ("FileDescriptorStoreMax", |config, value| config.fd_store_max = value as usize),
    ("SuccessExitStatus", |config, value| config.success_exit_status.push(Exit::Code(value as i32))),
    ("ReloadSignal", |config, value| config.reload_signal = value as i32),
    ("KillSignal", |config, value| config.kill_signal = value as i32),
    ("WatchdogSignal", |config, value| config.watchdog_signal = value as i32),
    ("KillMode=control-group", |config, _| config.kill_mode = KillMode::ControlGroup),
    ("KillMode=mixed", |config, _| config.kill_mode = KillMode::Mixed),
    ("KillMode=process", |config, _| config.kill_mode = KillMode::Process),
    ("KillMode=none", |config, _| config.kill_mode = KillMode::None),
];

/// Sets what has this name, to the word behind it or to `value`: a time in microseconds, which may be infinity, the number of a
/// signal, or whatever number it is. False if there is no such setting or word.
pub(crate) fn set(config: &mut Config, name: &[u8], value: f64) -> bool {
    let found = SETTINGS.iter().find(|(setting, _)| setting.as_bytes() == name);
    found.map(|(_, set)| set(config, value)).is_some()
}

fn span(value: f64) -> Option<Duration> {
    value.is_finite().then(|| crate::time(value))
}
