//! As much of Node-API as the addon needs, declared by hand, behind safe functions.
//!
//! <https://nodejs.org/api/n-api.html>. Only version 8 and below is used, which Node has had since 12.22.
//!
//! A status other than "ok" leaves the result at what it was set to before (`undefined`, 0, false): the calls here
//! fail only on a wrong type, which the callers take for "not given", or when an exception is pending, which the
//! runtime throws once the callback returns.
#![allow(unsafe_code)]

use crate::memory::Mapping;
use core::cell::{Cell, UnsafeCell};
use core::ffi::{CStr, c_char, c_void};
use core::ptr::null_mut;
use rustix::fd::{BorrowedFd, FromRawFd as _, OwnedFd};

/// `napi_env`, valid during one callback.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Env(*mut c_void);

/// `napi_value`, valid during one callback.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Value(*mut c_void);

/// `napi_callback_info`, valid during one callback.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct CallbackInfo(*mut c_void);

/// `napi_callback`
type Callback = extern "C" fn(Env, CallbackInfo) -> Value;

/// The most arguments that one of the addon's functions takes.
const ARGUMENTS: usize = 4;

/// A call's arguments, `undefined` where fewer were given.
pub(crate) type Arguments = [Value; ARGUMENTS];

/// `napi_cleanup_hook`
type CleanupHook = extern "C" fn(*mut c_void);

/// `napi_finalize`
type Finalize = extern "C" fn(Env, *mut c_void, *mut c_void);

type Status = i32;

const OK: Status = 0;

unsafe extern "C" {
    fn napi_get_cb_info(
        env: Env,
        info: CallbackInfo,
        argc: *mut usize,
        argv: *mut Value,
        this: *mut Value,
        data: *mut *mut c_void,
    ) -> Status;
    fn napi_create_function(
        env: Env,
        name: *const c_char,
        name_len: usize,
        callback: Callback,
        data: *mut c_void,
        result: *mut Value,
    ) -> Status;
    fn napi_add_finalizer(
        env: Env,
        object: Value,
        data: *mut c_void,
        finalize: Finalize,
        hint: *mut c_void,
        result: *mut *mut c_void,
    ) -> Status;
    fn napi_add_env_cleanup_hook(env: Env, hook: CleanupHook, data: *mut c_void) -> Status;
    fn napi_remove_env_cleanup_hook(env: Env, hook: CleanupHook, data: *mut c_void) -> Status;
    fn napi_create_object(env: Env, result: *mut Value) -> Status;
    fn napi_create_array(env: Env, result: *mut Value) -> Status;
    fn napi_set_named_property(env: Env, object: Value, name: *const c_char, value: Value) -> Status;
    fn napi_set_element(env: Env, array: Value, index: u32, value: Value) -> Status;
    fn napi_get_element(env: Env, array: Value, index: u32, result: *mut Value) -> Status;
    fn napi_get_array_length(env: Env, array: Value, result: *mut u32) -> Status;
    fn napi_get_undefined(env: Env, result: *mut Value) -> Status;
    fn napi_get_boolean(env: Env, value: bool, result: *mut Value) -> Status;
    fn napi_create_int32(env: Env, value: i32, result: *mut Value) -> Status;
    fn napi_create_double(env: Env, value: f64, result: *mut Value) -> Status;
    fn napi_get_value_int32(env: Env, value: Value, result: *mut i32) -> Status;
    fn napi_create_string_utf8(env: Env, text: *const c_char, len: usize, result: *mut Value) -> Status;
    fn napi_get_value_string_utf8(
        env: Env,
        value: Value,
        buffer: *mut c_char,
        size: usize,
        result: *mut usize,
    ) -> Status;
    fn napi_get_typedarray_info(
        env: Env,
        array: Value,
        kind: *mut i32,
        length: *mut usize,
        data: *mut *mut c_void,
        buffer: *mut Value,
        offset: *mut usize,
    ) -> Status;
    fn napi_create_error(env: Env, code: Value, message: Value, result: *mut Value) -> Status;
    fn napi_throw(env: Env, error: Value) -> Status;
    fn napi_open_handle_scope(env: Env, result: *mut *mut c_void) -> Status;
    fn napi_close_handle_scope(env: Env, scope: *mut c_void) -> Status;
}

