//! The life of a service. What is expected here is what real systemds did: the lab has them do it again.

use readyup::manager::service::{
    ActiveState, Command, Config, Effect, Exit, FdKey, FdStorePreserve, MainPidRefusal, Notification, Process, Refusal,
    Service, ServiceResult, ServiceType, SubState, Target,
};
use readyup::{Message, NotifyAccess};
use std::time::Duration;

const MAIN: u32 = 42;
const CHILD: u32 = 43;

const fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(1_000_000 + milliseconds)
}

fn notify() -> Config {
    Config::new(ServiceType::Notify)
}

fn reloadable() -> Config {
    Config::new(ServiceType::NotifyReload)
}

fn with(mut config: Config, change: impl FnOnce(&mut Config)) -> Config {
    change(&mut config);
    config
}

/// A service whose main process was started, and is not ready.
fn begun(config: Config) -> Service {
    let mut service = Service::new(config);
    service.start(at(0));
    service.on_spawned(at(0), MAIN);
    service
}

/// The same, and it is ready.
fn ready(config: Config) -> Service {
    let mut service = begun(config);
    say(&mut service, 0, "READY=1");
    assert_eq!(service.sub_state(), SubState::Running);
    service
}

fn say(service: &mut Service, milliseconds: u64, text: &str) -> Vec<Effect> {
    say_as(service, MAIN, milliseconds, text)
}

fn say_as(service: &mut Service, pid: u32, milliseconds: u64, text: &str) -> Vec<Effect> {
    let message = Message::raw(text.as_bytes()).unwrap();
    service.on_message(at(milliseconds), &Notification::new(message, pid, 1000))
}

fn refusals(effects: Vec<Effect>) -> Vec<Refusal> {
    let refusal = |effect| match effect {
        Effect::Refused(refusal) => Some(refusal),
        _ => None,
    };
    effects.into_iter().filter_map(refusal).collect()
}

#[test]
fn ok_a_life() {
    let mut service = Service::new(notify());
    assert_eq!((service.active_state(), service.main_pid()), (ActiveState::Inactive, None));
    let effects = service.start(at(0));
    assert_eq!(effects, [Effect::Changed { from: SubState::Dead, to: SubState::Start }, Effect::Run(Command::Start)]);
    service.on_spawned(at(0), MAIN);
    assert_eq!(
        say(&mut service, 1, "READY=1\nSTATUS=Up\nERRNO=ENOENT"),
        [Effect::Changed { from: SubState::Start, to: SubState::Running }]
    );
    assert_eq!((service.status_text(), service.status_errno()), (Some("Up"), 2));
    let effects = service.stop(at(2));
    assert_eq!(effects[0], Effect::Signal { target: Target::Process(MAIN), signal: 15 });
    assert_eq!(service.sub_state(), SubState::StopSigterm);
    service.on_exit(at(3), MAIN, Exit::Signal(15));
    assert_eq!((service.sub_state(), service.result()), (SubState::Dead, ServiceResult::Success));
    // What was said last can still be read.
    assert_eq!(service.status_text(), Some("Up"));
    assert_eq!(service.deadline(), None);
}

#[test]
fn err_ends() {
    for (ready_first, exit, result) in [
        (false, Exit::Code(0), ServiceResult::Protocol),
        (false, Exit::Signal(15), ServiceResult::Protocol),
        (false, Exit::Code(3), ServiceResult::ExitCode),
        (false, Exit::Signal(9), ServiceResult::Signal),
        (true, Exit::Code(0), ServiceResult::Success),
        (true, Exit::Signal(13), ServiceResult::Success),
        (true, Exit::Code(1), ServiceResult::ExitCode),
        (true, Exit::CoreDump(11), ServiceResult::CoreDump),
    ] {
        let mut service = if ready_first { ready(notify()) } else { begun(notify()) };
        service.on_exit(at(1), MAIN, exit);
        assert_eq!(service.result(), result, "{exit:?}");
        let failed = result != ServiceResult::Success;
        assert_eq!(service.sub_state(), if failed { SubState::Failed } else { SubState::Dead }, "{exit:?}");
    }
    let mut service = ready(with(notify(), |config| config.success_exit_status = vec![Exit::Code(3)]));
    service.on_exit(at(1), MAIN, Exit::Code(3));
    assert_eq!(service.result(), ServiceResult::Success);
}

