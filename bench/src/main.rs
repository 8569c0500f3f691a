//! The benchmarks. `bench/run` builds this and starts it: once for each group, and once for the report.

mod c;
mod calls;
mod group;
mod groups;
mod machine;
mod node;
mod peers;
mod processors;
mod report;
mod result;
mod sender;
mod statistics;
mod targets;
mod worker;

use group::Bench;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: readyup-bench groups | measure GROUP DIRECTORY | report DIRECTORY   (see bench/run)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["groups"] => {
            groups::all().iter().for_each(|group| println!("{}", group.id()));
            Ok(())
        }
        ["measure", id, directory] => {
            Bench::from_env().and_then(|bench| group::measure(id, &bench, Path::new(directory)))
        }
        ["report", directory] => report::write(Path::new(directory)),
        // What the benchmark starts by itself.
        ["worker", name] => worker::run(name),
        ["flood", count, what] => worker::flood(count, what),
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
