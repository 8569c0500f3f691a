//! The options: what the parser accepts, the help shows, and the manual and the shells' completions are made from.

use crate::process::Face;

/// Which option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its name")]
pub enum Flag {
    Help,
    Version,
    Ready,
    Reloading,
    Stopping,
    Pid,
    Uid,
    Status,
    Booted,
    NoBlock,
    Exec,
    Fd,
    FdName,
    Fork,
    Quiet,
    Timeout,
    Require,
    Json,
}

/// Whether an option takes an argument, and what that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// None: `--ready`.
    None,
    /// `--status=TEXT` or `--status TEXT`.
    Required(&'static str),
    /// `--pid` or `--pid=PID`, but not `--pid PID`.
    Optional(&'static str),
}

/// Who has an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `systemd-notify`, and so `readyup notify` as well.
    Both,
    /// `readyup notify` alone.
    ReadyupAlone,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct OptionDefinition {
    /// Which it is.
    pub flag: Flag,
    /// Its name, without the two dashes.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<u8>,
    /// What it takes.
    pub argument: Argument,
    /// Who has it.
    pub whose: Whose,
    /// What it does, for the help: one line or two.
    pub help: &'static str,
}

impl OptionDefinition {
    const fn new(flag: Flag, long: &'static str, argument: Argument, help: &'static str) -> Self {
        Self { flag, long, short: None, argument, whose: Whose::Both, help }
    }

    /// Whether somebody has this option.
    #[must_use]
    pub fn is_of(&self, face: Face) -> bool {
        match face {
            Face::SystemdNotify => self.whose == Whose::Both,
            Face::Readyup(Verb::Notify) => true,
            Face::Readyup(Verb::Barrier) => {
                matches!(self.flag, Flag::Timeout | Flag::Require | Flag::Quiet | Flag::Help | Flag::Version)
            }
            // What says something else, or nothing, is not for the short forms.
            Face::Readyup(_) => !matches!(self.flag, Flag::Fork | Flag::Booted | Flag::Json),
        }
    }

    const fn short(mut self, letter: u8) -> Self {
        self.short = Some(letter);
        self
    }

    const fn readyup_alone(mut self) -> Self {
        self.whose = Whose::ReadyupAlone;
        self
    }
}

/// All options, in the order in which the help shows them.
pub static OPTIONS: &[OptionDefinition] = &[
    OptionDefinition::new(Flag::Ready, "ready", Argument::None, "Start-up is over, or a reload is (READY=1)"),
    OptionDefinition::new(
        Flag::Reloading,
        "reloading",
        Argument::None,
        "The configuration is being reloaded (RELOADING=1, with its MONOTONIC_USEC)",
    ),
    OptionDefinition::new(Flag::Stopping, "stopping", Argument::None, "The service is going down (STOPPING=1)"),
    OptionDefinition::new(
        Flag::Status,
        "status",
        Argument::Required("TEXT"),
        "Say what it is doing: one line that `systemctl status` shows",
    ),
    OptionDefinition::new(
        Flag::Pid,
        "pid",
        Argument::Optional("PID"),
        "Make PID the main process, and speak as it: a number, `self`, `parent`, or `auto` (the parent, unless that is the manager)",
    ),
    OptionDefinition::new(Flag::Uid, "uid", Argument::Required("USER"), "Speak as this user"),
    OptionDefinition::new(
        Flag::Fd,
        "fd",
        Argument::Required("FD"),
        "Put this descriptor into the service's fd store; may be given several times",
    ),
    OptionDefinition::new(
        Flag::FdName,
        "fdname",
        Argument::Required("NAME"),
        "The name of the stored descriptors; needs --fd",
    ),
    OptionDefinition::new(
        Flag::NoBlock,
        "no-block",
        Argument::None,
        "Don't wait until the manager has read it: if it is busy it may look up who sent it when this process is gone, and then drops it",
    ),
    OptionDefinition::new(
        Flag::Exec,
        "exec",
        Argument::None,
        "Once the message was read, become the program that stands behind a `;` argument",
    ),
    OptionDefinition::new(
        Flag::Fork,
        "fork",
        Argument::None,
        "Start a program and wait until it says READY=1, instead of saying something",
    ),
    OptionDefinition::new(
        Flag::Booted,
        "booted",
        Argument::None,
        "Say nothing; succeed if the machine was booted with systemd",
    ),
    OptionDefinition::new(
        Flag::Timeout,
        "timeout",
        Argument::Required("TIME"),
        "How long all of it may take: 5 (seconds, as without this option), 500ms, 2min, infinity",
    )
    .readyup_alone(),
    OptionDefinition::new(
        Flag::Require,
        "require",
        Argument::None,
        "Fail if there is no manager to tell (NOTIFY_SOCKET is not set)",
    )
    .readyup_alone(),
    OptionDefinition::new(
        Flag::Json,
        "json",
        Argument::None,
        "With --fork: print what happens as JSON, one object a line",
    )
    .readyup_alone(),
    OptionDefinition::new(
        Flag::Quiet,
        "quiet",
        Argument::None,
        "Print nothing but errors: no pid, no notes, no warnings",
    )
    .short(b'q'),
    OptionDefinition::new(Flag::Help, "help", Argument::None, "Show this help").short(b'h'),
    OptionDefinition::new(Flag::Version, "version", Argument::None, "Show the version"),
];

/// What is said without an option for it: the words behind `readyup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `readyup notify`: whatever the options say.
    Notify,
    /// `readyup ready`
    Ready,
    /// `readyup status TEXT`
    Status,
    /// `readyup reloading`
    Reloading,
    /// `readyup stopping`
    Stopping,
    /// `readyup watchdog`
    Watchdog,
    /// `readyup barrier`
    Barrier,
}

