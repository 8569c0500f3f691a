//! Node, where there is one.

use crate::group::Bench;
use std::process::Command;

/// Why nothing can be measured in Node, if nothing can.
pub(crate) fn missing() -> Option<String> {
    if version().is_none() {
        return Some("there is no node".to_owned());
    }
    let built = Bench::from_env().is_ok_and(|bench| bench.root.join("packages/readyup/dist/index.js").exists());
    (!built).then(|| "the npm package is not built (make build)".to_owned())
}

/// "20.1.2"
pub(crate) fn version() -> Option<String> {
    let output = Command::new("node").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned())
}
