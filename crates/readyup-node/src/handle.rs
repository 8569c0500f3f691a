//! A handle on a manager: an object of functions that share one notifier.
//!
//! Functions that send answer with one of the numbers below. After [`UNDER_WAY`] the same function is to be called again
//! with the same arguments before any other, or `abandon`.

use crate::arguments::{self, Fds, TEXT_BUFFER};
use crate::napi::{Arguments, Env, Shared, SharedState, Value};
use core::task::Poll;
use readyup::{Attachments, Barrier, Delivery, Error, Message, MessageBuf, Notifier, Outcome, monotonic_now};

/// The manager's queue is full; nothing was sent.
pub(crate) const QUEUE_FULL: i32 = 0;
pub(crate) const SENT: i32 = 1;
/// Sent, but not in the name of the other process.
const SENT_AS_SELF: i32 = 2;
pub(crate) const NO_MANAGER: i32 = 3;
/// Begun, and not yet at its end.
const UNDER_WAY: i32 = 4;

/// How many barriers one handle can have on their way. More wait their turn.
const BARRIERS: usize = 64;

pub(crate) struct Handle {
    notifier: Notifier,
    delivery: Delivery,
    barriers: [Option<Barrier>; BARRIERS],
}

/// `open(notifySocket?: string)`: the functions of a handle on the manager that this value of `$NOTIFY_SOCKET` names.
/// Throws when it is no address.
pub(crate) fn open(env: Env, [address, ..]: Arguments) -> Value {
    let mut buffer = TEXT_BUFFER;
    let notifier = match Notifier::from_value(arguments::text(env, address, &mut buffer)) {
        Ok(notifier) => notifier,
        Err(error) => return arguments::throw(env, &error),
    };
    let handle = Handle { notifier, delivery: Delivery::default(), barriers: [const { None }; BARRIERS] };
    let Ok(state) = SharedState::new(env, handle) else {
        return env.throw_out_of_memory();
    };
    let object = env.object();
    env.set(object, c"send", state.method(c"send", send));
    env.set(object, c"notify", state.method(c"notify", notify));
    env.set(object, c"reloading", state.method(c"reloading", reloading));
    env.set(object, c"watchdog", state.method(c"watchdog", watchdog));
    env.set(object, c"barrier", state.method(c"barrier", barrier));
    env.set(object, c"barrierDone", state.method(c"barrierDone", barrier_done));
    env.set(object, c"barrierDrop", state.method(c"barrierDrop", barrier_drop));
    env.set(object, c"abandon", state.method(c"abandon", abandon));
    env.set(object, c"close", state.method(c"close", close));
    object
}

/// `watchdog()`: one heartbeat.
fn watchdog(env: Env, handle: &Shared<Handle>, _: Arguments) -> Value {
    transmit(env, handle, Message::WATCHDOG, &Attachments::default())
}

/// `send(state: string, pid?: number, fds?: number[])`: a finished state string.
fn send(env: Env, handle: &Shared<Handle>, [state, pid, fds, _]: Arguments) -> Value {
    let mut buffer = TEXT_BUFFER;
    match arguments::state(env, state, &mut buffer) {
        Ok(message) => transmit_with(env, handle, message, pid, fds),
        Err(error) => arguments::throw(env, &error),
    }
}

/// `notify(assignments: string[], pid?: number, fds?: number[])`: a message of `[key, value, …]`.
fn notify(env: Env, handle: &Shared<Handle>, [assignments, pid, fds, _]: Arguments) -> Value {
    transmit_built(env, handle, MessageBuf::new([]).map_err(Error::from), [assignments, pid, fds])
}

/// `reloading(assignments: string[])`: the beginning of a reload, with the time, and more of `[key, value, …]`.
fn reloading(env: Env, handle: &Shared<Handle>, [assignments, ..]: Arguments) -> Value {
    let nothing = env.undefined();
    let message = MessageBuf::reloading(monotonic_now()).map_err(Error::from);
    transmit_built(env, handle, message, [assignments, nothing, nothing])
}

fn transmit_built(
    env: Env,
    handle: &Shared<Handle>,
    message: Result<MessageBuf, Error>,
    [assignments, pid, fds]: [Value; 3],
) -> Value {
    // Not through `and_then`: each move of a message is a copy of 4 KiB.
    let mut message = match message {
        Ok(message) => message,
        Err(error) => return arguments::throw(env, &error),
    };
    let pushed = arguments::push_assignments(env, assignments, &mut message);
    match pushed.and_then(|()| Ok(message.as_message()?)) {
        Ok(message) => transmit_with(env, handle, message, pid, fds),
        Err(error) => arguments::throw(env, &error),
    }
}

