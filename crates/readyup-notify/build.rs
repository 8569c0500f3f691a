//! Links the small `systemd-notify` without anything but itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_STANDALONE").is_none() {
        return;
    }
    for argument in
        ["-nostdlib", "-nostartfiles", "-static", "-no-pie", "-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,--build-id=none"]
    {
        println!("cargo:rustc-link-arg-bin=systemd-notify={argument}");
    }
}
