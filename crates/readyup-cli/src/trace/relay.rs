//! Passing messages on to the manager above.

use crate::unit;
use readyup::manager::{Believing, Incoming, Received};
use readyup::{Assignment, Attachments, Message, MessageBuf, Notifier, NotifyAccess, Outcome};
use rustix::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

/// How long to wait for what `systemctl` says.
const PATIENCE: Duration = Duration::from_secs(1);
/// In which a manager empties some part of its queue.
const A_MOMENT: Duration = Duration::from_micros(50);

/// The manager above, to which we are the service's main process: what the program says is said in our name.
pub(super) struct Relay {
    manager: Notifier,
    program: u32,
    /// The program has handed over to another process, in whose name it is said from then on.
    handed_over: bool,
    /// Whether it does not matter to the manager above which of our unit's processes says something; once it is known.
    hears_all: Option<bool>,
}

/// `None` without a manager; else whether it was passed on, or why not.
pub(super) type PassedOn = Option<Result<(), String>>;

impl Relay {
    pub(super) const fn new(manager: Notifier, program: u32) -> Self {
        Self { manager, program, handed_over: false, hears_all: None }
    }

    /// Passes on at once what comes next and is nothing but a message of the program's own, and says how many that were.
    /// [`message`](Self::message) is for what is left.
    pub(super) fn plain<'a>(&self, incoming: impl Iterator<Item = &'a Incoming> + Clone) -> usize {
        if !self.manager.is_enabled() || self.handed_over {
            return 0;
        }
        let plain = incoming.map_while(|incoming: &Incoming| match incoming {
            Incoming::Message(received) if received.sender().pid() == self.program && received.fds().is_empty() => {
                let message = received.message();
                let changes_the_main_process = message.assignments().flatten().any(names_main_pid);
                (!changes_the_main_process).then_some(message)
            }
            _ => None,
        });
        let passed_on = self.manager.try_send_many(plain.clone());
        if passed_on > 0 || plain.clone().next().is_none() {
            return passed_on;
        }
        // The manager's queue is full. To be woken for the first place in it would be to be woken for every single one.
        std::thread::sleep(A_MOMENT);
        self.manager.try_send_many(plain)
    }

    /// Passes a message on. For a sender whom we don't believe it is left to the manager whether it does.
    pub(super) fn message(&mut self, received: &Received, believing: &Believing, believed: bool) -> PassedOn {
        if !self.manager.is_enabled() {
            return None;
        }
        let message = received.message();
        let main_pid = message.assignments().flatten().find_map(|assignment| match assignment {
            Assignment::MainPid(pid) => Some(pid),
            _ => None,
        });
        let fds: Vec<_> = received.fds().iter().map(|fd| fd.as_fd()).collect();
        let sender = received.sender().pid();
        // To the manager above we are the program, and nobody else: in our name it believes what it would not in theirs.
        let mut pid = (sender != self.program || self.handed_over).then_some(sender);
        if pid.is_some() && believing.access() == NotifyAccess::All && self.must_speak_as_self() {
            pid = None;
        }
        if believed && main_pid == Some(self.program) && !self.handed_over {
            // That is what we are to the manager above; it would listen to us no longer.
            return Some(self.without_main_pid(&message, &fds));
        }
        let passed_on = self.send(message, &Attachments { pid, insist: true, fds: &fds });
        self.handed_over |= believed && main_pid.is_some() && passed_on.is_ok();
        Some(passed_on)
    }

    /// Not root, so that nothing can be said in another's name, and it need not be: the manager hears all of the unit's
    /// processes. That is what it was said to do; where it can be asked, it is.
    fn must_speak_as_self(&mut self) -> bool {
        !rustix::process::geteuid().is_root()
            && *self.hears_all.get_or_insert_with(|| unit::access(PATIENCE).is_none_or(|unit| unit.access == "all"))
    }

    /// Passes a barrier on.
    pub(super) fn barrier(&self, fd: BorrowedFd<'_>) -> Result<(), String> {
        self.send(Message::BARRIER, &Attachments { pid: None, insist: false, fds: &[fd] })
    }

    fn without_main_pid(&self, message: &Message<'_>, fds: &[BorrowedFd<'_>]) -> Result<(), String> {
        let rest = message.assignments().flatten().filter(|assignment| !names_main_pid(*assignment));
        let rest = MessageBuf::new(rest).map_err(|error| error.to_string())?;
        let rest = rest.as_message().map_err(|error| error.to_string())?;
        if rest.as_bytes().is_empty() {
            return Ok(());
        }
        let fds = if message.has(Assignment::FdStore) { fds } else { &[] };
        self.send(rest, &Attachments { pid: None, insist: false, fds })
    }

    fn send(&self, message: Message<'_>, attachments: &Attachments<'_>) -> Result<(), String> {
        match self.manager.send_with(message, attachments) {
            Ok(Outcome::Sent | Outcome::SentAsSelf | Outcome::NoManager) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn names_main_pid(assignment: Assignment<'_>) -> bool {
    matches!(assignment, Assignment::MainPid(_) | Assignment::MainPidFdId(_) | Assignment::MainPidFd)
}
