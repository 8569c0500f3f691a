//! The groups of benchmarks, each in a file of its own.

mod command;
mod delay;
mod growth;
pub(crate) mod heartbeat;
mod heartbeat_node;
mod heartbeat_rust;
mod install;
mod receive;
mod restart;
mod start;

use crate::group::Group;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Box<dyn Group>> {
    vec![
        Box::new(heartbeat_rust::HeartbeatRust),
        Box::new(heartbeat_node::HeartbeatNode),
        Box::new(command::OneShot),
        Box::new(install::Install),
        Box::new(start::Start),
        Box::new(receive::Receive),
        Box::new(restart::Restart),
        Box::new(growth::Growth),
    ]
}
