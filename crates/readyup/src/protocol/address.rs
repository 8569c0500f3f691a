//! Where to send: the value of `$NOTIFY_SOCKET`.

use super::text::{Decimal, display, parse_decimal};
use core::fmt;

/// The longest path or `@name`: what fits into `sun_path` beside the NUL that a manager insists on.
const UNIX_MAX: usize = 107;

/// Where a manager listens: what `$NOTIFY_SOCKET` says.
///
/// | form | socket |
/// | --- | --- |
/// | `/path` | `AF_UNIX`, in the file system |
/// | `@name` | `AF_UNIX`, abstract |
/// | `vsock:CID:PORT` | `AF_VSOCK`, whichever type works: datagram, sequential packets, stream |
/// | `vsock-dgram:…`, `vsock-seqpacket:…`, `vsock-stream:…` | `AF_VSOCK` of that type |
///
/// CID is a number, or `hypervisor`, `local` or `host`. See
/// [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
///
/// ```
/// use readyup::Address;
///
/// let address: Address = "@readyup/demo".parse()?;
/// assert_eq!(address.to_string(), "@readyup/demo");
/// assert!("run/notify".parse::<Address>().is_err());
/// # Ok::<(), readyup::protocol::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address(Form);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Unix(UnixName),
    Vsock(VsockAddress),
}

/// A path, or `@` and an abstract name: as it stood in `$NOTIFY_SOCKET`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnixName {
    bytes: [u8; UNIX_MAX],
    len: u8,
}

impl UnixName {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The abstract name, without its `@`.
    pub(crate) fn abstract_name(&self) -> Option<&[u8]> {
        self.as_bytes().strip_prefix(b"@")
    }

    fn path(&self) -> Option<&[u8]> {
        self.abstract_name().is_none().then(|| self.as_bytes())
    }
}

/// An `AF_VSOCK` address.
///
/// ```
/// use readyup::Address;
/// use readyup::protocol::{VsockAddress, VsockKind};
///
/// let address = VsockAddress { kind: Some(VsockKind::Stream), cid: 2, port: 9999 };
/// assert_eq!(Address::try_from(address)?.to_string(), "vsock-stream:2:9999");
/// # Ok::<(), readyup::protocol::AddressError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VsockAddress {
    /// The type of socket; none where the first that works is to be taken.
    pub kind: Option<VsockKind>,
    /// The context id: which machine.
    pub cid: u32,
    /// The port.
    pub port: u32,
}

/// A type of `AF_VSOCK` socket.
///
/// ```
/// use readyup::Address;
/// use readyup::protocol::VsockKind;
///
/// let address: Address = "vsock-seqpacket:host:9999".parse()?;
/// assert_eq!(address.vsock().and_then(|address| address.kind), Some(VsockKind::SequentialPacket));
/// # Ok::<(), readyup::protocol::AddressError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VsockKind {
    /// `vsock-dgram:`
    Datagram,
    /// `vsock-seqpacket:`
    SequentialPacket,
    /// `vsock-stream:`
    Stream,
}

const VSOCK_FORMS: [(&[u8], &str, Option<VsockKind>); 4] = [
    (b"vsock:", "vsock:", None),
    (b"vsock-dgram:", "vsock-dgram:", Some(VsockKind::Datagram)),
    (b"vsock-seqpacket:", "vsock-seqpacket:", Some(VsockKind::SequentialPacket)),
    (b"vsock-stream:", "vsock-stream:", Some(VsockKind::Stream)),
];

