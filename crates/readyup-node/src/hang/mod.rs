//! Where does it hang? Looks after an event loop from a thread of its own.

mod kernel;
mod place;
mod samples;
mod sentinel;
mod source;
mod symbols;
mod text;
mod thread;
mod v8;

use crate::arguments::{self, TEXT_BUFFER};
use crate::napi::{Arguments, Env, Shared, SharedState, Value};
use readyup::Notifier;
use sentinel::{Settings, Watch};

/// Ask V8 for stacks; only in Node.
const STACKS: i32 = 1;
/// Standard error is the journal, which reads a priority at the beginning of each line.
const JOURNAL: i32 = 2;

/// `<4>` is a warning: sd-daemon(3).
const WARNING: &[u8] = b"<4>";

/// `watchLoop(notifySocket: string | undefined, after: number, flags: number)`: watches the calling thread's event loop,
/// which has to call `beat()` several times in each `after` milliseconds. `undefined` where no thread can be had.
pub(crate) fn watch_loop(env: Env, [address, after, flags, _]: Arguments) -> Value {
    let mut buffer = TEXT_BUFFER;
    let notifier = match Notifier::from_value(arguments::text(env, address, &mut buffer)) {
        Ok(notifier) => notifier,
        Err(error) => return arguments::throw(env, &error),
    };
    let after = env.get_integer(after).and_then(|ms| u64::try_from(ms).ok()).unwrap_or(1000);
    let flags = env.get_integer(flags).unwrap_or(0);
    let settings = Settings {
        after: after.max(1).wrapping_mul(1000),
        notifier,
        prefix: if flags & JOURNAL == 0 { b"" } else { WARNING },
        stacks: flags & STACKS != 0,
    };
    let watch = match Watch::start(env, settings) {
        Ok(Some(watch)) => watch,
        Ok(None) => return env.undefined(),
        Err(_) => return env.throw_out_of_memory(),
    };
    let Ok(state) = SharedState::new(env, watch) else {
        return env.throw_out_of_memory();
    };
    let object = env.object();
    env.set(object, c"beat", state.method(c"beat", beat));
    env.set(object, c"take", state.method(c"take", take));
    env.set(object, c"stop", state.method(c"stop", stop));
    object
}

/// `beat()`: a sign of life. True if a hang is over, of which `take` tells.
fn beat(env: Env, watch: &Shared<Watch>, _: Arguments) -> Value {
    env.boolean(watch.with(|watch| watch.sentinel().beat()).unwrap_or(false))
}

/// `take()`: the last hang, if it was not taken before, as `[milliseconds, place]`.
fn take(env: Env, watch: &Shared<Watch>, _: Arguments) -> Value {
    let array = env.array();
    watch.with(|watch| {
        watch.sentinel().take(|duration, place| {
            env.set_element(array, 0, env.number(duration as f64 / 1e3));
            env.set_element(array, 1, env.string(place));
        });
    });
    array
}

/// `stop()`: ends the watch.
fn stop(env: Env, watch: &Shared<Watch>, _: Arguments) -> Value {
    watch.end();
    env.undefined()
}
