//! Messages that are wrong in themselves, or come from the wrong process.

use super::Findings;
use crate::check::timeline::{Kind, Said, Timeline, Who};
use crate::trace::event::{Line, printable};
use readyup::manager::DropReason;
use readyup::manager::service::Refusal;
use std::time::Duration;

/// What changes more than a text.
const WEIGHTY: [&str; 9] = [
    "READY",
    "RELOADING",
    "STOPPING",
    "WATCHDOG",
    "MAINPID",
    "MAINPIDFD",
    "FDSTORE",
    "EXTEND_TIMEOUT_USEC",
    "WATCHDOG_USEC",
];
/// What is for the main process to say, if it speaks at all.
const FOR_ONE: [&str; 5] = ["READY", "RELOADING", "STOPPING", "MAINPID", "MAINPIDFD"];

pub(super) fn judge(timeline: &Timeline, findings: &mut Findings) {
    for event in &timeline.events {
        match &event.kind {
            Kind::Message(said) => {
                if said.is_believed() {
                    judge_speaker(timeline, event.at, said, findings);
                    judge_content(event.at, said, findings);
                } else {
                    judge_unheard(timeline, event.at, said, findings);
                }
            }
            Kind::Dropped { who, reason } => judge_dropped(event.at, who.as_ref(), *reason, findings),
            // When the service ends they end with it, whatever they said last.
            Kind::HurriedAway { who, keys } if timeline.end().is_none_or(|end| event.at < end) => {
                let seen = format!("{who} sent {} and ended at once, without a barrier", keys.join(", "));
                if keys.iter().any(|key| WEIGHTY.contains(&key.as_str())) {
                    findings.error("hurried-away", Some(event.at), seen);
                } else {
                    findings.warning("hurried-away", Some(event.at), seen);
                }
            }
            Kind::Inherits { who } => {
                let by_main = timeline.messages().any(|(_, said)| said.main && said.says("READY", "1"));
                if by_main {
                    let seen = format!("{who} was started with NOTIFY_SOCKET, and the main process speaks for itself");
                    findings.note("socket-inherited", Some(event.at), seen);
                }
            }
            _ => {}
        }
    }
}

/// Somebody who is not believed.
fn judge_unheard(timeline: &Timeline, at: Duration, said: &Said, findings: &mut Findings) {
    let Some(Refusal::Access { access, main, .. }) = said.refusals.first() else { return };
    let main = main.map_or_else(|| "there is none".to_owned(), |main| main.to_string());
    let seen = format!(
        "{} sent {}, and is not the main process ({main}), which is the only one that NotifyAccess={} believes",
        said.who,
        keys(&said.lines),
        access.as_str()
    );
    // A fork does what its parent does when all are told to end, and nobody misses it.
    if timeline.end().is_some_and(|end| end <= at) {
        return;
    }
    let is_missed = said
        .lines
        .iter()
        .filter(|line| WEIGHTY.contains(&line.key.as_str()))
        .any(|line| !timeline.messages().any(|(_, other)| other.is_believed() && other.has_key(&line.key)));
    if is_missed {
        findings.error("wrong-sender", Some(at), seen);
    } else {
        findings.warning("wrong-sender", Some(at), seen);
    }
}

/// Somebody beside the main process.
fn judge_speaker(timeline: &Timeline, at: Duration, said: &Said, findings: &mut Findings) {
    let speaks = timeline.messages().any(|(_, other)| other.main && other.says("READY", "1"));
    let key = FOR_ONE.into_iter().find(|key| said.has_key(key));
    if let Some(key) = key.filter(|_| speaks && !said.main) {
        let seen = format!("{} sent {key}=, although the main process speaks for itself", said.who);
        findings.error("second-speaker", Some(at), seen);
    }
}

fn judge_dropped(at: Duration, who: Option<&Who>, reason: DropReason, findings: &mut Findings) {
    let id = match reason {
        DropReason::TooLong { .. } => "dropped-too-long",
        DropReason::Nul => "dropped-nul",
        DropReason::ControlTruncated => "dropped-control",
        DropReason::BarrierNotAlone => "barrier-not-alone",
        DropReason::BarrierFds { .. } => "barrier-descriptors",
        _ => "dropped-no-pid",
    };
    let who = who.map_or_else(|| "somebody".to_owned(), ToString::to_string);
    findings.error(id, Some(at), format!("a message of {who}: {reason}"));
}

