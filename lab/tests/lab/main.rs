//! Trials against real service managers: one lab for each systemd that this machine has to offer.
//!
//! To add a domain, add a module with a `trials` function like those below, and name it in `TRIALS`.
//! A trial is a function that takes a booted [`Lab`] and panics if something is wrong; trials run in
//! parallel on the same lab, so each has units and files of its own. What a trial needs of the host,
//! such as a program that was built here, is shown to the lab by `Site::options`.
//!
//! The examples and `readyup trace` are taken as `make programs addon package` leaves them, from
//! `target/debug` (or, if it is set, from `READYUP_TARGET_DIR`) and `packages/readyup`; `readyup notify` and our
//! `systemd-notify` as `make static` leaves them, from `target/static`.

use std::collections::HashSet;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use readyup_lab::{Lab, Root};

mod access;
mod built;
mod commands;
mod conformance;
mod containers;
mod cookbook;
mod example;
mod examples;
mod frameworks;
mod journal;
mod life;
mod lifecycle;
mod notify;
mod notify_access;
mod originals;
mod probe;
mod protocol;
mod race;
mod receivers;
mod scripts;
mod serve;
mod services;
mod site;
mod store;
mod timing;
mod trace;
mod unit;
mod user;

use site::Site;

/// The trials of one domain.
type Trials = fn(&Arc<Site>) -> Vec<Trial>;

const TRIALS: &[Trials] = &[
    commands::trials,
    conformance::trials,
    lifecycle::trials,
    services::trials,
    user::trials,
    examples::trials,
    frameworks::trials,
    containers::trials,
    cookbook::trials,
    serve::trials,
    protocol::trials,
    access::trials,
    store::trials,
    timing::trials,
    life::trials,
    trace::trials,
    notify::trials,
    notify_access::trials,
    race::trials,
    receivers::trials,
    scripts::trials,
    journal::trials,
    originals::trials,
];

fn main() -> ExitCode {
    if let Some(victim) = lifecycle::victim() {
        return victim;
    }
    let arguments = Arguments::from_args();
    if let Err(why) = Lab::available() {
        println!("lab: skipped: {why}");
        return if required() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let sites = match sites() {
        Ok(sites) => sites,
        Err(error) => {
            eprintln!("lab: {error}");
            return ExitCode::FAILURE;
        }
    };
    let trials = sites.iter().flat_map(|site| TRIALS.iter().flat_map(|of| of(site))).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    for site in sites {
        if let Err(error) = site.close() {
            eprintln!("lab: {error}");
            return ExitCode::FAILURE;
        }
    }
    conclusion.exit_code()
}

/// Whether a lab that cannot run is a failure: on CI, a test that is skipped is one that nobody
/// misses.
fn required() -> bool {
    let set = |name, value| env::var_os(name).is_some_and(|found| found == value);
    set("READYUP_REQUIRE_LAB", "1") || set("CI", "true")
}

/// A site for each root, named by the version of its systemd; where two roots have the same, the
/// later one's name says which it is.
fn sites() -> Result<Vec<Arc<Site>>, readyup_lab::Error> {
    let mut taken = HashSet::new();
    let mut sites = Vec::new();
    for root in Root::found()? {
        let version = root.systemd_version()?;
        let mut name = format!("systemd{version}");
        if !taken.insert(name.clone()) {
            name = format!("{name}-{}", root.name());
        }
        sites.push(Arc::new(Site::new(name, root, version)));
    }
    Ok(sites)
}
