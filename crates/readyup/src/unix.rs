//! Unix sockets' addresses, as the kernel takes them.

use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

/// The address of a path, or of `@` and an abstract name. (Not inlined, for the addon's size.)
#[inline(never)]
pub(crate) fn socket_address(name: &[u8]) -> Result<SocketAddrUnix, Errno> {
    match name.strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name),
        None => SocketAddrUnix::new(name),
    }
}
