//! What the numbers were measured on.

use std::fs;
use std::io;
use std::time::Duration;

/// The machine in one line.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| "processor unknown".to_owned());
    let processors = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let virtual_machine = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    let uname = rustix::system::uname();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    format!(
        "{model}, {processors} processors{}; Linux {} {}, {}",
        if virtual_machine { " (virtual)" } else { "" },
        uname.release().to_string_lossy(),
        uname.machine().to_string_lossy(),
        system.map_or("system unknown", |name| name.trim_matches('"')),
    )
}

/// The load averages, which tell how much else was going on.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// What the main thread of a process has taken of the processor.
pub(crate) fn processor_time(pid: u32) -> io::Result<Duration> {
    // "NANOSECONDS WAITING TIMES"
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    Ok(Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)))
}

/// How many datagrams wait for a receiver before its senders have to.
pub(crate) fn queue_length() -> u32 {
    let length = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap_or_default();
    // What Linux has by default.
    length.trim().parse().unwrap_or(10)
}