impl Address {
    /// Reads the value of `$NOTIFY_SOCKET`.
    ///
    /// # Errors
    ///
    /// [`AddressError`], a different one for each thing that can be wrong with it. An empty value is
    /// [`AddressError::Empty`] here; for [`Notifier::from_env`](crate::Notifier::from_env) it means that there is
    /// nobody to notify.
    ///
    /// ```
    /// use readyup::Address;
    /// use readyup::protocol::AddressError;
    ///
    /// assert!(Address::parse(b"/run/systemd/notify").is_ok());
    /// assert_eq!(Address::parse(b"vsock:2"), Err(AddressError::VsockPortMissing));
    /// ```
    pub fn parse(value: &[u8]) -> Result<Self, AddressError> {
        for (prefix, _, kind) in VSOCK_FORMS {
            if let Some(rest) = value.strip_prefix(prefix) {
                return parse_vsock(rest, kind).map(|address| Self(Form::Vsock(address)));
            }
        }
        match value {
            [] => return Err(AddressError::Empty),
            [b'/' | b'@'] => return Err(AddressError::TooShort),
            [b'/' | b'@', ..] => {}
            _ => return Err(AddressError::UnknownForm),
        }
        if value.contains(&0) {
            return Err(AddressError::Nul);
        }
        let mut bytes = [0; UNIX_MAX];
        let Some(room) = bytes.get_mut(..value.len()) else {
            return Err(AddressError::TooLong { len: value.len() });
        };
        for (slot, byte) in room.iter_mut().zip(value) {
            *slot = *byte;
        }
        Ok(Self(Form::Unix(UnixName { bytes, len: value.len() as u8 })))
    }

    #[cfg(target_os = "linux")]
    pub(crate) const fn form(&self) -> &Form {
        &self.0
    }

    /// The value for `$NOTIFY_SOCKET`, to the byte; [`Display`](core::fmt::Display) is for people.
    ///
    /// ```
    /// use readyup::Address;
    ///
    /// let address: Address = "/run/notify".parse()?;
    /// std::process::Command::new("worker").env("NOTIFY_SOCKET", address.to_os_string());
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[cfg(all(feature = "std", unix))]
    #[must_use]
    pub fn to_os_string(&self) -> std::ffi::OsString {
        use std::os::unix::ffi::OsStringExt as _;

        match &self.0 {
            Form::Unix(name) => std::ffi::OsString::from_vec(name.as_bytes().to_vec()),
            Form::Vsock(_) => self.to_string().into(),
        }
    }

    /// The path of a socket in the file system.
    ///
    /// ```
    /// use readyup::Address;
    ///
    /// assert_eq!(Address::parse(b"/run/systemd/notify")?.path(), Some(&b"/run/systemd/notify"[..]));
    /// assert_eq!(Address::parse(b"@notify")?.path(), None);
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Unix(name) => name.path(),
            Form::Vsock(_) => None,
        }
    }

    /// The name of an abstract socket, without the `@`.
    ///
    /// ```
    /// use readyup::Address;
    ///
    /// assert_eq!(Address::parse(b"@notify")?.abstract_name(), Some(&b"notify"[..]));
    /// assert_eq!(Address::parse(b"/run/systemd/notify")?.abstract_name(), None);
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub fn abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Unix(name) => name.abstract_name(),
            Form::Vsock(_) => None,
        }
    }

    /// The path, or `@` and the name, of a Unix socket, as `$NOTIFY_SOCKET` has it.
    ///
    /// ```
    /// use readyup::Address;
    ///
    /// assert_eq!(Address::parse(b"@notify")?.unix_name(), Some(&b"@notify"[..]));
    /// assert_eq!(Address::parse(b"vsock:host:9999")?.unix_name(), None);
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub fn unix_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Unix(name) => Some(name.as_bytes()),
            Form::Vsock(_) => None,
        }
    }

    /// The address of an `AF_VSOCK` socket.
    ///
    /// ```
    /// use readyup::Address;
    ///
    /// let address = Address::parse(b"vsock:host:9999")?.vsock().expect("a vsock");
    /// assert_eq!((address.kind, address.cid, address.port), (None, 2, 9999));
    /// # Ok::<(), readyup::protocol::AddressError>(())
    /// ```
    #[must_use]
    pub const fn vsock(&self) -> Option<VsockAddress> {
        match &self.0 {
            Form::Unix(_) => None,
            Form::Vsock(address) => Some(*address),
        }
    }
}

