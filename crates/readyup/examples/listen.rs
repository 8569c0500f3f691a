//! Listens as a manager does and prints what comes in, one line each.
//!
//! ```sh
//! cargo run --example listen [ADDRESS [hold]]
//! ```
//!
//! The first line is the address, for `$NOTIFY_SOCKET`: the given one, or that of a new socket in a private directory.
//! Then come, separated by tabs: `message`, the sender's pid, how many descriptors came along, and the payload with
//! escapes; or `barrier` and the pid; or `dropped` and why. It ends at the end of its standard input.
//! With `hold` it answers no barrier before that.

use readyup::manager::{Incoming, Listener};
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{Write as _, stdin, stdout};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = match std::env::args().nth(1) {
        Some(address) => Listener::bind(address.parse()?)?,
        None => Listener::private()?,
    };
    let hold = std::env::args().nth(2).is_some_and(|argument| argument == "hold");
    let listener = if hold { listener.for_relay() } else { listener };
    let mut held = Vec::new();
    let mut out = stdout().lock();
    writeln!(out, "{}", listener.address())?;
    out.flush()?;
    loop {
        let stdin = stdin();
        let mut fds = [PollFd::new(&listener, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        poll(&mut fds, None)?;
        let ended = !fds[1].revents().is_empty();
        while let Some(incoming) = listener.receive(Some(Duration::ZERO))? {
            match incoming {
                Incoming::Message(received) => {
                    let (pid, fds) = (received.sender().pid(), received.fds().len() + received.closed_fds());
                    writeln!(out, "message\t{pid}\t{fds}\t{}", received.message().as_bytes().escape_ascii())?;
                }
                Incoming::Barrier(request) => {
                    writeln!(out, "barrier\t{}", request.sender().pid())?;
                    // It is answered by letting go of it.
                    if hold {
                        held.push(request);
                    }
                }
                Incoming::Dropped(dropped) => writeln!(out, "dropped\t{}", dropped.reason())?,
                _ => {}
            }
        }
        out.flush()?;
        if ended {
            return Ok(());
        }
    }
}
