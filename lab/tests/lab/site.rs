//! A root, and the lab that is booted from it as soon as a trial asks for it.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Completion, Trial};
use readyup_lab::{Error, Lab, Options, Root};

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
    /// bound here.
    fn options(&self) -> Options {
        self.options_for("trials")
    }

    /// What a lab of a trial's own is booted with.
    pub(crate) fn options_for(&self, name: &str) -> Options {
        Options::new(self.root.clone()).name(name)
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// A trial on the lab that they all share.
    pub(crate) fn trial(self: &Arc<Self>, name: &str, run: fn(&Lab)) -> Trial {
        self.trial_aside(name, move |site| {
            run(site.lab());
            Completion::Completed
        })
    }

    /// A trial of what systemd can do only from some version on.
    pub(crate) fn trial_since(self: &Arc<Self>, version: u32, name: &str, run: fn(&Lab)) -> Trial {
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
    fn lab(&self) -> &Lab {
        self.lab
            .get_or_init(|| Lab::boot(&self.options()).map_err(|error| error.to_string()))
            .as_ref()
            .unwrap_or_else(|error| panic!("{error}"))
    }
}
