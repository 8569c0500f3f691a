//! Links the addon without anything but itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_STANDALONE").is_none() {
        return;
    }
    // Nothing is ever unwound through it, and the tables for that are a tenth of its size.
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo sets it"));
    let script = out.join("without-unwind-tables.ld");
    std::fs::write(&script, "SECTIONS { /DISCARD/ : { *(.eh_frame) } } INSERT AFTER .text;\n")
        .expect("OUT_DIR can be written");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-T,{}", script.display());
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
        "-Wl,--no-eh-frame-hdr",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
