//! What the service says.

use super::phases::Phase;
use super::{Runner, Sender};
use crate::check::probe;
use crate::check::processes;
use crate::check::timeline::{Kind, Said, Who};
use crate::exit::Failure;
use crate::trace::event;
use readyup::manager::service::{self, Effect, FdKey, NamedProcess, Notification, Refusal};
use readyup::manager::{Incoming, Received, handles_signal, is_same_file, pid_of};
use readyup::{Assignment, Message, monotonic_now};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::time::Duration;

/// More than fits into the socket's queue, so that what a process said before it ended is among it.
const AT_ONCE: usize = 4096;

impl Runner<'_> {
    /// Takes in what has been sent: everything, unless somebody sends without end.
    pub(super) fn receive(&mut self) -> Result<(), Failure> {
        for _ in 0..AT_ONCE {
            let incoming =
                self.listener.receive(Some(Duration::ZERO)).map_err(|error| Failure::new("receiving", &error))?;
            match incoming {
                None => return Ok(()),
                Some(Incoming::Message(received)) => self.on_message(received),
                Some(Incoming::Barrier(request)) => {
                    let pid = request.sender().pid();
                    if let Some(sender) = self.senders.get_mut(&pid) {
                        sender.keys.clear();
                    }
                    self.record(Kind::Barrier { who: who(pid) });
                }
                Some(Incoming::Dropped(dropped)) => {
                    let who = dropped.sender().map(|sender| who(sender.pid()));
                    self.record(Kind::Dropped { who, reason: dropped.reason() });
                }
                // A kind that a later version of the library knows.
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn on_message(&mut self, mut received: Received) {
        let now = monotonic_now();
        let pid = received.sender().pid();
        let main = self.service.main_pid() == Some(pid);
        // Of one that is gone nobody can tell.
        if !main && processes::read(pid).is_some() && !processes::descends(pid, std::process::id()) {
            return self.record(Kind::Stranger { who: who(pid) });
        }
        let is_ready = received.message().has(Assignment::Ready);
        let first_ready = is_ready && self.port_is_open.is_none();
        if let Some(port) = self.plan.port.filter(|_| first_ready) {
            // Before anything else is done, for which the service would have time to begin to listen.
            let accepts = probe::accepts(port);
            self.port_is_open = Some(accepts);
            self.record(Kind::PortAtReady { accepts });
        }
        if let Some(handles) =
            self.service.main_pid().and_then(|main| handles_signal(main, self.service.config().reload_signal))
        {
            self.service.set_handles_reload_signal(handles);
        }
        let named = self.named(&received);
        let (fds, closed_fds) = (received.take_fds(), received.closed_fds());
        let keys: Vec<FdKey> = fds.into_iter().map(|fd| self.keep(fd)).collect();
        let message = received.message();
        let mut notification = Notification::new(message, pid, received.sender().uid());
        notification.fds = &keys;
        notification.named = named;
        let state = self.service.sub_state();
        let main_before = self.service.main_pid();
        let effects = self.service.on_message(now, &notification);
        let main_now = self.service.main_pid().filter(|main| main_before.is_some_and(|before| before != *main));
        let foreign_main = main_now.filter(|_| named.is_some_and(|process| !process.own_child));
        let refusals: Vec<Refusal> = effects.iter().filter_map(Effect::refusal).cloned().collect();
        let said = Said {
            who: who(pid),
            main,
            state,
            lines: event::assignments(&message),
            fds: keys.len(),
            closed_fds,
            foreign_main,
            refusals,
            received: now,
            watchdog: self.service.watchdog(),
        };
        if said.is_believed() {
            self.note_reload(now, received.message());
        }
        if !main && said.is_believed() {
            let pidfd = received.sender().pidfd().and_then(|fd| fd.try_clone_to_owned().ok()).or_else(|| pidfd(pid));
            let sender = self.senders.entry(pid).or_insert_with(|| Sender {
                who: said.who.clone(),
                pidfd: None,
                keys: Vec::new(),
                last: now,
            });
            (sender.pidfd, sender.last) = (pidfd, now);
            for line in &said.lines {
                if !sender.keys.contains(&line.key) {
                    sender.keys.push(line.key.clone());
                }
            }
        }
        self.record(Kind::Message(said));
        self.carry_out(effects);
    }

    fn note_reload(&mut self, now: Duration, message: Message<'_>) {
        let is_over = message.has(Assignment::Ready) || message.has(Assignment::Stopping);
        if is_over && self.reloading_since.take().is_some() {
            if let Phase::Settle { until, .. } = &mut self.phase {
                *until = (*until).min(now);
            }
        } else if message.has(Assignment::Reloading) {
            self.reloading_since = Some(now);
        }
    }

    /// The process that the message names as the main process.
    pub(super) fn named(&self, received: &Received) -> Option<service::Process> {
        let pid = match self.service.named_process(received.message())? {
            NamedProcess::Pid(pid) => pid,
            NamedProcess::PidFd => pid_of(received.fds().first()?)?,
        };
        let process = processes::read(pid)?;
        let own_pid = std::process::id();
        Some(service::Process {
            pid,
            pidfd_id: readyup::pidfd_id(pid).ok().flatten(),
            of_unit: processes::descends(pid, own_pid),
            own_child: process.parent == own_pid,
        })
    }

    /// The key of a descriptor: that of the same file, if it is stored.
    pub(super) fn keep(&mut self, fd: OwnedFd) -> FdKey {
        if let Some((key, _)) = self.stored.iter().find(|(_, other)| is_same_file(other, &fd)) {
            return *key;
        }
        self.next_key += 1;
        let key = FdKey(self.next_key);
        self.stored.insert(key, fd);
        key
    }
}

pub(super) fn who(pid: u32) -> Who {
    Who { pid, comm: processes::comm(pid) }
}

pub(super) fn pidfd(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}
