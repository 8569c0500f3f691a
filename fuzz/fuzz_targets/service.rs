//! Whatever happens to a service, in whatever order, the machine for its life holds to what is true of every service.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use readyup::manager::service::{
    ActiveState, Config, Effect, Exit, FdKey, FdStorePreserve, KillMode, Notification, Process, Service, ServiceResult,
    ServiceType, SubState, TimeoutFailureMode,
};
use readyup::{Message, NotifyAccess};
use std::time::Duration;

#[derive(Arbitrary, Debug)]
struct Given<'a> {
    settings: Settings,
    events: Vec<Event<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Settings {
    systemd: u8,
    service_type: u8,
    access: u8,
    kill_mode: u8,
    failure_modes: (u8, u8),
    preserve: u8,
    fd_store_max: u8,
    limits: [Option<u8>; 5],
    flags: u16,
}

#[derive(Arbitrary, Debug)]
enum Event<'a> {
    Start,
    Stop,
    Restart,
    Reload,
    Spawned(u8),
    NextLine(u8),
    SpawnFailed,
    Exec,
    Exit(u8, i8),
    Gone(u8),
    Others(bool),
    Handles(bool),
    HangUp(u8),
    Deadline,
    Pass(u32),
    Bytes { sender: u8, payload: &'a [u8], fds: Vec<u8>, named: Option<Named> },
    Lines { sender: u8, lines: Vec<Line<'a>>, fds: Vec<u8>, named: Option<Named> },
}

#[derive(Arbitrary, Debug)]
struct Named {
    pid: u8,
    id: Option<u8>,
    of_unit: bool,
    own_child: bool,
}

#[derive(Arbitrary, Debug)]
enum Line<'a> {
    /// One of those that do something.
    Fixed(u8),
    /// A key with a number.
    Number(u8, u64),
    /// A key with anything.
    Value(u8, &'a str),
}

const FIXED: [&str; 14] = [
    "READY=1",
    "RELOADING=1",
    "STOPPING=1",
    "WATCHDOG=1",
    "WATCHDOG=trigger",
    "MAINPIDFD=1",
    "FDSTORE=1",
    "FDSTOREREMOVE=1",
    "FDPOLL=0",
    "FDNAME=a",
    "NOTIFYACCESS=all",
    "NOTIFYACCESS=none",
    "NOTIFYACCESS=exec",
    "RESTART_RESET=1",
];

const KEYS: [&str; 13] = [
    "MONOTONIC_USEC",
    "WATCHDOG_USEC",
    "EXTEND_TIMEOUT_USEC",
    "MAINPID",
    "MAINPIDFDID",
    "ERRNO",
    "STATUS",
    "BUSERROR",
    "VARLINKERROR",
    "FDNAME",
    "NOTIFYACCESS",
    "WATCHDOG",
    "EXIT_STATUS",
];

impl Settings {
    fn config(&self) -> Config {
        let flag = |bit: u16| self.flags & (1 << bit) != 0;
        let mode = |mode| match mode % 3 {
            0 => TimeoutFailureMode::Terminate,
            1 => TimeoutFailureMode::Abort,
            _ => TimeoutFailureMode::Kill,
        };
        let limit = |index: usize| self.limits[index].map(|limit| Duration::from_millis(limit.into()));
        let mut config = Config::new(match self.service_type % 4 {
            0 => ServiceType::Notify,
            1 => ServiceType::NotifyReload,
            2 => ServiceType::Exec,
            _ => ServiceType::Simple,
        });
        config.systemd = 245 + u32::from(self.systemd % 20);
        config.notify_access = match self.access % 4 {
            0 => NotifyAccess::All,
            1 => NotifyAccess::Main,
            2 => NotifyAccess::Exec,
            _ => NotifyAccess::None,
        };
        config.kill_mode = match self.kill_mode % 4 {
            0 => KillMode::ControlGroup,
            1 => KillMode::Mixed,
            2 => KillMode::Process,
            _ => KillMode::None,
        };
        config.fd_store_preserve = match self.preserve % 3 {
            0 => FdStorePreserve::Restart,
            1 => FdStorePreserve::No,
            _ => FdStorePreserve::Yes,
        };
        config.timeout_start_failure_mode = mode(self.failure_modes.0);
        config.timeout_stop_failure_mode = mode(self.failure_modes.1);
        config.fd_store_max = usize::from(self.fd_store_max % 8);
        config.timeout_start = limit(0);
        config.timeout_stop = limit(1);
        config.timeout_abort = limit(2);
        config.runtime_max = limit(3);
        config.watchdog = limit(4);
        config.remain_after_exit = flag(0);
        config.send_sighup = flag(1);
        config.send_sigkill = !flag(2);
        config.exec_start_pre = flag(3);
        config.exec_start_post = flag(4);
        config.exec_reload = flag(5);
        config.exec_stop = flag(6);
        config.exec_stop_post = flag(7);
        if flag(8) {
            config.success_exit_status.push(Exit::Code(3));
        }
        config
    }
}

fuzz_target!(|given: Given<'_>| {
    let config = given.settings.config();
    let mut service = Service::new(config);
    let mut now = Duration::from_secs(1);
    // Descriptors that came, less those that were closed.
    let mut held = 0;
    for event in &given.events {
        let before = service.sub_state();
        if let Event::Pass(milliseconds) = event {
            now += Duration::from_millis(u64::from(*milliseconds % 400));
        }
        let (effects, came) = happen(&mut service, now, event);
        held += came;
        let mut state = before;
        for effect in &effects {
            match effect {
                Effect::Changed { from, to } => {
                    assert_eq!(state, *from);
                    assert_ne!(from, to);
                    state = *to;
                }
                Effect::CloseFd(_) => held -= 1,
                Effect::Refused(refusal) => {
                    let text = refusal.to_string();
                    assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
                }
                _ => {}
            }
        }
        assert_eq!(service.sub_state(), state);
        assert_eq!(service.stored_fds().len(), held);
        check(&service);
    }
});

