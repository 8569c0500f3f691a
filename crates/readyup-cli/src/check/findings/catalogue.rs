//! Every finding there can be. The ids are for scripts and stay as they are.

/// What there is to say of a finding, whatever was seen.
#[derive(Debug)]
pub(in crate::check) struct Rule {
    pub(in crate::check) id: &'static str,
    /// What is checked, as the name of a test that passes.
    pub(in crate::check) title: &'static str,
    /// Why it matters.
    pub(in crate::check) why: &'static str,
    /// What mends it.
    pub(in crate::check) fix: &'static str,
    /// What must have been asked for.
    pub(in crate::check) needs: Needs,
    /// What else there is to know.
    pub(in crate::check) more: &'static str,
}

/// When a rule says something at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Needs {
    Nothing,
    Port,
    Socket,
    Watchdog,
    Stall,
    Reload,
    BrokenReload,
}

/// The rule of that name.
pub(in crate::check) fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

macro_rules! rules {
    ($($id:literal $needs:ident $title:literal why $why:literal fix $fix:literal more $more:literal)*) => {
        &[$(Rule { id: $id, title: $title, why: $why, fix: $fix, needs: Needs::$needs, more: $more }),*]
    };
}

/// In the order in which they matter in a service's life.
pub(in crate::check) const RULES: &[Rule] = rules! {
    "never-ready" Nothing "says READY=1 in time"
        why "systemctl start waits until TimeoutStartSec= is over, and then the service is killed and has failed"
        fix "say READY=1 once start-up is over, by readyup's ready() or sd_notify(); or use Type=exec for a program that cannot"
        more "Nothing came that a manager would take for READY=1 before the time for starting was over. Either the program
does not speak the protocol at all, which `readyup trace -- CMD` shows as well, or it does so only when told to by an
option of its own (`--supervised systemd` for Redis, a build with libsystemd for others), or start-up takes longer than
TimeoutStartSec=. In that case say EXTEND_TIMEOUT_USEC= while it goes on, or raise the limit."

    "environment-lost" Nothing "keeps $NOTIFY_SOCKET"
        why "without the variable a program knows of no manager, and says nothing"
        fix "start the program itself, or have the wrapper keep NOTIFY_SOCKET (sudo --preserve-env=NOTIFY_SOCKET; no env -i)"
        more "READY=1 did not come, and a process of the service runs with an environment that has no NOTIFY_SOCKET, or another
one. sudo, su, env -i, many supervisors and all container runtimes clean the environment. systemd can do what such
wrappers are used for: User=, Environment=, UnsetEnvironment=."

    "socket-hidden" Nothing "sees the notify socket's file"
        why "a message to a path that is not there goes nowhere"
        fix "make the socket's directory visible to the service: BindPaths=/run/systemd/notify, or -v in a container"
        more "READY=1 did not come, and a process of the service runs in a mount namespace or a changed root in which there is
no notify socket at the path of NOTIFY_SOCKET. Containers and sandboxes do so unless told to mount it."

    "start-failed" Nothing "starts"
        why "the unit has failed"
        fix "look at what it wrote before it ended"
        more "The main process ended with an exit status other than 0, or by a signal, before it said READY=1."

    "command-failed" Nothing "has commands that do their work"
        why "the unit has failed: if ExecStartPre= or ExecStartPost= fails, the service is not started, or stopped again"
        fix "look at what the command wrote; a - in front of it lets it fail"
        more "A command of ExecStartPre=, ExecStartPost=, ExecStop= or ExecStopPost= ended with an exit status other than 0, or by
a signal. systemd runs the lines of each one after the other, up to the first that fails. For ExecReload= see `reload-failed`."

    "exited-before-ready" Nothing "goes on running until it says READY=1"
        why "to Type=notify an end without READY=1 is a failure (result: protocol), even with exit status 0"
        fix "say READY=1 before it ends, or use Type=oneshot for a program that does its work and is done"
        more "The main process ended with exit status 0 and had not said READY=1. Where a wrapper ends that has started the
service in the background, see `daemonized`."

    "daemonized" Nothing "stays in the foreground"
        why "systemd follows the process that it started; when that ends, it kills what is left"
        fix "run it in the foreground (an option such as --foreground, --nodaemon or -D), or have the new process send MAINPID= first"
        more "The main process ended before READY=1, and left processes behind. That is how daemons went to the background
before there were service managers. With Type=notify the process that is started is the service. A program that cannot
do without says MAINPID= (as root or from the old main process) before the old process ends."

    "wrong-sender" Nothing "speaks from a process that is believed"
        why "systemd drops the message, with a line in its debug log at the most"
        fix "NotifyAccess=all; or have the main process speak: `exec` the program at the end of a script"
        more "Under NotifyAccess=main, which is what holds unless a unit says otherwise, only the main process is heard: the one
that ExecStart= started, or that MAINPID= named. Programs that are started by a shell, by npm or by another launcher are
its children. `exec` makes the program the main process; NotifyAccess=all listens to every process of the unit."

    "hurried-away" Nothing "waits until its messages are read"
        why "systemd looks the sender up when it reads the message, and loses those that are gone by then: about one in five"
        fix "end with a barrier, as `readyup ready` and systemd-notify without --no-block do, or send from a process that stays"
        more "A process that is not the main process sent something and ended at once. To find out which unit a message is for,
systemd reads the sender's cgroup from /proc, which works only as long as there is such a process. `systemd-notify
--no-block`, socat and one-liners in Python or Node behave so. sd_notify_barrier() waits until everything was read."

    "second-speaker" Nothing "speaks with one voice"
        why "a process that inherited NOTIFY_SOCKET changes the state of the whole service"
        fix "take NOTIFY_SOCKET out of the environment of children (readyup and sd_notify(1, …) can do so), or NotifyAccess=main"
        more "The main process says itself when it is ready, and yet another process sent READY=1, RELOADING=1, STOPPING=1 or
MAINPID= and was believed. Programs that notify do so whenever they find NOTIFY_SOCKET, and children inherit it."

    "socket-inherited" Nothing "keeps $NOTIFY_SOCKET to itself"
        why "whatever such a child starts can speak in the service's name"
        fix "take NOTIFY_SOCKET and WATCHDOG_PID out of the environment once they have been read"
        more "The main process has said READY=1 itself, and a child that runs a program of its own was started with
NOTIFY_SOCKET. With NotifyAccess=all it would be believed; otherwise it can only fill the log."

    "ready-before-listen" Port "listens when it says READY=1"
        why "what is ordered after the unit starts at READY=1, connects, and is refused"
        fix "say READY=1 when listen() has succeeded: in the callback of server.listen(), after TcpListener::bind()"
        more "At the moment at which READY=1 was received nothing accepted connections at the port. The kernel queues connections
from listen() on, so that it need not call accept() yet."

    "socket-ignored" Socket "accepts connections at the sockets that it is given"
        why "connections to the socket unit wait for ever"
        fix "take the sockets from descriptor 3 on (LISTEN_FDS, LISTEN_PID): listenFds(), listen_fds(), sd_listen_fds(3)"
        more "A connection to the socket was not accepted within a second after READY=1. Programs that know nothing of socket
activation open a socket of their own, and leave descriptor 3 alone."

    "watchdog-never" Watchdog "says WATCHDOG=1"
        why "after WatchdogSec= systemd kills the service with SIGABRT"
        fix "say WATCHDOG=1 every half of WATCHDOG_USEC, or leave WatchdogSec= away"
        more "The unit has a watchdog, and the service never said WATCHDOG=1. The first is due one period after READY=1."

    "watchdog-late" Watchdog "says WATCHDOG=1 in time"
        why "systemd kills the service with SIGABRT"
        fix "ping every half of WATCHDOG_USEC, which is read from the environment rather than written into the program"
        more "A gap between two pings was longer than the watchdog's period."

    "watchdog-tight" Watchdog "says WATCHDOG=1 with time to spare"
        why "a moment of load makes it late, and a healthy service is killed"
        fix "ping every half of WATCHDOG_USEC"
        more "A gap between two pings was longer than half of the watchdog's period, which is what sd_watchdog_enabled(3)
recommends. Programs built on sd-event ping between half and three quarters of it, and are told so here, too."

    "watchdog-blind" Stall "stops its pings when it hangs"
        why "the watchdog never bites: the service hangs, and systemd thinks that it is well"
        fix "send the ping from what does the work (the event loop, the worker after a job), not from a thread or timer beside it"
        more "While a request made the service hang, pings went on. A watchdog is worth as much as its ping says. In Node a timer
of the event loop is right; in a program of several threads the ping belongs behind a look at whether the work goes on."

    "stall-answered" Stall "hangs when asked to"
        why "it was not seen whether its pings depend on its health"
        fix "give --stall-check a URL whose handler blocks for two watchdog periods or more"
        more "The request of --stall-check was answered, or refused, before it was known whether pings go on."

    "watchdog-triggered" Nothing "does not trigger its own watchdog"
        why "WATCHDOG=trigger means that the service found itself broken; systemd kills it"
        fix "look for the reason in what it wrote"
        more "The service itself said WATCHDOG=trigger."

    "reload-kills" Reload "survives the reload signal"
        why "systemctl reload ends the service"
        fix "handle the signal before READY=1, or set ReloadSignal= to one that it handles"
        more "The main process ended by the reload signal, whose default is to kill. With Type=notify-reload SIGHUP is sent
unless ReloadSignal= says otherwise."

    "reload-signal-unhandled" Nothing "handles the reload signal"
        why "from systemd 262 on READY=1 is not taken then, and the service fails; before, the first reload kills it"
        fix "handle the signal before READY=1, or use Type=notify"
        more "Under Type=notify-reload READY=1 came from a service whose main process does not handle ReloadSignal=."

    "reload-without-time" Reload "sends MONOTONIC_USEC= with RELOADING=1"
        why "systemd does not take RELOADING=1 without it, and the reload fails after TimeoutStartSec="
        fix "send RELOADING=1 and MONOTONIC_USEC= in one message: readyup's reloading(), `readyup reloading`"
        more "With Type=notify-reload systemd has to know that the RELOADING=1 is for the signal that it sent just now, and not for
an earlier one. So there must be the time of CLOCK_MONOTONIC, in microseconds, in the same message."

    "reload-split" Reload "sends RELOADING=1 and MONOTONIC_USEC= in one message"
        why "each message is taken alone: RELOADING=1 without its time does not count"
        fix "send one datagram: sd_notify(0, \"RELOADING=1\\nMONOTONIC_USEC=…\")"
        more "RELOADING=1 and MONOTONIC_USEC= both came, and each in a datagram of its own."

    "reload-wrong-clock" Reload "takes MONOTONIC_USEC= from CLOCK_MONOTONIC"
        why "systemd compares it with its own CLOCK_MONOTONIC; a time of another clock is before the request, or proves nothing"
        fix "clock_gettime(CLOCK_MONOTONIC) in microseconds; process.hrtime() in Node, time.monotonic_ns() // 1000 in Python"
        more "The time is not between the start of the check and the moment at which it came. A wall clock gives much larger
numbers, which systemd takes today although they mean nothing; milliseconds, or a time since the program's start, give
smaller ones, which it does not take."

    "reload-too-early" Reload "takes the time of RELOADING=1 after the signal"
        why "systemd takes it for the answer to an earlier request, and the reload fails after TimeoutStartSec="
        fix "read the clock in the handler of the signal, just before RELOADING=1 is sent"
        more "MONOTONIC_USEC= is of the right clock, but from before the reload signal was sent."

    "reload-ignored" Reload "answers the reload signal with RELOADING=1"
        why "systemctl reload waits until TimeoutStartSec= is over, and fails"
        fix "send RELOADING=1 with MONOTONIC_USEC= when the signal comes, and READY=1 when it is done; or use Type=notify"
        more "The signal was sent, and no RELOADING=1 came."

    "reload-unfinished" Nothing "says READY=1 after a reload"
        why "systemctl reload waits until TimeoutStartSec= is over, and fails"
        fix "say READY=1 at the end of each reload"
        more "RELOADING=1 came, and no READY=1 after it."

    "reload-failure-unfinished" BrokenReload "says READY=1 after a reload that fails, too"
        why "a mistake in the configuration makes systemctl reload hang until TimeoutStartSec= is over"
        fix "say READY=1 with STATUS= and ERRNO= in the path of the error, too; the service goes on with what it had"
        more "After --break-config a reload began and did not end. READY=1 says that the service runs, not that the new
configuration is good. (By EXIT_STATUS or STATUS= the reason can be told.)"

    "reload-failed" Reload "reloads"
        why "systemctl reload fails"
        fix "look at what ExecReload= wrote"
        more "The command of ExecReload= failed or did not end, or the service ended during the reload."

    "dropped-too-long" Nothing "sends at most 4096 bytes"
        why "systemd drops a longer message as a whole, with its descriptors"
        fix "shorten STATUS=, or send several messages"
        more "Exactly 4096 bytes are taken."

    "dropped-nul" Nothing "sends no NUL bytes"
        why "systemd drops the message as a whole"
        fix "send the text's length, without a C string's end; one NUL at the very end is forgiven"
        more "A message with a NUL byte inside is dropped."

    "dropped-no-pid" Nothing "can be told who sends"
        why "systemd drops what it cannot attribute to a process"
        fix "send from inside the service; or have the manager run in a pid namespace from which the sender can be seen"
        more "A message came without credentials, or from a process that has no pid where the manager is. A manager sees the
processes of its own pid namespace and of those below it, and not those outside: if `readyup check` itself runs in a
container, nobody outside can speak for the service."

    "dropped-control" Nothing "sends as many descriptors as can be received"
        why "the message is dropped as a whole, with READY=1 if that is in it"
        fix "send fewer descriptors at once; raise the limit of the one who receives (ulimit -n) if they are needed"
        more "Not all of the descriptors that came with a message could be received. More than 253 the kernel does not send at all.
Of those that it does, it cuts off what the receiver may not have open, by its RLIMIT_NOFILE; systemd's own is high, and a
shell's is 1024 at times. What is in the fd store counts."

    "barrier-not-alone" Nothing "sends BARRIER=1 alone"
        why "systemd ignores everything in the message"
        fix "send BARRIER=1 in a message of its own, or let sd_notify_barrier() do it"
        more "BARRIER=1 must be the only line of its message."

    "barrier-descriptors" Nothing "sends BARRIER=1 with one descriptor"
        why "nobody can answer; systemd drops the message"
        fix "send the write end of a pipe with it, and close your own; or let sd_notify_barrier() do it"
        more "A barrier is answered by closing the descriptor that came with it. There must be exactly one."

    "newline-in-value" Nothing "sends no line breaks inside of a value"
        why "the rest of the text is taken for assignments: a status from outside can say STOPPING=1 or MAINPID="
        fix "remove line breaks from the text; readyup refuses them"
        more "A line that is no assignment follows another one, so that a value seems to have had a newline or a carriage return
in it. systemd takes both for the end of a line."

    "bad-line" Nothing "sends KEY=VALUE lines"
        why "systemd ignores the line"
        fix "KEY=VALUE, each on a line of its own"
        more "A line has no = in it."

    "bad-value" Nothing "gives values that can be read"
        why "systemd ignores the assignment"
        fix "READY=1, not READY=yes; numbers in decimal digits; times in microseconds"
        more "Flags must be exactly 1, numbers must be numbers."

    "status-not-utf8" Nothing "sends STATUS= as UTF-8"
        why "systemd clears the status text instead"
        fix "encode the text as UTF-8"
        more "STATUS= is for people, and systemd shows only UTF-8."

    "unknown-key" Nothing "sends keys that a manager knows"
        why "systemd ignores it"
        fix "mind the spelling; keys of your own begin with X_ and a name of yours"
        more "No version of systemd knows the key. If it stands behind a STATUS= in the same message, the text may have had a
newline in it."

    "key-twice" Nothing "sends a key once in a message"
        why "only the first one counts"
        fix "send it once; if it is STATUS=, its text may have had a newline in it"
        more "systemd reads the first line of a key."

    "newer-key" Nothing "sends keys that this systemd knows"
        why "this version of systemd ignores it"
        fix "do without, or require the newer version"
        more "The key came with a later version than the one given by --systemd."

    "store-full" Nothing "has room in its fd store"
        why "systemd closes the descriptor, and after a restart it is missing"
        fix "FileDescriptorStoreMax= with as many as it stores; it is 0 unless a unit says otherwise"
        more "FDSTORE=1 came with more descriptors than FileDescriptorStoreMax= has room for. sd_notify() succeeds all the same.
$FDSTORE tells a service how many there may be."

    "store-nothing" Nothing "sends descriptors with FDSTORE=1"
        why "nothing is stored"
        fix "pass the descriptors: sd_pid_notify_with_fds(), storeFds()"
        more "FDSTORE=1 came without a descriptor."

    "descriptors-unclaimed" Nothing "sends descriptors only with FDSTORE=1"
        why "systemd closes them"
        fix "add FDSTORE=1, or don't send them"
        more "Descriptors came with a message that does not ask to keep them."

    "store-name" Nothing "names what it stores"
        why "the descriptors come back as \"stored\", or are not removed"
        fix "FDNAME= of 1 to 255 printable ASCII characters without a colon"
        more "FDNAME= cannot be a name, or is missing from FDSTOREREMOVE=1."

    "main-pid-refused" Nothing "names a main process that can be one"
        why "systemd goes on following the old one"
        fix "name a living process of the unit"
        more "MAINPID= must name a process that lives, is not process 1, and belongs to the unit (unless root says it)."

    "main-pid-foreign" Nothing "names a main process that is the manager's child"
        why "systemd is not told how it ends: the unit stays active without it; systemctl stop may kill it right after KillSignal="
        fix "fork twice and let the one in between end before MAINPID= is sent; or stay in the foreground"
        more "MAINPID= named a process whose parent still lives. Only of its own children a manager is told how they end, and
which processes are, systemd looks at when MAINPID= comes; it warns that it will most likely not notice the end. It does not,
as long as the parent lives, so that Restart= does nothing. And it does not wait for such a process alone: where the parent
has ended since, systemctl stop sends it KillSignal= and SIGKILL at once."

    "after-stopping" Nothing "is quiet about READY=1 after STOPPING=1"
        why "STOPPING=1 is final from systemd 259 on; said before READY=1, the service never starts"
        fix "say STOPPING=1 only when it ends for good"
        more "READY=1 or RELOADING=1 came after STOPPING=1."

    "ended-by-itself" Nothing "runs until it is stopped"
        why "a service that ends by itself is inactive, and Restart=on-failure does not start it again"
        fix "Type=oneshot or Restart=always, if it is meant to; otherwise look for the reason"
        more "The main process ended, well, before it was told to."

    "crashed" Nothing "does not crash"
        why "the unit has failed"
        fix "look at what it wrote before it ended"
        more "The main process ended with an exit status other than 0, or by a signal, after READY=1 and without being told to."

    "stop-timeout" Nothing "ends in time when it is told to"
        why "systemctl stop and the shutdown of the machine wait for TimeoutStopSec=, and then it is killed in the middle"
        fix "end on SIGTERM (KillSignal=); process 1 of a container or a shell script needs a handler for it"
        more "The main process was still there when TimeoutStopSec= was over, and had to be killed with SIGKILL. Either it ignores
the signal, or it waits for connections that stay open, or it is a shell that waits for a program in the foreground."

    "stop-failed" Nothing "ends well when it is told to"
        why "each systemctl stop leaves the unit failed, and monitoring calls somebody"
        fix "end with exit status 0, or SuccessExitStatus= with the one it has (143 for Java and npm)"
        more "After SIGTERM the main process ended with an exit status other than 0, or by another signal."

    "children-left" Nothing "ends with all its children"
        why "systemctl stop waits for them until TimeoutStopSec= is over"
        fix "end the children first, or KillMode=mixed to have them killed at once"
        more "The main process had ended, and others of the service had to be killed with SIGKILL."

    "no-stopping" Nothing "says STOPPING=1"
        why "it is optional; a service that begins to end by itself shows so only with it"
        fix "say STOPPING=1 first when it begins to end"
        more "systemd knows that a service stops which it stops itself. For one that begins to end by itself STOPPING=1 makes the
unit deactivating at once, so that nothing new is sent to it while it finishes what is open."
};
