//! Says to a service manager what a trial wants said, from wherever in a lab it is to come from.
//!
//! ```text
//! lab-probe serve NAME             carry out requests, in the order they come: what units run
//! lab-probe ask NAME REQUEST…      have the one that serves under NAME carry out a request
//! lab-probe do REQUEST…            carry out a request here
//! lab-probe leave MESSAGE          send it, and end without waiting for anything
//! lab-probe get PORT PATH          fetch a page from 127.0.0.1, and say when the connection is there
//! lab-probe poke PORT PATH         ask for a page, and do not wait for it
//! lab-probe act NAME               be a process of a scripted service: see `act`
//! lab-probe relay FROM TO          listen on a socket, and pass on to another one what comes
//! lab-probe log NAME VALUE…        write an entry to the journal; the value `-` is standard input
//! ```
//!
//! Requests are described at [`Probe::carry_out`]; a `;` is between two. An answer goes to standard output, an error to standard error.

mod act;
mod entry;
mod page;
mod relay;
mod request;
mod text;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use request::Probe;

/// What went wrong, for whoever reads the trial's failure.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["serve", name] => serve(name),
        ["ask", name, request @ ..] => wire::ask(name, request),
        ["do", request @ ..] => Probe::new().and_then(|mut probe| probe.carry_out_all(request)),
        ["leave", message] => request::leave(message),
        ["get", port, path] => page::get(port, path),
        ["poke", port, path] => page::poke(port, path),
        ["act", name] => act::act(name),
        ["relay", from, to] => relay::relay(from, to),
        ["log", fields @ ..] => entry::write(fields),
        _ => Err("what is to be done?".into()),
    };
    match answer {
        // Nobody is left to be told when this fails.
        Ok(text) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("lab-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(name: &str) -> Result<String, Failure> {
    // First of all, as it has to be done before anything else opens descriptors.
    let mut probe = Probe::new()?;
    wire::serve(name, |request| probe.carry_out_all(request))
}