/// What is true of a service at any time.
fn check(service: &Service) {
    let over = matches!(service.active_state(), ActiveState::Inactive | ActiveState::Failed);
    if over {
        assert_eq!((service.main_pid(), service.control_pid()), (None, None));
        let failed = service.active_state() == ActiveState::Failed;
        assert_eq!(failed, service.result() != ServiceResult::Success);
    }
    if matches!(service.sub_state(), SubState::Running | SubState::Exited) {
        assert_eq!(service.result(), ServiceResult::Success);
        assert_eq!(service.control_pid(), None);
    }
    assert!(service.stored_fds().len() <= service.config().fd_store_max);
    assert!((0..=4095).contains(&service.status_errno()));
    assert!(service.status_text().is_none_or(|text| !text.is_empty() && !text.contains(['\n', '\r', '\0'])));
    if service.watchdog().is_none() {
        assert_eq!(service.watchdog_deadline(), None);
    }
    if let Some(deadline) = service.watchdog_deadline() {
        assert!(service.deadline().is_some_and(|first| first <= deadline));
    }
}

/// Has it happen; how many descriptors came with it.
fn happen(service: &mut Service, now: Duration, event: &Event<'_>) -> (Vec<Effect>, usize) {
    let effects = match event {
        Event::Start => service.start(now),
        Event::Stop => service.stop(now),
        Event::Restart => service.restart(now),
        Event::Reload => service.reload(now),
        Event::Spawned(pid) => service.on_spawned(now, (*pid).into()),
        Event::NextLine(pid) => service.on_next_line(now, (*pid).into()),
        Event::SpawnFailed => service.on_spawn_failed(now),
        Event::Exec => service.on_exec(now),
        Event::Exit(pid, how) => {
            let exit = match how {
                0.. => Exit::Code((*how).into()),
                -64.. => Exit::Signal(-i32::from(*how)),
                _ => Exit::CoreDump(-64 - i32::from(*how)),
            };
            service.on_exit(now, (*pid).into(), exit)
        }
        Event::Gone(pid) => service.on_gone(now, (*pid).into()),
        Event::Others(others) => service.set_others(now, *others),
        Event::Handles(handles) => {
            service.set_handles_reload_signal(*handles);
            Vec::new()
        }
        Event::HangUp(fd) => service.on_hang_up(FdKey((*fd).into())),
        Event::Deadline => service.on_deadline(service.deadline().unwrap_or(now)),
        Event::Pass(_) => service.on_deadline(now),
        Event::Bytes { sender, payload, fds, named } => return say(service, now, *sender, payload, fds, named.as_ref()),
        Event::Lines { sender, lines, fds, named } => {
            let lines: Vec<String> = lines.iter().map(Line::text).collect();
            return say(service, now, *sender, lines.join("\n").as_bytes(), fds, named.as_ref());
        }
    };
    (effects, 0)
}

impl Line<'_> {
    fn text(&self) -> String {
        match self {
            Self::Fixed(index) => FIXED[usize::from(*index) % FIXED.len()].to_owned(),
            Self::Number(key, number) => format!("{}={number}", KEYS[usize::from(*key) % KEYS.len()]),
            Self::Value(key, value) => format!("{}={value}", KEYS[usize::from(*key) % KEYS.len()]),
        }
    }
}

fn say(
    service: &mut Service,
    now: Duration,
    sender: u8,
    payload: &[u8],
    fds: &[u8],
    named: Option<&Named>,
) -> (Vec<Effect>, usize) {
    let Ok(message) = Message::parse(payload) else { return (Vec::new(), 0) };
    let fds: Vec<FdKey> = fds.iter().map(|fd| FdKey((*fd).into())).collect();
    let mut notification = Notification::new(message, sender.into(), u32::from(sender % 2));
    notification.fds = &fds;
    notification.named = named.map(|named| Process {
        pid: named.pid.into(),
        pidfd_id: named.id.map(Into::into),
        of_unit: named.of_unit,
        own_child: named.own_child,
    });
    let _ = service.named_process(message);
    (service.on_message(now, &notification), fds.len())
}
