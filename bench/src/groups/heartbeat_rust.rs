//! A heartbeat from Rust.

use super::heartbeat::{self, Contender, Plan};
use crate::calls;
use crate::group::{Bench, Group, Result};
use crate::result::{Role, Table};

pub(crate) struct HeartbeatRust;

pub(crate) const LIMIT: Contender = Contender::native("c", "C: `send()` on a connected socket", Role::Limit);
pub(crate) const OURS: Contender = Contender::native("readyup", "readyup: `notifier.watchdog()`", Role::Ours);

const CONTENDERS: [Contender; 7] = [
    LIMIT,
    Contender::native("c-inline", "C: the same system call, inlined", Role::Limit),
    OURS,
    Contender::native("sd-notify", "sd-notify: `notify(&[NotifyState::Watchdog])`", Role::Peer),
    Contender::native("libsystemd", "libsystemd: `daemon::notify(false, &[NotifyState::Watchdog])`", Role::Peer),
    Contender::native("systemd", "systemd (over C): `daemon::notify([(STATE_WATCHDOG, \"1\")])`", Role::Peer),
    Contender::native("sd_notify", "C's libsystemd: `sd_notify(0, \"WATCHDOG=1\")`", Role::Peer),
];

impl Group for HeartbeatRust {
    fn id(&self) -> &'static str {
        "heartbeat-rust"
    }

    fn title(&self) -> &'static str {
        "A heartbeat from Rust"
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let plan =
            Plan { rounds: bench.rounds(3000, 240), limit: bench.limit(90, 8), sittings: 6, warm: 5, spawn_every: 1 };
        let can_count = calls::can_count_instructions();
        let table = heartbeat::table(bench, "time", "Time of one", &CONTENDERS, &plan, |contender, series| {
            if can_count {
                series.number("instructions of its own", calls::instructions(bench, contender)?);
            }
            Ok(())
        })?;
        Ok(vec![table])
    }
}
