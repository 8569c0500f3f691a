//! A heartbeat from Node, and what it does to the event loop.

use super::delay;
use super::heartbeat::{self, Contender, Plan};
use super::heartbeat_rust::LIMIT;
use crate::group::{Bench, Group, Result};
use crate::node;
use crate::result::{Role, Table};

pub(crate) struct HeartbeatNode;

const CONTENDERS: [Contender; 10] = [
    LIMIT,
    Contender::node("ping", "readyup: `watchdog.ping()`", Role::Ours),
    Contender::node("send", "readyup: `await send('WATCHDOG=1')`", Role::Ours),
    Contender::node("notify", "readyup: `await notify({ watchdog: true })`", Role::Ours),
    Contender::node("sd_notify", "readyup: `await sd_notify('WATCHDOG=1')`", Role::Ours),
    Contender::node("sd-notify", "sd-notify: `notify.watchdog()`", Role::Peer),
    Contender::node("unix-dgram", "unix-dgram: a socket, `connect`, `send`, `close`, in a promise", Role::Peer),
    Contender::node("systemd-daemon", "systemd-daemon: `notify('WATCHDOG=1')`", Role::Peer),
    Contender::node("spawn-systemd-notify", "spawn `systemd-notify --no-block WATCHDOG=1`", Role::Peer).spawning(),
    Contender::node("spawn-readyup", "spawn `readyup watchdog --no-block`", Role::Ours).spawning(),
];

impl Group for HeartbeatNode {
    fn id(&self) -> &'static str {
        "heartbeat-node"
    }

    fn title(&self) -> &'static str {
        "A heartbeat from Node"
    }

    fn missing(&self) -> Option<String> {
        node::missing()
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let plan = Plan {
            rounds: bench.rounds(1500, 60),
            limit: bench.limit(90, 8),
            sittings: 3,
            warm: if bench.quick { 20 } else { 50 },
            spawn_every: 10,
        };
        let time = heartbeat::table(bench, "time", "Time of one", &CONTENDERS, &plan, |_, _| Ok(()))?;
        let mut tables = vec![time];
        tables.extend(delay::tables(bench, &CONTENDERS)?);
        Ok(tables)
    }
}
