//! What has gone wrong here is a trap, which JavaScript sees as an exception.

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
