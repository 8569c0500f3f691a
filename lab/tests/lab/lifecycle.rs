//! Labs that come, fail and go, and what they leave behind: nothing.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, stdin};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Error, Lab, Manager, Options, Root};

use crate::site::Site;

const BOUND: Duration = Duration::from_secs(20);

/// Names the root that this program is to boot and then to be killed over.
const VICTIM: &str = "READYUP_LAB_VICTIM";

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial_aside("lab_leaves_nothing_behind", lab_leaves_nothing_behind),
        site.trial_aside("killed_program_leaves_nothing_behind", killed_program),
        site.trial_aside("boot_that_ends_is_explained", boot_that_ends_is_explained),
        site.trial_aside("boot_that_hangs_is_explained", boot_that_hangs_is_explained),
        site.trial_aside("labs_do_not_see_each_other", labs_do_not_see_each_other),
        site.trial_aside("binds_are_read_only_unless_told", binds_are_read_only_unless_told),
        site.trial_aside("program_of_the_host_is_callable", program_of_the_host_is_callable),
        site.trial_aside("wrong_options_are_refused", wrong_options_are_refused),
    ]
}

fn lab_leaves_nothing_behind(site: &Site) -> Completion {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    // Where `mount` keeps notes, unless told not to.
    let notes = Path::new("/run/mount").exists();
    let canary = Scratch::create(Path::new("/tmp"), &format!("canary-{}", site.root().name()));
    fs::write(canary.0.join("outside"), "").unwrap();

    let lab = Lab::boot(&site.options_for("trace")).unwrap();
    let (cgroup, init) = (lab.cgroup().to_owned(), lab.init());
    assert!(cgroup.is_dir());
    // Once more what happened at boot, and once did away with the *host's* files.
    let _ = lab.run(["systemd-tmpfiles", "--create", "--remove", "--clean", "--boot"]);
    lab.write_file(&format!("{}/inside", canary.0.display()), "");
    lab.stop().unwrap();

    assert!(!cgroup.exists(), "{}", cgroup.display());
    assert!(!Path::new(&format!("/proc/{init}")).exists());
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    assert_eq!(Path::new("/run/mount").exists(), notes);
    let files: Vec<_> = fs::read_dir(&canary.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["outside"]);
    Completion::Completed
}

