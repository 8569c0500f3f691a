//! As little D-Bus as it takes to ask a lab's systemd, without a process for each question.
//!
//! See the [D-Bus specification](https://dbus.freedesktop.org/doc/dbus-specification.html) and
//! [org.freedesktop.systemd1(5)](https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html).

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";

/// A connection to systemd itself: root need not go by a bus.
pub(crate) struct Bus {
    stream: UnixStream,
    serial: u32,
}

/// A value of a type that a property of ours has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(u64),
}

impl Value {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// An answer: a value, or an error's name.
type Answer = Result<Option<Value>, String>;

impl Bus {
    pub(crate) fn connect(socket: &Path) -> io::Result<Self> {
        let mut stream = connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // "30" is the user id 0 in hexadecimal digits of its text.
        stream.write_all(b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        if !answer.starts_with(b"OK ") {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
        Ok(Self { stream, serial: 0 })
    }

    /// Calls a method of the manager's that takes texts, and a number behind them if there is one.
    pub(crate) fn manager(&mut self, method: &str, texts: &[&str], number: Option<i32>) -> io::Result<Answer> {
        let serial = self.send(MANAGER_PATH, MANAGER, method, texts, number)?;
        let mut answers = self.answers(&[serial])?;
        Ok(answers.remove(&serial).expect("it was waited for"))
    }

    /// Properties of a unit, in this order: none for one that this version does not have.
    pub(crate) fn properties(&mut self, unit: &str, names: &[(&str, &str)]) -> io::Result<Vec<Option<Value>>> {
        let path = unit_path(unit);
        let mut serials = Vec::new();
        for (interface, name) in names {
            let interface = format!("org.freedesktop.systemd1.{interface}");
            serials.push(self.send(&path, "org.freedesktop.DBus.Properties", "Get", &[&interface, name], None)?);
        }
        let mut answers = self.answers(&serials)?;
        serials
            .iter()
            .map(|serial| match answers.remove(serial).expect("it was waited for") {
                Ok(value) => Ok(value),
                Err(name) if name == "org.freedesktop.DBus.Error.UnknownProperty" => Ok(None),
                Err(name) => Err(io::Error::other(format!("{unit}: {name}"))),
            })
            .collect()
    }

    fn send(
        &mut self,
        path: &str,
        interface: &str,
        member: &str,
        texts: &[&str],
        number: Option<i32>,
    ) -> io::Result<u32> {
        self.serial += 1;
        let mut body = Writer::default();
        texts.iter().for_each(|text| body.text(text));
        let mut signature = "s".repeat(texts.len());
        if let Some(number) = number {
            body.number(number as u32);
            signature.push('i');
        }
        let mut fields = Writer::default();
        for (code, kind, value) in [(1, "o", path), (2, "s", interface), (3, "s", member)] {
            fields.field(code, kind);
            fields.text(value);
        }
        if !signature.is_empty() {
            fields.field(8, "g");
            fields.signature(&signature);
        }
        let mut message = Writer::default();
        // Little-endian, a call, no flags, version 1.
        message.0.extend([b'l', 1, 0, 1]);
        message.number(body.0.len() as u32);
        message.number(self.serial);
        message.number(fields.0.len() as u32);
        message.0.extend(fields.0);
        message.align(8);
        message.0.extend(body.0);
        self.stream.write_all(&message.0)?;
        Ok(self.serial)
    }

    /// Waits for the answers to these calls; signals in between are nobody's.
    fn answers(&mut self, serials: &[u32]) -> io::Result<HashMap<u32, Answer>> {
        let mut answers = HashMap::new();
        while answers.len() < serials.len() {
            let mut start = [0; 16];
            self.stream.read_exact(&mut start)?;
            let word = |at: usize| u32::from_le_bytes(start[at..at + 4].try_into().expect("four bytes")) as usize;
            let (kind, body_len, fields_len) = (start[1], word(4), word(12));
            let mut rest = vec![0; fields_len.next_multiple_of(8) + body_len];
            self.stream.read_exact(&mut rest)?;
            let (fields, body) = rest.split_at(fields_len.next_multiple_of(8));
            let header = Header::read(&fields[..fields_len]);
            let awaited = header.reply_to.filter(|serial| serials.contains(serial));
            if let (2 | 3, Some(serial)) = (kind, awaited) {
                let answer = if kind == 2 { Ok(value(header.signature, body)) } else { Err(header.error.to_owned()) };
                answers.insert(serial, answer);
            }
        }
        Ok(answers)
    }
}

/// Connects as soon as somebody listens.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(socket) {
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            connected => return connected,
        }
    }
}

/// What of a header matters here.
#[derive(Default)]
struct Header<'a> {
    reply_to: Option<u32>,
    error: &'a str,
    signature: &'a str,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut header = Self::default();
        let mut reader = Reader { bytes, at: 0 };
        while reader.at < bytes.len() {
            reader.align(8);
            let code = reader.byte();
            match (code, reader.signature()) {
                (5, "u") => header.reply_to = Some(reader.number()),
                (4, _) => header.error = reader.text(),
                (8, _) => header.signature = reader.signature(),
                (_, "g") => drop(reader.signature()),
                (_, "u") => drop(reader.number()),
                _ => drop(reader.text()),
            }
        }
        header
    }
}

/// The value in a body, if it is one that we ask for.
fn value(signature: &str, body: &[u8]) -> Option<Value> {
    let mut reader = Reader { bytes: body, at: 0 };
    let kind = if signature == "v" { reader.signature() } else { signature };
    match kind {
        "s" | "o" => Some(Value::Text(reader.text().to_owned())),
        "u" | "i" => Some(Value::Number(reader.number().into())),
        "t" => {
            reader.align(8);
            let (low, high) = (reader.number(), reader.number());
            Some(Value::Number(u64::from(high) << 32 | u64::from(low)))
        }
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    fn number(&mut self) -> u32 {
        self.align(4);
        self.at += 4;
        u32::from_le_bytes(self.bytes[self.at - 4..self.at].try_into().expect("four bytes"))
    }

    fn text(&mut self) -> &'a str {
        let len = self.number() as usize;
        self.cut(len)
    }

    fn signature(&mut self) -> &'a str {
        let len = self.byte().into();
        self.cut(len)
    }

    fn cut(&mut self, len: usize) -> &'a str {
        let text = &self.bytes[self.at..self.at + len];
        self.at += len + 1;
        std::str::from_utf8(text).expect("D-Bus has UTF-8 only")
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.0.extend(text.bytes());
        self.0.push(0);
    }

    fn signature(&mut self, text: &str) {
        self.0.push(text.len() as u8);
        self.0.extend(text.bytes());
        self.0.push(0);
    }

    /// A header field of this type; the value follows.
    fn field(&mut self, code: u8, kind: &str) {
        self.align(8);
        self.0.push(code);
        self.signature(kind);
    }
}

/// The object of a unit.
fn unit_path(unit: &str) -> String {
    let escaped: String = unit
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("_{byte:02x}") })
        .collect();
    format!("{MANAGER_PATH}/unit/{escaped}")
}
