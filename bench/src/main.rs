//! The benchmarks. `bench/run` builds this and starts it.

mod c;
mod calls;
mod command;
mod contender;
mod heartbeat;
mod machine;
mod report;
mod sender;
mod statistics;
mod text;
mod worker;

use std::process::ExitCode;

const USAGE: &str = "usage: readyup-bench heartbeat ROUNDS DIRECTORY | command ROUNDS ONCE DIRECTORY   (see bench/run)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["heartbeat", rounds, directory] => match rounds.parse() {
            Ok(rounds @ 1..) => heartbeat::run(rounds, directory.as_ref()),
            _ => Err(format!("{rounds}: not a number of rounds").into()),
        },
        ["command", rounds, once, directory] => match rounds.parse() {
            Ok(rounds @ 1..) => command::run(rounds, once.as_ref(), directory.as_ref()),
            _ => Err(format!("{rounds}: not a number of rounds").into()),
        },
        // What the benchmark starts by itself.
        ["worker", name] => worker::run(name),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
