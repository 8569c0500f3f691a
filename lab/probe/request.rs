//! What a probe can be asked to do.

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command};
use std::time::Duration;

use readyup::{Attachments, FdName, Message, Notifier, Outcome, PassedFds};

use crate::Failure;
use crate::text::unescape;

/// How long the manager may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// One process that has something to say.
pub(crate) struct Probe {
    notifier: Notifier,
    /// The names of the descriptors that the manager passed.
    passed: Vec<String>,
    /// Our ends of the connections whose other ends went with messages.
    ends: Vec<UnixStream>,
    children: Vec<Child>,
}

impl Probe {
    pub(crate) fn new() -> Result<Self, Failure> {
        let passed = PassedFds::take()?;
        let passed = passed.names().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Ok(Self { notifier: Notifier::from_env()?, passed, ends: Vec::new(), children: Vec::new() })
    }

    /// Carries out requests, with a `;` between two, and gives the last one's answer.
    pub(crate) fn carry_out_all(&mut self, requests: &[&str]) -> Result<String, Failure> {
        let mut answer = String::new();
        for request in requests.split(|word| *word == ";") {
            answer = self.carry_out(request)?;
        }
        Ok(answer)
    }

    /// Carries out a request:
    ///
    /// ```text
    /// send MESSAGE [as=PID] [fds=COUNT]   send it through the library, with connections' ends for descriptors
    /// datagram MESSAGE                    send it as it is, whatever it is
    /// ready|reloading|stopping|watchdog|watchdog-trigger|barrier
    /// main-pid PID
    /// store NAME | replace NAME | remove NAME    a descriptor in the fd store
    /// released                            wait until nobody holds what went with messages
    /// hang-up                             close our ends of it
    /// passed                              the names of the descriptors that the manager passed
    /// spawn NAME                          start a child that serves under that name, and give its pid
    /// shout MESSAGE                       have a child send it that is gone when the answer is there; nobody waits
    ///                                     for the manager
    /// ```
    ///
    /// What is sent was also read by the manager when the answer is there, so that what it did about it can be looked
    /// at: a barrier comes after it.
    fn carry_out(&mut self, request: &[&str]) -> Result<String, Failure> {
        let outcome = match request {
            ["send", message, options @ ..] => self.send(message, options)?,
            ["datagram", message] => self.datagram(message)?,
            ["ready"] => self.notifier.ready()?,
            ["reloading"] => self.notifier.reloading()?,
            ["stopping"] => self.notifier.stopping()?,
            ["watchdog"] => self.notifier.watchdog()?,
            ["watchdog-trigger"] => self.notifier.watchdog_trigger()?,
            ["main-pid", pid] => self.notifier.main_pid(pid.parse()?)?,
            ["store", name] => {
                let end = self.connect()?;
                self.notifier.store_fds(FdName::new(name)?, &[end.as_fd()])?
            }
            ["replace", name] => {
                let end = self.connect()?;
                self.notifier.replace_fds(FdName::new(name)?, &[end.as_fd()])?
            }
            ["remove", name] => self.notifier.remove_fds(FdName::new(name)?)?,
            ["barrier"] => Outcome::Sent,
            ["released"] => return self.released(),
            ["hang-up"] => {
                self.ends.clear();
                return Ok(String::new());
            }
            ["passed"] => return Ok(self.passed.join(" ")),
            ["spawn", name] => return self.spawn(name),
            ["shout", message] => return shout(message),
            _ => return Err(format!("{request:?}: what is that?").into()),
        };
        self.notifier.barrier()?.ok_or("there is no manager")?.wait(PATIENCE)?;
        Ok(match outcome {
            Outcome::Sent => "sent",
            Outcome::SentAsSelf => "sent as self",
            Outcome::NoManager => "no manager",
        }
        .to_owned())
    }

    fn send(&mut self, message: &str, options: &[&str]) -> Result<Outcome, Failure> {
        let (mut pid, mut count) = (None, 0);
        for option in options {
            match option.split_once('=') {
                Some(("as", value)) => pid = Some(value.parse()?),
                Some(("fds", value)) => count = value.parse()?,
                _ => return Err(format!("{option}: what is that?").into()),
            }
        }
        let ends = (0..count).map(|_| self.connect()).collect::<Result<Vec<_>, _>>()?;
        let fds: Vec<_> = ends.iter().map(|end| end.as_fd()).collect();
        let message = unescape(message)?;
        Ok(self.notifier.send_with(Message::raw(&message)?, &Attachments { pid, insist: false, fds: &fds })?)
    }

    /// Sends what the library would not.
    fn datagram(&self, message: &str) -> Result<Outcome, Failure> {
        let path = self.notifier.address().and_then(readyup::Address::path).ok_or("the manager has no path")?;
        UnixDatagram::unbound()?.send_to(&unescape(message)?, std::ffi::OsStr::from_bytes(path))?;
        Ok(Outcome::Sent)
    }

    /// A connection, one end of which we keep. The other one is to be sent, and closed here.
    fn connect(&mut self) -> std::io::Result<UnixStream> {
        let (own, other) = UnixStream::pair()?;
        self.ends.push(own);
        Ok(other)
    }

    /// A connection ends when nobody holds its other end any more.
    fn released(&mut self) -> Result<String, Failure> {
        for mut end in self.ends.drain(..) {
            end.set_read_timeout(Some(PATIENCE))?;
            let count = end.read(&mut [0])?;
            assert_eq!(count, 0, "nobody has anything to say on these");
        }
        Ok("released".to_owned())
    }

    fn spawn(&mut self, name: &str) -> Result<String, Failure> {
        let child = Command::new(std::env::current_exe()?).args(["serve", name]).spawn()?;
        let pid = child.id().to_string();
        self.children.push(child);
        Ok(pid)
    }
}

/// A child sends the message, and is reaped.
fn shout(message: &str) -> Result<String, Failure> {
    let status = Command::new(std::env::current_exe()?).args(["leave", message]).status()?;
    if status.success() { Ok(String::new()) } else { Err(status.to_string().into()) }
}

/// Sends a message, and does not look back.
pub(crate) fn leave(message: &str) -> Result<String, Failure> {
    Notifier::from_env()?.send(Message::raw(&unescape(message)?)?)?;
    Ok(String::new())
}
