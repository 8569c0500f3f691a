//! A handle on a manager: an object of functions that share one notifier.
//!
//! Functions that send answer with one of the numbers below. After [`UNDER_WAY`] the same function is to be called again
//! with the same arguments before any other, or `abandon`.
#![allow(unsafe_code)]

use crate::arguments::{self, Fds, TEXT_BUFFER};
use crate::napi::{CallbackInfo, Env, SharedState, Value};
use core::task::Poll;
use readyup::{Attachments, Barrier, Delivery, Error, Message, MessageBuf, Notifier, Outcome, monotonic_now};

/// The manager's queue is full; nothing was sent.
const QUEUE_FULL: i32 = 0;
const SENT: i32 = 1;
/// Sent, but not in the name of the other process.
const SENT_AS_SELF: i32 = 2;
const NO_MANAGER: i32 = 3;
/// Begun, and not yet at its end.
const UNDER_WAY: i32 = 4;

/// How many barriers one handle can have on their way. More wait their turn.
const BARRIERS: usize = 64;

struct Handle {
    notifier: Notifier,
    delivery: Delivery,
    barriers: [Option<Barrier>; BARRIERS],
}

/// `open(notifySocket?: string)`: the functions of a handle on the manager that this value of `$NOTIFY_SOCKET` names.
/// Throws when it is no address.
pub(crate) extern "C" fn open(env: Env, info: CallbackInfo) -> Value {
    let [address] = env.arguments(info);
    let mut buffer = TEXT_BUFFER;
    let notifier = match Notifier::from_value(arguments::text(env, address, &mut buffer)) {
        Ok(notifier) => notifier,
        Err(error) => return arguments::throw(env, &error),
    };
    let handle = Handle { notifier, delivery: Delivery::default(), barriers: [const { None }; BARRIERS] };
    let Ok(mut state) = SharedState::new(handle) else {
        const ENOMEM: i32 = 12;
        return env.throw(b"out of memory (ENOMEM)", ENOMEM, Some("mmap"));
    };
    let object = env.object();
    for (name, callback) in [
        (c"send", send as extern "C" fn(Env, CallbackInfo) -> Value),
        (c"notify", notify),
        (c"reloading", reloading),
        (c"watchdog", watchdog),
        (c"barrier", barrier),
        (c"barrierDone", barrier_done),
        (c"barrierDrop", barrier_drop),
        (c"abandon", abandon),
        (c"close", close),
    ] {
        env.set(object, name, state.method(env, name, callback));
    }
    object
}

/// The handle, and the arguments, of a call of one of its functions.
///
/// The handle is not used before the last call into the runtime that could run JavaScript (an array's getter, say),
/// and by then there is no other borrow of it: it belongs to one env, and so to one thread.
macro_rules! method {
    ($env:expr, $info:expr) => {{
        // SAFETY: `open` gives these callbacks to `method` of a `SharedState<Handle>`.
        let (handle, arguments) = unsafe { $env.method_arguments::<Handle, _>($info) };
        (handle, arguments)
    }};
}

/// Borrows the handle.
///
/// # Safety
///
/// As said at `method!`.
unsafe fn borrow<'a>(handle: *mut Handle) -> &'a mut Handle {
    // SAFETY: the function that is running keeps the state alive, and nobody else uses it now.
    unsafe { &mut *handle }
}

/// `watchdog()`: one heartbeat.
extern "C" fn watchdog(env: Env, info: CallbackInfo) -> Value {
    let (handle, []) = method!(env, info);
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    let result = handle.notifier.try_send(Message::WATCHDOG, &Attachments::default(), &mut handle.delivery);
    answer(env, result, &handle.delivery)
}

/// `send(state: string, pid?: number, fds?: number[])`: a finished state string.
extern "C" fn send(env: Env, info: CallbackInfo) -> Value {
    let (handle, [state, pid, fds]) = method!(env, info);
    let mut buffer = TEXT_BUFFER;
    match arguments::state(env, state, &mut buffer) {
        Ok(message) => transmit(env, handle, message, pid, fds),
        Err(error) => arguments::throw(env, &error),
    }
}

/// `notify(assignments: string[], pid?: number, fds?: number[])`: a message of `[key, value, …]`.
extern "C" fn notify(env: Env, info: CallbackInfo) -> Value {
    let (handle, [assignments, pid, fds]) = method!(env, info);
    send_built(env, handle, MessageBuf::new([]).map_err(Error::from), assignments, pid, fds)
}

/// `reloading(assignments: string[])`: the beginning of a reload, with the time, and more of `[key, value, …]`.
extern "C" fn reloading(env: Env, info: CallbackInfo) -> Value {
    let (handle, [assignments]) = method!(env, info);
    let nothing = env.undefined();
    send_built(env, handle, MessageBuf::reloading(monotonic_now()).map_err(Error::from), assignments, nothing, nothing)
}

