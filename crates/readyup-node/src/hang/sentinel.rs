//! The thread that looks after an event loop.
//!
//! The loop gives a sign of life now and then ([`Sentinel::beat`]). The sentinel sleeps until the next one is overdue;
//! while all is well it wakes up only to find that it is not. When the loop has stopped answering, it asks V8 and the
//! kernel where the loop's thread is, and says so, while that thread can say nothing itself.
#![allow(unsafe_code)]

use super::kernel::{complain, name_thread, processor_time, thread_id, wait, wake};
use super::place::system_call;
use super::samples::{SAMPLES, Samples};
use super::source::last_call;
use super::text::Text;
use super::thread;
use super::v8::{Frame, Isolate, Stack, V8};
use crate::memory::Mapping;
use crate::napi::Env;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::task::Poll;
use readyup::{Assignment, Attachments, Delivery, MessageBuf, Notifier, monotonic_now};
use rustix::io::Errno;

/// Between two questions to V8 at most, in microseconds; no round number, so as not to keep step with what the program does.
const BETWEEN: u64 = 7_300;
/// How long to wait for V8's answer before asking the kernel.
const PATIENCE: u64 = 100_000;
/// After which time without an answer it is native code that the thread is in.
const PROMPT: u64 = 2_000;
/// How long to wait for the thread at its end.
const FAREWELL: u64 = 500_000;
/// How often to ask again if there was nothing of the program on the stack.
const ELSEWHERE_MAX: usize = 50;
/// How many functions of a stack to name.
const FRAMES_MAX: usize = 10;
/// How long to try to get the status to a manager whose queue is full.
const DELIVERY: u64 = 1_000_000;

/// What to do, and where.
pub(super) struct Settings {
    /// For how long the loop must have given no sign of life, in microseconds.
    pub(super) after: u64,
    /// What tells the manager.
    pub(super) notifier: Notifier,
    /// What each line of standard error begins with.
    pub(super) prefix: &'static [u8],
    /// Whether V8 may be asked.
    pub(super) stacks: bool,
}

/// Whom the report of a hang belongs to.
mod report {
    /// There is none.
    pub(super) const NONE: u32 = 0;
    /// The sentinel, which is about to write it.
    pub(super) const OPEN: u32 = 1;
    /// The hang is over; whoever wants it may take it.
    pub(super) const CLOSED: u32 = 2;
    /// The loop's thread, which reads it.
    pub(super) const TAKEN: u32 = 3;
}

/// Whether V8 was asked.
mod question {
    pub(super) const NONE: u32 = 0;
    pub(super) const ASKED: u32 = 1;
    /// V8 is about to write the stack.
    pub(super) const ANSWERING: u32 = 2;
    pub(super) const ANSWERED: u32 = 3;
}

pub(super) struct Sentinel {
    settings: Settings,
    /// The loop's thread.
    thread: u32,
    v8: Option<(V8, Isolate)>,
    env: Env,
    /// Changes whenever there is something for the sentinel to look at.
    bell: AtomicU32,
    stop: AtomicBool,
    /// Changes when the sentinel is gone.
    gone: AtomicU32,
    /// The last sign of life, in microseconds.
    beat: AtomicU64,
    report: AtomicU32,
    /// What the report says. Whose it is, `report` tells.
    duration: AtomicU64,
    place: UnsafeCell<Text>,
    question: AtomicU32,
    /// How many interrupts V8 was asked for and has not come round to.
    interrupts: AtomicU32,
    /// V8's while it is `ANSWERING`, the sentinel's when it has `ANSWERED`.
    stack: UnsafeCell<Stack>,
}

impl Sentinel {
    /// One for the event loop of the calling thread.
    pub(super) fn new(env: Env, settings: Settings) -> Self {
        let v8 = settings.stacks.then(V8::find).flatten();
        Self {
            thread: thread_id(),
            v8: v8.and_then(|v8| Some((v8, v8.current_isolate()?))),
            env,
            bell: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            gone: AtomicU32::new(0),
            beat: AtomicU64::new(now()),
            report: AtomicU32::new(report::NONE),
            duration: AtomicU64::new(0),
            place: UnsafeCell::new(Text::EMPTY),
            question: AtomicU32::new(question::NONE),
            interrupts: AtomicU32::new(0),
            stack: UnsafeCell::new(Stack::EMPTY),
            settings,
        }
    }

