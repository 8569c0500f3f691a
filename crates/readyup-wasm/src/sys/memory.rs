//! Memory, by as little code as will do. (The standard library's would be an eighth of all that there is here.)

use super::Single;
use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::Cell;
use core::ptr;

#[global_allocator]
static BLOCKS: Single<Blocks> = Single(Blocks { free: [const { Cell::new(ptr::null_mut()) }; 32], top: Cell::new(0) });

/// Blocks of powers of two, each at a multiple of its size. One that is given back is the next one of its size that is taken,
/// so that of each size there are never more than were in use at once.
struct Blocks {
    /// For each size the block that was given back last, which begins with the address of the one before.
    free: [Cell<*mut u8>; 32],
    /// Where the blocks end; 0 before there are any.
    top: Cell<usize>,
}

// SAFETY: a block is as long and as aligned as it was asked for, and belongs to nobody else until it is given back.
unsafe impl GlobalAlloc for Single<Blocks> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = size(layout);
        let Some(free) = self.0.free(size) else { return ptr::null_mut() };
        let block = free.get();
        if block.is_null() {
            return self.0.fresh(size).map_or(ptr::null_mut(), ptr::with_exposed_provenance_mut);
        }
        // SAFETY: that was written when it was given back.
        free.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(free) = self.0.free(size(layout)) {
            // SAFETY: whoever had it has it no more, and every block has room for an address.
            unsafe { block.cast::<*mut u8>().write(free.get()) };
            free.set(block);
        }
    }
}

impl Blocks {
    fn free(&self, size: usize) -> Option<&Cell<*mut u8>> {
        self.free.get(size.trailing_zeros() as usize)
    }

    /// The address of a block that is new.
    fn fresh(&self, size: usize) -> Option<usize> {
        const PAGE: usize = 65_536;
        let end = wasm32::memory_size::<0>().checked_mul(PAGE)?;
        // What is there at first is for the stack and the constants.
        let top = if self.top.get() == 0 { end } else { self.top.get() };
        let block = top.checked_next_multiple_of(size)?;
        let top = block.checked_add(size)?;
        let pages = top.saturating_sub(end).div_ceil(PAGE);
        if pages > 0 && wasm32::memory_grow::<0>(pages) == usize::MAX {
            return None;
        }
        self.top.set(top);
        Some(block)
    }
}

/// The size of the block that it gets. (The largest that can be asked for is just below 2³¹.)
fn size(layout: Layout) -> usize {
    const SMALLEST: usize = 16;
    layout.size().max(layout.align()).max(SMALLEST).next_power_of_two()
}