fn killed_program(site: &Site) -> Completion {
    let mut victim = Command::new(env::current_exe().unwrap())
        .env(VICTIM, site.root().path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let cgroup = PathBuf::from(lines.next().expect("the victim boots").unwrap());
    let init = lines.next().unwrap().unwrap();
    assert!(cgroup.is_dir());

    victim.kill().unwrap();
    victim.wait().unwrap();
    let deadline = Instant::now() + BOUND;
    while cgroup.exists() || Path::new("/proc").join(&init).exists() {
        assert!(Instant::now() < deadline, "{} or {init} is still there", cgroup.display());
        thread::sleep(Duration::from_millis(10));
    }
    Completion::Completed
}

/// The other side of [`killed_program`]: boots a lab, says where it is, and waits for the end.
pub(crate) fn victim() -> Option<ExitCode> {
    let root = env::var_os(VICTIM)?;
    let lab = Lab::boot(&Options::new(Root::directory(root)).name("victim")).unwrap();
    // A command of ours is to go down with the rest.
    let process = lab.spawn(["sleep", "4321"]);
    process.pid();
    println!("{}\n{}", lab.cgroup().display(), lab.init());
    let _ = stdin().read_line(&mut String::new());
    Some(ExitCode::FAILURE)
}

fn boot_that_ends_is_explained(site: &Site) -> Completion {
    let name = format!("ends-{}-{}", site.root().name(), std::process::id());
    let (why, console) = doomed(site, &name, "#!/bin/sh\necho no such luck >&2\nexit 3\n");
    assert!(why.contains("PID 1 has ended"), "{why}");
    assert!(console.contains("no such luck"), "{console}");
    Completion::Completed
}

fn boot_that_hangs_is_explained(site: &Site) -> Completion {
    let name = format!("hangs-{}-{}", site.root().name(), std::process::id());
    let (why, console) = doomed(site, &name, "#!/bin/sh\necho not today >&2\nexec sleep 4321\n");
    assert!(why.contains("systemctl is-system-running --wait"), "{why}");
    assert!(console.contains("not today"), "{console}");
    Completion::Completed
}

/// Boots a lab in which something else stands in for systemd; gives what the error says.
fn doomed(site: &Site, name: &str, systemd: &str) -> (String, String) {
    let scratch = Scratch::create(Path::new(env!("CARGO_TARGET_TMPDIR")), name);
    let file = scratch.0.join("systemd");
    fs::write(&file, systemd).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let options = site.options_for(name).bind_at(&file, "/lib/systemd/systemd").boot_timeout(Duration::from_secs(2));
    let Err(Error::Boot { lab, why, console, .. }) = Lab::boot(&options) else {
        panic!("this was not to boot");
    };
    assert_eq!(lab, name);

    let cgroups = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(fs::read_dir);
    for entry in cgroups.into_iter().flatten().flatten().flatten() {
        let found = entry.file_name().into_string().unwrap();
        assert!(!found.contains(name), "{found} was left behind");
    }
    (why, console)
}

fn labs_do_not_see_each_other(site: &Site) -> Completion {
    let options = site.options_for("twin");
    let (one, other) = (Lab::boot(&options).unwrap(), Lab::boot(&options).unwrap());
    one.write_file("/etc/mark", "");
    other.run(["test", "-e", "/etc/mark"]).fails();
    assert_ne!(one.read_file("/etc/machine-id"), other.read_file("/etc/machine-id"));
    one.stop().unwrap();
    other.systemctl(["is-system-running"]).ok();
    other.stop().unwrap();
    Completion::Completed
}

fn binds_are_read_only_unless_told(site: &Site) -> Completion {
    let scratch = Scratch::create(Path::new(env!("CARGO_TARGET_TMPDIR")), &format!("b,:{}", site.root().name()));
    fs::write(scratch.0.join("seen"), "from outside").unwrap();
    let options = site.options_for("binds").bind(&scratch.0).bind_writable(&scratch.0, "/tmp/rw");
    let lab = Lab::boot(&options).unwrap();
    let place = scratch.0.display();
    assert_eq!(lab.read_file(&format!("{place}/seen")), "from outside");
    lab.run(["touch", &format!("{place}/new")]).fails();
    lab.write_file("/tmp/rw/new", "from inside");
    lab.stop().unwrap();
    assert_eq!(fs::read_to_string(scratch.0.join("new")).unwrap(), "from inside");
    Completion::Completed
}

fn program_of_the_host_is_callable(site: &Site) -> Completion {
    let on_host = Command::new("node").arg("--version").output();
    let Ok(on_host) = on_host else {
        return Completion::ignored_with("there is no node on this machine");
    };
    let lab = Lab::boot(&site.options_for("program").with_program("node")).unwrap();
    let version = String::from_utf8(on_host.stdout).unwrap();
    assert_eq!(lab.run(["node", "--version"]).ok(), version);
    lab.stop().unwrap();
    Completion::Completed
}

fn wrong_options_are_refused(site: &Site) -> Completion {
    let refused = |options: Options| Lab::boot(&options).map(|_| ()).unwrap_err().to_string();
    let good = || site.options_for("wrong");
    assert_eq!(refused(site.options_for("a/b")), "\"a/b\": the name of a lab has 1 to 63 of a-z, 0-9 and, inside, `-`");
    assert_eq!(refused(good().bind_at("/", "x")), "x: a path in the lab begins with a slash");
    assert_eq!(refused(good().bind("/no/such/thing")), "/no/such/thing: No such file or directory (os error 2)");
    assert_eq!(
        refused(good().with_program("no-such-program")),
        "no-such-program is neither in the root nor found through PATH: install it"
    );
    assert_eq!(
        refused(Options::new(Root::directory("/proc"))),
        "there is no systemd in /proc: install the package systemd, or name another root"
    );
    Completion::Completed
}

/// A directory of the host's that goes away with the trial.
struct Scratch(PathBuf);

impl Scratch {
    fn create(parent: &Path, name: &str) -> Self {
        let path = parent.join(format!("readyup-lab-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
