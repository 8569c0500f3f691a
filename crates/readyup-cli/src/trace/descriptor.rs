//! What a descriptor is, in words.

use super::event::printable;
use rustix::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::net::{AddressFamily, SocketType, getsockname, sockopt};
use serde::Serialize;
use std::net::SocketAddr;

/// A descriptor that came with a message.
#[derive(Debug, Serialize)]
pub(super) struct Descriptor {
    /// `socket`, `pipe`, `file` and so on.
    kind: &'static str,
    pub(super) description: String,
}

pub(super) fn describe_all(fds: &[OwnedFd]) -> Vec<Descriptor> {
    fds.iter().map(|fd| describe(fd.as_fd())).collect()
}

fn describe(fd: BorrowedFd<'_>) -> Descriptor {
    let target = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
        .map(|target| printable(&target.to_string_lossy()))
        .unwrap_or_default();
    let (kind, description) = match target.as_str() {
        link if link.starts_with("socket:") => ("socket", socket(fd).unwrap_or_else(|| "a socket".to_owned())),
        link if link.starts_with("pipe:") => ("pipe", "a pipe".to_owned()),
        "anon_inode:[pidfd]" => ("pidfd", "a pidfd".to_owned()),
        link if link.starts_with("pidfd:") => ("pidfd", "a pidfd".to_owned()),
        link if link.starts_with("/memfd:") => ("memfd", format!("memory {}", &link["/memfd:".len()..])),
        link if link.starts_with("anon_inode:") => ("other", link["anon_inode:".len()..].to_owned()),
        "" => ("other", "something".to_owned()),
        path => ("file", path.to_owned()),
    };
    Descriptor { kind, description }
}

fn socket(fd: BorrowedFd<'_>) -> Option<String> {
    let family = sockopt::socket_domain(fd).ok()?;
    let kind = sockopt::socket_type(fd).ok()?;
    let name = match (family, kind) {
        (AddressFamily::INET | AddressFamily::INET6, SocketType::STREAM) => "TCP socket",
        (AddressFamily::INET | AddressFamily::INET6, SocketType::DGRAM) => "UDP socket",
        (AddressFamily::UNIX, SocketType::STREAM) => "Unix stream socket",
        (AddressFamily::UNIX, SocketType::DGRAM) => "Unix datagram socket",
        (AddressFamily::UNIX, SocketType::SEQPACKET) => "Unix packet socket",
        _ => "socket",
    };
    let state = if sockopt::socket_acceptconn(fd).unwrap_or(false) { "listening " } else { "" };
    let address = getsockname(fd).ok().and_then(|address| {
        if let Ok(address) = SocketAddr::try_from(address.clone()) {
            return Some(address.to_string());
        }
        let unix = rustix::net::SocketAddrUnix::try_from(address).ok()?;
        match (unix.abstract_name(), unix.path_bytes()) {
            (Some(name), _) => Some(format!("@{}", printable(&String::from_utf8_lossy(name)))),
            (None, Some(path)) => Some(printable(&String::from_utf8_lossy(path).replace('\0', ""))),
            (None, None) => None,
        }
    });
    Some(match address {
        Some(address) => format!("{state}{name} {address}"),
        None => format!("{state}{name}"),
    })
}
