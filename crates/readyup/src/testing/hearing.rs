//! What the service says.

use super::heard::{Heard, IgnoredReason};
use super::unit::Unit;
use super::{processes, timeline};
use crate::manager::service::{self, Effect, FdKey, NamedProcess, Notification, Refusal};
use crate::manager::{Incoming, Listener, Received, handles_signal, pid_of};
use crate::protocol::Assignment;
use crate::{monotonic_now, pidfd_id, sys};
use rustix::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// More than fits into the socket's queue, so that what a process said before it ended is among it.
const AT_ONCE: usize = 4096;

impl Unit {
    /// Takes in what has been sent: everything, unless somebody sends without end. Whether there was anything.
    pub(super) fn receive(&mut self, listener: &Listener) -> bool {
        for count in 0..AT_ONCE {
            match listener.receive(Some(Duration::ZERO)) {
                Ok(Some(Incoming::Message(received))) => self.on_message(received),
                // It is answered by now, as everything before it was judged by then.
                Ok(Some(Incoming::Barrier(request))) => {
                    self.record(format!("{}: BARRIER=1", who(request.sender().pid())));
                }
                Ok(Some(Incoming::Dropped(dropped))) => {
                    let sender = dropped.sender().map(|sender| sender.pid());
                    self.record(format!("{}: a datagram", sender.map_or_else(|| "somebody".to_owned(), who)));
                    self.ignore(sender, "", IgnoredReason::Dropped(dropped.reason()));
                }
                Ok(None) | Err(_) => return count > 0,
            }
        }
        true
    }

    fn on_message(&mut self, mut received: Received) {
        let now = monotonic_now();
        let (pid, uid) = (received.sender().pid(), received.sender().uid());
        let message = received.message();
        let text = timeline::lines(message);
        self.record(format!("{}: {text}", who(pid)));

        let is_ready = message.has(Assignment::Ready);
        if is_ready || message.has(Assignment::WatchdogTrigger) {
            // It may have to end now.
            self.count_others(now);
        }
        if let Some(main) = self.life.main_pid().filter(|_| is_ready && !self.is_own) {
            let handles = handles_signal(main, self.life.config().reload_signal);
            // One that is gone handles nothing any more, and never did anything wrong.
            self.life.set_handles_reload_signal(handles.unwrap_or(true));
        }
        let named = self.named(&received);
        let closed_fds = received.closed_fds();
        let has_fds = closed_fds > 0 || !received.fds().is_empty();
        let keys: Vec<FdKey> = received.take_fds().into_iter().map(|fd| self.keep(fd)).collect();
        let message = received.message();
        let mut notification = Notification::new(message, pid, uid);
        (notification.fds, notification.named) = (&keys, named);
        let main_before = self.life.main_pid();
        let effects = self.life.on_message(now, &notification);

        let refusals: Vec<Refusal> = effects.iter().filter_map(Effect::refusal).cloned().collect();
        let believed = !refusals.iter().any(|refusal| matches!(refusal, Refusal::Access { .. }));
        self.heard.push(Heard { at: self.at(now), sender: pid, believed, payload: message.as_bytes().to_vec() });
        for refusal in refusals {
            self.on_refusal(&refusal);
            self.ignore(Some(pid), &text, IgnoredReason::Refused(refusal));
        }
        if believed {
            for (line, why) in message.lines().filter_map(|line| Some((line, line.unseen()?))) {
                let line = timeline::line(line);
                self.ignore(Some(pid), &text, IgnoredReason::Unseen { line, why });
            }
            if message.has(Assignment::FdStore) && !has_fds {
                self.ignore(Some(pid), &text, IgnoredReason::NothingToStore);
            }
        }
        if closed_fds > 0 {
            self.ignore(Some(pid), &text, IgnoredReason::UnclaimedFds { count: closed_fds });
        }
        if let Some(process) = named.filter(|process| main_before != self.life.main_pid() && !process.own_child) {
            self.follow(now, process.pid, process.of_unit);
        }
        self.carry_out(effects);
    }

    /// The process that the message names as the main process.
    fn named(&self, received: &Received) -> Option<service::Process> {
        let pid = match self.life.named_process(received.message())? {
            NamedProcess::Pid(pid) => pid,
            NamedProcess::PidFd => pid_of(received.fds().first()?)?,
        };
        // The manager of a program is none of its processes.
        if !processes::is_alive(pid) || (pid == std::process::id() && !self.is_own) {
            return None;
        }
        let own_child = self.child.as_ref().is_some_and(|started| started.pid == pid);
        let of_unit = own_child || self.is_of_service(pid);
        Some(service::Process { pid, pidfd_id: pidfd_id(pid).ok().flatten(), of_unit, own_child })
    }

    /// The key of a descriptor: that of the same file, if it is stored.
    fn keep(&mut self, fd: OwnedFd) -> FdKey {
        let same = self.stored.iter().find(|(_, other)| sys::is_same_file(other.as_fd(), fd.as_fd()));
        if let Some((key, _)) = same {
            return *key;
        }
        self.next_key += 1;
        let key = FdKey(self.next_key);
        self.stored.insert(key, Arc::new(fd));
        key
    }
}

/// A process, with its name if it is still there.
fn who(pid: u32) -> String {
    match processes::name(pid) {
        Some(name) => format!("process {pid} ({name})"),
        None => format!("process {pid}"),
    }
}
