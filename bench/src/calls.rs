//! Which system calls a heartbeat is made of, and how many instructions.

use crate::group::{Bench, Result};
use crate::groups::heartbeat::Contender;
use crate::sender::{Burst, Sender, Start};
use readyup::manager::Listener;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;
use std::{env, fs};

/// How many heartbeats the calls are counted for.
pub(crate) const HEARTBEATS: u32 = 1000;

/// The number of each system call that the sending thread made, and of those of other threads meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) sender: BTreeMap<String, u32>,
    pub(crate) others: u32,
}

/// Whether there is an `strace` that may trace.
pub(crate) fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

/// Has a worker traced while it sends [`HEARTBEATS`] and does nothing else. `None` where it is absent.
pub(crate) fn count(bench: &Bench, contender: Contender, listener: &Listener, burst: Burst) -> Result<Option<Calls>> {
    let file = env::temp_dir().join(format!("readyup-bench-{}-{}.strace", std::process::id(), contender.id));
    let tracer: [OsString; 5] = ["strace".into(), "-f".into(), "-qq".into(), "-o".into(), file.clone().into()];
    let Start::Ready(mut sender) = Sender::start(bench, contender, listener, &tracer)? else {
        return Ok(None);
    };
    let pid = sender.pid;
    // What is loaded and opened at the first heartbeat is not part of every other.
    sender.burst(listener, Burst { warm: 0, timed: 1 })?;
    let mut left = HEARTBEATS;
    while left > 0 {
        let timed = left.min(burst.timed);
        sender.burst(listener, Burst { warm: 0, timed })?;
        left -= timed;
    }
    sender.end()?;
    let trace = fs::read_to_string(&file)?;
    fs::remove_file(file)?;
    Ok(Some(tally(&trace, pid)))
}

/// Whether there is a `valgrind` to count instructions with.
pub(crate) fn can_count_instructions() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// How many instructions a heartbeat takes outside of the kernel: of many heartbeats, less those of a few.
pub(crate) fn instructions(bench: &Bench, contender: Contender) -> Result<f64> {
    const FEW: u32 = 100;
    let [few, many] = [FEW, FEW + HEARTBEATS].map(|count| -> Result<f64> {
        let listener = Listener::private()?;
        let log = bench.target.join(format!("callgrind-{}.log", contender.id));
        let mut tracer: Vec<OsString> =
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"].map(Into::into).into();
        let mut argument = OsString::from("--log-file=");
        argument.push(&log);
        tracer.push(argument);
        let Start::Ready(mut sender) = Sender::start(bench, contender, &listener, &tracer)? else {
            return Err("it does not start under valgrind".into());
        };
        let mut left = count;
        while left > 0 {
            let timed = left.min(8);
            sender.burst(&listener, Burst { warm: 0, timed })?;
            left -= timed;
        }
        sender.end()?;
        // "==1== Collected : 123456"
        let text = fs::read_to_string(&log)?;
        fs::remove_file(log)?;
        let collected = text.lines().find_map(|line| line.split_once("Collected :"));
        Ok(collected.ok_or("valgrind said nothing")?.1.trim().parse()?)
    });
    Ok((many? - few?) / f64::from(HEARTBEATS))
}

/// Counts the calls between each line that is read and the answer to it, leaving out the first.
fn tally(trace: &str, pid: u32) -> Calls {
    let mut calls = Calls::default();
    // Of the burst that is under way, by sender and name.
    let mut burst: Option<Vec<(bool, &str)>> = None;
    let mut bursts = 0;
    for line in trace.lines() {
        // "123   sendto(3, …) = 10", "123   <... read resumed>…", "123   --- SIGCHLD …"
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = text.trim_start().split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let of_sender = thread.parse() == Ok(pid);
        if of_sender && name == "read" && arguments.starts_with("0, ") {
            burst = Some(Vec::new());
        } else if of_sender && name == "write" && arguments.starts_with("1, ") {
            bursts += i32::from(burst.is_some());
            for (of_sender, name) in burst.take().filter(|_| bursts > 1).unwrap_or_default() {
                if of_sender {
                    *calls.sender.entry(name.to_owned()).or_default() += 1;
                } else {
                    calls.others += 1;
                }
            }
        } else if let Some(burst) = &mut burst {
            burst.push((of_sender, name));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_only_what_is_between_line_and_answer() {
        let trace = "\
7     write(1, \"ready 7 \\n\", 9)   = 9
7     read(0, \"0 1\\n\", 8192)      = 4
7     socket(AF_UNIX, SOCK_DGRAM, 0) = 3
7     write(1, \"900\\n\", 4)         = 4
8     futex(0x7f, FUTEX_WAIT <unfinished ...>
7     read(0,  <unfinished ...>
7     <... read resumed>\"0 2\\n\", 8192) = 4
7     sendto(3, \"WATCHDOG=1\", 10, MSG_NOSIGNAL, NULL, 0) = 10
8     <... futex resumed>)             = 0
8     madvise(0x7f, 4096, MADV_DONTNEED) = 0
7     --- SIGCHLD {si_signo=SIGCHLD} ---
7     sendto(3, \"WATCHDOG=1\", 10, MSG_NOSIGNAL, NULL, 0) = 10
7     write(1, \"1800\\n\", 5)        = 5
7     read(0, \"\", 8192)             = 0
7     exit_group(0)                    = ?
7     +++ exited with 0 +++
";
        let calls = tally(trace, 7);
        assert_eq!(calls.sender, BTreeMap::from([("sendto".to_owned(), 2)]));
        assert_eq!(calls.others, 1);
    }
}
