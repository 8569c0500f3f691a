//! The example in a container, where there is a podman, and as a quadlet, where podman has that. `scripts/test-examples` runs
//! this trial. The host's podman is in every lab of its own root; for a newer one, name a root that has it:
//! `READYUP_LAB_ROOTS`.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Lab, Manager, Root};

use crate::built;
use crate::originals::GATE;
use crate::site::Site;

const BOUND: Duration = Duration::from_secs(90);

/// Makes what the example's image is based on out of this machine's Node and its libraries, and then the image itself.
const BUILD: &str = r#"
set -eu
node=$(readlink -f "$(command -v node)")
mkdir -p /run/image/node_modules
# To where images have it.
tar --create --dereference --absolute-names --transform "s|^$node\$|/usr/local/bin/node|" --file=- \
    "$node" $(ldd "$node" | grep -o '/[^ ]*') | podman import --quiet - docker.io/library/node:24-slim
cp -r /srv/node-podman/. /run/image/
cp -r /srv/node_modules/readyup /run/image/node_modules/
podman build --quiet --pull=never --isolation=chroot --tag=node-podman /run/image
"#;

/// What a lab lacks of a machine: limits that may be raised
const CONFIGURATION: &str = "[containers]\ndefault_sysctls = []\ndefault_ulimits = []\npids_limit = 0\n\
    [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
/// What makes units of quadlets.
const GENERATOR: &str = "/usr/lib/systemd/system-generators/podman-system-generator";
const STORAGE: &str =
    "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers/storage\"\ngraphroot = \"/var/lib/containers/storage\"\n";

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    let trial = site.trial_aside("container_of_podman", |site| {
        built::require_node();
        built::PACKAGE.require();
        let example = built::workspace().join("examples/node-podman");
        let options = site.options_for("podman").bind_at(example, "/srv/node-podman");
        let lab = Lab::boot(&built::show(options)).unwrap_or_else(|error| panic!("{error}"));
        if !has(&lab, "podman") {
            assert!(*site.root() != Root::host(), "podman is missing: install it");
            return Completion::ignored_with("there is no podman in this root");
        }
        build(&lab);
        passes_on(&lab, "node-podman.service");
        if lab.run(["test", "-e", GENERATOR]).status.success() {
            passes_on(&lab, "node-podman.container");
        }
        lab.stop().unwrap();
        Completion::Completed
    });
    vec![trial.with_ignored_flag(true)]
}

fn has(lab: &Lab, program: &str) -> bool {
    lab.run(["sh", "-c", "command -v \"$1\"", "sh", program]).status.success()
}

fn build(lab: &Lab) {
    let runtime = if has(lab, "crun") { "crun" } else { "runc" };
    lab.write_file("/etc/containers/containers.conf", format!("{CONFIGURATION}runtime = \"{runtime}\"\n"));
    lab.write_file("/etc/containers/storage.conf", STORAGE);
    lab.write_file("/opt/lab/gate.cjs", GATE);
    lab.command(["sh", "-c", BUILD]).timeout(BOUND).run().ok();
}

/// From its start to its end, by one of the example's files.
fn passes_on(lab: &Lab, file: &str) {
    let unit = "node-podman.service";
    let shipped = fs::read_to_string(built::workspace().join("examples/node-podman").join(file)).unwrap();
    let gate = format!("/opt/lab/go-{file}");
    // Not with a network of its own, which a lab cannot make; and its server listens only once it may.
    let (publish, options) = if file.ends_with(".container") {
        ("PublishPort=8080:8080", "Network=host\nPodmanArgs=")
    } else {
        ("--publish=8080:8080", "--network=host ")
    };
    assert!(shipped.contains(publish), "{shipped}");
    let options = format!(
        "{options}--ulimit=host --volume=/opt/lab:/opt/lab --env=GATE={gate} --env=NODE_OPTIONS=--require=/opt/lab/gate.cjs"
    );
    let text = format!("{}\n[Service]\nWatchdogSec=2\n", shipped.replace(publish, &options));
    if file.ends_with(".container") {
        lab.run(["rm", &format!("/run/systemd/system/{unit}")]).ok();
        lab.write_file(&format!("/etc/containers/systemd/{file}"), text);
        lab.run(["systemctl", "daemon-reload"]).ok();
    } else {
        lab.install_unit(unit, &text);
    }

    let start = lab.command(["systemctl", "start", unit]).timeout(BOUND).spawn();
    lab.wait_for_journal(unit, "MAINPID=", BOUND);
    let running = "until [ -n \"$(podman ps --quiet)\" ]; do sleep 0.1; done";
    lab.command(["sh", "-c", running]).timeout(BOUND).run().ok();
    assert_eq!(lab.show(unit, "ActiveState"), "activating");
    lab.write_file(&gate, "");
    start.wait(BOUND).ok();
    assert_eq!(lab.show(unit, "ActiveState"), "active");
    assert_eq!(lab.run(["lab-probe", "get", "8080", "/"]).ok(), "hello from a container\n");

    // It lives longer than the watchdog would let it.
    let ready: u64 = lab.show(unit, "ActiveEnterTimestampMonotonic").parse().unwrap();
    let outlived = |time: &str| time.parse().is_ok_and(|time: u64| time > ready + 3_000_000);
    lab.wait_for(unit, "WatchdogTimestampMonotonic", outlived, BOUND);
    assert_eq!(lab.show_all(unit, ["ActiveState", "NRestarts"]), ["active", "0"]);

    lab.run(["systemctl", "reload", unit]).ok();
    lab.wait_for_journal(unit, "reading the configuration anew", BOUND);
    assert_eq!(lab.show(unit, "ActiveState"), "active");

    lab.command(["systemctl", "stop", unit]).timeout(BOUND).run().ok();
    assert_eq!(lab.show_all(unit, ["ActiveState", "Result"]), ["inactive", "success"], "{}", lab.journal(unit));
    let journal = lab.wait_for_journal(unit, "Main process exited, code=exited, status=0/SUCCESS", BOUND);
    assert!(!journal.contains("SIGKILL"), "{journal}");
}
