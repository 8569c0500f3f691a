//! `readyup check`: runs a service through its life as systemd would, and says what is wrong with what it tells.
//!
//! The [`runner`] is the manager: it starts the service, listens, and does what the library's state machine tells it to.
//! What happens becomes a [`timeline`]. [`findings`] are read off that afterwards, by a function of the timeline and the
//! [`plan`] alone. [`report`] shows both.

mod findings;
mod options;
mod plan;
mod probe;
mod processes;
mod reaper;
mod report;
mod runner;
mod signals;
mod socket;
mod spawn;
mod time_span;
mod timeline;
mod unit_file;

pub(crate) use options::Options;

use crate::exit::{Exit, Failure};
use findings::Severity;
use report::Report;
use socket::NotifySocket;

/// The ids of all findings that there can be, each with what a service does that has none.
pub fn findings() -> impl Iterator<Item = (&'static str, &'static str)> {
    findings::RULES.iter().map(|rule| (rule.id, rule.title))
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    if let Some(id) = &options.explain {
        return report::explain(id);
    }
    let (plan, remarks) = options.plan()?;
    let socket = NotifySocket::open(plan.is_abstract)
        .map_err(|error| Failure::new("making a notify socket for the service", &error))?;
    let mut report = Report::open(options, &remarks)?;
    let timeline = runner::run(&plan, &socket.listener, &mut report)?;
    drop(socket);
    let judgment = findings::judge(&plan, &timeline);
    report.finish(&plan, &timeline, &judgment)?;
    if timeline.is_interrupted() {
        // What was not seen may be wrong.
        return Ok(Exit::Failure);
    }
    let is_wrong = judgment.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if is_wrong { Exit::Findings } else { Exit::Success })
}
