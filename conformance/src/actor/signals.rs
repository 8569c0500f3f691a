//! Signals that reach a program.

use super::findings::Findings;
use super::{ARMED, PATIENCE};
use crate::sys;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one more signal is waited for.
const STRAGGLERS: Duration = Duration::from_millis(60);

/// Writes down the signals that come, until `last` does or the parent is gone.
pub(super) fn collect(last: i32, parent: u32, directory: &Path, findings: &mut Findings) {
    sys::hold_signals();
    let _ = std::fs::write(directory.join(ARMED), "");
    let mut signals = Vec::new();
    let start = Instant::now();
    let mut ending = false;
    while start.elapsed() < PATIENCE {
        match sys::next_signal(STRAGGLERS) {
            Some(signal) => signals.push(signal),
            // Nothing more came after the last one, or after the parent's end.
            None if ending => break,
            None => {}
        }
        ending = signals.contains(&last) || parent_id() != parent;
    }
    // Which of two that are there at the same time comes first, says nothing.
    signals.sort_unstable();
    let signals: Vec<String> = signals.iter().map(i32::to_string).collect();
    findings.add("signals", &signals.join(" "));
    findings.add("its parent", if parent_id() == parent { "is there" } else { "is gone" });
}

/// Ends by a signal.
pub(super) fn die(signal: i32) {
    if let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
    std::thread::sleep(PATIENCE);
}