fn judge_content(at: Duration, said: &Said, findings: &mut Findings) {
    let at = Some(at);
    judge_lines(at, said, findings);
    if said.closed_fds > 0 && !said.has_key("FDSTORE") {
        let seen = format!("{} descriptors came with {}", said.closed_fds, keys(&said.lines));
        findings.warning("descriptors-unclaimed", at, seen);
    }
    if said.says("FDSTORE", "1") && said.fds == 0 {
        findings.warning("store-nothing", at, format!("{} sent FDSTORE=1 without a descriptor", said.who));
    }
    if let Some(main) = said.foreign_main {
        let seen = format!("{} made process {main} the main process, whose parent still lives", said.who);
        findings.error("main-pid-foreign", at, seen);
    }
    for refusal in &said.refusals {
        let seen = refusal.to_string();
        let id = match refusal {
            // It belongs to RELOADING=1, and a systemd that does not know it has no use for it.
            Refusal::Unknown { key: "MONOTONIC_USEC", .. } => continue,
            Refusal::Unknown { .. } => {
                findings.warning("newer-key", at, seen);
                continue;
            }
            Refusal::StatusNotUtf8 => {
                findings.warning("status-not-utf8", at, seen);
                continue;
            }
            Refusal::StoreFull { max } => {
                let finding = findings.error("store-full", at, format!("{seen}; {} came", said.fds));
                finding.fix = format!("FileDescriptorStoreMax={} or more", max + said.fds);
                continue;
            }
            // Those that the lines tell of have been told.
            Refusal::Value { .. } | Refusal::AccessReset if findings.has("bad-value") => continue,
            Refusal::Value { .. } | Refusal::AccessReset => "bad-value",
            Refusal::MainPid(_) => "main-pid-refused",
            Refusal::AfterStopping { .. } => "after-stopping",
            Refusal::ReloadSignalUnhandled { .. } => "reload-signal-unhandled",
            Refusal::StoreName | Refusal::RemoveName => "store-name",
            // Reloads are looked at as a whole, and a descriptor that is there already does no harm.
            _ => continue,
        };
        findings.error(id, at, seen);
    }
}

fn judge_lines(at: Option<Duration>, said: &Said, findings: &mut Findings) {
    let mut after_text = false;
    for line in &said.lines {
        let is_text = matches!(line.key.as_str(), "STATUS" | "BUSERROR" | "VARLINKERROR");
        let shown = printable(&match &line.value {
            Some(value) => format!("{}={value}", line.key),
            None => line.key.clone(),
        });
        let is_private = line.key.starts_with("X_");
        if line.value.is_none() {
            let seen = format!("{} sent the line \"{shown}\"", said.who);
            if after_text {
                findings.error("newline-in-value", at, format!("{seen} after a text"));
            } else {
                findings.error("bad-line", at, seen);
            }
        } else if let Some(why) = &line.ignored {
            if why.contains("earlier line") {
                findings.warning("key-twice", at, format!("{} sent {shown} a second time in a message", said.who));
            } else if !matches!(line.key.as_str(), "STATUS" | "FDNAME" | "MAINPID") {
                // What the machine says of those is told.
                findings.error("bad-value", at, format!("{} sent {shown}: {why}", said.who));
            }
        } else if line.meaning.as_deref() == Some("no manager knows this key") && !is_private {
            let is_word =
                line.key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            if after_text && !is_word {
                findings.error("newline-in-value", at, format!("{} sent the line \"{shown}\" after a text", said.who));
            } else {
                findings.warning("unknown-key", at, format!("{} sent {shown}", said.who));
            }
        }
        after_text |= is_text;
    }
}

fn keys(lines: &[Line]) -> String {
    let keys: Vec<String> = lines.iter().map(|line| printable(&line.key)).collect();
    if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") }
}
