//! Our machine for a service's life beside systemd itself: the same scripts for both, and the same states, results, texts and
//! counts after every step.
//!
//! There is a table of the cases that are known to matter, and there are scripts drawn at random: `READYUP_LIFE_SCRIPTS` says
//! how many, `READYUP_LIFE_SEED` which, `READYUP_LIFE_ONLY` the number of a single one. A script on which the two disagree
//! is printed as it may be put into the table.
//!
//! Both go by the real clock. A script in which a deadline comes so near to something else that nobody can tell which was
//! first is played again, and says nothing if that does not help.

mod bus;
mod drive;
mod process;
mod random;
mod script;
mod table;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager};

use crate::site::Site;
use bus::Bus;
use drive::{Drive, End, Stage};
use random::Random;
use script::{Script, Setup};

/// How many scripts are played at the same time. Most of the time, each waits for somebody.
const AT_ONCE: usize = 32;
/// How often a script is tried for which the machine was too slow.
const TRIES: usize = 3;
/// How many random scripts there are, unless told.
const SCRIPTS: u64 = 300;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![site.trial_aside("life_table", life_table), site.trial_aside("life_at_random", life_at_random)]
}

fn life_table(site: &Site) -> Completion {
    let lab = site.boot_aside("life-table");
    let cases = table::CASES.iter().filter(|(since, ..)| *since <= lab.systemd_version());
    let scripts: Vec<_> = cases.map(|(_, settings, steps)| Script::new(settings, steps)).collect();
    compare(&lab, "table", &scripts);
    lab.stop().unwrap();
    Completion::Completed
}

fn life_at_random(site: &Site) -> Completion {
    let lab = site.boot_aside("life-random");
    let number = |name| Some(env::var(name).ok()?.parse().unwrap_or_else(|_| panic!("{name} is a number")));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed: u64 = number("READYUP_LIFE_SEED").unwrap_or(now.as_secs() % 1_000_000);
    let count = number("READYUP_LIFE_SCRIPTS").unwrap_or(SCRIPTS);
    let only: Option<u64> = number("READYUP_LIFE_ONLY");
    let scripts: Vec<_> = (0..count)
        .filter(|index| only.is_none_or(|only| only == *index))
        .map(|index| random::script(&mut Random::of(seed, index), lab.systemd_version()))
        .collect();
    compare(&lab, &format!("READYUP_LIFE_SEED={seed} READYUP_LIFE_SCRIPTS={count}"), &scripts);
    lab.stop().unwrap();
    Completion::Completed
}

/// Plays all the scripts, and panics with those on which the two disagree.
fn compare(lab: &Lab, what: &str, scripts: &[Script]) {
    let begin = Instant::now();
    let systemd = lab.systemd_version();
    let root = PathBuf::from(format!("/proc/{}/root", lab.init()));
    let place = root.join("run/life");
    fs::create_dir_all(&place).unwrap();
    install(&root, systemd, scripts);
    // What it would log at debug level takes longer than all the rest.
    lab.systemctl(["log-level", "notice"]).ok();
    lab.systemctl(["start", "life.target"]).ok();
    let _relay = lab.spawn(["lab-probe", "relay", "/run/life/bus", "/run/systemd/private"]);
    let bus = Bus::connect(&place.join("bus")).unwrap();
    let stage = Stage { bus: Mutex::new(bus), place, systemd };

    let next = AtomicUsize::new(0);
    let (ambiguous, slow) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    let play_all = || {
        while let Some((index, script)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, scripts.get(i)?)))
        {
            match play(&stage, index, script) {
                Ok(()) => {}
                Err(End::Ambiguous) => drop(ambiguous.fetch_add(1, Ordering::Relaxed)),
                Err(End::TooSlow) => drop(slow.fetch_add(1, Ordering::Relaxed)),
                Err(End::Wrong(why)) => wrong.lock().unwrap().push(format!("{script}\n    {index}: {why}")),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(play_all);
        }
    });

    let wrong = wrong.into_inner().unwrap();
    let (ambiguous, slow) = (ambiguous.into_inner(), slow.into_inner());
    println!(
        "systemd {systemd}, {what}: {} scripts in {:.1} s, {} disagreements; {ambiguous} came to where both may be right, \
         and for {slow} this machine was too slow",
        scripts.len(),
        begin.elapsed().as_secs_f64(),
        wrong.len(),
    );
    assert!(wrong.is_empty(), "systemd {systemd}, {what}: it disagrees on\n{}", wrong.join("\n"));
    assert!(slow * 10 <= scripts.len(), "this machine was too slow for {slow} of {} scripts", scripts.len());
}

fn play(stage: &Stage, index: usize, script: &Script) -> Result<(), End> {
    let mut end = Err(End::TooSlow);
    for attempt in 0..TRIES {
        let name = unit_name(index, attempt);
        let mut drive = Drive::new(stage, &name, Setup::parse(&script.settings, stage.systemd));
        end = drive.play(script);
        drive.clear()?;
        if !matches!(end, Err(End::TooSlow)) {
            break;
        }
        // For whatever it is that takes the machine to be over.
        thread::sleep(Duration::from_millis(500));
    }
    end
}

fn unit_name(index: usize, attempt: usize) -> String {
    format!("life-{index}-{attempt}")
}

/// Writes the units, and a target that holds on to them: what nobody refers to is forgotten once it is inactive, and its
/// properties with it.
fn install(root: &std::path::Path, systemd: u32, scripts: &[Script]) {
    let units = root.join("run/systemd/system");
    let mut target = "[Unit]\nDefaultDependencies=no\n".to_owned();
    for (index, script) in scripts.iter().enumerate() {
        let setup = Setup::parse(&script.settings, systemd);
        for attempt in 0..TRIES {
            let name = unit_name(index, attempt);
            fs::write(units.join(format!("{name}.service")), setup.unit(&name)).unwrap();
            target += &format!("After={name}.service\n");
        }
    }
    fs::write(units.join("life.target"), target).unwrap();
}
