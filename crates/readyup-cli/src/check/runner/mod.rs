//! Plays the manager: starts the service, listens, keeps the deadlines, asks for a reload and for the end.

mod effects;
mod look;
mod messages;
mod phases;

use super::plan::Plan;
use super::probe::{self, Socket};
use super::processes::Process;
use super::reaper::Reaper;
use super::timeline::{Event, Kind, Timeline, Who};
use crate::exit::Failure;
use phases::Phase;
use readyup::manager::Listener;
use readyup::manager::service::{ActiveState, Command, Exit, FdKey, Service};
use readyup::monotonic_now;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::Errno;
use std::collections::HashMap;
use std::time::Duration;

/// How often it is looked at what nobody tells: which processes there are, whether the port is open by now.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who is told what happens while it does.
pub(super) trait Observer {
    fn event(&mut self, event: &Event);
    /// Nothing happens, but time goes on.
    fn waiting(&mut self, waiting: &Waiting<'_>);
}

/// What is being waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<'a> {
    pub(super) what: &'a str,
    /// How long since the start.
    pub(super) at: Duration,
    /// Until when at the most, from the start.
    pub(super) until: Option<Duration>,
}

/// Runs the whole check.
pub(super) fn run(plan: &Plan, listener: &Listener, observer: &mut dyn Observer) -> Result<Timeline, Failure> {
    if let Some(port) = plan.port.filter(|port| probe::accepts(*port)) {
        let error = "something accepts connections there already, before the service is started";
        return Err(Failure::new(&format!("--port {port}"), &error));
    }
    let sockets: Vec<Socket> = plan
        .sockets
        .iter()
        .map(|spec| Socket::listen(spec).map_err(|error| Failure::new(&format!("the socket {}", spec.name), &error)))
        .collect::<Result<_, _>>()?;
    let reaper = Reaper::new().map_err(|error| Failure::new("catching signals", &error))?;
    let mut runner = Runner {
        plan,
        listener,
        observer,
        service: Service::new(plan.config.clone()),
        timeline: Timeline { origin: monotonic_now(), ..Timeline::default() },
        sockets,
        reaper,
        phase: Phase::Start,
        children: Vec::new(),
        line: None,
        main_exit: None,
        helper: None,
        stored: HashMap::new(),
        next_key: 0,
        senders: HashMap::new(),
        heirs: HashMap::new(),
        port_is_open: None,
        reloads: 0,
        reloading_since: None,
        failure: None,
        diagnosed: false,
    };
    let now = monotonic_now();
    let effects = runner.service.start(now);
    runner.carry_out(effects);
    runner.run()?;
    Ok(std::mem::take(&mut runner.timeline))
}

/// A sender that is not the main process.
struct Sender {
    who: Who,
    pidfd: Option<OwnedFd>,
    /// What it said since it last waited until everything was read.
    keys: Vec<String>,
    last: Duration,
}

struct Runner<'a> {
    plan: &'a Plan,
    listener: &'a Listener,
    observer: &'a mut dyn Observer,
    service: Service,
    timeline: Timeline,
    sockets: Vec<Socket>,
    reaper: Reaper,
    phase: Phase,
    /// The processes of the service at the last look, without our own helper.
    children: Vec<Process>,
    /// What the control process runs: a command, and which of its lines.
    line: Option<(Command, usize)>,
    main_exit: Option<Exit>,
    /// The command of `--break-config` while it runs.
    helper: Option<u32>,
    stored: HashMap<FdKey, OwnedFd>,
    next_key: u64,
    senders: HashMap<u32, Sender>,
    /// Who inherits the socket, since when that is known, and whether it was said.
    heirs: HashMap<u32, (Duration, bool)>,
    /// What is known of the port since `READY=1`.
    port_is_open: Option<bool>,
    reloads: usize,
    /// Since when it has said that it reloads, and not that it has.
    reloading_since: Option<Duration>,
    failure: Option<Failure>,
    /// Whether it was looked for why nothing comes.
    diagnosed: bool,
}

impl Runner<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            // First what was said, as the sender may be gone next.
            self.receive()?;
            self.reap();
            self.look();
            self.on_deadline();
            self.advance();
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.is_over() {
                // What was said last.
                self.receive()?;
                self.timeline.result = Some(self.service.result());
                return Ok(());
            }
            self.wait()?;
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.service.active_state(), ActiveState::Inactive | ActiveState::Failed)
    }

    fn record(&mut self, kind: Kind) {
        let event = Event { at: monotonic_now().saturating_sub(self.timeline.origin), kind };
        self.observer.event(&event);
        self.timeline.events.push(event);
    }

    /// Waits until something happens, or it is time for something.
    fn wait(&mut self) -> Result<(), Failure> {
        let now = monotonic_now();
        let until = match &self.phase {
            Phase::Watch { until } | Phase::Settle { until, .. } | Phase::Stall { until, .. } => Some(*until),
            _ => None,
        };
        let what = match self.phase {
            Phase::Start => "READY=1",
            Phase::Watch { .. } => "what else it says",
            Phase::Reload { .. } | Phase::Settle { .. } => "the end of the reload",
            Phase::Break => "the command of --break-config",
            Phase::Stall { .. } => "what it says while it hangs",
            Phase::Stop => "its end",
        };
        let since_start = |at: Duration| at.saturating_sub(self.timeline.origin);
        let end = until.or(self.service.deadline()).map(since_start);
        self.observer.waiting(&Waiting { what, at: since_start(now), until: end });
        let next = self.service.deadline().into_iter().chain(until).map(|at| at.saturating_sub(now));
        let limit = next.min().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        let timeout = Timespec::try_from(limit).ok();
        let gone = self.senders.values().filter(|sender| !sender.keys.is_empty());
        let mut fds = vec![
            PollFd::new(self.listener, PollFlags::IN),
            PollFd::from_borrowed_fd(self.reaper.as_fd(), PollFlags::IN),
        ];
        fds.extend(gone.filter_map(|sender| sender.pidfd.as_ref()).map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Failure::new("waiting", &errno)),
        }
    }
}

/// Leaves nothing behind, whatever happened.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        self.kill_everything();
    }
}
