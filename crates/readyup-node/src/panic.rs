//! Proves at link time that nothing in the addon can panic, which would end the process of the user's service.
#![allow(unsafe_code)]

/// Never part of the addon: it calls a hidden symbol that nobody defines, so that the link fails ("undefined hidden
/// symbol `readyup_a_panic_path_is_left`") if anything that calls this handler is left after optimization.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never run, as said above.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            ".hidden readyup_a_panic_path_is_left",
            "call readyup_a_panic_path_is_left",
            "ud2",
            options(noreturn)
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            ".hidden readyup_a_panic_path_is_left",
            "bl readyup_a_panic_path_is_left",
            "brk #1",
            options(noreturn)
        );
    }
}