    /// Starts its thread. False where that cannot be had.
    ///
    /// # Safety
    ///
    /// It must stay where it is until [`Sentinel::stop`] has said that it need not.
    unsafe fn start(&self) -> bool {
        extern "C" fn main(data: *mut c_void) -> *mut c_void {
            // SAFETY: whoever started the thread leaves the sentinel where it is until `gone` was changed.
            let sentinel = unsafe { &*data.cast::<Sentinel>() };
            name_thread(c"readyup-hang");
            sentinel.run();
            wake(&sentinel.gone);
            core::ptr::null_mut()
        }
        // SAFETY: as the caller says.
        unsafe { thread::start(main, self.data()) }
    }

    /// Ends the thread, and says who may still come back to the sentinel.
    fn stop(&self) -> Rest {
        self.stop.store(true, Ordering::Release);
        wake(&self.bell);
        let end = now().wrapping_add(FAREWELL);
        while self.gone.load(Ordering::Acquire) == 0 && now() < end {
            wait(&self.gone, 0, FAREWELL);
        }
        self.question.store(question::NONE, Ordering::Release);
        if self.gone.load(Ordering::Acquire) == 0 {
            Rest::Thread
        } else if self.interrupts.load(Ordering::Acquire) != 0 {
            Rest::Interrupt
        } else {
            Rest::Nobody
        }
    }

    /// What its callbacks get.
    fn data(&self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }

    /// A sign of life of the loop. True if there is the report of a hang that is over.
    pub(super) fn beat(&self) -> bool {
        self.beat.store(now(), Ordering::Release);
        match self.report.load(Ordering::Acquire) {
            report::NONE => false,
            report::OPEN => {
                wake(&self.bell);
                false
            }
            _ => true,
        }
    }

    /// Hands the report over, if there is one of a hang that is over: how long it was, in microseconds, and where.
    pub(super) fn take(&self, with: impl FnOnce(u64, &[u8])) {
        if self.turn(report::CLOSED, report::TAKEN) {
            // SAFETY: while it is taken, it is the caller's alone.
            let place = unsafe { &*self.place.get() };
            with(self.duration.load(Ordering::Relaxed), place.bytes());
            self.report.store(report::NONE, Ordering::Release);
        }
    }