#[test]
fn err_time() {
    // A start that takes too long, and then an end that does.
    let mut service = begun(notify());
    assert_eq!(service.deadline(), Some(at(90_000)));
    assert!(service.on_deadline(at(89_999)).is_empty());
    service.on_deadline(at(90_000));
    assert_eq!((service.sub_state(), service.result()), (SubState::StopSigterm, ServiceResult::Timeout));
    let effects = service.on_deadline(at(180_000));
    assert_eq!(effects[0], Effect::Signal { target: Target::Process(MAIN), signal: 9 });
    assert_eq!(service.sub_state(), SubState::StopSigkill);
    service.on_exit(at(180_001), MAIN, Exit::Signal(9));
    assert_eq!((service.sub_state(), service.result()), (SubState::Failed, ServiceResult::Timeout));

    // The later of what is left and what is said.
    let mut service = begun(notify());
    say(&mut service, 1, "EXTEND_TIMEOUT_USEC=1000000");
    assert_eq!(service.deadline(), Some(at(90_000)));
    say(&mut service, 80_000, "EXTEND_TIMEOUT_USEC=20000000");
    assert_eq!(service.deadline(), Some(at(100_000)));

    let mut service = ready(with(notify(), |config| config.runtime_max = Some(Duration::from_secs(5))));
    service.on_deadline(at(5_000));
    assert_eq!((service.sub_state(), service.result()), (SubState::StopSigterm, ServiceResult::Timeout));
}

#[test]
fn ok_watchdog() {
    let watched = || with(notify(), |config| config.watchdog = Some(Duration::from_secs(2)));
    let mut service = begun(watched());
    assert_eq!(service.watchdog_deadline(), None, "it begins with READY=1");
    say(&mut service, 100, "WATCHDOG=1");
    assert_eq!(service.watchdog_deadline(), Some(at(2_100)), "or with the first ping");
    say(&mut service, 200, "READY=1");
    say(&mut service, 300, "WATCHDOG=1");
    assert_eq!(service.deadline(), Some(at(2_300)));
    say(&mut service, 400, "WATCHDOG_USEC=5000000");
    assert_eq!((service.watchdog(), service.deadline()), (Some(Duration::from_secs(5)), Some(at(5_400))));
    say(&mut service, 400, "WATCHDOG_USEC=0");
    assert_eq!((service.watchdog(), service.deadline()), (None, None));
    // With the next start, what the unit says holds again.
    service.restart(at(500));
    service.on_exit(at(501), MAIN, Exit::Code(0));
    assert_eq!(service.watchdog(), Some(Duration::from_secs(2)));

    let mut service = ready(watched());
    let effects = service.on_deadline(at(2_000));
    assert_eq!(effects[0], Effect::Signal { target: Target::Process(MAIN), signal: 6 });
    assert_eq!((service.sub_state(), service.result()), (SubState::StopWatchdog, ServiceResult::Watchdog));
    let mut service = ready(notify());
    say(&mut service, 1, "WATCHDOG=trigger");
    assert_eq!((service.sub_state(), service.result()), (SubState::StopWatchdog, ServiceResult::Watchdog));
}

#[test]
fn ok_whose_word_counts() {
    for (access, main, child, control) in [
        (NotifyAccess::None, true, false, false), // which is taken for main
        (NotifyAccess::Main, true, false, false),
        (NotifyAccess::Exec, true, false, true),
        (NotifyAccess::All, true, true, true),
    ] {
        for (sender, believed) in [(MAIN, main), (CHILD, child), (7, control)] {
            let mut service = ready(with(notify(), |config| {
                config.notify_access = access;
                config.exec_reload = true;
            }));
            service.reload(at(1));
            service.on_spawned(at(1), 7);
            let refused = refusals(say_as(&mut service, sender, 2, "STATUS=x"));
            assert_eq!(service.status_text().is_some(), believed, "{access:?} {sender}");
            assert_eq!(refused.is_empty(), believed);
        }
    }
    let mut service = ready(notify());
    say(&mut service, 1, "NOTIFYACCESS=all");
    assert!(refusals(say_as(&mut service, CHILD, 1, "STATUS=child")).is_empty());
    // A word that it is not, and what the unit says holds again.
    assert_eq!(refusals(say(&mut service, 1, "NOTIFYACCESS=everybody")), [Refusal::AccessReset]);
    assert_eq!(service.notify_access(), NotifyAccess::Main);
}