fn send_built(
    env: Env,
    handle: *mut Handle,
    message: Result<MessageBuf, Error>,
    assignments: Value,
    pid: Value,
    fds: Value,
) -> Value {
    let result = message.and_then(|mut message| {
        arguments::push_assignments(env, assignments, &mut message)?;
        Ok(message)
    });
    let message = match &result {
        Ok(message) => message.as_message().map_err(Error::from),
        Err(error) => Err(*error),
    };
    match message {
        Ok(message) => transmit(env, handle, message, pid, fds),
        Err(error) => arguments::throw(env, &error),
    }
}

fn transmit(env: Env, handle: *mut Handle, message: Message<'_>, pid: Value, fds: Value) -> Value {
    let pid = env.get_integer(pid).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    let fds = match Fds::read(env, fds) {
        Ok(fds) => fds,
        Err(error) => return arguments::throw(env, &error),
    };
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    let attachments = Attachments { pid, fds: fds.as_slice() };
    let result = handle.notifier.try_send(message, &attachments, &mut handle.delivery);
    answer(env, result, &handle.delivery)
}

fn answer(env: Env, result: Result<Poll<Outcome>, Error>, delivery: &Delivery) -> Value {
    env.integer(match result {
        Ok(Poll::Pending) if delivery.is_under_way() => UNDER_WAY,
        Ok(Poll::Pending) => QUEUE_FULL,
        Ok(Poll::Ready(Outcome::Sent)) => SENT,
        Ok(Poll::Ready(Outcome::SentAsSelf)) => SENT_AS_SELF,
        Ok(Poll::Ready(Outcome::NoManager)) => NO_MANAGER,
        Err(error) => return arguments::throw(env, &error),
    })
}

/// `barrier()`: asks, and answers with the barrier's number; -1 when the queue is full, -2 when there is no manager.
extern "C" fn barrier(env: Env, info: CallbackInfo) -> Value {
    const NOT_YET: i32 = -1;
    const NOBODY: i32 = -2;
    let (handle, []) = method!(env, info);
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    let free = handle.barriers.iter_mut().enumerate().find(|(_, slot)| slot.is_none());
    let number = match free {
        None => Ok(NOT_YET),
        Some((number, slot)) => match handle.notifier.try_barrier() {
            Ok(Poll::Ready(Some(barrier))) => {
                *slot = Some(barrier);
                Ok(number as i32)
            }
            Ok(Poll::Ready(None)) => Ok(NOBODY),
            Ok(Poll::Pending) => Ok(NOT_YET),
            Err(error) => Err(error),
        },
    };
    match number {
        Ok(number) => env.integer(number),
        Err(error) => arguments::throw(env, &error),
    }
}

/// `barrierDone(number)`: whether the manager has answered. Then, or on an error, the number is free again.
extern "C" fn barrier_done(env: Env, info: CallbackInfo) -> Value {
    let (handle, [number]) = method!(env, info);
    let number = env.get_integer(number).and_then(|number| usize::try_from(number).ok());
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    let slot = number.and_then(|number| handle.barriers.get_mut(number));
    let done = match slot {
        Some(slot) => {
            let done = slot.as_ref().map_or(Ok(true), Barrier::is_done);
            if done != Ok(false) {
                *slot = None;
            }
            done
        }
        None => Ok(true),
    };
    match done {
        Ok(done) => env.boolean(done),
        Err(error) => arguments::throw(env, &error),
    }
}

/// `barrierDrop(number)`: waits for it no longer.
extern "C" fn barrier_drop(env: Env, info: CallbackInfo) -> Value {
    let (handle, [number]) = method!(env, info);
    let number = env.get_integer(number).and_then(|number| usize::try_from(number).ok());
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    if let Some(slot) = number.and_then(|number| handle.barriers.get_mut(number)) {
        *slot = None;
    }
    env.undefined()
}

/// `abandon()`: gives up a message that was answered with [`UNDER_WAY`].
extern "C" fn abandon(env: Env, info: CallbackInfo) -> Value {
    let (handle, []) = method!(env, info);
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    handle.delivery = Delivery::default();
    env.undefined()
}

/// `close()`: closes every descriptor of the handle now, rather than when it is collected.
extern "C" fn close(env: Env, info: CallbackInfo) -> Value {
    let (handle, []) = method!(env, info);
    // SAFETY: nothing below calls into JavaScript while the handle is borrowed.
    let handle = unsafe { borrow(handle) };
    handle.notifier = Notifier::disabled();
    handle.delivery = Delivery::default();
    handle.barriers = [const { None }; BARRIERS];
    env.undefined()
}
