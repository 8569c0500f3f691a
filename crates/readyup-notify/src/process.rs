//! What the process was given when it was started.

use alloc::vec::Vec;
use core::ffi::CStr;

/// Who is speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// `systemd-notify`: its options, its exit statuses, its datagrams, whatever one thinks of them.
    SystemdNotify,
    /// `readyup notify` and its short forms: more options, values are checked, and without a manager it goes on.
    Readyup(crate::Verb),
}

/// Arguments and environment, as the kernel handed them over.
#[derive(Debug)]
pub struct Process<'a> {
    /// Who is speaking.
    pub face: Face,
    /// The arguments that are for us: without the program's name, and without the verb.
    pub arguments: Vec<&'a CStr>,
    /// `NAME=VALUE`, each.
    pub environment: Vec<&'a CStr>,
}

impl<'a> Process<'a> {
    /// A variable's value; of two with the same name the first counts, as with `getenv`.
    pub(crate) fn variable(&self, name: &str) -> Option<&'a [u8]> {
        self.environment.iter().find_map(|entry| entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// `$NOTIFY_SOCKET`, unless it is unset or empty.
    pub(crate) fn notify_socket(&self) -> Option<&'a [u8]> {
        self.variable("NOTIFY_SOCKET").filter(|value| !value.is_empty())
    }

    /// What errors begin with.
    pub(crate) fn name(&self) -> &'static str {
        match self.face {
            Face::SystemdNotify => "systemd-notify",
            Face::Readyup(_) => "readyup",
        }
    }

    pub(crate) fn is_systemd_notify(&self) -> bool {
        self.face == Face::SystemdNotify
    }
}
