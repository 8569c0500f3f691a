//! One case with one program.

use crate::actor::{DIRECTORY, FOUND};
use crate::case::Case;
use crate::errand::{Bystander, gone};
use crate::labels::{Labels, pidfd_inode};
use crate::observation::{Datagram, Observation};
use crate::places::Places;
use crate::program::Program;
use crate::receiver::{Received, Receiver};
use crate::running::{Attended, Running};
use crate::sys::Setup;
use crate::text::replace;
use rustix::fd::{AsFd as _, AsRawFd as _};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a case with a program.
pub(crate) fn observe(case: &Case, program: &Program, places: &Places) -> Result<Observation, String> {
    run(case, program, places).map_err(|error| format!("could not be run: {error}"))
}

fn run(case: &Case, program: &Program, places: &Places) -> io::Result<Observation> {
    let directory = places.run()?;
    let directory = directory.path();
    let receiver = Receiver::bind(case.socket, directory)?;
    let mut labels = Labels::new();
    let mut words = vec![
        ("{dir}", directory.display().to_string()),
        ("{bin}", places.bin().display().to_string()),
        ("{socket}", receiver.address.clone()),
        ("{parent}", std::process::id().to_string()),
        ("{parent-inode}", pidfd_inode(rustix::process::getpid()).unwrap_or(0).to_string()),
    ];
    let bystander = if mentions(case, "{other}") { Some(Bystander::start(&places.bin())?) } else { None };
    if let Some(bystander) = &bystander {
        labels.add_process(bystander.process(), "<other>");
        words.push(("{other}", bystander.process().as_raw_nonzero().to_string()));
    }
    if mentions(case, "{dead}") {
        let process = gone(&places.bin())?;
        labels.add_process(process, "<dead>");
        words.push(("{dead}", process.as_raw_nonzero().to_string()));
    }

    let mut command = program.command();
    prepare(&mut command, case, &words, places, directory)?;
    let files = give_files(&mut command, case, directory, &mut labels)?;
    let mut running = Running::start(&mut command)?;
    drop(files);
    labels.add_process(running.process(), "<self>");
    for (output, label) in running.outputs().iter().zip(["its standard output", "its standard error"]) {
        if let Some(output) = output {
            labels.add_file(output, label);
        }
    }
    let mut datagrams = Vec::new();
    let mut kept = Vec::new();
    let attended = running.attend(case.signal, &receiver, directory, |received| {
        datagrams.push(datagram(&received, &labels));
        // To let go of the descriptors is to answer.
        if !case.answered {
            kept.push(received);
        }
    })?;
    let printed = printed_number(&attended.written[0]);
    if let Some(process) = printed {
        labels.add_id(process, "<printed>");
    }
    let found = read_found(directory, &words, &labels)?;
    Ok(observation(attended, datagrams, found, printed.is_some()))
}

fn mentions(case: &Case, word: &str) -> bool {
    case.arguments.iter().any(|argument| replace(argument, word.as_bytes(), b"") != *argument)
        || case.environment.iter().any(|(_, value)| value.as_ref().is_some_and(|value| value.contains(word)))
}

fn expand(text: &[u8], words: &[(&str, String)]) -> Vec<u8> {
    words.iter().fold(text.to_vec(), |text, (word, value)| replace(&text, word.as_bytes(), value.as_bytes()))
}

fn prepare(
    command: &mut Command,
    case: &Case,
    words: &[(&str, String)],
    places: &Places,
    directory: &Path,
) -> io::Result<()> {
    command.args(case.arguments.iter().map(|argument| OsStr::from_bytes(&expand(argument, words)).to_owned()));
    // Nothing of this process's own surroundings goes along.
    command.env_clear().env(DIRECTORY, directory).env("LANG", "C.UTF-8").env("NOTIFY_SOCKET", &words[2].1);
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", places.bin().display()));
    for (name, value) in &case.environment {
        match value {
            Some(value) => command.env(name, OsStr::from_bytes(&expand(value.as_bytes(), words))),
            None => command.env_remove(name),
        };
    }
    command.current_dir(if case.in_bin { places.bin() } else { directory.to_owned() });
    // A group of its own, so that all of it can be ended.
    command.process_group(0);
    if let Some(user) = case.user {
        command.uid(user).gid(user);
    }
    Ok(())
}