impl Value {
    /// A handle that V8 itself has given, in Node, where the two are the same. A null pointer is no value, which
    /// Node-API's functions refuse.
    pub(crate) fn from_local(local: *mut c_void) -> Self {
        Self(local)
    }
}

/// A scope, at the end of which the handles made in it are free again; outside of callbacks there is none otherwise.
pub(crate) struct HandleScope {
    env: Env,
    scope: *mut c_void,
}

impl HandleScope {
    pub(crate) fn open(env: Env) -> Option<Self> {
        let mut scope = null_mut();
        // SAFETY: the callers are on the env's thread, and the result points to a local.
        let status = unsafe { napi_open_handle_scope(env, &raw mut scope) };
        (status == OK).then_some(Self { env, scope })
    }
}

impl Drop for HandleScope {
    fn drop(&mut self) {
        // SAFETY: it was opened for this env, and scopes are dropped in the order opposite to that.
        unsafe { napi_close_handle_scope(self.env, self.scope) };
    }
}

impl Env {
    pub(crate) fn undefined(self) -> Value {
        let mut result = Value(null_mut());
        // SAFETY: the env is that of the running callback, and the result points to a local.
        unsafe { napi_get_undefined(self, &raw mut result) };
        result
    }

    pub(crate) fn boolean(self, value: bool) -> Value {
        let mut result = Value(null_mut());
        // SAFETY: as in `undefined`.
        unsafe { napi_get_boolean(self, value, &raw mut result) };
        result
    }

    pub(crate) fn integer(self, value: i32) -> Value {
        let mut result = Value(null_mut());
        // SAFETY: as in `undefined`.
        unsafe { napi_create_int32(self, value, &raw mut result) };
        result
    }

    pub(crate) fn number(self, value: f64) -> Value {
        let mut result = Value(null_mut());
        // SAFETY: as in `undefined`.
        unsafe { napi_create_double(self, value, &raw mut result) };
        result
    }

    /// A string; bytes that are not UTF-8 become replacement characters.
    pub(crate) fn string(self, text: &[u8]) -> Value {
        let mut result = self.undefined();
        // SAFETY: the text and its length belong together; the rest as in `undefined`.
        unsafe { napi_create_string_utf8(self, text.as_ptr().cast(), text.len(), &raw mut result) };
        result
    }

    pub(crate) fn object(self) -> Value {
        let mut result = self.undefined();
        // SAFETY: as in `undefined`.
        unsafe { napi_create_object(self, &raw mut result) };
        result
    }

    pub(crate) fn array(self) -> Value {
        let mut result = self.undefined();
        // SAFETY: as in `undefined`.
        unsafe { napi_create_array(self, &raw mut result) };
        result
    }

    pub(crate) fn set(self, object: Value, name: &CStr, value: Value) {
        // SAFETY: the name ends in a NUL; the values are those of the running callback.
        unsafe { napi_set_named_property(self, object, name.as_ptr(), value) };
    }

    pub(crate) fn set_element(self, array: Value, index: u32, value: Value) {
        // SAFETY: as in `set`.
        unsafe { napi_set_element(self, array, index, value) };
    }

    /// The element at `index`; `None` where `array` is none.
    pub(crate) fn element(self, array: Value, index: u32) -> Option<Value> {
        let mut result = Value(null_mut());
        // SAFETY: as in `set`, and the result points to a local.
        let status = unsafe { napi_get_element(self, array, index, &raw mut result) };
        (status == OK).then_some(result)
    }

    /// The length of an array; `None` where it is none.
    pub(crate) fn array_length(self, array: Value) -> Option<u32> {
        let mut length = 0;
        // SAFETY: as in `element`.
        let status = unsafe { napi_get_array_length(self, array, &raw mut length) };
        (status == OK).then_some(length)
    }

    /// The number as an integer; `None` where it is no number.
    pub(crate) fn get_integer(self, value: Value) -> Option<i32> {
        let mut result = 0;
        // SAFETY: as in `element`.
        let status = unsafe { napi_get_value_int32(self, value, &raw mut result) };
        (status == OK).then_some(result)
    }