fn transmit_with(env: Env, handle: &Shared<Handle>, message: Message<'_>, pid: Value, fds: Value) -> Value {
    let pid = env.get_integer(pid).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    match Fds::read(env, fds) {
        Ok(fds) => transmit(env, handle, message, &Attachments { pid, insist: false, fds: fds.as_slice() }),
        Err(error) => arguments::throw(env, &error),
    }
}

fn transmit(env: Env, handle: &Shared<Handle>, message: Message<'_>, attachments: &Attachments<'_>) -> Value {
    let result = handle.with(|handle| {
        let result = handle.notifier.try_send(message, attachments, &mut handle.delivery)?;
        Ok(match result {
            Poll::Pending if handle.delivery.is_under_way() => UNDER_WAY,
            Poll::Pending => QUEUE_FULL,
            Poll::Ready(Outcome::Sent) => SENT,
            Poll::Ready(Outcome::SentAsSelf) => SENT_AS_SELF,
            Poll::Ready(Outcome::NoManager) => NO_MANAGER,
        })
    });
    answer(env, result, QUEUE_FULL)
}

/// The number, or the error as an exception. `busy` when the handle is in use further down the stack.
fn answer(env: Env, result: Option<Result<i32, Error>>, busy: i32) -> Value {
    match result {
        Some(Ok(number)) => env.integer(number),
        Some(Err(error)) => arguments::throw(env, &error),
        None => env.integer(busy),
    }
}

/// `barrier()`: asks, and answers with the barrier's number; -1 when the queue is full, -2 when there is no manager.
fn barrier(env: Env, handle: &Shared<Handle>, _: Arguments) -> Value {
    const NOT_YET: i32 = -1;
    const NOBODY: i32 = -2;
    let result = handle.with(|handle| {
        let Some((number, slot)) = handle.barriers.iter_mut().enumerate().find(|(_, slot)| slot.is_none()) else {
            return Ok(NOT_YET);
        };
        Ok(match handle.notifier.try_barrier()? {
            Poll::Ready(Some(barrier)) => {
                *slot = Some(barrier);
                number as i32
            }
            Poll::Ready(None) => NOBODY,
            Poll::Pending => NOT_YET,
        })
    });
    answer(env, result, NOT_YET)
}

/// `barrierDone(number)`: whether the manager has answered. Then, or on an error, the number is free again.
fn barrier_done(env: Env, handle: &Shared<Handle>, [number, ..]: Arguments) -> Value {
    let number = index(env, number);
    let done = handle.with(|handle| {
        let Some(slot) = handle.barriers.get_mut(number) else {
            return Ok(true);
        };
        let done = slot.as_ref().map_or(Ok(true), Barrier::is_done);
        if done != Ok(false) {
            *slot = None;
        }
        done
    });
    match done {
        Some(Ok(done)) => env.boolean(done),
        Some(Err(error)) => arguments::throw(env, &error),
        None => env.boolean(false),
    }
}

/// `barrierDrop(number)`: waits for it no longer.
fn barrier_drop(env: Env, handle: &Shared<Handle>, [number, ..]: Arguments) -> Value {
    let number = index(env, number);
    handle.with(|handle| {
        if let Some(slot) = handle.barriers.get_mut(number) {
            *slot = None;
        }
    });
    env.undefined()
}

/// A barrier's number; one that none has, where it is no number.
fn index(env: Env, number: Value) -> usize {
    env.get_integer(number).and_then(|number| usize::try_from(number).ok()).unwrap_or(BARRIERS)
}

/// `abandon()`: gives up a message that was answered with [`UNDER_WAY`].
fn abandon(env: Env, handle: &Shared<Handle>, _: Arguments) -> Value {
    handle.with(|handle| handle.delivery = Delivery::default());
    env.undefined()
}

/// `close()`: closes every descriptor of the handle now, rather than when it is collected.
fn close(env: Env, handle: &Shared<Handle>, _: Arguments) -> Value {
    handle.with(|handle| {
        handle.notifier = Notifier::disabled();
        handle.delivery = Delivery::default();
        handle.barriers = [const { None }; BARRIERS];
    });
    env.undefined()
}
