//! What is true of every service, whatever happens to it.

use proptest::prelude::*;
use readyup::manager::service::{
    ActiveState, Config, Effect, Exit, FdKey, Notification, Process, Service, ServiceResult, ServiceType,
};
use readyup::{Message, NotifyAccess};
use std::time::Duration;

#[derive(Clone, Debug)]
enum Event {
    Start,
    Stop,
    Restart,
    Reload,
    Exit(u32, i32),
    NextLine(u32),
    Others(bool),
    Pass(u64),
    Message { sender: u32, text: String, fds: Vec<u64>, named: Option<u32> },
}

/// Process ids: the manager, the main process at first, and others.
fn pid() -> impl Strategy<Value = u32> {
    1..6u32
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1", "WATCHDOG=trigger", "FDSTORE=1", "FDSTOREREMOVE=1",
            "FDNAME=a", "FDPOLL=0", "MAINPIDFD=1", "NOTIFYACCESS=all", "NOTIFYACCESS=none", "MONOTONIC_USEC=18446744073709551614",
        ]).prop_map(str::to_owned),
        1 => "(MAINPID|WATCHDOG_USEC|EXTEND_TIMEOUT_USEC|MONOTONIC_USEC|ERRNO)=[0-9]{0,22}",
        1 => "(STATUS|NOTIFYACCESS|BUSERROR|FDNAME|MAINPID|WATCHDOG|X)=[^\n\r\0]{0,9}",
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let message = (
        2..6u32,
        proptest::collection::vec(line(), 0..5).prop_map(|lines| lines.join("\n")),
        proptest::collection::vec(0..9u64, 0..3),
        proptest::option::of(pid()),
    );
    prop_oneof![
        2 => Just(Event::Start),
        1 => Just(Event::Stop),
        1 => Just(Event::Restart),
        2 => Just(Event::Reload),
        2 => (pid(), -15..9i32).prop_map(|(pid, how)| Event::Exit(pid, how)),
        1 => pid().prop_map(Event::NextLine),
        1 => any::<bool>().prop_map(Event::Others),
        2 => (0..4000u64).prop_map(Event::Pass),
        9 => message.prop_map(|(sender, text, fds, named)| Event::Message { sender, text, fds, named }),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let types = [ServiceType::Notify, ServiceType::NotifyReload, ServiceType::Exec, ServiceType::Simple];
    let limit = || proptest::option::of((500..3000u64).prop_map(Duration::from_millis));
    let access = [NotifyAccess::All, NotifyAccess::Main, NotifyAccess::Exec];
    (
        proptest::sample::select(types.to_vec()),
        proptest::sample::select(access.to_vec()),
        proptest::sample::select(vec![250, 252, 253, 254, 257, 259, 262]),
        (limit(), limit(), limit()),
        any::<[bool; 7]>(),
    )
        .prop_map(|(service_type, access, systemd, limits, flags)| {
            let mut config = Config::new(service_type);
            (config.notify_access, config.systemd, config.fd_store_max) = (access, systemd, 2);
            (config.timeout_start, config.timeout_stop, config.watchdog) = limits;
            [
                config.exec_start_pre,
                config.exec_start_post,
                config.exec_reload,
                config.exec_stop,
                config.exec_stop_post,
                config.remain_after_exit,
                config.send_sigkill,
            ] = flags;
            config
        })
}

/// Has it happen. Every command that is to be started gets a process, with the next number.
fn happen(service: &mut Service, now: Duration, next_pid: &mut u32, event: &Event) -> Vec<Effect> {
    let mut effects = match event {
        Event::Start => service.start(now),
        Event::Stop => service.stop(now),
        Event::Restart => service.restart(now),
        Event::Reload => service.reload(now),
        Event::Exit(pid, how @ 0..) => service.on_exit(now, *pid, Exit::Code(*how)),
        Event::Exit(pid, how) => service.on_exit(now, *pid, Exit::Signal(-how)),
        Event::NextLine(pid) => service.on_next_line(now, *pid),
        Event::Others(others) => service.set_others(now, *others),
        Event::Pass(_) => service.on_deadline(now),
        Event::Message { sender, text, fds, named } => {
            let Ok(message) = Message::parse(text.as_bytes()) else { return Vec::new() };
            let fds: Vec<_> = fds.iter().copied().map(FdKey).collect();
            let mut notification = Notification::new(message, *sender, 1000);
            notification.fds = &fds;
            notification.named =
                named.map(|pid| Process { pid, pidfd_id: None, of_unit: true, own_child: pid % 2 == 0 });
            service.on_message(now, &notification)
        }
    };
    let mut looked_at = 0;
    while let Some(effect) = effects.get(looked_at) {
        looked_at += 1;
        if matches!(effect, Effect::Run(_)) {
            *next_pid = if *next_pid < 5 { *next_pid + 1 } else { 2 };
            effects.extend(service.on_spawned(now, *next_pid));
            effects.extend(service.on_exec(now));
        }
    }
    effects
}

proptest! {
    #[test]
    fn any_life(config in config(), events in proptest::collection::vec(event(), 0..40)) {
        let mut service = Service::new(config);
        let (mut now, mut next_pid) = (Duration::from_secs(1), 1);
        let mut held = 0;
        for event in &events {
            if let Event::Pass(time) = event {
                now += Duration::from_millis(*time);
            }
            if let Event::Message { fds, text, .. } = event {
                // What is too long, or holds a NUL, is no message.
                held += if Message::parse(text.as_bytes()).is_ok() { fds.len() } else { 0 };
            }
            let mut twin = service.clone();
            let mut twin_pid = next_pid;
            let effects = happen(&mut service, now, &mut next_pid, event);
            // It depends on nothing else.
            prop_assert_eq!(&effects, &happen(&mut twin, now, &mut twin_pid, event));
            prop_assert_eq!(&service, &twin);

            // Every descriptor that came is either kept or closed.
            held -= effects.iter().filter(|effect| matches!(effect, Effect::CloseFd(_))).count();
            prop_assert_eq!(service.stored_fds().len(), held);
            prop_assert!(held <= 2);
            let over = matches!(service.active_state(), ActiveState::Inactive | ActiveState::Failed);
            if over {
                prop_assert_eq!((service.main_pid(), service.control_pid()), (None, None));
                prop_assert_eq!(service.active_state() == ActiveState::Failed, service.result() != ServiceResult::Success);
            }
            // Nothing happens before its time.
            if let Some(deadline) = service.deadline().filter(|deadline| *deadline > now) {
                let mut early = service.clone();
                prop_assert_eq!(early.on_deadline(deadline - Duration::from_nanos(1)), []);
                prop_assert_eq!(&early, &service);
            }
            // Who is not believed changes nothing.
            let mut deaf = service.clone();
            let message = Message::raw(b"READY=1\nSTATUS=x\nWATCHDOG=trigger\nNOTIFYACCESS=all\nMAINPID=99").unwrap();
            let effects = deaf.on_message(now, &Notification::new(message, 99, 0));
            if service.notify_access() != NotifyAccess::All {
                prop_assert!(matches!(effects[..], [Effect::Refused(_)]));
                prop_assert_eq!(&deaf, &service);
            }
        }
    }
}
