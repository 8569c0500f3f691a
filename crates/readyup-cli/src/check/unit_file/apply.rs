//! What the settings say.

use super::{Setting, parse, specifiers, words};
use crate::check::plan::{Commands, Line};
use crate::check::{signals, time_span};
use readyup::NotifyAccess;
use readyup::manager::service::{Command, Config, Exit, FdStorePreserve, KillMode, ServiceType, TimeoutFailureMode};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a unit file says that matters here.
#[derive(Debug)]
pub(in crate::check) struct FromUnit {
    pub(in crate::check) config: Config,
    pub(in crate::check) command: Vec<String>,
    pub(in crate::check) commands: Commands,
    pub(in crate::check) environment: Vec<(String, String)>,
    pub(in crate::check) unset: Vec<String>,
    pub(in crate::check) directory: Option<PathBuf>,
    /// What is not taken into account, each a line for people.
    pub(in crate::check) remarks: Vec<String>,
}

/// Why a setting does nothing.
enum Problem {
    /// Its value cannot be read. systemd would ignore it, too.
    Value(String),
    /// It is none that matters here.
    Unused,
}

/// Settings of [Service] that change nothing about what a service says.
const WITHOUT_EFFECT: [&str; 14] = [
    "Restart",
    "RestartSec",
    "RestartSteps",
    "RestartMaxDelaySec",
    "RestartPreventExitStatus",
    "RestartForceExitStatus",
    "StandardInput",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
    "SyslogFacility",
    "Slice",
    "BusName",
    "PIDFile",
];

pub(in crate::check) fn read(path: &Path) -> io::Result<FromUnit> {
    Ok(from_text(&std::fs::read_to_string(path)?, path))
}

fn from_text(text: &str, path: &Path) -> FromUnit {
    let (settings, remarks) = parse(text);
    let mut unit = FromUnit {
        config: Config::new(ServiceType::Simple),
        command: Vec::new(),
        commands: Commands::default(),
        environment: Vec::new(),
        unset: Vec::new(),
        directory: None,
        remarks,
    };
    for setting in settings.iter().filter(|setting| setting.section == "Service") {
        let result = specifiers::expand(&setting.value, path)
            .map_err(Problem::Value)
            .and_then(|value| unit.apply(setting, &value));
        match result {
            Ok(()) => {}
            Err(Problem::Value(why)) => unit.remarks.push(format!("line {}: {}=: {why}", setting.line, setting.key)),
            Err(Problem::Unused) => {
                unit.remarks.push(format!("line {}: {}= is not taken into account", setting.line, setting.key));
            }
        }
    }
    let environment = unit.environment.clone();
    let value = |name: &str| {
        if name == "MAINPID" {
            return Some("$MAINPID".to_owned());
        }
        let own = environment.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var(name).ok())
    };
    unit.command = words::substitute(unit.command, &value);
    for line in unit.commands.lines_mut() {
        line.words = words::substitute(std::mem::take(&mut line.words), &value);
    }
    unit.commands.announce(&mut unit.config);
    unit
}

