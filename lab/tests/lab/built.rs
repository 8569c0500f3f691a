//! What labs see of this workspace.

use std::env;
use std::path::{Path, PathBuf};

use readyup_lab::Options;

use crate::originals;

/// Names the directory of the programs on trial, where it is not the workspace's `target/debug`.
const TARGET: &str = "READYUP_TARGET_DIR";

/// Something that was built, and where labs see it.
pub(crate) struct Built {
    source: Source,
    pub(crate) place: &'static str,
    /// What is in it only once it was built.
    parts: &'static [&'static str],
    command: &'static str,
}

enum Source {
    /// A program, by its name.
    Program(&'static str),
    /// A program that is linked statically, by its name.
    Static(&'static str),
    /// A path in the workspace.
    Path(&'static str),
}

pub(crate) const RUST_SERVICE: Built = Built {
    source: Source::Program("rust-service"),
    place: "/usr/local/bin/rust-service",
    parts: &[],
    command: "make programs",
};

pub(crate) const COMMAND: Built =
    Built { source: Source::Program("readyup"), place: "/usr/local/bin/readyup", parts: &[], command: "make programs" };

/// As it is released: it runs on any of the roots, and nothing that it needs is started before it.
pub(crate) const STATIC_COMMAND: Built =
    Built { source: Source::Static("readyup"), place: "/opt/static/readyup", parts: &[], command: "make static" };

pub(crate) const SYSTEMD_NOTIFY: Built = Built {
    source: Source::Static("systemd-notify"),
    place: "/opt/static/systemd-notify",
    parts: &[],
    command: "make static",
};

/// Compares two programs named systemd-notify.
pub(crate) const CONFORMANCE: Built = Built {
    source: Source::Program("notify-conformance"),
    place: "/usr/local/bin/notify-conformance",
    parts: &[],
    command: "make programs",
};

/// Beside the Node example, which looks for it as any program does.
pub(crate) const PACKAGE: Built = Built {
    source: Source::Path("node_modules/readyup"),
    place: "/srv/node_modules/readyup",
    parts: &["dist/index.js", "native"],
    command: "make addon package",
};

/// What stands in for `sd-notify`, under its name, as an alias installs it.
pub(crate) const SD_NOTIFY: Built = Built {
    source: Source::Path("packages/sd-notify"),
    place: "/srv/node_modules/sd-notify",
    parts: &["index.js"],
    command: "make package",
};

pub(crate) const SYSTEMD_DAEMON: Built = Built {
    source: Source::Path("packages/systemd-daemon"),
    place: "/srv/node_modules/systemd-daemon",
    parts: &["index.js"],
    command: "make package",
};

pub(crate) const SDNOTIFY_WRAPPER: Built = Built {
    source: Source::Path("packages/sdnotify-wrapper"),
    place: "/srv/node_modules/@dog-ai/sdnotify-wrapper",
    parts: &["index.js"],
    command: "make package",
};

/// Shows a lab all of it. What was not built is for those trials to complain about that need it: see
/// [`Built::require`].
pub(crate) fn show(mut options: Options) -> Options {
    let all = [
        RUST_SERVICE,
        COMMAND,
        STATIC_COMMAND,
        SYSTEMD_NOTIFY,
        CONFORMANCE,
        PACKAGE,
        SD_NOTIFY,
        SYSTEMD_DAEMON,
        SDNOTIFY_WRAPPER,
    ];
    for built in all {
        if built.missing().is_none() {
            options = options.bind_at(built.path(), built.place);
        }
    }
    if has_node() {
        options = options.with_program("node");
    }
    originals::show(options)
        .bind_at(workspace().join("examples/node-http"), "/srv/node-http")
        .bind_at(workspace().join("examples/scripts"), "/srv/scripts")
        .bind_at(workspace().join("conformance/node/applications"), "/srv/applications")
        .bind_at(env!("CARGO_BIN_EXE_lab-probe"), "/usr/local/bin/lab-probe")
}

/// Insists that there is a Node to run services with.
#[track_caller]
pub(crate) fn require_node() {
    assert!(has_node(), "node is missing: install it");
}

fn has_node() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join("node").is_file())
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of a workspace is in it")
}

impl Built {
    /// Insists that it is there.
    #[track_caller]
    pub(crate) fn require(&self) {
        if let Some(missing) = self.missing() {
            panic!("{} is missing: run `{}` first", missing.display(), self.command);
        }
    }

    fn missing(&self) -> Option<PathBuf> {
        let path = self.path();
        let parts = self.parts.iter().map(|part| path.join(part));
        std::iter::once(path.clone()).chain(parts).find(|path| !path.exists())
    }

    fn path(&self) -> PathBuf {
        match self.source {
            Source::Path(path) => workspace().join(path),
            Source::Program(name) => {
                let target = env::var_os(TARGET).unwrap_or_else(|| "target/debug".into());
                workspace().join(target).join(name)
            }
            Source::Static(name) => workspace().join("target/static").join(name),
        }
    }
}
