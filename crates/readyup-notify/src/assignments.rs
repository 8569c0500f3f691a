//! From what was asked for to the datagram's bytes.

use crate::exit::{Failure, lossy};
use crate::number;
use crate::options::Verb;
use crate::request::Request;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use readyup::Message;
use readyup::protocol::{Assignment, MESSAGE_MAX};

/// The lines that the options stand for, in the order of `systemd-notify`, with those of the command line merged in.
pub(crate) fn build(request: &Request<'_>) -> Vec<u8> {
    let mut lines: Vec<Cow<'_, [u8]>> = Vec::new();
    if request.reloading {
        lines.push(Cow::Borrowed(b"RELOADING=1"));
        let now = readyup::monotonic_now().as_micros() as u64;
        lines.push(Cow::Owned(line("MONOTONIC_USEC=", decimal(now).as_bytes())));
    }
    if request.ready {
        lines.push(Cow::Borrowed(b"READY=1"));
    }
    if request.stopping {
        lines.push(Cow::Borrowed(b"STOPPING=1"));
    }
    if request.watchdog {
        lines.push(Cow::Borrowed(b"WATCHDOG=1"));
    }
    if let Some(text) = request.status {
        lines.push(Cow::Owned(line("STATUS=", text)));
    }
    if let Some(main) = request.main_pid {
        lines.push(Cow::Owned(line("MAINPID=", decimal(main.pid.into()).as_bytes())));
        if let Some(id) = main.pidfd_id {
            lines.push(Cow::Owned(line("MAINPIDFDID=", decimal(id).as_bytes())));
        }
    }
    if !request.fds.is_empty() {
        lines.push(Cow::Borrowed(b"FDSTORE=1"));
        if let Some(name) = request.fd_name {
            lines.push(Cow::Owned(line("FDNAME=", name)));
        }
    }
    for assignment in &request.assignments {
        merge(&mut lines, assignment);
    }
    lines.join(&b'\n')
}

fn line(key: &str, value: &[u8]) -> Vec<u8> {
    [key.as_bytes(), value].concat()
}

/// The decimal digits of a number.
pub(crate) fn decimal(number: u64) -> alloc::string::String {
    alloc::string::ToString::to_string(&number)
}

/// Puts an assignment in the place of the one with the same key, or at the end. Where there is no `=`, the first line
/// that begins with it is taken for the same, as `systemd-notify` does.
fn merge<'a>(lines: &mut Vec<Cow<'a, [u8]>>, new: &'a [u8]) {
    let key_len = new.iter().position(|byte| *byte == b'=').map_or(new.len(), |position| position + 1);
    let key = new.get(..key_len).unwrap_or_default();
    match lines.iter_mut().find(|line| line.starts_with(key)) {
        Some(line) => *line = Cow::Borrowed(new),
        None => lines.push(Cow::Borrowed(new)),
    }
}

/// Whether a manager would take it as it is meant: `readyup` says so before it sends.
pub(crate) fn check<'m>(request: &Request<'_>, payload: &'m [u8]) -> Result<Message<'m>, Failure> {
    if let Some(text) = request.status {
        check_value("the status", text)?;
    }
    for assignment in &request.assignments {
        let shown = lossy(assignment);
        let Some(len) = assignment.iter().position(|byte| *byte == b'=') else {
            let mut text = ["\"", &shown, "\" is no assignment: VARIABLE=VALUE is wanted"].concat();
            if request.main_pid.is_some() && number::pid(assignment).is_ok() {
                text.push_str("; did you mean --pid=");
                text.push_str(&shown);
                text.push('?');
            } else if Verb::from_name(assignment).is_some() {
                text.push_str("; did you mean `readyup ");
                text.push_str(&shown);
                text.push_str("`?");
            }
            return Err(Failure::usage(text));
        };
        let key = assignment.get(..len).unwrap_or_default();
        let is_key = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        if key.is_empty() || !key.iter().all(is_key) {
            return Err(Failure::usage(
                ["\"", &shown, "\" is no assignment: a variable is made of A to Z, 0 to 9 and _"].concat(),
            ));
        }
        if key == b"BARRIER" {
            return Err(Failure::usage("BARRIER=1 goes in a message of its own: use `readyup barrier`"));
        }
        check_value(&lossy(key), assignment)?;
    }
    if payload.len() > MESSAGE_MAX {
        let text =
            ["the message has ", &decimal(payload.len() as u64), " bytes, and a manager drops what has more than 4096"];
        return Err(Failure::usage(text.concat()));
    }
    let message = Message::raw(payload).map_err(|error| Failure::library("", &error.into()))?;
    for assignment in message.assignments() {
        if let Err(error) = assignment {
            return Err(Failure::library("", &error.into()));
        }
    }
    if message.has(Assignment::Reloading) && !message.lines().any(|line| line.key() == b"MONOTONIC_USEC") {
        return Err(Failure::usage("RELOADING=1 needs MONOTONIC_USEC= beside it: use --reloading, which adds it"));
    }
    Ok(message)
}

fn check_value(what: &str, value: &[u8]) -> Result<(), Failure> {
    if value.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(Failure::usage(
            [what, " has a line break in it, behind which another assignment would begin"].concat(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(lines: &[&'static str], new: &[&'static str]) -> String {
        let mut lines: Vec<Cow<'_, [u8]>> = lines.iter().map(|line| Cow::Borrowed(line.as_bytes())).collect();
        for assignment in new {
            merge(&mut lines, assignment.as_bytes());
        }
        String::from_utf8(lines.join(&b'\n')).unwrap()
    }

    #[test]
    fn ok_merging() {
        for (lines, new, expected) in [
            (&["READY=1"][..], &["A=1", "A=2", "B=1"][..], "READY=1\nA=2\nB=1"),
            (&["READY=1", "STATUS=a"], &["STATUS=b"], "READY=1\nSTATUS=b"),
            (&["READY=1"], &["READY"], "READY"),
            (&["READY=1"], &["REA"], "REA"),
            (&["READY=1"], &[""], ""),
            (&["READY=1"], &["=x"], "READY=1\n=x"),
            (&[], &["", "A=1"], "\nA=1"),
        ] {
            assert_eq!(merged(lines, new), expected);
        }
    }
}
