//! The example in a container, where there is a podman. `scripts/test-examples` runs this trial.

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

/// What a lab lacks of a machine: limits that may be raised, a network to make bridges in, a choice of file systems.
const CONFIGURATION: &str = "[containers]\ndefault_sysctls = []\ndefault_ulimits = []\npids_limit = 0\n\
    [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\n";
const STORAGE: &str =
    "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers/storage\"\ngraphroot = \"/var/lib/containers/storage\"\n";

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    let trial = site.trial_aside("container_of_podman", |site| {
        built::require_node();
        built::PACKAGE.require();
        if *site.root() != Root::host() {
            return Completion::ignored_with("this root has no podman");
        }
        let example = built::workspace().join("examples/node-podman");
        let options = site.options_for("podman").bind_at(example, "/srv/node-podman");
        let lab = Lab::boot(&built::show(options)).unwrap_or_else(|error| panic!("{error}"));
        passes_on(&lab);
        lab.stop().unwrap();
        Completion::Completed
    });
    vec![trial.with_ignored_flag(true)]
}

fn passes_on(lab: &Lab) {
    lab.write_file("/etc/containers/containers.conf", CONFIGURATION);
    lab.write_file("/etc/containers/storage.conf", STORAGE);
    lab.command(["sh", "-c", BUILD]).timeout(BOUND).run().ok();

    let unit = "node-podman.service";
    let shipped = fs::read_to_string(built::workspace().join("examples/node-podman").join(unit)).unwrap();
    lab.write_file("/opt/lab/gate.cjs", GATE);
    // Not with a network of its own, which a lab cannot make; and its server listens only once it may.
    let (publish, gate) = ("--publish=8080:8080", "/opt/lab/go");
    assert!(shipped.contains(publish), "{shipped}");
    let changed = format!(
        "--network=host --ulimit=host --volume=/opt/lab:/opt/lab --env=GATE={gate} \
         --env=NODE_OPTIONS=--require=/opt/lab/gate.cjs"
    );
    lab.install_unit(unit, &format!("{}\n[Service]\nWatchdogSec=2\n", shipped.replace(publish, &changed)));

    let start = lab.command(["systemctl", "start", unit]).timeout(BOUND).spawn();
    lab.wait_for_journal(unit, "MAINPID=", BOUND);
    let running = "until podman top node-podman >/dev/null 2>&1; do sleep 0.1; done";
    lab.command(["sh", "-c", running]).timeout(BOUND).run().ok();
    assert_eq!(lab.show(unit, "ActiveState"), "activating");
    lab.write_file(gate, "");
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
