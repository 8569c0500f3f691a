//! The service, and the room that it shares with JavaScript.

use crate::{config, time};
use readyup::Message;
use readyup::manager::service::{
    Config, Effect, FdKey, NamedProcess, Notification, Process, Refusal, Service, ServiceType, Target,
};
use readyup::manager::{Content, Envelope};
use readyup::protocol::MESSAGE_MAX;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::Duration;

/// A message, and a byte more, which tells that one was longer.
pub(crate) const INPUT_SIZE: usize = MESSAGE_MAX + 1;

pub(crate) struct Face {
    service: Service,
    input: Vec<u8>,
    output: String,
    pub(crate) fds: Vec<FdKey>,
    pub(crate) named: Option<Process>,
}

thread_local! {
    static FACE: RefCell<Face> = RefCell::new(Face {
        service: Service::new(Config::new(ServiceType::Notify)),
        input: vec![0; INPUT_SIZE],
        output: String::new(),
        fds: Vec::new(),
        named: None,
    });
}

pub(crate) fn with<R>(with: impl FnOnce(&mut Face) -> R) -> R {
    FACE.with_borrow_mut(|face| {
        face.output.clear();
        with(face)
    })
}

impl Face {
    pub(crate) fn input(&mut self) -> *mut u8 {
        self.input.as_mut_ptr()
    }

    pub(crate) fn output(&self) -> *const u8 {
        self.output.as_ptr()
    }

    pub(crate) fn answered(&self) -> usize {
        self.output.len()
    }

    pub(crate) fn configure(&mut self, len: usize) {
        match std::str::from_utf8(written(&self.input, len)).map_err(|error| error.to_string()).and_then(config::parse)
        {
            Ok(config) => {
                self.service = Service::new(config);
                self.properties();
            }
            Err(error) => self.line("error", error),
        }
    }

    /// Takes a step of the service's life, and answers with what follows from it.
    pub(crate) fn step(&mut self, now: f64, step: impl FnOnce(&mut Service, Duration) -> Vec<Effect>) {
        let effects = step(&mut self.service, time(now));
        self.tell(effects);
    }

    pub(crate) const fn set_handles_reload_signal(&mut self, handles: bool) {
        self.service.set_handles_reload_signal(handles);
    }

    pub(crate) fn open(&mut self, filled: usize, len: usize, pid: i32, fds: usize, control_truncated: bool) {
        let envelope = Envelope { len, pid: Some(pid), fds, control_truncated };
        match envelope.open(written(&self.input, filled)) {
            Ok(Content::Message { wants_fds, .. }) => self.line("message", u8::from(wants_fds)),
            Ok(Content::Barrier) => self.line("barrier", 1),
            Err(reason) => self.line("dropped", reason),
        }
    }

    pub(crate) fn named(&mut self, len: usize) {
        let Ok(message) = Message::raw(written(&self.input, len)) else { return };
        match self.service.named_process(message) {
            Some(NamedProcess::Pid(pid)) => self.line("pid", pid),
            Some(NamedProcess::PidFd) => self.line("pidfd", 1),
            None => {}
        }
    }

    pub(crate) fn message(&mut self, len: usize, pid: u32, uid: u32, now: f64) {
        let (fds, named) = (std::mem::take(&mut self.fds), self.named.take());
        let Ok(message) = Message::raw(written(&self.input, len)) else { return };
        let mut notification = Notification::new(message, pid, uid);
        (notification.fds, notification.named) = (&fds, named);
        let effects = self.service.on_message(time(now), &notification);
        self.tell(effects);
    }

    fn tell(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changed { from, to } => self.line("changed", format_args!("{from} {to}")),
                Effect::Run(command) => self.line("run", command.as_str()),
                Effect::Signal { target: Target::Process(pid), signal } => {
                    self.line("signal", format_args!("{signal} {pid}"));
                }
                Effect::Signal { signal, .. } => self.line("signal", format_args!("{signal} others")),
                Effect::StoreFd { fd, name, .. } => self.line("store", format_args!("{} {name}", fd.0)),
                Effect::CloseFd(fd) => self.line("close", fd.0),
                Effect::Refused(refusal @ Refusal::Access { .. }) => self.line("unheard", refusal),
                Effect::Refused(refusal) => self.line("refused", refusal),
                _ => {}
            }
        }
        self.properties();
    }

    fn properties(&mut self) {
        let Self { service, output, .. } = self;
        let mut line = |name: &str, value: &dyn std::fmt::Display| append(output, name, value);
        line("ActiveState", &service.active_state());
        line("SubState", &service.sub_state());
        line("Result", &service.result());
        line("ReloadResult", &service.reload_result());
        line("MainPID", &service.main_pid().unwrap_or(0));
        line("NotifyAccess", &service.notify_access().as_str());
        line("StatusErrno", &service.status_errno());
        if let Some(text) = service.status_text() {
            line("StatusText", &text);
        }
        if let Some(text) = service.status_bus_error() {
            line("StatusBusError", &text);
        }
        if let Some(text) = service.status_varlink_error() {
            line("StatusVarlinkError", &text);
        }
        if let Some(period) = service.watchdog() {
            line("WatchdogUSec", &period.as_micros());
        }
        if let Some(at) = service.deadline() {
            line("deadline", &at.as_micros());
        }
        for stored in service.stored_fds() {
            line("stored", &stored.name);
        }
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        append(&mut self.output, name, &value);
    }
}

/// One line of an answer. No value has a line feed: a message's lines end there.
fn append(output: &mut String, name: &str, value: &dyn std::fmt::Display) {
    // A string takes everything.
    let _ = writeln!(output, "{name}={value}");
}

/// The part of the input that was written.
fn written(input: &[u8], len: usize) -> &[u8] {
    input.get(..len).unwrap_or(input)
}