    /// The string as UTF-8 in `buffer`, of which the last byte is for a NUL. A string that does not fit is cut.
    /// `None` where it is no string.
    pub(crate) fn get_string(self, value: Value, buffer: &mut [u8]) -> Option<&[u8]> {
        let mut len = 0;
        // SAFETY: the buffer and its size belong together; the rest as in `element`.
        let status =
            unsafe { napi_get_value_string_utf8(self, value, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut len) };
        if status == OK { buffer.get(..len) } else { None }
    }

    /// How many bytes the string has as UTF-8.
    pub(crate) fn string_length(self, value: Value) -> usize {
        let mut len = 0;
        // SAFETY: without a buffer only the length is told; the rest as in `element`.
        unsafe { napi_get_value_string_utf8(self, value, null_mut(), 0, &raw mut len) };
        len
    }

    /// The bytes of a `Uint8Array`, where they are; `None` where it is none. The callers' JavaScript is the package's own:
    /// it gives arrays that nobody else has, and that stay as they are until the callback returns.
    pub(crate) fn get_bytes(self, value: Value) -> Option<&'static [u8]> {
        let (data, len) = self.byte_array(value)?;
        if data.is_null() {
            // One of no length may be nowhere.
            return Some(&[]);
        }
        // SAFETY: the array has so many bytes there, which live as long as the array does: the arguments of the callback
        // hold it, no JavaScript runs before it returns, and no caller here keeps them longer.
        Some(unsafe { core::slice::from_raw_parts(data, len) })
    }

    /// The same to write to. Each callback may ask for one such array only, and for it once.
    pub(crate) fn get_bytes_mut(self, value: Value) -> Option<&'static mut [u8]> {
        let (data, len) = self.byte_array(value)?;
        if data.is_null() {
            return Some(&mut []);
        }
        // SAFETY: as in `get_bytes`, and nobody else has them.
        Some(unsafe { core::slice::from_raw_parts_mut(data, len) })
    }

    /// Where the bytes of a `Uint8Array` are, and how many.
    fn byte_array(self, value: Value) -> Option<(*mut u8, usize)> {
        const UINT8_ARRAY: i32 = 1;
        let (mut kind, mut len, mut data) = (0, 0, null_mut());
        // SAFETY: as in `element`; what is not asked for is null.
        let status = unsafe {
            napi_get_typedarray_info(self, value, &raw mut kind, &raw mut len, &raw mut data, null_mut(), null_mut())
        };
        (status == OK && kind == UINT8_ARRAY).then_some((data.cast(), len))
    }

    /// Throws the error of a handle for which there is no memory.
    #[cold]
    pub(crate) fn throw_out_of_memory(self) -> Value {
        const ENOMEM: i32 = 12;
        self.throw(b"out of memory (ENOMEM)", ENOMEM, Some("mmap"))
    }

    /// Throws an `Error` with this text and these properties, once the callback has returned.
    pub(crate) fn throw(self, message: &[u8], errno: i32, syscall: Option<&str>) -> Value {
        let mut error = self.undefined();
        // SAFETY: a null code is allowed; the rest as in `undefined`.
        unsafe { napi_create_error(self, Value(null_mut()), self.string(message), &raw mut error) };
        self.set(error, c"errno", self.integer(errno.wrapping_neg()));
        if let Some(syscall) = syscall {
            self.set(error, c"syscall", self.string(syscall.as_bytes()));
        }
        // SAFETY: as in `set`.
        unsafe { napi_throw(self, error) };
        self.undefined()
    }

    /// A function of the module.
    pub(crate) fn function<F>(self, name: &CStr, _: F) -> Value
    where
        F: Fn(Env, Arguments) -> Value + Copy + 'static,
    {
        extern "C" fn callback<F: Fn(Env, Arguments) -> Value + Copy + 'static>(env: Env, info: CallbackInfo) -> Value {
            let (arguments, _) = env.callback_info(info);
            the_function::<F>()(env, arguments)
        }
        self.create_function(name, callback::<F>, null_mut())
    }

    fn create_function(self, name: &CStr, callback: Callback, data: *mut c_void) -> Value {
        let mut result = self.undefined();
        // SAFETY: the name's length is given; what `data` points to, the callers answer for.
        unsafe {
            napi_create_function(self, name.as_ptr(), name.count_bytes(), callback, data, &raw mut result);
        }
        result
    }

    /// A function that calls `finalize` with its data once nobody has it any more, and is counted. (Not inlined: there are
    /// dozens.)
    ///
    /// # Safety
    ///
    /// The data must be what both of the functions take it for, up to that call.
    #[inline(never)]
    unsafe fn create_method(
        self,
        name: &CStr,
        callback: Callback,
        data: *mut c_void,
        finalize: Finalize,
        count: &Cell<u32>,
    ) -> Value {
        let function = self.create_function(name, callback, data);
        // SAFETY: as the caller says; no reference is asked for.
        let status = unsafe { napi_add_finalizer(self, function, data, finalize, null_mut(), null_mut()) };
        if status == OK {
            count.set(count.get().wrapping_add(1));
            function
        } else {
            // A function without a finalizer could outlive its data.
            self.undefined()
        }
    }

    /// The arguments of the running callback, and the data that its function was made with.
    fn callback_info(self, info: CallbackInfo) -> (Arguments, *mut c_void) {
        let mut arguments = [Value(null_mut()); ARGUMENTS];
        let mut count = ARGUMENTS;
        let mut data = null_mut();
        // SAFETY: there is room for `count` values, of which those that were not given are set to `undefined`; what is
        // not asked for is null.
        unsafe { napi_get_cb_info(self, info, &raw mut count, arguments.as_mut_ptr(), null_mut(), &raw mut data) };
        (arguments, data)
    }
}

