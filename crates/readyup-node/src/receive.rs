//! A handle on a socket that services notify: an object of functions that share it.

use crate::arguments::{self, TEXT_BUFFER};
use crate::environment::microseconds;
use crate::napi::{Arguments, Env, Shared, SharedState, Value, owned_fd};
use readyup::manager::NotifySocket;
use readyup::{Address, Error, monotonic_now};
use rustix::fd::IntoRawFd as _;

/// More came beside a datagram than could be received.
const CONTROL_TRUNCATED: i32 = 1;

/// Where the descriptors begin in what `receive` returns.
const FDS: u32 = 5;

/// None once it is closed.
type Receiver = Option<NotifySocket>;

/// `listen(address?: string)`: the functions of a handle on a socket that is bound there, or where the kernel chooses.
pub(crate) fn listen(env: Env, [address, ..]: Arguments) -> Value {
    let mut buffer = TEXT_BUFFER;
    let address = arguments::text(env, address, &mut buffer).map(Address::parse).transpose();
    let socket = match address.map_err(Error::from).and_then(|address| NotifySocket::bind(address.as_ref())) {
        Ok(socket) => socket,
        Err(error) => return arguments::throw(env, &error),
    };
    let Ok(state) = SharedState::new(env, Some(socket)) else {
        return env.throw_out_of_memory();
    };
    let object = env.object();
    env.set(object, c"address", state.method(c"address", address_of));
    env.set(object, c"receive", state.method(c"receive", receive));
    env.set(object, c"now", env.function(c"now", now));
    env.set(object, c"close", state.method(c"close", close));
    object
}

/// `address()`: what to put into `$NOTIFY_SOCKET`; nothing once it is closed.
fn address_of(env: Env, receiver: &Shared<Receiver>, _: Arguments) -> Value {
    let address = receiver.with(|receiver| receiver.as_ref().map(NotifySocket::address).transpose());
    match address {
        Some(Ok(Some(address))) => env.string(address.unix_name().unwrap_or_default()),
        Some(Err(error)) => arguments::throw(env, &error),
        Some(Ok(None)) | None => env.string(b""),
    }
}

/// `receive(buffer: Uint8Array)`: one datagram, `[length, pid, uid, usec, flags, ...fds]`; `undefined` where there is none.
/// The descriptors are the caller's.
fn receive(env: Env, receiver: &Shared<Receiver>, [buffer, ..]: Arguments) -> Value {
    let mut array = None;
    let mut index = FDS;
    let received = receiver.with(|receiver| {
        let Some(socket) = receiver else {
            return Ok(None);
        };
        socket.receive(env.get_bytes_mut(buffer).unwrap_or_default(), &mut |fd| {
            let array = *array.get_or_insert_with(|| env.array());
            env.set_element(array, index, env.integer(fd.into_raw_fd()));
            index = index.wrapping_add(1);
        })
    });
    let datagram = match received {
        Some(Ok(Some(datagram))) => datagram,
        Some(Err(error)) => return arguments::throw(env, &error),
        Some(Ok(None)) | None => return env.undefined(),
    };
    let array = array.unwrap_or_else(|| env.array());
    let (pid, uid) = datagram.credentials.map_or((0, 0), |sender| (sender.pid, sender.uid));
    let flags = if datagram.control_truncated { CONTROL_TRUNCATED } else { 0 };
    let numbers =
        [datagram.len as f64, f64::from(pid), f64::from(uid), microseconds(datagram.arrival), f64::from(flags)];
    for (index, number) in (0..FDS).zip(numbers) {
        env.set_element(array, index, env.number(number));
    }
    array
}

/// `closeFd(fd: number)`: closes a descriptor that `receive` has returned. (In a worker, Node's own functions warn of one that
/// they have not opened.)
pub(crate) fn close_fd(env: Env, [fd, ..]: Arguments) -> Value {
    drop(env.get_integer(fd).and_then(owned_fd));
    env.undefined()
}

/// `now()`: the time by the clock of `receive`, in microseconds.
fn now(env: Env, _: Arguments) -> Value {
    env.number(microseconds(monotonic_now()))
}

/// `close()`: closes the socket now, rather than when the handle is collected. Nothing is received after that.
fn close(env: Env, receiver: &Shared<Receiver>, _: Arguments) -> Value {
    receiver.with(|receiver| *receiver = None);
    env.undefined()
}
