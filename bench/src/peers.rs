//! What we are measured against, where `bench/run` could install it.

use crate::group::Bench;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What systemd's systemd-notify says its version is: "systemd 252 (252.38-1)".
pub(crate) fn systemd_notify() -> Option<String> {
    let output = Command::new("systemd-notify").arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

/// The version of an npm package that is installed.
pub(crate) fn npm_version(bench: &Bench, name: &str) -> Option<String> {
    let manifest = fs::read_to_string(bench.peers().join("node_modules").join(name).join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

/// socat, which is unpacked beside the build: the program, and where its libraries are.
pub(crate) fn socat(bench: &Bench) -> Option<(PathBuf, OsString)> {
    let unpacked = bench.target.join("socat");
    let program = unpacked.join("usr/bin/socat");
    let libraries =
        fs::read_dir(unpacked.join("usr/lib")).ok().and_then(|mut entries| Some(entries.next()?.ok()?.path()));
    program.exists().then(|| (program, libraries.map(PathBuf::into_os_string).unwrap_or_default()))
}