#[test]
fn ok_reload_by_signal() {
    let now = |milliseconds| format!("MONOTONIC_USEC={}", at(milliseconds).as_micros());
    let mut service = ready(reloadable());
    let effects = service.reload(at(10));
    assert_eq!(effects[0], Effect::Signal { target: Target::Process(MAIN), signal: 1 });
    assert_eq!(service.sub_state(), SubState::ReloadSignal);
    for (text, refusal) in [
        ("RELOADING=1".to_owned(), Refusal::ReloadWithoutTime),
        (format!("RELOADING=1\n{}", now(9)), Refusal::ReloadTooEarly { said: at(9), asked: at(10) }),
        ("READY=1".to_owned(), Refusal::ReadyBeforeReloading),
    ] {
        assert_eq!(refusals(say(&mut service, 11, &text)), [refusal]);
        assert_eq!(service.sub_state(), SubState::ReloadSignal, "{text}");
    }
    say(&mut service, 12, &format!("RELOADING=1\n{}", now(12)));
    assert_eq!(service.sub_state(), SubState::ReloadNotify);
    say(&mut service, 13, "READY=1");
    assert_eq!((service.sub_state(), service.reload_result()), (SubState::Running, ServiceResult::Success));

    // One that is never answered.
    service.reload(at(20));
    service.on_deadline(at(90_020));
    assert_eq!((service.sub_state(), service.reload_result()), (SubState::Running, ServiceResult::Timeout));
    assert_eq!(service.result(), ServiceResult::Success);
}

#[test]
fn ok_versions() {
    let of = |systemd| with(notify(), |config| config.systemd = systemd);
    // Three at once: which one counts.
    for (systemd, text, state) in [
        (252, "READY=1\nSTOPPING=1", SubState::Start),
        (252, "STOPPING=1\nREADY=1", SubState::Running),
        (257, "STOPPING=1\nREADY=1", SubState::Start),
        (252, "READY=1\nRELOADING=1", SubState::Start),
        (257, "READY=1\nRELOADING=1", SubState::Running),
    ] {
        let mut service = begun(of(systemd));
        say(&mut service, 1, text);
        assert_eq!(service.sub_state(), state, "{systemd}: {text}");
    }
    // STOPPING=1 and then READY=1.
    for (systemd, state) in [(252, SubState::Running), (257, SubState::Running), (262, SubState::Start)] {
        let mut service = begun(of(systemd));
        say(&mut service, 1, "STOPPING=1");
        say(&mut service, 2, "READY=1");
        assert_eq!(service.sub_state(), state, "{systemd}");
    }
    // What the state is called when a service reloads by itself, and what becomes of one that does not say when it has.
    for (systemd, reloading, after) in [
        (252, SubState::Reload, SubState::Reload),
        (257, SubState::ReloadNotify, SubState::ReloadNotify),
        (262, SubState::ReloadNotify, SubState::Running),
    ] {
        let mut service = ready(of(systemd));
        say(&mut service, 0, "RELOADING=1");
        assert_eq!(service.sub_state(), reloading, "{systemd}");
        service.on_deadline(at(90_000));
        assert_eq!((service.sub_state(), service.reload_result()), (after, ServiceResult::Timeout), "{systemd}");
    }
    assert_eq!(
        refusals(say(&mut begun(of(252)), 1, "NOTIFYACCESS=all\nBUSERROR=a.b")),
        [Refusal::Unknown { key: "NOTIFYACCESS", since: 254 }, Refusal::Unknown { key: "BUSERROR", since: 257 }]
    );
}

