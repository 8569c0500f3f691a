//! The table: what both programs are started with.

mod descriptors;
mod exec;
mod fork;
mod options;
mod pids;
mod signals;
mod sockets;
mod users;
mod variables;

use crate::case::Case;

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    [
        options::cases(),
        variables::cases(),
        pids::cases(),
        users::cases(),
        sockets::cases(),
        descriptors::cases(),
        exec::cases(),
        fork::cases(),
        signals::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Cases about something that originals up to a version do not have.
fn lacking(last: u32, what: &str, cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().map(|case| case.lacking(last, what)).collect()
}
