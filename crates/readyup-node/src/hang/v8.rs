//! Where JavaScript is, as V8 knows it.
//!
//! V8 can be asked from another thread to call a function on the isolate's own thread, the next time that its JavaScript
//! calls something or goes round a loop; that function may look at the stack. Node exports V8's C++ functions for its
//! addons. These here have been the same since before Node 18, but nobody promises them: they are looked up by name, and
//! if one is missing there is no stack.
#![allow(unsafe_code)]

use super::symbols::find;
use super::text::Text;
use crate::napi::{Env, HandleScope, Value};
use core::ffi::{c_int, c_void};

/// How deep to look.
pub(super) const DEPTH: usize = 24;

/// `v8::Isolate *`
pub(super) type Isolate = *mut c_void;

/// What V8 calls on the isolate's thread.
pub(super) type Interrupt = extern "C" fn(Isolate, *mut c_void);

/// `v8::Local`: the address of a slot of the handle scope. A `napi_value` is the same in Node.
type Local = *mut c_void;

/// V8's functions.
#[derive(Clone, Copy)]
pub(super) struct V8 {
    current_isolate: unsafe extern "C" fn() -> Isolate,
    request_interrupt: unsafe extern "C" fn(Isolate, Interrupt, *mut c_void),
    current_stack_trace: unsafe extern "C" fn(Isolate, c_int, c_int) -> Local,
    frame_count: unsafe extern "C" fn(Local) -> c_int,
    frame: unsafe extern "C" fn(Local, Isolate, u32) -> Local,
    function_name: unsafe extern "C" fn(Local) -> Local,
    script_name: unsafe extern "C" fn(Local) -> Local,
    /// A line and a column, each counted from 0, in one register.
    location: unsafe extern "C" fn(Local) -> u64,
}

impl V8 {
    /// `None` where one of the functions is missing.
    #[expect(clippy::missing_transmute_annotations, reason = "the types are those of the fields")]
    pub(super) fn find() -> Option<Self> {
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: that symbol's function has the type of the field, as its mangled name tells; and since there is
                // an address, it is not null.
                unsafe { core::mem::transmute(find($name)?) }
            };
        }
        Some(Self {
            current_isolate: function!(c"_ZN2v87Isolate10GetCurrentEv"),
            request_interrupt: function!(c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_"),
            current_stack_trace: function!(
                c"_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE"
            ),
            frame_count: function!(c"_ZNK2v810StackTrace13GetFrameCountEv"),
            frame: function!(c"_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj"),
            function_name: function!(c"_ZNK2v810StackFrame15GetFunctionNameEv"),
            script_name: function!(c"_ZNK2v810StackFrame24GetScriptNameOrSourceURLEv"),
            location: function!(c"_ZNK2v810StackFrame11GetLocationEv"),
        })
    }

    /// The isolate of the calling thread.
    pub(super) fn current_isolate(&self) -> Option<Isolate> {
        // SAFETY: it may be called anywhere, and returns null where there is none.
        let isolate = unsafe { (self.current_isolate)() };
        (!isolate.is_null()).then_some(isolate)
    }

    /// Has V8 call `interrupt` with `data` on the isolate's thread, as soon as its JavaScript lets it.
    ///
    /// # Safety
    ///
    /// The isolate must not have ended, and `data` must be good for `interrupt` until it is called, or until the isolate
    /// ends without having called it.
    pub(super) unsafe fn request_interrupt(&self, isolate: Isolate, interrupt: Interrupt, data: *mut c_void) {
        // SAFETY: V8 allows it from any thread; the rest is up to the caller.
        unsafe { (self.request_interrupt)(isolate, interrupt, data) };
    }

    /// Looks at the stack of the calling thread.
    ///
    /// # Safety
    ///
    /// It must be the isolate's thread, in an interrupt, and `env` one of that thread's.
    pub(super) unsafe fn look(&self, isolate: Isolate, env: Env, stack: &mut Stack) {
        /// `kOverview`: line, column, script and function.
        const OVERVIEW: c_int = 15;
        stack.count = 0;
        let Some(scope) = HandleScope::open(env) else {
            return;
        };
        // SAFETY: as the caller says, and there is a handle scope.
        let trace = unsafe { (self.current_stack_trace)(isolate, DEPTH as c_int, OVERVIEW) };
        if !trace.is_null() {
            // SAFETY: it is the trace that V8 has just made.
            let count = unsafe { (self.frame_count)(trace) };
            for index in 0..u32::try_from(count).unwrap_or(0) {
                // SAFETY: as above, and it has more frames than that.
                let frame = unsafe { (self.frame)(trace, isolate, index) };
                let Some(place) = stack.frames.get_mut(stack.count) else {
                    break;
                };
                if frame.is_null() {
                    break;
                }
                // SAFETY: it is a frame that V8 has just made.
                let location = unsafe { (self.location)(frame) };
                place.line = (location as u32).wrapping_add(1);
                place.column = ((location >> 32) as u32).wrapping_add(1);
                // SAFETY: as for the location.
                place.function.set(env, unsafe { (self.function_name)(frame) });
                // SAFETY: as for the location.
                place.script.set(env, unsafe { (self.script_name)(frame) });
                stack.count = stack.count.wrapping_add(1);
            }
        }
        drop(scope);
    }
}

