//! As little of an HTTP client as the examples need.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::Failure;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fetches a page, and gives its body without the line feed at its end.
pub(crate) fn get(port: &str, path: &str) -> Result<String, Failure> {
    let mut stream = request(port, path)?;
    // Whoever watches us wants to go on from here.
    eprintln!("connected");
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP: {answer:?}"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(head.into());
    }
    Ok(body.trim_end_matches('\n').to_owned())
}

/// Asks for a page and leaves.
pub(crate) fn poke(port: &str, path: &str) -> Result<String, Failure> {
    request(port, path)?;
    Ok(String::new())
}

fn request(port: &str, path: &str) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse()?))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // In one piece: a server as simple as the examples reads once. HTTP/1.0 spares us chunked bodies.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    Ok(stream)
}
