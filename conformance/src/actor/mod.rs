//! What this program does when the `systemd-notify` on trial starts it.

mod findings;
mod signals;
mod speaker;

use crate::text;
use findings::Findings;
use speaker::Speaker;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::parent_id;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The name by which it writes down what it finds.
pub(crate) const PROBE: &str = "probe";

/// The name by which it does what its arguments say.
pub(crate) const SPEAK: &str = "speak";

/// The variable with the directory of the run.
pub(crate) const DIRECTORY: &str = "CONFORMANCE_DIRECTORY";

/// The file there in which findings are.
pub(crate) const FOUND: &str = "found";

/// The file that is there once the program waits for signals.
pub(crate) const ARMED: &str = "armed";

/// How long something is waited for that should be there soon.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before looking again.
const TICK: Duration = Duration::from_millis(5);

/// Writes down what it finds.
pub(crate) fn probe(name: &OsStr, arguments: &[OsString]) -> i32 {
    let mut findings = Findings::default();
    findings.take(name, arguments);
    findings.write(&directory());
    0
}

/// Does what its arguments say, one after the other:
///
/// - `say:TEXT` sends a datagram, `hand:TEXT` one with a descriptor;
/// - `before:N:TEXT` and `after:N:TEXT` send one that is made N bytes long by what stands before or after TEXT;
/// - `barrier` asks for a barrier, and waits for the answer;
/// - `grandchild:TEXT` has a process of its own say TEXT;
/// - `drain` waits until everything was received, `outlive` until the parent is gone;
/// - `signals:N` waits for signals until number N comes or the parent is gone;
/// - `find` writes down what it finds;
/// - `rest` does nothing as long as its parent is there; `die:N` is killed by a signal; `exit:N` ends.
pub(crate) fn speak(name: &OsStr, arguments: &[OsString]) -> i32 {
    let parent = parent_id();
    let directory = directory();
    let mut speaker = Speaker::default();
    for argument in arguments {
        let argument = argument.as_bytes();
        let colon = argument.iter().position(|&byte| byte == b':');
        let (action, rest) = match colon {
            Some(at) => (&argument[..at], &argument[at + 1..]),
            None => (argument, &b""[..]),
        };
        let mut findings = Findings::default();
        match action {
            b"say" => speaker.say(&text::unescape(rest), false, &mut findings),
            b"hand" => speaker.say(&text::unescape(rest), true, &mut findings),
            b"before" | b"after" => speaker.say_padded(rest, action == b"before", &mut findings),
            b"barrier" => speaker.barrier(&mut findings),
            b"grandchild" => speaker::grandchild(rest),
            b"drain" => speaker.drain(&mut findings),
            b"outlive" => findings.add("its parent", if outlives(parent) { "is gone" } else { "is there" }),
            b"signals" => signals::collect(number(rest), parent, &directory, &mut findings),
            b"find" => findings.take(name, arguments),
            b"rest" => while !outlives(parent) {},
            b"die" => signals::die(number(rest)),
            b"exit" => return number(rest),
            _ => findings.add("not understood", &text::escape(argument)),
        }
        findings.write(&directory);
    }
    0
}

fn directory() -> PathBuf {
    std::env::var_os(DIRECTORY).unwrap_or_default().into()
}

fn number(text: &[u8]) -> i32 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(-1)
}

/// Waits until this process has another parent.
fn outlives(parent: u32) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if parent_id() != parent {
            return true;
        }
        std::thread::sleep(TICK);
    }
    false
}
