//! What is to be done, whether the command line says so or a unit file.

use readyup::manager::service::{Command, Config, Exit};
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A check, ready to be run.
#[derive(Debug)]
pub(super) struct Plan {
    /// The program and its arguments.
    pub(super) command: Vec<OsString>,
    /// What is added to the environment; after [`Plan::unset`].
    pub(super) environment: Vec<(OsString, OsString)>,
    /// What is taken out of it.
    pub(super) unset: Vec<String>,
    pub(super) directory: Option<PathBuf>,
    pub(super) commands: Commands,
    pub(super) config: Config,
    /// Whether to listen at an abstract address.
    pub(super) is_abstract: bool,
    /// What accepts connections once the service is ready.
    pub(super) port: Option<SocketAddr>,
    /// What to give to the service, already listening.
    pub(super) sockets: Vec<SocketSpec>,
    pub(super) reload: bool,
    /// A shell command after which a reload fails.
    pub(super) break_config: Option<String>,
    /// What to ask for so that the service hangs.
    pub(super) stall: Option<Url>,
    /// How long to watch after `READY=1`.
    pub(super) watch: Duration,
}

/// The commands of a unit file beside `ExecStart=`.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<(Command, Line)>);

/// One of the lines of a command, which are run one after the other, up to one that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The program and its arguments; `$MAINPID` stands for the main process.
    pub(super) words: Vec<String>,
    /// Whether it goes on if this fails.
    pub(super) may_fail: bool,
}

/// A socket, and the name that it has in `$LISTEN_FDNAMES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SocketSpec {
    pub(super) name: String,
    pub(super) address: SocketPlace,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SocketPlace {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// As much of a URL as is needed to ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// Where to connect to: one after the other.
    pub(super) addresses: Vec<SocketAddr>,
    /// Host and port, as they were written.
    pub(super) authority: String,
    pub(super) path: String,
}

impl Commands {
    /// Adds lines; none takes away those that there are, as an empty setting does.
    pub(super) fn add(&mut self, command: Command, lines: Vec<Line>) {
        if lines.is_empty() {
            self.0.retain(|(other, _)| *other != command);
        }
        self.0.extend(lines.into_iter().map(|line| (command, line)));
    }

    /// The lines of a command, in their order.
    pub(super) fn of(&self, command: Command) -> Vec<Line> {
        self.0.iter().filter(|(other, _)| *other == command).map(|(_, line)| line.clone()).collect()
    }

    pub(super) fn has(&self, command: Command) -> bool {
        self.0.iter().any(|(other, _)| *other == command)
    }

    pub(super) fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.0.iter_mut().map(|(_, line)| line)
    }

    /// Tells the state machine which there are.
    pub(super) fn announce(&self, config: &mut Config) {
        config.exec_start_pre = self.has(Command::StartPre);
        config.exec_start_post = self.has(Command::StartPost);
        config.exec_reload = self.has(Command::Reload);
        config.exec_stop = self.has(Command::Stop);
        config.exec_stop_post = self.has(Command::StopPost);
    }
}

impl Plan {
    /// Whether a command that ends so has done its work.
    pub(super) fn is_well(&self, exit: Exit) -> bool {
        exit == Exit::Code(0) || self.config.success_exit_status.contains(&exit)
    }

    /// How a person would write the command.
    pub(super) fn command_line(&self) -> String {
        let words: Vec<_> = self.command.iter().map(|word| word.to_string_lossy()).collect();
        crate::trace::event::printable(&words.join(" "))
    }
}

/// `PORT`, `HOST:PORT`.
pub(super) fn parse_port(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.replace("localhost:", "127.0.0.1:").parse().map_err(|_| "neither PORT nor ADDRESS:PORT".to_owned())
}

/// `NAME=ADDRESS`.
pub(super) fn parse_socket(text: &str) -> Result<SocketSpec, String> {
    let (name, address) = text.split_once('=').ok_or("not NAME=ADDRESS")?;
    readyup::FdName::new(name).map_err(|error| error.to_string())?;
    let address = if address.starts_with('/') {
        SocketPlace::Unix(address.into())
    } else {
        SocketPlace::Tcp(parse_port(address).map_err(|why| format!("{why} nor an absolute path"))?)
    };
    Ok(SocketSpec { name: name.to_owned(), address })
}

/// `NAME=VALUE`.
pub(super) fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not NAME=VALUE".to_owned()),
    }
}

/// `http://HOST[:PORT]/PATH`.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    let rest = text.strip_prefix("http://").ok_or("only http:// is known")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return Err("a URL has no spaces".to_owned());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| "the port is no number")?),
        _ => (authority, 80),
    };
    // The service runs on this machine. (A static program cannot ask for other names.)
    let hosts = match host.trim_matches(['[', ']']) {
        "localhost" => vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)],
        address => vec![address.parse().map_err(|_| "the host is neither localhost nor an address")?],
    };
    Ok(Url {
        addresses: hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect(),
        authority: authority.to_owned(),
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_places() {
        assert_eq!(parse_port("8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(parse_port("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(parse_port("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        let socket = parse_socket("http=/run/http").unwrap();
        assert_eq!((socket.name.as_str(), socket.address), ("http", SocketPlace::Unix("/run/http".into())));
        let url = parse_url("http://localhost:8080/stall?for=5").unwrap();
        assert_eq!((url.authority.as_str(), url.path.as_str()), ("localhost:8080", "/stall?for=5"));
        assert_eq!(url.addresses, ["127.0.0.1:8080".parse().unwrap(), "[::1]:8080".parse().unwrap()]);
        let url = parse_url("http://[::1]").unwrap();
        assert_eq!((url.addresses, url.path.as_str()), (vec!["[::1]:80".parse().unwrap()], "/"));
    }

    #[test]
    fn err_places() {
        for text in ["", "x", "70000", "host:80"] {
            assert!(parse_port(text).is_err(), "{text}");
        }
        for text in ["8080", "a:b=8080", "http=x"] {
            assert!(parse_socket(text).is_err(), "{text}");
        }
        for text in ["https://x/", "http://", "http://localhost:y/", "http://[::1]/a b", "http://x/"] {
            assert!(parse_url(text).is_err(), "{text}");
        }
    }
}