    fn turn(&self, from: u32, to: u32) -> bool {
        self.report.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The thread's work.
    fn run(&self) {
        let after = self.settings.after;
        let mut not_before = 0;
        while !self.stop.load(Ordering::Acquire) {
            let bell = self.bell.load(Ordering::Acquire);
            let beat = self.beat.load(Ordering::Acquire);
            let due = beat.wrapping_add(after).max(not_before);
            let time = now();
            if time >= due {
                self.hang(beat);
                continue;
            }
            wait(&self.bell, bell, due.wrapping_sub(time));
            // If this thread overslept as well, the whole process (or the machine) stood still.
            let time = now();
            if time > due.wrapping_add(after / 4) {
                not_before = time.wrapping_add(after / 2);
            }
        }
    }

    /// Whether the hang that began at `beat` is over.
    fn is_over(&self, beat: u64) -> bool {
        self.stop.load(Ordering::Acquire) || self.beat.load(Ordering::Acquire) != beat
    }

    /// The loop has given no sign of life since `beat`: says so, and again each time that twice the time has gone by.
    fn hang(&self, beat: u64) {
        if !self.turn(report::NONE, report::OPEN) && !self.turn(report::CLOSED, report::OPEN) {
            // The loop's thread is reading the last report; so it is alive.
            wait(&self.bell, self.bell.load(Ordering::Acquire), 1000);
            return;
        }
        // What V8 has said since is about the last hang, of which nobody asks any more.
        let _ = self.answer();
        let mut findings = Findings::default();
        let mut said = false;
        while !self.is_over(beat) {
            let stack = self.find(beat, &mut findings);
            if self.is_over(beat) {
                break;
            }
            let elapsed = now().wrapping_sub(beat);
            self.say(beat, elapsed, &findings.place, if said { &[] } else { stack.frames() });
            said = true;
            self.await_end(beat, elapsed.wrapping_mul(2), &mut findings);
        }
        let duration = self.beat.load(Ordering::Acquire).wrapping_sub(beat);
        self.duration.store(duration, Ordering::Relaxed);
        // SAFETY: while the report is open it is the sentinel's alone.
        unsafe { *self.place.get() = if findings.outside.is_some() { findings.known } else { findings.place } };
        // A hang that was over before anything could be said about it is none.
        self.report.store(if said { report::CLOSED } else { report::NONE }, Ordering::Release);
    }

    /// Waits until the hang is over, or has lasted for `until`.
    fn await_end(&self, beat: u64, until: u64, findings: &mut Findings) {
        loop {
            let bell = self.bell.load(Ordering::Acquire);
            let over = self.is_over(beat);
            // What V8 was asked while the thread was outside of JavaScript, it answers when that has returned.
            if let (Some(stack), Some(outside)) = (self.answer(), findings.outside) {
                findings.blame(stack, &outside);
                if !over && !self.is_over(beat) {
                    self.say(beat, now().wrapping_sub(beat), &findings.place, &[]);
                }
            }
            let elapsed = now().wrapping_sub(beat);
            if over || elapsed >= until {
                return;
            }
            wait(&self.bell, bell, until.wrapping_sub(elapsed));
        }
    }

    /// Finds out where the loop's thread is, and returns its stack if it is in JavaScript.
    fn find(&self, beat: u64, findings: &mut Findings) -> Stack {
        let end = now().wrapping_add(self.settings.after / 2);
        let mut samples = Samples::default();
        let (mut stack, mut elsewhere) = (Stack::EMPTY, Stack::EMPTY);
        // The last stack that was seen after a return to JavaScript, and how often that was.
        let mut returned: Option<(Stack, Text)> = None;
        let mut returns = 0usize;
        let mut tries = 0usize;
        let mut outside = findings.outside;
        while samples.count().wrapping_add(returns) < SAMPLES && tries < ELSEWHERE_MAX && now() < end {
            let Some(sample) = self.ask(beat, &mut outside) else {
                break;
            };
            if outside.is_none() && self.is_over(beat) {
                break;
            }
            let late = outside.take();
            if !sample.frames().iter().any(Frame::is_programs) {
                // As between two microtasks. Soon again, so that it comes at another moment.
                elsewhere = *sample;
                tries = tries.wrapping_add(1);
                self.pause(beat, 300);
                continue;
            }
            if let Some(place) = late {
                returned = Some((*sample, place));
                returns = returns.wrapping_add(1);
            } else {
                samples.add(sample.frames());
                stack = *sample;
            }
            self.pause(beat, BETWEEN.min(self.settings.after / 20));
        }
        if self.is_over(beat) {
            // What it does now is no hang any more; but what it returned from was.
            if let Some((stack, place)) = &returned {
                findings.blame(stack, place);
            }
            return stack;
        }
        // Those that were answered promptly at the very same place have just returned, too.
        let same = returned.as_ref().and_then(|(stack, _)| stack.frames().iter().find(|frame| frame.is_programs()));
        let same = same.map_or(0, |frame| samples.count_at(frame));
        if let Some((stack, place)) =
            returned.filter(|_| returns.wrapping_add(same) > samples.count().wrapping_sub(same))
        {
            findings.blame(&stack, &place);
        } else if samples.count() > 0 {
            findings.found(&samples, &stack);
        } else if let Some(outside) = &outside {
            findings.lost(outside);
        } else if !elsewhere.frames().is_empty() {
            samples.add(elsewhere.frames());
            findings.found(&samples, &elsewhere);
        } else if tries > 0 {
            // JavaScript that is on nobody's behalf runs between promises that keep each other busy.
            findings.place = Text::EMPTY;
            findings.place.push(b"in microtasks");
        }
        findings.outside = outside;
        stack
    }

    /// Asks V8 where its thread is. If it does not answer promptly, the thread is outside of JavaScript, and `outside` says
    /// where; if it does not answer soon, the answer is `None`, and the question stays open.
    fn ask(&self, beat: u64, outside: &mut Option<Text>) -> Option<&Stack> {
        let patience = (self.settings.after / 5).min(PATIENCE);
        let start = now();
        let ran = processor_time(self.thread);
        if let Some((v8, isolate)) = &self.v8 {
            let (none, asked) = (question::NONE, question::ASKED);
            let _ = self.question.compare_exchange(none, asked, Ordering::AcqRel, Ordering::Acquire);
            if !self.stop.load(Ordering::Acquire) && self.interrupts.swap(1, Ordering::AcqRel) == 0 {
                // SAFETY: the isolate's thread waits for this one before it ends it, and while an interrupt is on its way
                // the sentinel stays where it is.
                unsafe { v8.request_interrupt(*isolate, interrupt, self.data()) };
            }
        }
        loop {
            let bell = self.bell.load(Ordering::Acquire);
            if let Some(stack) = self.answer() {
                return Some(stack);
            }
            let waited = now().wrapping_sub(start);
            if waited >= PROMPT && outside.is_none() {
                let mut place = Text::EMPTY;
                system_call(self.thread, &mut place);
                // If it is on a processor, and has had its time there (or else it only waits for its turn).
                let busy = processor_time(self.thread).wrapping_sub(ran) >= PROMPT / 2;
                if place.is_empty() && self.v8.is_some() && busy {
                    place.push(b"native code");
                }
                *outside = (!place.is_empty()).then_some(place);
            }
            if waited >= patience || self.is_over(beat) || (self.v8.is_none() && waited >= PROMPT) {
                return None;
            }
            wait(&self.bell, bell, PROMPT);
        }
    }

    /// Waits for so many microseconds, or less if the hang is over.
    fn pause(&self, beat: u64, microseconds: u64) {
        let end = now().wrapping_add(microseconds);
        while !self.is_over(beat) {
            let bell = self.bell.load(Ordering::Acquire);
            let time = now();
            if time >= end {
                return;
            }
            wait(&self.bell, bell, end.wrapping_sub(time));
        }
    }

    /// V8's answer, if it has given one since it was last asked. It is there until the next question.
    fn answer(&self) -> Option<&Stack> {
        self.question
            .compare_exchange(question::ANSWERED, question::NONE, Ordering::AcqRel, Ordering::Acquire)
            // SAFETY: V8 has written it, and writes it again only when it is asked again, by this thread.
            .map(|_| unsafe { &*self.stack.get() })
            .ok()
    }

    /// On the loop's thread: answers the question, if there is one.
    ///
    /// # Safety
    ///
    /// It must be called in one of the isolate's callbacks, on its thread.
    unsafe fn reply(&self, isolate: Isolate) {
        let open =
            self.question.compare_exchange(question::ASKED, question::ANSWERING, Ordering::AcqRel, Ordering::Acquire);
        if let (Ok(_), Some((v8, _))) = (open, &self.v8) {
            // SAFETY: while it is being answered nobody else reads or writes the stack.
            let stack = unsafe { &mut *self.stack.get() };
            // SAFETY: as the caller says; and the env is that thread's.
            unsafe { v8.look(isolate, self.env, stack) };
            self.question.store(question::ANSWERED, Ordering::Release);
            wake(&self.bell);
        }
    }

    /// Tells standard error and the manager.
    fn say(&self, beat: u64, elapsed: u64, place: &Text, frames: &[Frame]) {
        let mut text = Text::EMPTY;
        text.push(b"event loop blocked for ").push_duration(elapsed);
        if !place.is_empty() {
            text.push(if place.bytes().starts_with(b"in ") { b" " } else { b", " }).push(place.bytes());
        }
        let mut line = Text::EMPTY;
        complain(line.push(self.settings.prefix).push(text.bytes()).push_newline().bytes());
        // A stack of one function says no more than the line before.
        if frames.len() > 1 {
            for frame in frames.iter().take(FRAMES_MAX) {
                let mut line = Text::EMPTY;
                line.push(self.settings.prefix).push(b"    at ");
                frame.describe(&mut line);
                complain(line.push_newline().bytes());
            }
        }
        self.tell(beat, &text);
    }

    /// Sends it as the status. If the manager's queue stays full, there is nothing to be done about it.
    fn tell(&self, beat: u64, text: &Text) {
        let text = text.bytes();
        // A character may have been cut in the middle.
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let Ok(message) = MessageBuf::new([Assignment::Status(valid)]) else {
            return;
        };
        let Ok(message) = message.as_message() else {
            return;
        };
        let mut delivery = Delivery::default();
        let end = now().wrapping_add(DELIVERY);
        while let Ok(Poll::Pending) = self.settings.notifier.try_send(message, &Attachments::default(), &mut delivery) {
            if now() >= end || self.is_over(beat) {
                return;
            }
            self.pause(beat, 20_000);
        }
    }
}

/// The next time that JavaScript calls something, or goes round a loop.
extern "C" fn interrupt(isolate: Isolate, data: *mut c_void) {
    // SAFETY: the sentinel stays where it is while an interrupt is on its way.
    let sentinel = unsafe { &*data.cast::<Sentinel>() };
    // Before the answer, which may bring the next question.
    sentinel.interrupts.store(0, Ordering::Release);
    // SAFETY: V8 calls this on the isolate's thread.
    unsafe { sentinel.reply(isolate) };
}

/// A sentinel at work, for as long as this is there.
pub(super) struct Watch {
    sentinel: ManuallyDrop<Mapping<Sentinel>>,
}

impl Watch {
    /// Starts one for the event loop of the calling thread. `None` where no thread can be had.
    pub(super) fn start(env: Env, settings: Settings) -> Result<Option<Self>, Errno> {
        let sentinel = Mapping::new(Sentinel::new(env, settings))?;
        // SAFETY: it is unmapped only when it was stopped.
        let started = unsafe { sentinel.start() };
        Ok(started.then(|| Self { sentinel: ManuallyDrop::new(sentinel) }))
    }