impl FromUnit {
    fn apply(&mut self, setting: &Setting, value: &str) -> Result<(), Problem> {
        let config = &mut self.config;
        match setting.key.as_str() {
            "Type" => {
                config.service_type = match value {
                    "simple" | "idle" => ServiceType::Simple,
                    "exec" => ServiceType::Exec,
                    "notify" => ServiceType::Notify,
                    "notify-reload" => ServiceType::NotifyReload,
                    "forking" | "oneshot" | "dbus" => {
                        return Err(Problem::Value(format!("a service of type {value} says nothing of READY=1")));
                    }
                    _ => return Err(unreadable(value)),
                }
            }
            "NotifyAccess" => {
                let all = [NotifyAccess::None, NotifyAccess::Main, NotifyAccess::Exec, NotifyAccess::All];
                let access = all.into_iter().find(|access| access.as_str() == value);
                config.notify_access = access.ok_or_else(|| unreadable(value))?;
            }
            "WatchdogSec" => config.watchdog = limit(value)?,
            "TimeoutStartSec" => config.timeout_start = limit(value)?,
            "TimeoutStopSec" => config.timeout_stop = limit(value)?,
            "TimeoutSec" => (config.timeout_start, config.timeout_stop) = (limit(value)?, limit(value)?),
            "TimeoutAbortSec" => config.timeout_abort = limit(value)?,
            "RuntimeMaxSec" => config.runtime_max = limit(value)?,
            "TimeoutStartFailureMode" => config.timeout_start_failure_mode = failure_mode(value)?,
            "TimeoutStopFailureMode" => config.timeout_stop_failure_mode = failure_mode(value)?,
            "FileDescriptorStoreMax" => config.fd_store_max = value.parse().map_err(|_| unreadable(value))?,
            "FileDescriptorStorePreserve" => {
                config.fd_store_preserve = match value {
                    "restart" => FdStorePreserve::Restart,
                    _ if boolean(value)? => FdStorePreserve::Yes,
                    _ => FdStorePreserve::No,
                }
            }
            "RemainAfterExit" => config.remain_after_exit = boolean(value)?,
            "SendSIGHUP" => config.send_sighup = boolean(value)?,
            "SendSIGKILL" => config.send_sigkill = boolean(value)?,
            "KillSignal" => config.kill_signal = signal(value)?,
            "FinalKillSignal" => config.final_kill_signal = signal(value)?,
            "WatchdogSignal" => config.watchdog_signal = signal(value)?,
            "ReloadSignal" => config.reload_signal = signal(value)?,
            "KillMode" => {
                config.kill_mode = match value {
                    "control-group" => KillMode::ControlGroup,
                    "mixed" => KillMode::Mixed,
                    "process" => KillMode::Process,
                    "none" => KillMode::None,
                    _ => return Err(unreadable(value)),
                }
            }
            "SuccessExitStatus" => {
                for word in value.split_ascii_whitespace() {
                    let exit = word.parse().ok().map(Exit::Code).or_else(|| signals::parse(word).map(Exit::Signal));
                    config.success_exit_status.push(exit.ok_or_else(|| unreadable(word))?);
                }
            }
            "ExecStart" => {
                let mut lines = lines(value)?;
                let is_second = !self.command.is_empty() && !lines.is_empty();
                self.command = lines.pop().map(|line| line.words).unwrap_or_default();
                if is_second || !lines.is_empty() {
                    return Err(Problem::Value("systemd refuses a service of this type that has several".to_owned()));
                }
            }
            "ExecStartPre" => self.commands.add(Command::StartPre, lines(value)?),
            "ExecStartPost" => self.commands.add(Command::StartPost, lines(value)?),
            "ExecReload" => self.commands.add(Command::Reload, lines(value)?),
            "ExecStop" => self.commands.add(Command::Stop, lines(value)?),
            "ExecStopPost" => self.commands.add(Command::StopPost, lines(value)?),
            "Environment" => {
                if value.is_empty() {
                    self.environment.clear();
                }
                for word in words::split(value).map_err(Problem::Value)? {
                    let (name, value) = word.split_once('=').ok_or_else(|| unreadable(&word))?;
                    self.environment.push((name.to_owned(), value.to_owned()));
                }
            }
            "EnvironmentFile" => self.read_environment(value)?,
            "UnsetEnvironment" => self.unset.extend(words::split(value).map_err(Problem::Value)?),
            "WorkingDirectory" => {
                let path = value.strip_prefix('-').unwrap_or(value);
                let home = if path == "~" { std::env::var("HOME").ok() } else { None };
                self.directory = Some(PathBuf::from(home.as_deref().unwrap_or(path))).filter(|_| !path.is_empty());
            }
            key if WITHOUT_EFFECT.contains(&key) => {}
            _ => return Err(Problem::Unused),
        }
        Ok(())
    }

    fn read_environment(&mut self, value: &str) -> Result<(), Problem> {
        let (path, may_lack) = value.strip_prefix('-').map_or((value, false), |path| (path, true));
        match std::fs::read_to_string(path) {
            Ok(text) => {
                for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
                {
                    let (name, value) = line.split_once('=').ok_or_else(|| unreadable(line))?;
                    let value = words::split(value).map_err(Problem::Value)?.join(" ");
                    self.environment.push((name.trim().to_owned(), value));
                }
                Ok(())
            }
            Err(_) if may_lack => Ok(()),
            Err(error) => Err(Problem::Value(format!("{path}: {error}"))),
        }
    }
}

fn unreadable(value: &str) -> Problem {
    Problem::Value(format!("{value:?} cannot be read"))
}

/// Commands. Each program may have marks in front that change how it is run.
fn lines(value: &str) -> Result<Vec<Line>, Problem> {
    let commands = words::split_commands(value).map_err(Problem::Value)?;
    Ok(commands.into_iter().map(line).collect())
}

