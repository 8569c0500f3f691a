//! The service, and the room that it shares with JavaScript.

use crate::answer::Answer;
use crate::answer::Part::{Number, Text};
use crate::sys::Single;
use crate::{config, time};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{OnceCell, RefCell, RefMut};
use core::mem;
use core::time::Duration;
use readyup::Message;
use readyup::manager::service::{
    Config, Effect, FdKey, NamedProcess, Notification, Process, Refusal, Service, ServiceType, Target,
};
use readyup::manager::{Content, Envelope};
use readyup::protocol::MESSAGE_MAX;

/// A message, and a byte more, which tells that one was longer.
pub(crate) const INPUT_SIZE: usize = MESSAGE_MAX + 1;

const DEFAULT: Config = Config::new(ServiceType::Notify);

pub(crate) struct Face {
    config: Config,
    service: Service,
    input: Vec<u8>,
    answer: Answer,
    pub(crate) fds: Vec<FdKey>,
    pub(crate) named: Option<Process>,
}

/// The one of this instance.
// (One copy of it is enough.)
#[inline(never)]
pub(crate) fn face() -> RefMut<'static, Face> {
    static FACE: Single<OnceCell<RefCell<Face>>> = Single(OnceCell::new());
    FACE.0.get_or_init(|| RefCell::new(Face::new())).borrow_mut()
}

impl Face {
    fn new() -> Self {
        Self {
            config: DEFAULT,
            service: Service::new(DEFAULT),
            input: vec![0; INPUT_SIZE],
            answer: Answer::new(),
            fds: Vec::new(),
            named: None,
        }
    }

    pub(crate) fn input(&mut self) -> *mut u8 {
        self.input.as_mut_ptr()
    }

    pub(crate) fn answer(&mut self) -> &mut Answer {
        &mut self.answer
    }

    pub(crate) fn set(&mut self, len: usize, value: f64) {
        if !config::set(&mut self.config, written(&self.input, len), value) {
            self.answer.line("error", &[Text("unknown")]);
        }
    }

    pub(crate) fn configure(&mut self) {
        self.service = Service::new(mem::replace(&mut self.config, DEFAULT));
        self.properties();
    }

    /// Takes a step of the service's life, and answers with what follows from it.
    pub(crate) fn step(&mut self, now: f64, step: impl FnOnce(&mut Service, Duration) -> Vec<Effect>) {
        let effects = step(&mut self.service, time(now));
        self.tell(&effects);
    }

    pub(crate) const fn set_handles_reload_signal(&mut self, handles: bool) {
        self.service.set_handles_reload_signal(handles);
    }

    pub(crate) fn open(&mut self, filled: usize, len: usize, pid: i32, fds: usize, control_truncated: bool) {
        let envelope = Envelope { len, pid: Some(pid), fds, control_truncated };
        match envelope.open(written(&self.input, filled)) {
            Ok(Content::Message { wants_fds, .. }) => self.answer.line("message", &[Number(wants_fds.into())]),
            Ok(Content::Barrier) => self.answer.line("barrier", &[Number(1)]),
            Err(reason) => self.answer.described("dropped", |put| reason.describe(put)),
        }
    }

    pub(crate) fn named(&mut self, len: usize) {
        let Ok(message) = Message::parse(written(&self.input, len)) else { return };
        match self.service.named_process(message) {
            Some(NamedProcess::Pid(pid)) => self.answer.line("pid", &[Number(pid.into())]),
            Some(NamedProcess::PidFd) => self.answer.line("pidfd", &[Number(1)]),
            None => {}
        }
    }

    pub(crate) fn message(&mut self, len: usize, pid: u32, uid: u32, now: f64) {
        let (fds, named) = (mem::take(&mut self.fds), self.named.take());
        let Ok(message) = Message::parse(written(&self.input, len)) else { return };
        for (place, line) in message.lines().enumerate() {
            if let Some(why) = line.unseen() {
                self.answer.line("unseen", &[Number(place as u64)]);
                self.answer.described("why", |put| why.describe(put));
            }
        }
        let mut notification = Notification::new(message, pid, uid);
        (notification.fds, notification.named) = (&fds, named);
        let effects = self.service.on_message(time(now), &notification);
        self.tell(&effects);
    }

    fn tell(&mut self, effects: &[Effect]) {
        let answer = &mut self.answer;
        for effect in effects {
            match effect {
                Effect::Changed { from, to } => answer.line("changed", &[Text(from.as_str()), Text(to.as_str())]),
                Effect::Run(command) => answer.line("run", &[Text(command.as_str())]),
                Effect::Signal { target, signal } => {
                    let target = match target {
                        Target::Process(pid) => Number((*pid).into()),
                        _ => Text("others"),
                    };
                    answer.line("signal", &[Number(signal.unsigned_abs().into()), target]);
                }
                Effect::StoreFd { fd, name, .. } => answer.line("store", &[Number(fd.0), Text(name)]),
                Effect::CloseFd(fd) => answer.line("close", &[Number(fd.0)]),
                Effect::Refused(refusal) => {
                    let unheard = matches!(refusal, Refusal::Access { .. });
                    answer.described(if unheard { "unheard" } else { "refused" }, |put| refusal.describe(put));
                }
                _ => {}
            }
        }
        self.properties();
    }

    fn properties(&mut self) {
        let Self { service, answer, .. } = self;
        answer.line("ActiveState", &[Text(service.active_state().as_str())]);
        answer.line("SubState", &[Text(service.sub_state().as_str())]);
        answer.line("Result", &[Text(service.result().as_str())]);
        answer.line("ReloadResult", &[Text(service.reload_result().as_str())]);
        answer.line("MainPID", &[Number(service.main_pid().unwrap_or(0).into())]);
        answer.line("NotifyAccess", &[Text(service.notify_access().as_str())]);
        answer.line("StatusErrno", &[Number(service.status_errno().unsigned_abs().into())]);
        let texts = [
            ("StatusText", service.status_text()),
            ("StatusBusError", service.status_bus_error()),
            ("StatusVarlinkError", service.status_varlink_error()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                answer.line(name, &[Text(text)]);
            }
        }
        for (name, time) in [("WatchdogUSec", service.watchdog()), ("deadline", service.deadline())] {
            if let Some(time) = time {
                answer.line(name, &[Number(microseconds(time))]);
            }
        }
        for stored in service.stored_fds() {
            answer.line("stored", &[Text(&stored.name)]);
        }
    }
}

/// The part of the input that was written.
fn written(input: &[u8], len: usize) -> &[u8] {
    input.get(..len).unwrap_or(input)
}

/// Whole microseconds, or as many as can be counted.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
