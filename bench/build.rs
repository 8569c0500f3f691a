//! Builds the C that everything is measured against, and notes the compiler's version for the results.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=c/heartbeats.c");
    println!("cargo:rerun-if-changed=c/receive.c");
    cc::Build::new().files(["c/heartbeats.c", "c/receive.c"]).opt_level(2).warnings(true).compile("bench");
    println!("cargo:rustc-link-lib=dl");

    let rustc = std::env::var_os("RUSTC").expect("cargo sets RUSTC");
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    // "rustc 1.95.0 (…)"
    println!("cargo:rustc-env=BENCH_RUSTC={}", version.split(' ').nth(1).unwrap_or("unknown"));
}
