//! Gathering what a process writes, while something else is being waited for.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Everything that came out of one pipe so far.
///
/// A thread reads, so that a process never stops for a full pipe, however little anybody listens.
#[derive(Clone)]
pub(crate) struct Collector {
    shared: Arc<(Mutex<Gathered>, Condvar)>,
}

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    closed: bool,
}

impl Collector {
    /// Starts reading `source`, until it ends.
    pub(crate) fn start(mut source: impl Read + Send + 'static) -> Self {
        let collector = Self { shared: Arc::default() };
        let writer = collector.clone();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                // A pipe that cannot be read any more has ended, as far as anybody is concerned.
                let count = source.read(&mut buffer).unwrap_or(0);
                let mut gathered = writer.lock();
                gathered.bytes.extend_from_slice(&buffer[..count]);
                gathered.closed = count == 0;
                writer.shared.1.notify_all();
                if gathered.closed {
                    return;
                }
            }
        });
        collector
    }

    /// What came so far; what is not UTF-8 in it is replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// The last lines of [`text`](Self::text).
    pub(crate) fn tail(&self, lines: usize) -> String {
        let text = self.text();
        let skipped = text.lines().count().saturating_sub(lines);
        text.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    /// Whether the pipe has ended: whoever could write to it is gone.
    pub(crate) fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for the end of the pipe; `false` when it did not come in time.
    pub(crate) fn wait_closed(&self, deadline: Instant) -> bool {
        self.wait(deadline, |gathered| gathered.closed);
        self.closed()
    }

    /// Waits for the first line, without its line feed; `None` when the pipe ended or time ran out
    /// before it was whole.
    pub(crate) fn wait_line(&self, deadline: Instant) -> Option<String> {
        self.wait(deadline, |gathered| gathered.closed || gathered.bytes.contains(&b'\n'));
        let text = self.text();
        text.split_once('\n').map(|(line, _)| line.to_owned())
    }

    fn wait(&self, deadline: Instant, enough: impl Fn(&Gathered) -> bool) {
        let mut gathered = self.lock();
        while !enough(&gathered) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            gathered = self.shared.1.wait_timeout(gathered, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    // Bytes are only ever appended: a thread that panicked has left them whole.
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