/// A service that says that it reloads while `ExecReload=` still runs, and goes on after that.
#[test]
fn ok_reload_that_outlasts_its_command() {
    for (systemd, service_type, state) in [
        (252, ServiceType::Notify, SubState::Reload),
        (257, ServiceType::Notify, SubState::ReloadNotify),
        // What it said is forgotten.
        (262, ServiceType::Notify, SubState::Running),
        (257, ServiceType::NotifyReload, SubState::ReloadNotify),
        (262, ServiceType::NotifyReload, SubState::ReloadNotify),
    ] {
        let mut service = ready(with(Config::new(service_type), |config| {
            config.systemd = systemd;
            config.exec_reload = true;
        }));
        service.reload(at(1));
        service.on_spawned(at(1), CHILD);
        say(&mut service, 2, "RELOADING=1\nMONOTONIC_USEC=1000002000");
        assert_eq!(service.sub_state(), SubState::Reload, "{systemd}");
        service.on_exit(at(3), CHILD, Exit::Code(0));
        assert_eq!(service.sub_state(), state, "{systemd}, {}", service_type.as_str());
        say(&mut service, 4, "READY=1");
        assert_eq!((service.sub_state(), service.reload_result()), (SubState::Running, ServiceResult::Success));
    }
}

#[test]
fn ok_lines() {
    let mut service = Service::new(with(notify(), |config| config.exec_start_pre = true));
    service.start(at(0));
    service.on_spawned(at(0), CHILD);
    service.on_next_line(at(80_000), CHILD + 1);
    // Each has its own time.
    assert_eq!((service.control_pid(), service.deadline()), (Some(CHILD + 1), Some(at(170_000))));
    service.on_exit(at(80_001), CHILD, Exit::Code(1));
    assert_eq!(service.sub_state(), SubState::StartPre);
    assert_eq!(service.on_exit(at(80_002), CHILD + 1, Exit::Code(0)).last(), Some(&Effect::Run(Command::Start)));
    // Nobody waits for it.
    let effects = service.on_next_line(at(80_003), CHILD);
    assert_eq!(effects, [Effect::Signal { target: Target::Process(CHILD), signal: 9 }]);
}

#[test]
fn ok_main_process() {
    let named = |pid| Process { pid, pidfd_id: Some(7), of_unit: true, own_child: false };
    let hand_over = |service: &mut Service, text: &str, uid, process| {
        let mut notification = Notification::new(Message::raw(text.as_bytes()).unwrap(), MAIN, uid);
        notification.named = process;
        refusals(service.on_message(at(1), &notification))
    };
    let mut service = ready(notify());
    for (text, uid, process, why) in [
        ("MAINPID=1", 0, Some(named(1)), MainPidRefusal::Manager),
        ("MAINPID=99", 0, None, MainPidRefusal::NoProcess),
        ("MAINPID=43", 1000, Some(Process { of_unit: false, ..named(CHILD) }), MainPidRefusal::Foreign),
        ("MAINPID=43\nMAINPIDFDID=8", 0, Some(named(CHILD)), MainPidRefusal::PidFdId),
        ("MAINPIDFD=1", 0, None, MainPidRefusal::PidFd),
    ] {
        assert_eq!(hand_over(&mut service, text, uid, process), [Refusal::MainPid(why)], "{text}");
        assert_eq!(service.main_pid(), Some(MAIN));
    }
    assert_eq!(hand_over(&mut service, "MAINPID=x", 0, None), [Refusal::Value { key: "MAINPID" }]);
    assert_eq!(hand_over(&mut service, "MAINPID=43\nMAINPIDFDID=7", 0, Some(named(CHILD))), []);
    assert_eq!(service.main_pid(), Some(CHILD));
    // The old one is one of the others now, and is not listened to.
    assert_eq!(refusals(say(&mut service, 1, "STATUS=old")).len(), 1);
    service.on_exit(at(2), MAIN, Exit::Code(0));
    assert_eq!(service.sub_state(), SubState::Running);
}

