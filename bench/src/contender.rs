//! What is measured.

/// One way to send a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// Its name for `worker` and in the JSON.
    pub(crate) name: &'static str,
    /// What is called, for people: `library: call`.
    pub(crate) call: &'static str,
    pub(crate) language: Language,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Rust,
    Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One `send` and nothing else: what the kernel takes.
    Limit,
    Ours,
    Peer,
}

impl Contender {
    /// Whose function it is that is called.
    pub(crate) fn library(&self) -> &'static str {
        self.call.split_once(':').map_or("", |(library, _)| library)
    }
}

/// All of them; the first of a language that is ours is the one that its peers are compared with.
pub(crate) const CONTENDERS: [Contender; 8] = [
    Contender { name: "c-send", call: "C: `send()` on a connected socket", language: Language::C, role: Role::Limit },
    Contender {
        name: "rust-readyup",
        call: "readyup: `notifier.watchdog()`",
        language: Language::Rust,
        role: Role::Ours,
    },
    Contender {
        name: "rust-sd-notify",
        call: "sd-notify: `notify(&[NotifyState::Watchdog])`",
        language: Language::Rust,
        role: Role::Peer,
    },
    Contender {
        name: "rust-libsystemd",
        call: "libsystemd: `daemon::notify(false, &[NotifyState::Watchdog])`",
        language: Language::Rust,
        role: Role::Peer,
    },
    Contender {
        name: "c-libsystemd",
        call: "systemd's own: `sd_notify(0, \"WATCHDOG=1\")`",
        language: Language::C,
        role: Role::Peer,
    },
    Contender { name: "node-ping", call: "readyup: `watchdog.ping()`", language: Language::Node, role: Role::Ours },
    Contender {
        name: "node-sd_notify",
        call: "readyup: `await sd_notify('WATCHDOG=1')`",
        language: Language::Node,
        role: Role::Ours,
    },
    Contender {
        name: "node-sd-notify",
        call: "sd-notify: `notify.watchdog()`",
        language: Language::Node,
        role: Role::Peer,
    },
];
