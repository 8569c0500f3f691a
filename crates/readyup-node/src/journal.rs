//! A handle on the journal: an object of functions that share one socket.

use crate::arguments::{self, TEXT_BUFFER};
use crate::handle::{NO_MANAGER, QUEUE_FULL, SENT};
use crate::napi::{Arguments, Env, Shared, SharedState, Value};
use readyup::journal::{EntryError, FIELDS_MAX, Field, Journal, Outcome};
use readyup::{Address, Error, ErrorKind};

/// `openJournal(address?: string)`: the functions of a handle on the journal that listens there, or at the usual place.
pub(crate) fn open(env: Env, [address, ..]: Arguments) -> Value {
    let mut buffer = TEXT_BUFFER;
    let journal = match arguments::text(env, address, &mut buffer).map(Address::parse) {
        None => Journal::new(),
        Some(Ok(address)) => Journal::at(address),
        Some(Err(error)) => return arguments::throw(env, &Error::from(error)),
    };
    let Ok(state) = SharedState::new(env, journal) else {
        return env.throw_out_of_memory();
    };
    let object = env.object();
    env.set(object, c"send", state.method(c"send", send));
    env.set(object, c"close", state.method(c"close", close));
    object
}

/// `send(fields: Uint8Array[])`: an entry of `[name, value, name, value, …]`.
fn send(env: Env, journal: &Shared<Journal>, [fields, ..]: Arguments) -> Value {
    let result: Option<Result<i32, Error>> = journal.with(|journal| {
        let mut room = [Field::message(""); FIELDS_MAX];
        let fields = read(env, fields, &mut room)?;
        Ok(match journal.send(fields)? {
            Outcome::Sent => SENT,
            Outcome::NoJournal => NO_MANAGER,
        })
    });
    match result {
        Some(Ok(number)) => env.integer(number),
        Some(Err(error)) if error.kind() == ErrorKind::QueueFull => env.integer(QUEUE_FULL),
        Some(Err(error)) => arguments::throw(env, &error),
        None => env.integer(QUEUE_FULL),
    }
}

/// Reads the array. The fields stay where JavaScript has them.
fn read<'a>(env: Env, array: Value, room: &'a mut [Field<'static>]) -> Result<&'a [Field<'static>], Error> {
    let count = env.array_length(array).unwrap_or(0) / 2;
    let mut index = 0u32;
    let Some(room) = room.get_mut(..count as usize) else {
        return Err(EntryError::too_many_fields(count as usize).into());
    };
    for slot in room.iter_mut() {
        let bytes = |index| env.element(array, index).and_then(|value| env.get_bytes(value)).unwrap_or_default();
        *slot = Field::decode(bytes(index), bytes(index.wrapping_add(1)))?;
        index = index.wrapping_add(2);
    }
    Ok(room)
}

/// `close()`: closes the socket now, rather than when the handle is collected. An entry after that opens it again.
fn close(env: Env, journal: &Shared<Journal>, _: Arguments) -> Value {
    journal.with(Journal::close);
    env.undefined()
}