#[test]
fn ok_store() {
    let store = |service: &mut Service, text: &str, fds: &[u64]| {
        let fds: Vec<_> = fds.iter().copied().map(FdKey).collect();
        let mut notification = Notification::new(Message::raw(text.as_bytes()).unwrap(), MAIN, 0);
        notification.fds = &fds;
        service.on_message(at(1), &notification)
    };
    let mut service = ready(with(notify(), |config| config.fd_store_max = 3));
    store(&mut service, "FDSTORE=1\nFDNAME=a", &[1]);
    assert_eq!(
        store(&mut service, "FDSTORE=1\nFDNAME=a:b", &[2]),
        [Effect::Refused(Refusal::StoreName), Effect::StoreFd { fd: FdKey(2), name: "stored".to_owned(), poll: true },]
    );
    assert_eq!(
        store(&mut service, "FDSTORE=1", &[1]),
        [Effect::Refused(Refusal::StoredAlready(FdKey(1))), Effect::CloseFd(FdKey(1))]
    );
    assert_eq!(
        store(&mut service, "FDSTORE=1\nFDNAME=\nFDPOLL=0", &[3, 4])[1..],
        [Effect::Refused(Refusal::StoreFull { max: 3 }), Effect::CloseFd(FdKey(4))]
    );
    let names = |service: &Service| service.stored_fds().iter().map(|stored| stored.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&service), ["a", "stored", ""]);
    assert_eq!(store(&mut service, "READY=1", &[5]), [Effect::CloseFd(FdKey(5))]);
    assert_eq!(store(&mut service, "FDSTOREREMOVE=1", &[]), [Effect::Refused(Refusal::RemoveName)]);
    assert_eq!(store(&mut service, "FDSTOREREMOVE=1\nFDNAME=a", &[]), [Effect::CloseFd(FdKey(1))]);
    assert_eq!(service.on_hang_up(FdKey(2)), [Effect::CloseFd(FdKey(2))]);
    assert_eq!(service.on_hang_up(FdKey(3)), []);
    // Over a restart they stay.
    service.restart(at(2));
    service.on_exit(at(3), MAIN, Exit::Code(0));
    assert_eq!(names(&service), [""]);
    service.on_spawned(at(4), MAIN);
    service.stop(at(5));
    assert_eq!(service.on_exit(at(6), MAIN, Exit::Code(0)).last(), Some(&Effect::CloseFd(FdKey(3))));

    let pinned = |config: &mut Config| (config.fd_store_max, config.fd_store_preserve) = (1, FdStorePreserve::Yes);
    let mut service = ready(with(notify(), pinned));
    store(&mut service, "FDSTORE=1", &[1]);
    service.on_exit(at(2), MAIN, Exit::Code(0));
    assert_eq!((service.sub_state(), service.stored_fds().len()), (SubState::DeadResourcesPinned, 1));
}

#[test]
fn ok_others_are_waited_for() {
    let mut service = ready(notify());
    service.set_others(at(1), true);
    let effects = service.on_exit(at(2), MAIN, Exit::Code(0));
    assert_eq!(effects[0], Effect::Signal { target: Target::Others, signal: 15 });
    assert_eq!(service.sub_state(), SubState::StopSigterm);
    service.on_deadline(at(90_002));
    assert_eq!((service.sub_state(), service.result()), (SubState::StopSigkill, ServiceResult::Timeout));
    service.set_others(at(90_003), false);
    assert_eq!(service.sub_state(), SubState::Failed);
}

#[test]
fn err_a_start_that_fails_is_not_begun_anew() {
    let mut service = begun(with(notify(), |config| config.exec_stop_post = true));
    service.on_exit(at(1), MAIN, Exit::Code(1));
    service.on_spawned(at(1), 50);
    assert_eq!(service.sub_state(), SubState::StopPost);
    service.start(at(2));
    service.on_exit(at(3), 50, Exit::Code(0));
    assert_eq!(service.sub_state(), SubState::Failed);
}

#[test]
fn ok_a_command_is_killed_as_soon_as_it_is_there() {
    let mut service = begun(with(notify(), |config| config.exec_start_post = true));
    let effects = say(&mut service, 1, "READY=1\nWATCHDOG=trigger");
    assert!(effects.contains(&Effect::Run(Command::StartPost)));
    assert_eq!(service.sub_state(), SubState::StopWatchdog);
    assert_eq!(service.on_spawned(at(1), 50), [Effect::Signal { target: Target::Process(50), signal: 6 }]);
}
