//! `serve` of the npm package: restarts that no client notices.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::built;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(120);
const RESTARTS: usize = 5;
/// One that the kernel does not give to anybody who has no wishes.
const PORT: u16 = 8091;

const SERVER: &str = include_str!("serve/server.mjs");
const LOAD: &str = include_str!("serve/load.mjs");
/// A trial's own file, beside the package so that that is found.
fn place(unit: &str, file: &str) -> String {
    format!("/srv/{unit}/{file}")
}

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("serve_restarts_on_a_socket_unit", on_a_socket_unit),
        site.trial("serve_restarts_on_a_stored_socket", on_a_stored_socket),
    ]
}

fn on_a_socket_unit(lab: &Lab) {
    let socket = format!("[Socket]\nListenStream=127.0.0.1:{PORT}\nFileDescriptorName=http\n");
    lab.install_unit("serve-activated.socket", &socket);
    install(lab, "serve-activated.service", "Environment=NAME=http\n");
    lab.systemctl(["start", "serve-activated.socket"]).ok();
    lab.systemctl(["start", "serve-activated.service"]).ok();
    loses_nothing(lab, "serve-activated.service");
    lab.systemctl(["stop", "serve-activated.socket", "serve-activated.service"]).ok();
}

fn on_a_stored_socket(lab: &Lab) {
    install(lab, "serve-stored.service", "Environment=STORE=1\nFileDescriptorStoreMax=1\n");
    lab.systemctl(["start", "serve-stored.service"]).ok();
    assert_eq!(lab.show("serve-stored.service", "NFileDescriptorStore"), "1");
    loses_nothing(lab, "serve-stored.service");
    assert_eq!(lab.show("serve-stored.service", "NFileDescriptorStore"), "1");
    lab.systemctl(["stop", "serve-stored.service"]).ok();
}

#[track_caller]
fn install(lab: &Lab, unit: &str, settings: &str) {
    built::require_node();
    built::PACKAGE.require();
    let server = place(unit, "server.mjs");
    lab.write_file(&server, SERVER);
    lab.write_file(&place(unit, "load.mjs"), LOAD);
    lab.install_unit(
        unit,
        &format!(
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nExecStart=node {server}\nWatchdogSec=30\n{settings}"
        ),
    );
}

/// Restarts the service under load, over and over again: each request is answered.
#[track_caller]
fn loses_nothing(lab: &Lab, unit: &str) {
    let status = lab.show(unit, "StatusText");
    let port = status.strip_prefix("Serving on 127.0.0.1:").and_then(|rest| rest.split(',').next());
    let port = port.unwrap_or_else(|| panic!("{status:?} names no port"));
    let end = format!("/run/{unit}.end");
    let load = lab.spawn(["node", &place(unit, "load.mjs"), port, &end]);
    load.wait_for_text("under way", BOUND);
    for _ in 0..RESTARTS {
        lab.systemctl(["restart", unit]).ok();
        assert_eq!(lab.show(unit, "StatusText"), format!("Serving on 127.0.0.1:{port}, a passed socket"));
    }
    lab.write_file(&end, "");
    let said = load.wait(BOUND).ok();
    println!("{unit}: {said}");
    let outcome = said.lines().find_map(|line| line.strip_prefix("requests "));
    let (requests, rest) = outcome.and_then(|line| line.split_once(", ")).unwrap_or_else(|| panic!("{said}"));
    let requests: u32 = requests.parse().unwrap();
    assert!(requests >= 10_000, "{said}");
    assert_eq!(rest, format!("failed 0, processes {}", RESTARTS + 1), "{said}");
    // None of them had to be ended by force.
    let journal = lab.journal(unit);
    assert!(!journal.contains("SIGKILL") && !journal.contains("Failed with result"), "{journal}");
}
