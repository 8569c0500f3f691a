//! Everything that anybody may send, to a listener and the machine behind it.

use crate::support::{SOON, open_fds};
use crate::{copy, is_role, succeed};
use readyup::manager::service::{Config, Effect, FdKey, Notification, Service, ServiceType};
use readyup::manager::{Incoming, Listener};
use readyup::{Attachments, Message, Notifier, NotifyAccess, monotonic_now};
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

/// A manager of one service that believes everybody.
struct Manager {
    service: Service,
    kept: HashMap<FdKey, OwnedFd>,
    next_fd: u64,
}

impl Manager {
    fn new() -> Self {
        let mut config = Config::new(ServiceType::Notify);
        (config.notify_access, config.fd_store_max) = (NotifyAccess::All, 16);
        Self { service: Service::new(config), kept: HashMap::new(), next_fd: 0 }
    }

    fn take(&mut self, incoming: Incoming) {
        let now = monotonic_now();
        let mut effects = self.service.start(now);
        if let Incoming::Message(mut received) = incoming {
            let fds: Vec<_> = received.take_fds();
            let keys: Vec<_> = (self.next_fd..).take(fds.len()).map(FdKey).collect();
            self.next_fd += keys.len() as u64;
            self.kept.extend(keys.iter().copied().zip(fds));
            let sender = received.sender();
            let mut notification = Notification::new(received.message(), sender.pid(), sender.uid());
            notification.fds = &keys;
            effects.extend(self.service.on_message(now, &notification));
        }
        for effect in effects {
            match effect {
                Effect::CloseFd(fd) => drop(self.kept.remove(&fd)),
                Effect::Run(_) => drop(self.service.on_spawned(now, std::process::id())),
                _ => {}
            }
        }
    }
}

/// Bytes that are different each time, and the same for each run.
fn payload(number: u64, buffer: &mut Vec<u8>) {
    const PARTS: [&[u8]; 20] = [
        b"READY=1\n",
        b"STATUS=",
        b"STOPPING=1\n",
        b"RELOADING=1\n",
        b"WATCHDOG=trigger\n",
        b"WATCHDOG_USEC=18446744073709551615\n",
        b"EXTEND_TIMEOUT_USEC=18446744073709551614\n",
        b"MAINPID=1\n",
        b"MAINPID=99999999999999999999\n",
        b"MAINPIDFD=1\n",
        b"FDSTORE=1\n",
        b"FDNAME=a\n",
        b"FDSTOREREMOVE=1\n",
        b"NOTIFYACCESS=x\n",
        b"ERRNO=0x7fffffff\n",
        b"BARRIER=1\n",
        b"BUSERROR=\xff\n",
        b"\0",
        b"\r\n\r",
        b"====\n",
    ];
    buffer.clear();
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    while mixed != 0 {
        match PARTS.get((mixed % 24) as usize) {
            Some(part) => buffer.extend_from_slice(part),
            None => buffer.extend(mixed.to_le_bytes()),
        }
        mixed /= 1000;
    }
    if number % 1000 == 1 {
        buffer.resize(70_000, b'x');
    } else if number % 100 == 2 {
        buffer.resize(4096, b'\xc3');
    }
}

/// Kilobytes that this process has in memory.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_million_hostile_messages() {
    if !is_role("both") {
        succeed(&mut copy("hostile::a_million_hostile_messages", "both"));
        return;
    }
    const COUNT: u64 = 1_000_000;
    const WARM_UP: u64 = 50_000;
    let listener = Listener::private().unwrap();
    let notifier = Notifier::new(*listener.address());
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); 7];
    let mut manager = Manager::new();
    let before = open_fds();
    let sender = || {
        let mut buffer = Vec::new();
        for number in 0..COUNT {
            payload(number, &mut buffer);
            let count = if number % 5 == 0 { (number / 5 % 8) as usize } else { 0 };
            let attachments = Attachments { pid: None, insist: false, fds: &fds[..count] };
            notifier.send_with(Message::verbatim(&buffer), &attachments).unwrap();
        }
    };
    let mut warm = 0;
    std::thread::scope(|scope| {
        scope.spawn(sender);
        for number in 0..COUNT {
            manager.take(listener.receive(Some(SOON)).unwrap().unwrap());
            if number == WARM_UP {
                warm = memory();
            }
        }
    });
    let after = memory();
    assert!(after < warm + 1024, "{warm} kB after {WARM_UP} messages, {after} kB after {COUNT}");
    assert_eq!(manager.kept.len(), manager.service.stored_fds().len());
    drop((manager, notifier));
    assert_eq!(open_fds(), before);
}