impl core::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(value: &str) -> Result<Self, AddressError> {
        Self::parse(value.as_bytes())
    }
}

impl TryFrom<VsockAddress> for Address {
    type Error = AddressError;

    fn try_from(address: VsockAddress) -> Result<Self, AddressError> {
        checked_vsock(address).map(|address| Self(Form::Vsock(address)))
    }
}

fn parse_vsock(rest: &[u8], kind: Option<VsockKind>) -> Result<VsockAddress, AddressError> {
    let mut parts = rest.splitn(2, |byte| *byte == b':');
    let cid = match parts.next().unwrap_or_default() {
        b"" => return Err(AddressError::VsockCidMissing),
        b"hypervisor" => 0,
        b"local" => 1,
        b"host" => 2,
        digits => parse_u32(digits).ok_or(AddressError::VsockCidInvalid)?,
    };
    let port = match parts.next() {
        None | Some(b"") => return Err(AddressError::VsockPortMissing),
        Some(digits) => parse_u32(digits).ok_or(AddressError::VsockPortInvalid)?,
    };
    checked_vsock(VsockAddress { kind, cid, port })
}

/// An address that something can be sent to.
fn checked_vsock(address: VsockAddress) -> Result<VsockAddress, AddressError> {
    match address {
        VsockAddress { cid: u32::MAX, .. } => Err(AddressError::VsockCidAny),
        VsockAddress { port: u32::MAX, .. } => Err(AddressError::VsockPortAny),
        _ => Ok(address),
    }
}

fn parse_u32(digits: &[u8]) -> Option<u32> {
    parse_decimal(digits).and_then(|number| u32::try_from(number).ok())
}

