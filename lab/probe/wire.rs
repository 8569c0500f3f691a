//! How requests come to a probe that serves, and answers go back.
//!
//! By an abstract socket, which needs no permission on any directory and is gone with the process. A connection carries
//! one request, its words separated by NULs, and one answer, which begins with `+`, or `-` if it is an error.

use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// How long a probe may take to be there.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Answers requests for as long as the process lives.
pub(crate) fn serve(
    name: &str,
    mut carry_out: impl FnMut(&[&str]) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let listener = UnixListener::bind_addr(&address(name)?)?;
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut request = String::new();
        stream.read_to_string(&mut request)?;
        let words: Vec<&str> = request.split('\0').collect();
        let answer = match carry_out(&words) {
            Ok(text) => format!("+{text}"),
            Err(error) => format!("-{error}"),
        };
        // Whoever asked may have been killed in the meantime.
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// Has the probe that serves under `name` carry out a request.
pub(crate) fn ask(name: &str, request: &[&str]) -> Result<String, Failure> {
    let mut stream = connect(name)?;
    stream.write_all(request.join("\0").as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_at_checked(1) {
        Some(("+", text)) => Ok(text.to_owned()),
        Some((_, text)) => Err(text.into()),
        None => Err("the probe ended without an answer".into()),
    }
}

fn connect(name: &str) -> Result<UnixStream, Failure> {
    let deadline = Instant::now() + ARRIVAL;
    loop {
        match UnixStream::connect_addr(&address(name)?) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() >= deadline => {
                return Err(format!("no probe serves as {name}: {error}").into());
            }
            // A unit that was started a moment ago.
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn address(name: &str) -> std::io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("lab-probe/{name}"))
}
