//! Every value of `$NOTIFY_SOCKET` is an address or an error, and an address is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use readyup::Address;
use readyup::protocol::{VsockAddress, VsockKind};
use readyup_fuzz::assert_presentable;

fuzz_target!(|value: &[u8]| {
    let address = match Address::parse(value) {
        Ok(address) => address,
        Err(error) => {
            assert!(!is_unix(value) && vsock(value).is_none(), "{error}");
            assert_presentable(&error);
            return;
        }
    };
    let written = address.to_string();
    match (address.path(), address.abstract_name(), address.vsock()) {
        (Some(path), None, None) => assert_eq!(path, value),
        (None, Some(name), None) => assert_eq!([b"@", name].concat(), value),
        (None, None, Some(own)) => {
            assert_eq!(Some(own), vsock(value));
            assert_eq!(Address::try_from(own), Ok(address));
            assert_eq!(written.parse(), Ok(address));
            return;
        }
        forms => panic!("{forms:?}"),
    }
    assert!(is_unix(value));
    if let Ok(text) = str::from_utf8(value) {
        assert_eq!(written, text);
        assert_eq!(written.parse(), Ok(address));
    }
});

fn is_unix(value: &[u8]) -> bool {
    (2..=107).contains(&value.len()) && matches!(value[0], b'/' | b'@') && !value.contains(&0)
}

fn vsock(value: &[u8]) -> Option<VsockAddress> {
    let mut parts = str::from_utf8(value).ok()?.split(':');
    let kind = match parts.next()? {
        "vsock" => None,
        "vsock-dgram" => Some(VsockKind::Datagram),
        "vsock-seqpacket" => Some(VsockKind::SequentialPacket),
        "vsock-stream" => Some(VsockKind::Stream),
        _ => return None,
    };
    let cid = match parts.next()? {
        "hypervisor" => 0,
        "local" => 1,
        "host" => 2,
        cid => number(cid)?,
    };
    let port = number(parts.next()?)?;
    if parts.next().is_some() {
        return None;
    }
    Some(VsockAddress { kind, cid, port })
}

/// A 32-bit number that is not the wildcard.
fn number(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number != u32::MAX)
}
