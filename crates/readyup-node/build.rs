//! Links the addon without anything but itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_STANDALONE").is_none() {
        return;
    }
    for argument in [
        // No libc is named, so that one file runs with glibc and with musl. What is left open (N-API, memcpy and the
        // like) every process that loads an addon has.
        "-nostdlib",
        "-nostartfiles",
        "-Wl,-z,now",
        "-Wl,-z,relro",
        // A worker thread that loaded the addon may end and unload it while another one still runs in it.
        "-Wl,-z,nodelete",
        "-Wl,--gc-sections",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
