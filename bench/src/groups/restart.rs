//! What it is for: a rolling restart of many Node services under a real systemd, one after the other.
//!
//! The services listen, and say so: not at all, by a `systemd-notify` that they start, or through readyup. Without being
//! told, whoever restarts them has to wait as long as he thinks that it takes; many take ten seconds. That is computed, not
//! slept.

use crate::group::{Bench, Group, Result, interleave};
use crate::node;
use crate::peers;
use crate::result::{Role, Series, Table, Unit};
use readyup_lab::{Lab, Manager, Options, Root};
use std::time::Instant;

pub(crate) struct Restart;

const SERVICES: usize = 20;
/// What is waited after each where nobody says when it is ready.
const FIXED_WAIT: f64 = 10.0;

/// The ways to say so, by the name that the service gets.
const WAYS: [&str; 3] = ["silent", "readyup", "systemd-notify"];

impl Group for Restart {
    fn id(&self) -> &'static str {
        "restart"
    }

    fn title(&self) -> &'static str {
        "A rolling restart of 20 Node services"
    }

    fn missing(&self) -> Option<String> {
        node::missing()
            .or_else(|| Lab::available().err())
            .or_else(|| peers::systemd_notify().is_none().then(|| "systemd-notify is not installed".to_owned()))
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let options = Options::new(Root::host())
            .name("bench")
            .bind_at(bench.root.join("packages/readyup"), "/srv/node_modules/readyup")
            .bind_at(bench.script("service.mjs"), "/srv/service.mjs")
            .with_program("node");
        let lab = Lab::boot(&options)?;
        for way in WAYS {
            lab.install_unit(&format!("{way}@.service"), &unit(way));
            for number in 1..=SERVICES {
                systemctl(&lab, "start", &service(way, number))?;
            }
        }
        let names = [
            ("silent", "nobody says so: `Type=simple`, and 10 s of waiting for each (computed)", Role::Peer),
            ("readyup", "`ready()` of readyup", Role::Ours),
            ("systemd-notify", "the service starts `systemd-notify --ready`", Role::Peer),
        ];
        let version = format!("systemd {}", lab.systemd_version());
        let mut all = names.map(|(id, name, role)| Series::new(id, name, role).version(&version));
        let mut each = [
            Series::new("readyup", names[1].1, Role::Ours).version(&version),
            Series::new("systemd-notify", names[2].1, Role::Peer).version(&version),
        ];
        interleave(bench.rounds(5, 1), bench.limit(60, 10), WAYS.len(), |who, _| {
            let way = WAYS[who];
            let start = Instant::now();
            for number in 1..=SERVICES {
                systemctl(&lab, "restart", &service(way, number))?;
            }
            let seconds = start.elapsed().as_secs_f64();
            let waiting = if way == "silent" { FIXED_WAIT * SERVICES as f64 } else { 0.0 };
            all[who].samples.push(Some(seconds + waiting));
            if let Some(each) = each.iter_mut().find(|each| each.id == way) {
                for number in 1..=SERVICES {
                    each.samples.push(Some(until_active(&lab, way, number)?));
                }
            }
            Ok(())
        })?;
        lab.stop()?;
        let about = format!(
            "systemd {}, booted in namespaces; `systemctl restart` of one service after the other, each a Node {} program \
             with an HTTP server.",
            version.trim_start_matches("systemd "),
            node::version().unwrap_or_default()
        );
        let mut tables = vec![Table::new("all", "Until all 20 are restarted", Unit::Seconds, about.as_str(), &all)];
        tables.push(Table::new(
            "active",
            "From `listen()` to `active`",
            Unit::Milliseconds,
            "From the moment at which the server listens, by the service's own clock, to that at which systemd notes the unit \
             as active.",
            &each,
        ));
        Ok(tables)
    }
}

fn service(way: &str, number: usize) -> String {
    format!("{way}@{number}.service")
}

fn unit(way: &str) -> String {
    let kind = if way == "silent" { "simple" } else { "notify\nNotifyAccess=all" };
    format!(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType={kind}\nExecStart=node /srv/service.mjs {way} /run/listening-{way}-%i\n"
    )
}

fn systemctl(lab: &Lab, verb: &str, unit: &str) -> Result<()> {
    let output = lab.systemctl([verb, unit]);
    if output.status.success() { Ok(()) } else { Err(format!("{output}\n{}", lab.journal(unit)).into()) }
}

/// Milliseconds.
fn until_active(lab: &Lab, way: &str, number: usize) -> Result<f64> {
    let active = lab.show(&service(way, number), "ActiveEnterTimestampMonotonic");
    let listening = lab.read_file(&format!("/run/listening-{way}-{number}"));
    Ok((active.parse::<f64>()? - listening.trim().parse::<f64>()? / 1e3) / 1e3)
}
