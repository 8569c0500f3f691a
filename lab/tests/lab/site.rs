//! A root, and the lab that is booted from it as soon as a trial asks for it.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Error, Lab, Manager, Options, Root};

use crate::built;

/// A root, and its lab. What is only listed, or filtered out, does not boot anything.
pub(crate) struct Site {
    name: String,
    root: Root,
    version: u32,
    lab: OnceLock<Result<Lab, String>>,
}

impl Site {
    pub(crate) fn new(name: String, root: Root, version: u32) -> Self {
        Self { name, root, version, lab: OnceLock::new() }
    }

    /// What the lab that trials share is booted with. What trials want to see of the host is to be
    /// bound here, or, if it is built here, to be listed in `built`.
    fn options(&self) -> Options {
        built::show(self.options_for("trials"))
    }

    /// A lab of a trial's own that sees what the shared one sees: for what a `daemon-reload`, which
    /// trials do all the time, would disturb.
    pub(crate) fn boot_aside(&self, name: &str) -> Lab {
        Lab::boot(&built::show(self.options_for(name))).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a lab of a trial's own is booted with.
    pub(crate) fn options_for(&self, name: &str) -> Options {
        Options::new(self.root.clone()).name(name)
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// A trial on the lab that they all share.
    pub(crate) fn trial(self: &Arc<Self>, name: &str, run: impl FnOnce(&Lab) + Send + 'static) -> Trial {
        self.trial_aside(name, move |site| {
            run(site.lab());
            Completion::Completed
        })
    }

    /// A trial of what systemd can do only from some version on.
    pub(crate) fn trial_since(
        self: &Arc<Self>,
        version: u32,
        name: &str,
        run: impl FnOnce(&Lab) + Send + 'static,
    ) -> Trial {
        self.trial_aside(name, move |site| {
            if site.version < version {
                return Completion::ignored_with(format!("this needs systemd {version}"));
            }
            run(site.lab());
            Completion::Completed
        })
    }

    /// A trial that boots labs of its own, or that finds out only now whether it applies.
    pub(crate) fn trial_aside(
        self: &Arc<Self>,
        name: &str,
        run: impl FnOnce(&Self) -> Completion + Send + 'static,
    ) -> Trial {
        let site = Arc::clone(self);
        Trial::ignorable_test(format!("{}::{name}", self.name), move || Ok(run(&site)))
    }

    /// Ends the lab, if there is one. To be called when no trial is left.
    pub(crate) fn close(self: Arc<Self>) -> Result<(), Error> {
        match Arc::into_inner(self).and_then(|site| site.lab.into_inner()) {
            Some(Ok(lab)) => lab.stop(),
            _ => Ok(()),
        }
    }

    /// Boots, once: what failed will fail again, and each trial is to say so.
    pub(crate) fn lab(&self) -> &Lab {
        self.lab
            .get_or_init(|| {
                let lab = Lab::boot(&self.options()).map_err(|error| error.to_string())?;
                complete(&lab);
                Ok(lab)
            })
            .as_ref()
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Adds what a system has that is not as small as can be.
fn complete(lab: &Lab) {
    // For the ExecReload= of units. A shell has it built in.
    if !lab.run(["test", "-e", "/bin/kill"]).status.success() {
        lab.write_program("/usr/local/bin/kill", "#!/bin/sh\nkill \"$@\"\n");
    }
}