/// A descriptor that JavaScript knows by its number. One that is no descriptor's is a bad descriptor.
pub(crate) fn fd(number: i32) -> BorrowedFd<'static> {
    let number = if number < 0 { i32::MAX } else { number };
    // SAFETY: it is not -1. That it is open during the call the JavaScript caller answers for, as for every function of
    // `fs`; if it is not, the system call fails with EBADF.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Takes over a descriptor that JavaScript knows by its number, and owns; none where that is no descriptor's.
pub(crate) fn owned_fd(number: i32) -> Option<OwnedFd> {
    // SAFETY: it is not negative. That it is open, and nobody else's, the JavaScript caller answers for, as for
    // `fs.closeSync`.
    (number >= 0).then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

/// The one value of the type of a function, which is of no size: a callback has room for data, but none for a function.
fn the_function<F: Copy + 'static>() -> F {
    const { assert!(size_of::<F>() == 0) };
    // SAFETY: a value of no size is read from nowhere, and whoever names the type `F` has given such a value to
    // `function` or `method`, from which it may be copied.
    unsafe { core::ptr::NonNull::<F>::dangling().read() }
}

/// A state that several JavaScript functions share. It belongs to one env, and so to one thread.
pub(crate) struct Shared<T> {
    /// `None` once the env has ended.
    state: UnsafeCell<Option<T>>,
    in_use: Cell<bool>,
    functions: Cell<u32>,
    /// Whether the env is to tell of its end.
    hooked: Cell<bool>,
}

impl<T> Shared<T> {
    /// Uses the state. `None` if it is in use: a call into the runtime from within has run JavaScript that called one of
    /// the state's functions.
    pub(crate) fn with<R>(&self, with: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.in_use.replace(true) {
            return None;
        }
        // SAFETY: `in_use` was false, so that there is no other borrow, and there will be none until it is false again.
        let result = unsafe { &mut *self.state.get() }.as_mut().map(with);
        self.in_use.set(false);
        result
    }

    /// Drops the state, for which there is no more use. It stays if it is in use.
    pub(crate) fn end(&self) {
        if !self.in_use.replace(true) {
            // SAFETY: as in `with`.
            let state = unsafe { &mut *self.state.get() };
            *state = None;
            self.in_use.set(false);
        }
    }
}

/// The owner of a shared state in memory of its own, which lives for as long as one of its methods does.
pub(crate) struct SharedState<T> {
    shared: *mut Shared<T>,
    env: Env,
}

