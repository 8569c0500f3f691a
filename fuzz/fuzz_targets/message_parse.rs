//! Whatever a service sends is taken apart without a panic, and as a manager takes it apart.

#![no_main]

use libfuzzer_sys::fuzz_target;
use readyup::protocol::{MESSAGE_MAX, MessageProblem};
use readyup::{Assignment, Message, MessageBuf};
use readyup_fuzz::{Drop, assert_presentable, is_known, lines, received};

fuzz_target!(|payload: &[u8]| {
    if let Some(byte) = payload.first() {
        // The same again and again, to a length around the limit, which the fuzzer seldom finds by itself.
        let len = MESSAGE_MAX - 1 + usize::from(byte % 4);
        let mut long: Vec<u8> = payload.iter().copied().cycle().take(len).collect();
        taken(&long);
        *long.last_mut().unwrap() = 0;
        taken(&long);
    }
    let Some(message) = taken(payload) else {
        return;
    };

    let own: Vec<_> = message.lines().collect();
    let plain: Vec<_> = own.iter().map(|line| (line.as_bytes(), line.is_shadowed())).collect();
    assert_eq!(plain, lines(message.as_bytes()));

    let counting: Vec<_> = own.iter().filter(|line| !line.is_shadowed()).map(|line| line.decode()).collect();
    assert_eq!(message.assignments().collect::<Vec<_>>(), counting);

    for (position, line) in own.into_iter().enumerate() {
        let (key, value) = (line.key(), line.value());
        assert!(!key.contains(&b'='));
        let again = match value {
            Some(value) => [key, b"=", value].concat(),
            None => key.to_vec(),
        };
        assert_eq!(again, line.as_bytes());

        match line.decode() {
            Ok(assignment) => {
                assert_eq!(Ok(assignment), Assignment::decode(key, value.unwrap()));
                assert_eq!(assignment.key(), key);
                assert_eq!(matches!(assignment, Assignment::Other { .. }), !is_known(key));
                // Each time it looks at the whole message.
                if position < 8 {
                    assert_eq!(message.has(assignment), counting.contains(&Ok(assignment)));
                }
                may_be_passed_on(assignment);
            }
            Err(error) => {
                assert!(value.is_none() || is_known(key), "{line:?}");
                assert_presentable(&error);
            }
        }
    }
    assert!(format!("{message:?}").is_ascii());
});

/// The message, if the payload is one; and it must be one exactly if a manager takes it.
fn taken(payload: &[u8]) -> Option<Message<'_>> {
    let may_be_sent = payload.len() <= MESSAGE_MAX && !payload.contains(&0);
    assert_eq!(Message::raw(payload).is_ok(), may_be_sent);
    match (Message::parse(payload), received(payload)) {
        (Ok(message), Ok(text)) => {
            assert_eq!(message.as_bytes(), text);
            Some(message)
        }
        (Err(error), Err(reason)) => {
            let problem = match reason {
                Drop::TooLong => MessageProblem::TooLong { len: payload.len() },
                Drop::Nul => MessageProblem::Nul,
            };
            assert_eq!(error.problem(), problem);
            assert_presentable(&error);
            None
        }
        (own, expected) => panic!("{own:?}, but {expected:?}"),
    }
}

/// What was understood can be said again, but for keys that are no keys.
fn may_be_passed_on(assignment: Assignment<'_>) {
    match MessageBuf::new([assignment]) {
        Ok(_) => {}
        Err(error) => {
            assert!(matches!(assignment, Assignment::Other { .. }), "{assignment:?}: {error}");
            assert_eq!(error.problem(), MessageProblem::InvalidKey);
        }
    }
}