fn line(mut words: Vec<String>) -> Line {
    let mut may_fail = false;
    if let Some(program) = words.first_mut() {
        let marks = program.len() - program.trim_start_matches(['@', '-', ':', '+', '!', '|']).len();
        let names_itself = program[..marks].contains('@');
        may_fail = program[..marks].contains('-');
        program.drain(..marks);
        if names_itself && words.len() > 1 {
            // The name that the program is to see. It gets its own.
            words.remove(1);
        }
    }
    Line { words, may_fail }
}

/// A time limit, for which 0 is none.
fn limit(value: &str) -> Result<Option<Duration>, Problem> {
    let limit = time_span::parse(value).ok_or_else(|| unreadable(value))?;
    Ok(limit.filter(|limit| !limit.is_zero()))
}

fn signal(value: &str) -> Result<i32, Problem> {
    signals::parse(value).ok_or_else(|| unreadable(value))
}

fn boolean(value: &str) -> Result<bool, Problem> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Ok(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Ok(false),
        _ => Err(unreadable(value)),
    }
}

fn failure_mode(value: &str) -> Result<TimeoutFailureMode, Problem> {
    match value {
        "terminate" => Ok(TimeoutFailureMode::Terminate),
        "abort" => Ok(TimeoutFailureMode::Abort),
        "kill" => Ok(TimeoutFailureMode::Kill),
        _ => Err(unreadable(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_everything_that_counts() {
        let unit = from_text(
            "[Unit]\nDescription=x\n[Service]\nType=notify-reload\nExecStart=@-/usr/bin/web web --name %p \\\n  \"$A B\" $LIST \
             ${A}\nEnvironment=A=1 'LIST=x y'\nWatchdogSec=2min\nTimeoutStartSec=0\nTimeoutStopSec=5\nNotifyAccess=all\n\
             FileDescriptorStoreMax=3\nKillSignal=SIGQUIT\nReloadSignal=USR1\nKillMode=mixed\nSuccessExitStatus=143 SIGUSR1\n\
             ExecReload=/bin/kill -HUP $MAINPID\nWorkingDirectory=/srv\nRestart=always\nExecStartPre=x\nExecStartPre=\n\
             ExecStartPre=a $A ; -b\nExecStartPre=-+/c\n",
            Path::new("/x/web@1.service"),
        );
        assert_eq!(unit.remarks, [""; 0]);
        assert_eq!(unit.command, ["/usr/bin/web", "--name", "web", "$A B", "x", "y", "1"]);
        let line = |words: &[&str], may_fail| Line { words: words.iter().map(ToString::to_string).collect(), may_fail };
        assert_eq!(unit.commands.of(Command::Reload), [line(&["/bin/kill", "-HUP", "$MAINPID"], false)]);
        let pre = [line(&["a", "1"], false), line(&["b"], true), line(&["/c"], true)];
        assert_eq!(unit.commands.of(Command::StartPre), pre);
        assert_eq!(unit.directory, Some("/srv".into()));
        let mut config = Config::new(ServiceType::NotifyReload);
        config.watchdog = Some(Duration::from_secs(120));
        config.timeout_start = None;
        config.timeout_stop = Some(Duration::from_secs(5));
        config.notify_access = NotifyAccess::All;
        config.fd_store_max = 3;
        config.kill_signal = libc::SIGQUIT;
        config.reload_signal = libc::SIGUSR1;
        config.kill_mode = KillMode::Mixed;
        config.success_exit_status = vec![Exit::Code(143), Exit::Signal(libc::SIGUSR1)];
        (config.exec_reload, config.exec_start_pre) = (true, true);
        assert_eq!(unit.config, config);
    }

    #[test]
    fn ok_remarks() {
        let unit = from_text(
            "[Service]\nType=forking\nUser=web\nExecCondition=x\nWatchdogSec=soon\nKillSignal=SIGX\nExecStart=a %q\n\
             ExecStart=x\nExecStart=y\n",
            Path::new("/x/web.service"),
        );
        assert_eq!(
            unit.remarks,
            [
                "line 2: Type=: a service of type forking says nothing of READY=1",
                "line 3: User= is not taken into account",
                "line 4: ExecCondition= is not taken into account",
                "line 5: WatchdogSec=: \"soon\" cannot be read",
                "line 6: KillSignal=: \"SIGX\" cannot be read",
                "line 7: ExecStart=: %q is not known here",
                "line 9: ExecStart=: systemd refuses a service of this type that has several",
            ]
        );
    }
}