    pub(super) fn sentinel(&self) -> &Sentinel {
        &self.sentinel
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        match self.sentinel.stop() {
            // SAFETY: it is dropped here only.
            Rest::Nobody => unsafe { ManuallyDrop::drop(&mut self.sentinel) },
            // A few pages are left behind, but no descriptor.
            Rest::Interrupt => self.sentinel.settings.notifier = Notifier::disabled(),
            Rest::Thread => {}
        }
    }
}

/// Who may still come back to a sentinel that was stopped.
enum Rest {
    Nobody,
    /// V8 was asked, and has not come round to it.
    Interrupt,
    /// The thread is reading a file that does not come.
    Thread,
}

/// What is known of a hang.
struct Findings {
    /// As `in parseRow (/srv/app/import.js:41:13)`.
    place: Text,
    /// Where the thread is, if that is outside of JavaScript, and V8 is still to say who called.
    outside: Option<Text>,
    /// The last place that was a function's, or else the last one.
    known: Text,
    /// Where it was outside of JavaScript when the caller was last known.
    blamed: Text,
}

impl Default for Findings {
    fn default() -> Self {
        Self { place: Text::EMPTY, outside: None, known: Text::EMPTY, blamed: Text::EMPTY }
    }
}

impl Findings {
    /// It is in JavaScript.
    fn found(&mut self, samples: &Samples, stack: &Stack) {
        let mut place = Text::EMPTY;
        samples.describe(stack.frames(), &mut place);
        *self = Self { place, known: place, ..Self::default() };
    }

