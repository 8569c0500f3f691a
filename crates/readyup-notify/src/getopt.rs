//! Arguments as `getopt_long(3)` takes them apart.
//!
//! Options may stand behind operands (unless `$POSIXLY_CORRECT` is set) but not behind `--`; a long name may be cut as
//! long as it is clear what is meant; an argument that may be left out must be attached with `=`.

use crate::exit::lossy;
use crate::options::{Argument, Flag, OPTIONS, OptionDefinition};
use crate::process::Face;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

/// One thing that the arguments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) flag: Flag,
    pub(crate) value: Option<&'a CStr>,
}

/// Behind which operand there are no options any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// None: they may stand anywhere.
    Never,
    /// The first.
    AtOperand,
    /// A `;`.
    AtSemicolon,
}

/// The options of the arguments, one after the other; operands are kept for later.
#[derive(Debug)]
pub(crate) struct Parser<'p, 'a> {
    arguments: &'p [&'a CStr],
    /// What is left of an argument with several letters.
    letters: &'a [u8],
    face: Face,
    end: End,
    operands: Vec<&'a CStr>,
}

impl<'p, 'a> Parser<'p, 'a> {
    pub(crate) fn new(arguments: &'p [&'a CStr], face: Face, posix: bool) -> Self {
        let end = if posix { End::AtOperand } else { End::Never };
        Self { arguments, letters: &[], face, end, operands: Vec::new() }
    }

    /// From here on options end earlier than for `getopt_long`.
    pub(crate) fn end_options(&mut self, end: End) {
        if self.end != End::AtOperand {
            self.end = end;
        }
    }

    /// The next option; `None` once there are operands only.
    pub(crate) fn next(&mut self) -> Result<Option<Found<'a>>, String> {
        if let [letter, rest @ ..] = self.letters {
            self.letters = rest;
            return self.letter(*letter).map(Some);
        }
        while let [argument, rest @ ..] = self.arguments {
            self.arguments = rest;
            match argument.to_bytes() {
                b"--" => break,
                [b'-', b'-', ..] => return self.long(argument).map(Some),
                [b'-', letter, letters @ ..] => {
                    self.letters = letters;
                    return self.letter(*letter).map(Some);
                }
                operand => {
                    self.operands.push(argument);
                    match self.end {
                        End::Never => {}
                        End::AtSemicolon if operand != b";" => {}
                        End::AtOperand => break,
                        End::AtSemicolon => {
                            // Not needed here, but whoever knows `systemd-notify` will write it.
                            if let [next, rest @ ..] = self.arguments {
                                self.arguments = if next.to_bytes() == b"--" { rest } else { self.arguments };
                            }
                            break;
                        }
                    }
                }
            }
        }
        self.operands.extend_from_slice(self.arguments);
        self.arguments = &[];
        Ok(None)
    }

    /// What is no option, once [`next`](Self::next) has said `None`.
    pub(crate) fn operands(self) -> Vec<&'a CStr> {
        self.operands
    }

    fn options(&self) -> impl Iterator<Item = &'static OptionDefinition> + use<> {
        let face = self.face;
        OPTIONS.iter().filter(move |option| option.is_of(face))
    }

    fn letter(&mut self, letter: u8) -> Result<Found<'a>, String> {
        // No letter takes an argument.
        match self.options().find(|option| option.short == Some(letter)) {
            Some(option) => Ok(Found { flag: option.flag, value: None }),
            None => Err(["there is no option -", &lossy(&[letter])].concat()),
        }
    }

    fn long(&mut self, argument: &'a CStr) -> Result<Found<'a>, String> {
        let bytes = &argument.to_bytes_with_nul()[2..];
        let name_len = bytes.iter().position(|byte| matches!(byte, b'=' | 0)).unwrap_or_default();
        let (name, rest) = bytes.split_at(name_len);
        // Behind the `=`, with the NUL at the end that a C string has.
        let attached = rest.strip_prefix(b"=").and_then(|value| CStr::from_bytes_with_nul(value).ok());
        let option = self.find(name)?;
        let value = match (option.argument, attached) {
            (Argument::None, Some(_)) => {
                return Err(["option --", option.long, " takes no argument"].concat());
            }
            (Argument::None, None) | (Argument::Optional(_), None) => None,
            (_, Some(value)) => Some(value),
            (Argument::Required(what), None) => match self.arguments {
                [value, rest @ ..] => {
                    self.arguments = rest;
                    Some(*value)
                }
                [] => return Err(["option --", option.long, " needs an argument: --", option.long, "=", what].concat()),
            },
        };
        Ok(Found { flag: option.flag, value })
    }

    fn find(&self, name: &[u8]) -> Result<&'static OptionDefinition, String> {
        if let Some(option) = self.options().find(|option| option.long.as_bytes() == name) {
            return Ok(option);
        }
        let mut candidates = self.options().filter(|option| option.long.as_bytes().starts_with(name));
        match (candidates.next(), candidates.next()) {
            (Some(option), None) => Ok(option),
            (None, _) => Err(["there is no option --", &lossy(name)].concat()),
            (Some(first), Some(second)) => {
                let mut text = ["--", &lossy(name), " could be --", first.long, " or --", second.long].concat();
                for other in candidates {
                    text.push_str(" or --");
                    text.push_str(other.long);
                }
                Err(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Verb, Whose};
    use std::ffi::CString;

    const NOTIFY: Face = Face::Readyup(Verb::Notify);

    type Parsed = (Vec<(Flag, Option<String>)>, Vec<String>);

    /// What the parser makes of arguments: options with values, then operands.
    fn parse(arguments: &[&str], face: Face, posix: bool) -> Result<Parsed, String> {
        let owned: Vec<CString> = arguments.iter().map(|argument| CString::new(*argument).unwrap()).collect();
        let borrowed: Vec<&CStr> = owned.iter().map(CString::as_c_str).collect();
        let mut parser = Parser::new(&borrowed, face, posix);
        let mut found = Vec::new();
        while let Some(option) = parser.next()? {
            found.push((option.flag, option.value.map(|value| value.to_str().unwrap().into())));
        }
        Ok((found, parser.operands().iter().map(|operand| operand.to_str().unwrap().into()).collect()))
    }

    #[test]
    fn ok_options_and_operands() {
        let value = |text: &str| Some(String::from(text));
        for (arguments, options, operands) in [
            (&["--ready"][..], &[(Flag::Ready, None)][..], &[][..]),
            (&["A=1", "--ready", "B=2"], &[(Flag::Ready, None)], &["A=1", "B=2"]),
            (&["A=1", "--", "--ready"], &[], &["A=1", "--ready"]),
            (&["--", "--", "x"], &[], &["--", "x"]),
            (&["--status=a=b"], &[(Flag::Status, value("a=b"))], &[]),
            (&["--status", "--ready"], &[(Flag::Status, value("--ready"))], &[]),
            (&["--status", "--", "x"], &[(Flag::Status, value("--"))], &["x"]),
            (&["--status="], &[(Flag::Status, value(""))], &[]),
            (&["--pid", "1"], &[(Flag::Pid, None)], &["1"]),
            (&["--pid=1"], &[(Flag::Pid, value("1"))], &[]),
            (&["--pid="], &[(Flag::Pid, value(""))], &[]),
            (
                &["--rel", "--fd=1", "--no"],
                &[(Flag::Reloading, None), (Flag::Fd, value("1")), (Flag::NoBlock, None)],
                &[],
            ),
            (&["-qh"], &[(Flag::Quiet, None), (Flag::Help, None)], &[]),
            (&["-", ""], &[], &["-", ""]),
        ] {
            let (found, left) = parse(arguments, Face::SystemdNotify, false).unwrap();
            assert_eq!(
                (&found[..], &left[..]),
                (options, &operands.iter().map(|&o| o.into()).collect::<Vec<String>>()[..])
            );
        }
    }

    #[test]
    fn ok_posixly_correct_ends_at_the_first_operand() {
        let (found, operands) = parse(&["--ready", "A=1", "--stopping"], Face::SystemdNotify, true).unwrap();
        assert_eq!(found, [(Flag::Ready, None)]);
        assert_eq!(operands, ["A=1", "--stopping"]);
    }

    #[test]
    fn err_arguments() {
        for (arguments, message) in [
            (&["--nothing"][..], "there is no option --nothing"),
            (&["-x"], "there is no option -x"),
            (&["-qx"], "there is no option -x"),
            (&["--ready=1"], "option --ready takes no argument"),
            (&["--ready="], "option --ready takes no argument"),
            (&["--status"], "option --status needs an argument: --status=TEXT"),
            (&["--st"], "--st could be --stopping or --status"),
            (&["--f"], "--f could be --fd or --fdname or --fork"),
            // `readyup`'s own.
            (&["--require"], "there is no option --require"),
        ] {
            assert_eq!(parse(arguments, Face::SystemdNotify, false).unwrap_err(), message);
        }
        assert!(
            parse(&["--=x"], Face::SystemdNotify, false)
                .unwrap_err()
                .starts_with("-- could be --ready or --reloading or")
        );
    }

    #[test]
    fn ok_own_options() {
        assert_eq!(parse(&["--req", "--t", "5"], NOTIFY, false).unwrap().0.len(), 2);
        let short_form = Face::Readyup(Verb::Ready);
        assert_eq!(parse(&["--fork"], short_form, false).unwrap_err(), "there is no option --fork");
    }

    /// A name cut short means the same for both faces, or nothing for one of them.
    #[test]
    fn ok_own_options_change_nothing() {
        for option in OPTIONS.iter().filter(|option| option.whose == Whose::Both) {
            for len in 1..option.long.len() {
                let argument = ["--", &option.long[..len], "=1"].concat();
                assert_eq!(
                    parse(&[&argument], Face::SystemdNotify, false).is_ok(),
                    parse(&[&argument], NOTIFY, false).is_ok()
                );
            }
        }
    }
}