/// One verb.
#[derive(Clone, Copy, Debug)]
pub struct VerbDefinition {
    /// Which it is.
    pub verb: Verb,
    /// Its name.
    pub name: &'static str,
    /// What it takes besides options.
    pub operands: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// All verbs, in the order in which the help shows them.
pub static VERBS: &[VerbDefinition] = &[
    VerbDefinition {
        verb: Verb::Notify,
        name: "notify",
        operands: "[VARIABLE=VALUE…]",
        help: "Tell the service manager something, as systemd-notify does, and wait until it was read",
    },
    VerbDefinition {
        verb: Verb::Ready,
        name: "ready",
        operands: "[VARIABLE=VALUE…]",
        help: "Tell the service manager that start-up is over, or a reload is",
    },
    VerbDefinition {
        verb: Verb::Status,
        name: "status",
        operands: "TEXT [VARIABLE=VALUE…]",
        help: "Tell the service manager what the service is doing",
    },
    VerbDefinition {
        verb: Verb::Reloading,
        name: "reloading",
        operands: "[VARIABLE=VALUE…]",
        help: "Tell the service manager that the configuration is being reloaded",
    },
    VerbDefinition {
        verb: Verb::Stopping,
        name: "stopping",
        operands: "[VARIABLE=VALUE…]",
        help: "Tell the service manager that the service is going down",
    },
    VerbDefinition {
        verb: Verb::Watchdog,
        name: "watchdog",
        operands: "[VARIABLE=VALUE…]",
        help: "Tell the service manager that the service is still alive",
    },
    VerbDefinition {
        verb: Verb::Barrier,
        name: "barrier",
        operands: "",
        help: "Wait until the service manager has read everything said so far",
    },
];

impl Verb {
    /// The verb of that name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        VERBS.iter().find(|definition| definition.name.as_bytes() == name).map(|definition| definition.verb)
    }

    /// What there is to know of it.
    #[must_use]
    pub fn definition(self) -> &'static VerbDefinition {
        // Each verb is in the list, which a test sees to; the first is as good as any to the compiler.
        VERBS.iter().find(|definition| definition.verb == self).unwrap_or(&VERBS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_every_verb_is_defined() {
        for verb in
            [Verb::Notify, Verb::Ready, Verb::Status, Verb::Reloading, Verb::Stopping, Verb::Watchdog, Verb::Barrier]
        {
            assert_eq!(verb.definition().verb, verb);
            assert_eq!(Verb::from_name(verb.definition().name.as_bytes()), Some(verb));
        }
        assert_eq!(Verb::from_name(b"nothing"), None);
    }

    #[test]
    fn ok_names_are_unique() {
        for (index, option) in OPTIONS.iter().enumerate() {
            for other in &OPTIONS[..index] {
                assert_ne!(option.long, other.long);
                assert_ne!(option.flag, other.flag);
                assert!(option.short.is_none() || option.short != other.short);
            }
        }
    }
}