/// Gives it its descriptors. What is returned has to live until it was started.
fn give_files(command: &mut Command, case: &Case, directory: &Path, labels: &mut Labels) -> io::Result<Vec<File>> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    labels.add_file(&null, "/dev/null");
    command.stdin(null).stdout(Stdio::piped()).stderr(Stdio::piped());
    if case.stdin_is_a_file {
        let path = directory.join("input");
        std::fs::write(&path, "input\n")?;
        let file = File::open(path)?;
        labels.add_file(&file, "a file");
        command.stdin(file);
    }
    if case.full_stdout {
        command.stdout(File::options().write(true).open("/dev/full")?);
    }
    let mut files = Vec::new();
    let mut setup = Setup {
        closed: case.closed.clone(),
        ignored: case.ignored.iter().map(|signal| signal.as_raw()).collect(),
        blocked: case.blocked.iter().map(|signal| signal.as_raw()).collect(),
        ..Setup::default()
    };
    for &number in &case.inherited {
        let file = File::create_new(directory.join(format!("file-{number}")))?;
        labels.add_file(&file, &format!("file {number}"));
        setup.given.push((file.as_fd().as_raw_fd(), number));
        files.push(file);
    }
    setup.apply_to(command);
    Ok(files)
}

fn datagram(received: &Received, labels: &Labels) -> Datagram {
    let mut descriptors: Vec<String> =
        received.descriptors.iter().map(|descriptor| labels.file(descriptor.as_fd())).collect();
    descriptors.sort();
    Datagram {
        text: labels.text(&received.text),
        sender: labels.process(received.process).unwrap_or("<somebody>").to_owned(),
        owner: format!("{}:{}", received.user, received.group),
        descriptors,
    }
}

/// What the programs that it started have written down, in words that are the same each time.
fn read_found(directory: &Path, words: &[(&str, String)], labels: &Labels) -> io::Result<Vec<(String, String)>> {
    let text = match std::fs::read_to_string(directory.join(FOUND)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let session = crate::sys::group_and_session().1.to_string();
    let mut found = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once('\t').unwrap_or(("a line", line));
        let value = match key {
            "process" | "parent" | "group" => {
                let label = value.parse().ok().and_then(|process| labels.process(process));
                label.unwrap_or("<another>").to_owned()
            }
            "session" if value == session => "<the same>".to_owned(),
            "session" => "<another>".to_owned(),
            "variable NOTIFY_SOCKET" if value == words[2].1 => "as it was".to_owned(),
            "variable NOTIFY_SOCKET" if value.starts_with('@') => "another name".to_owned(),
            "variable NOTIFY_SOCKET" => "another path".to_owned(),
            _ if key.starts_with("descriptor ") => shown(&labels.link(value), words),
            _ => shown(value, words),
        };
        found.push((key.to_owned(), value));
    }
    Ok(found)
}

/// A text with what was replaced in arguments put back.
fn shown(value: &str, words: &[(&str, String)]) -> String {
    words[..2].iter().fold(value.to_owned(), |text, (word, value)| text.replace(value.as_str(), word))
}

fn observation(
    attended: Attended,
    datagrams: Vec<Datagram>,
    found: Vec<(String, String)>,
    number_printed: bool,
) -> Observation {
    let [stdout, stderr] = &attended.written;
    let seen = if attended.stopped { vec![("a signal".to_owned(), "stopped it".to_owned())] } else { Vec::new() };
    let some = |written: &[u8]| if written.is_empty() { "empty" } else { "something" }.to_owned();
    Observation {
        end: attended.end.unwrap_or_else(|| "not, and was killed".to_owned()),
        // Whose id the number is, shows in what the process of that id has found.
        stdout: if number_printed { "a number".to_owned() } else { some(stdout) },
        stderr: some(stderr),
        datagrams,
        found,
        seen,
    }
}

/// The number, if that and a newline is all that was written.
fn printed_number(written: &[u8]) -> Option<i32> {
    let digits = std::str::from_utf8(written).ok()?.strip_suffix('\n')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