    /// It is outside of JavaScript.
    fn lost(&mut self, outside: &Text) {
        // Where it was before, it is likely to be on behalf of the same function.
        if self.blamed.bytes() != outside.bytes() {
            self.place = Text::EMPTY;
            self.place.push(b"in ").push(outside.bytes());
            if self.known.is_empty() {
                self.known = self.place;
            }
        }
    }

    /// It was outside of JavaScript, and has returned.
    fn blame(&mut self, stack: &Stack, outside: &Text) {
        let frames = stack.frames();
        let mut place = Text::EMPTY;
        match frames.iter().position(Frame::is_programs) {
            // To nothing of the program's; what is known is all that will be.
            None => return,
            // One of Node's functions is still in the middle of its work.
            Some(index @ 2..) => {
                place.push(b"in ");
                if let (Some(frame), Some(called)) = (frames.get(index), frames.get(index.wrapping_sub(1))) {
                    frame.describe(&mut place);
                    place.push(b", which called ");
                    called.describe_function(&mut place);
                }
                place.push(b": ").push(outside.bytes());
            }
            Some(index) => {
                if let Some(frame) = last_call(frames) {
                    place.push(b"probably in ");
                    frame.describe(&mut place);
                    place.push(b": ").push(outside.bytes());
                } else if let Some(frame) = frames.get(index) {
                    place.push(b"in ").push(outside.bytes()).push(b", which returned to ");
                    frame.describe(&mut place);
                }
            }
        }
        *self = Self { place, known: place, outside: None, blamed: *outside };
    }
}

/// `CLOCK_MONOTONIC` in microseconds.
fn now() -> u64 {
    monotonic_now().as_micros() as u64
}