impl fmt::Display for Address {
    /// Bytes of a path that are no UTF-8 come out as replacement characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Unix(name) => {
                for chunk in name.as_bytes().utf8_chunks() {
                    f.write_str(chunk.valid())?;
                    if !chunk.invalid().is_empty() {
                        f.write_str("\u{fffd}")?;
                    }
                }
                Ok(())
            }
            Form::Vsock(address) => {
                let (_, prefix, _) =
                    VSOCK_FORMS.into_iter().find(|(_, _, kind)| *kind == address.kind).unwrap_or((b"", "vsock:", None));
                let (cid, port) = (address.cid, address.port);
                write!(f, "{prefix}{cid}:{port}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Why a text is no [`Address`].
///
/// ```
/// use readyup::Address;
/// use readyup::protocol::AddressError;
///
/// let error = Address::parse(b"vsock:2:any").unwrap_err();
/// assert_eq!(error, AddressError::VsockPortInvalid);
/// assert_eq!(error.to_string(), "the notify address has a vsock port that is not a number up to 4294967294");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// It is empty.
    Empty,
    /// It begins with none of `/`, `@` and the vsock prefixes: a relative path, say.
    UnknownForm,
    /// A lone `/` or `@`.
    TooShort,
    /// A path or name that doesn't fit into a socket address.
    TooLong {
        /// Its length in bytes, of which 107 fit.
        len: usize,
    },
    /// A NUL inside.
    Nul,
    /// A vsock address without a context id.
    VsockCidMissing,
    /// A context id that is neither a 32-bit number nor `hypervisor`, `local` or `host`.
    VsockCidInvalid,
    /// The wildcard context id, which nothing can be sent to.
    VsockCidAny,
    /// A vsock address without a port.
    VsockPortMissing,
    /// A port that is not a 32-bit number.
    VsockPortInvalid,
    /// The wildcard port, which nothing can be sent to.
    VsockPortAny,
}

impl AddressError {
    pub(crate) fn describe(&self, put: &mut dyn FnMut(&str)) {
        let text = match self {
            Self::Empty => "is empty",
            Self::UnknownForm => {
                "begins with neither '/' nor '@' nor 'vsock:', 'vsock-dgram:', 'vsock-seqpacket:' or 'vsock-stream:'; \
                 a relative path is not taken"
            }
            Self::TooShort => "has only 1 character; a path or a name must follow",
            Self::TooLong { len } => {
                put("has ");
                put(Decimal::new(*len as u64).as_str());
                " characters, and a socket address takes at most 107; use a shorter path, or a symbolic link to its folder"
            }
            Self::Nul => "holds a NUL byte",
            Self::VsockCidMissing => "has no vsock context id; write vsock:CID:PORT",
            Self::VsockCidInvalid => {
                "has a vsock context id that is neither a number nor 'hypervisor', 'local' or 'host'"
            }
            Self::VsockCidAny => "has the wildcard as its vsock context id, which nothing can be sent to",
            Self::VsockPortMissing => "has no vsock port; write vsock:CID:PORT",
            Self::VsockPortInvalid => "has a vsock port that is not a number up to 4294967294",
            Self::VsockPortAny => "has the wildcard 4294967295 as its vsock port, which nothing can be sent to",
        };
        put(text);
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, |put| {
            put("the notify address ");
            self.describe(put);
        })
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_unix() {
        let longest = format!("/{}", "x".repeat(106));
        for text in ["/a", "@a", "/run/systemd/notify", "@a/b@c", longest.as_str()] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.vsock(), None);
        }
        let path: Address = "/run/notify".parse().unwrap();
        assert_eq!((path.path(), path.abstract_name()), (Some(&b"/run/notify"[..]), None));
        let name: Address = "@notify".parse().unwrap();
        assert_eq!((name.path(), name.abstract_name()), (None, Some(&b"notify"[..])));
    }

    #[test]
    fn ok_vsock() {
        use VsockKind::{Datagram, SequentialPacket, Stream};
        for (text, kind, cid, port) in [
            ("vsock:2:5000", None, 2, 5000),
            ("vsock-dgram:3:1", Some(Datagram), 3, 1),
            ("vsock-seqpacket:4294967294:4294967294", Some(SequentialPacket), 4_294_967_294, 4_294_967_294),
            ("vsock-stream:0:0", Some(Stream), 0, 0),
            ("vsock:hypervisor:7", None, 0, 7),
            ("vsock:local:7", None, 1, 7),
            ("vsock:host:7", None, 2, 7),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.vsock(), Some(VsockAddress { kind, cid, port }), "{text}");
            assert_eq!(address.to_string().parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn err_each_is_distinct() {
        let too_long = format!("@{}", "x".repeat(107));
        let cases: [(&[u8], AddressError); 16] = [
            (b"", AddressError::Empty),
            (b"run/notify", AddressError::UnknownForm),
            (b"x", AddressError::UnknownForm),
            (b"vsock", AddressError::UnknownForm),
            (b"vsock-raw:1:2", AddressError::UnknownForm),
            (b"/", AddressError::TooShort),
            (b"@", AddressError::TooShort),
            (too_long.as_bytes(), AddressError::TooLong { len: 108 }),
            (b"/a\0b", AddressError::Nul),
            (b"vsock::5", AddressError::VsockCidMissing),
            (b"vsock:guest:5", AddressError::VsockCidInvalid),
            (b"vsock:4294967295:5", AddressError::VsockCidAny),
            (b"vsock-stream:2", AddressError::VsockPortMissing),
            (b"vsock-stream:2:", AddressError::VsockPortMissing),
            (b"vsock:2:5:6", AddressError::VsockPortInvalid),
            (b"vsock:2:4294967295", AddressError::VsockPortAny),
        ];
        for (text, error) in cases {
            assert_eq!(Address::parse(text), Err(error), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn err_texts() {
        for (text, expected) in [
            ("/", "the notify address has only 1 character; a path or a name must follow"),
            (
                "x",
                "the notify address begins with neither '/' nor '@' nor 'vsock:', 'vsock-dgram:', 'vsock-seqpacket:' \
                 or 'vsock-stream:'; a relative path is not taken",
            ),
            ("vsock:2", "the notify address has no vsock port; write vsock:CID:PORT"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), expected);
        }
    }
}
