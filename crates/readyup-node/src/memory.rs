//! Memory of its own for a value that has to stay where it is: there is no allocator here, and such values are few.
#![allow(unsafe_code)]

use core::ops::{Deref, DerefMut};
use core::ptr::null_mut;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// A value in memory from the kernel.
pub(crate) struct Mapping<T> {
    memory: *mut T,
}

impl<T> Mapping<T> {
    const SIZE: usize = {
        assert!(align_of::<T>() <= 4096);
        size_of::<T>()
    };

    pub(crate) fn new(value: T) -> Result<Self, Errno> {
        // SAFETY: a new mapping at an address that the kernel chooses touches no other memory.
        let memory =
            unsafe { mmap_anonymous(null_mut(), Self::SIZE, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) }?
                .cast::<T>();
        // SAFETY: the mapping is large enough, aligned to a page, and nobody else has it.
        unsafe { memory.write(value) };
        Ok(Self { memory })
    }

    /// Leaves it to the caller to keep or free the value.
    pub(crate) fn into_raw(self) -> *mut T {
        let memory = self.memory;
        core::mem::forget(self);
        memory
    }

    /// # Safety
    ///
    /// `memory` must come from [`Mapping::into_raw`], and nobody else may use it any more.
    pub(crate) unsafe fn from_raw(memory: *mut T) -> Self {
        Self { memory }
    }
}

impl<T> Deref for Mapping<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it holds a value for as long as its owner is there.
        unsafe { &*self.memory }
    }
}

impl<T> DerefMut for Mapping<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and nobody else has it while its owner is borrowed so.
        unsafe { &mut *self.memory }
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        // SAFETY: it holds a value, which nobody uses after this.
        unsafe { self.memory.drop_in_place() };
        // SAFETY: it is a whole mapping made by `new`. An error would mean that there is nothing to unmap.
        let _ = unsafe { munmap(self.memory.cast(), Self::SIZE) };
    }
}