impl<T: 'static> SharedState<T> {
    /// Puts `state` where it can stay.
    pub(crate) fn new(env: Env, state: T) -> Result<Self, rustix::io::Errno> {
        let shared = Shared {
            state: UnsafeCell::new(Some(state)),
            in_use: Cell::new(false),
            functions: Cell::new(0),
            hooked: Cell::new(false),
        };
        let memory = Mapping::new(shared)?.into_raw();
        let state = Self { shared: memory, env };
        // SAFETY: `env_ended` is told of the memory of a `Shared<T>`; whoever frees it takes the hook back.
        let status = unsafe { napi_add_env_cleanup_hook(env, env_ended::<T>, memory.cast()) };
        state.shared().hooked.set(status == OK);
        Ok(state)
    }

    fn shared(&self) -> &Shared<T> {
        // SAFETY: the memory is there for as long as its owner is.
        unsafe { &*self.shared }
    }

    /// A JavaScript function that gets the state, and keeps it alive.
    pub(crate) fn method<F>(&self, name: &CStr, _: F) -> Value
    where
        F: Fn(Env, &Shared<T>, Arguments) -> Value + Copy + 'static,
    {
        extern "C" fn callback<T, F>(env: Env, info: CallbackInfo) -> Value
        where
            F: Fn(Env, &Shared<T>, Arguments) -> Value + Copy + 'static,
        {
            let (arguments, data) = env.callback_info(info);
            // SAFETY: the function was made below with the memory of a `Shared<T>`, which it keeps alive.
            let shared = unsafe { &*data.cast::<Shared<T>>() };
            the_function::<F>()(env, shared, arguments)
        }
        let shared = self.shared();
        // SAFETY: both are told of the memory of a `Shared<T>`, and each function that is counted there keeps it.
        unsafe { self.env.create_method(name, callback::<T, F>, self.shared.cast(), release::<T>, &shared.functions) }
    }
}

impl<T> Drop for SharedState<T> {
    fn drop(&mut self) {
        // SAFETY: the memory is there for as long as its owner is.
        if unsafe { &*self.shared }.functions.get() == 0 {
            // SAFETY: no function has it, and the one owner is going.
            unsafe { free(self.env, self.shared) };
        }
    }
}

/// The finalizer of one method: the last one frees the state. The runtime calls it when it has collected the function,
/// or when the env ends.
extern "C" fn release<T>(env: Env, data: *mut c_void, _: *mut c_void) {
    let shared = data.cast::<Shared<T>>();
    let left = {
        // SAFETY: `method` counted this function, so that the memory is still there.
        let functions = unsafe { &(*shared).functions };
        functions.set(functions.get().wrapping_sub(1));
        functions.get()
    };
    if left == 0 {
        // SAFETY: no function is left that could use it, and its owner went when they were made.
        unsafe { free(env, shared) };
    }
}

/// The end of the env. Not every runtime calls the finalizers then, and descriptors must not stay open; where it does,
/// it calls them after this, so that the memory itself is left to them.
extern "C" fn env_ended<T>(data: *mut c_void) {
    // SAFETY: whoever frees the memory takes the hook back, so that it is still there.
    let shared = unsafe { &*data.cast::<Shared<T>>() };
    shared.hooked.set(false);
    shared.end();
}

/// # Safety
///
/// `shared` must come from [`SharedState::new`] with this env, and nobody may use it any more.
unsafe fn free<T>(env: Env, shared: *mut Shared<T>) {
    // SAFETY: as the caller says.
    if unsafe { &*shared }.hooked.get() {
        // SAFETY: this is the hook that `new` added.
        unsafe { napi_remove_env_cleanup_hook(env, env_ended::<T>, shared.cast()) };
    }
    // SAFETY: it comes from a mapping, as the caller says, and nobody uses it after this.
    drop(unsafe { Mapping::from_raw(shared) });
}

/// `napi_module_register_by_symbol` looks for these two.
macro_rules! register {
    ($init:path) => {
        /// The runtime calls this once for each env (the main thread, each worker).
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn napi_register_module_v1(
            env: $crate::napi::Env,
            exports: $crate::napi::Value,
        ) -> $crate::napi::Value {
            $init(env, exports);
            exports
        }

        /// The version of Node-API that is used.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn node_api_module_get_api_version_v1() -> i32 {
            8
        }
    };
}
pub(crate) use register;