/// A function on the stack, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    function: Name<96>,
    script: Name<512>,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The innermost functions of a stack.
#[derive(Clone, Copy)]
pub(super) struct Stack {
    frames: [Frame; DEPTH],
    count: usize,
}

impl Stack {
    pub(super) const EMPTY: Self =
        Self { frames: [Frame { function: Name::EMPTY, script: Name::EMPTY, line: 0, column: 0 }; DEPTH], count: 0 };

    /// From the innermost one outwards.
    pub(super) fn frames(&self) -> &[Frame] {
        self.frames.get(..self.count).unwrap_or_default()
    }
}

impl Frame {
    /// Whether it is the program's own, or a dependency's, rather than Node's or the one that gives our signs of life.
    pub(super) fn is_programs(&self) -> bool {
        let script = self.script.bytes();
        !script.is_empty() && !script.starts_with(b"node:") && self.function.bytes() != b"readyupBeat"
    }

    /// A number for the function, wherever in it the frame is (FNV-1a).
    pub(super) fn function_hash(&self) -> u64 {
        let bytes = self.function.bytes().iter().chain(b"\0").chain(self.script.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Writes the file's path, or whatever it is called.
    pub(super) fn describe_file(&self, into: &mut Text) {
        let script = self.script.bytes();
        match script.strip_prefix(b"file://") {
            Some(path) => decode(path, into),
            None if script.is_empty() => _ = into.push(b"<unknown>"),
            None => _ = into.push(script),
        }
    }

    /// Writes `function (file:line:column)`.
    pub(super) fn describe(&self, into: &mut Text) {
        self.describe_function(into);
        into.push(b" (");
        self.describe_file(into);
        into.push(b":").push_number(u64::from(self.line)).push(b":").push_number(u64::from(self.column)).push(b")");
    }

    /// Writes the function's name.
    pub(super) fn describe_function(&self, into: &mut Text) {
        into.push(match self.function.bytes() {
            b"" => b"<anonymous>",
            name => name,
        });
    }
}

/// A path as a URL has it, `%20` for a space.
fn decode(url: &[u8], into: &mut Text) {
    let mut rest = url;
    while let [byte, after @ ..] = rest {
        let decoded = match rest {
            [b'%', high, low, after @ ..] => {
                let digits = [*high, *low].map(|digit| char::from(digit).to_digit(16));
                let [high, low] = digits.map(Option::unwrap_or_default);
                (digits.iter().all(Option::is_some)).then_some(((high << 4 | low) as u8, after))
            }
            _ => None,
        };
        let (byte, after) = decoded.unwrap_or((*byte, after));
        into.push(&[byte]);
        rest = after;
    }
}

/// A name as UTF-8, cut where it is longer than that.
#[derive(Clone, Copy)]
struct Name<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Name<N> {
    const EMPTY: Self = Self { bytes: [0; N], len: 0 };

    fn set(&mut self, env: Env, name: Local) {
        self.len = env.get_string(Value::from_local(name), &mut self.bytes).map_or(0, <[u8]>::len);
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
