//! Telling what happened and what is wrong: to people, to programs, and as files for both.

mod human;
mod json;
mod junit;
mod plot;

use super::findings::{Judgment, RULES, rule};
use super::options::Options;
use super::plan::Plan;
use super::runner::{Observer, Waiting};
use super::timeline::{Event, Timeline};
use crate::exit::{Exit, Failure};
use human::Terminal;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where it goes.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    terminal: Terminal,
    /// Opened before the service is started, so that it is not run for nothing.
    junit: Option<(PathBuf, File)>,
    plot: Option<(PathBuf, File)>,
}

impl Report {
    pub(super) fn open(options: &Options, remarks: &[String]) -> Result<Self, Failure> {
        // A reader that has gone away is an error of `write`, not the end of a check with a service under way.
        signal_hook::flag::register(libc::SIGPIPE, std::sync::Arc::default())
            .map_err(|error| Failure::new("catching a signal", &error))?;
        for remark in remarks {
            eprintln!("readyup: {remark}");
        }
        let create = |path: &Option<PathBuf>| {
            let path = path.clone()?;
            Some(File::create(&path).map_err(|error| cannot_write(&path, &error)).map(|file| (path, file)))
        };
        Ok(Self {
            json: options.json,
            terminal: Terminal::new(),
            junit: create(&options.junit).transpose()?,
            plot: create(&options.plot).transpose()?,
        })
    }

    pub(super) fn finish(self, plan: &Plan, timeline: &Timeline, judgment: &Judgment) -> Result<(), Failure> {
        if self.json {
            print(&json::conclusion(timeline, judgment));
        } else {
            print(&self.terminal.conclusion(timeline, judgment));
        }
        if let Some((path, mut file)) = self.junit {
            junit::write(&mut file, plan, timeline, judgment).map_err(|error| cannot_write(&path, &error))?;
        }
        if let Some((path, mut file)) = self.plot {
            file.write_all(plot::svg(plan, timeline, judgment).as_bytes())
                .map_err(|error| cannot_write(&path, &error))?;
        }
        Ok(())
    }
}

impl Observer for Report {
    fn event(&mut self, event: &Event) {
        self.terminal.clear_progress();
        print(&if self.json { json::event(event) } else { self.terminal.event(event) });
    }

    fn waiting(&mut self, waiting: &Waiting<'_>) {
        if !self.json {
            self.terminal.progress(waiting);
        }
    }
}

/// Tells all that there is to know about a finding.
pub(super) fn explain(id: &str) -> Result<Exit, Failure> {
    let Some(rule) = rule(id) else {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        let message = format!("--explain {id}: there is no such finding; there are {}", known.join(", "));
        return Err(Failure { exit: Exit::Usage, message });
    };
    print(&format!(
        "{}: a service {}\n\n{}\n\nWhy: {}.\nFix: {}.\n",
        rule.id, rule.title, rule.more, rule.why, rule.fix
    ));
    Ok(Exit::Success)
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // A reader that has seen enough is no news, and the exit status tells the rest.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(&format!("writing to {}", path.display()), error)
}
