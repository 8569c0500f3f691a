//! Which of the functions on the stack takes the time.
//!
//! One look at a loop that calls a helper may find the loop or the helper. The innermost function that is there each time
//! is the one that does not come to its end.

use super::text::Text;
use super::v8::{DEPTH, Frame};

/// How often V8 is asked when the loop hangs.
pub(super) const SAMPLES: usize = 5;

/// What is kept of a frame.
#[derive(Clone, Copy, Default, PartialEq)]
struct Spot {
    function: u64,
    line: u32,
    column: u32,
}

/// The stacks that were seen during one hang.
#[derive(Default)]
pub(super) struct Samples {
    stacks: [[Spot; DEPTH]; SAMPLES],
    taken: usize,
}

impl Samples {
    pub(super) fn count(&self) -> usize {
        self.taken
    }

    pub(super) fn add(&mut self, frames: &[Frame]) {
        if let Some(stack) = self.stacks.get_mut(self.taken) {
            for (spot, frame) in stack.iter_mut().zip(frames) {
                *spot = Spot { function: frame.function_hash(), line: frame.line, column: frame.column };
            }
            self.taken = self.taken.wrapping_add(1);
        }
    }

    /// Writes which function it is, as `in parseRow (/srv/app/import.js:41:13)`, given the stack that was seen last.
    /// Writes nothing if there was none.
    pub(super) fn describe(&self, frames: &[Frame], into: &mut Text) {
        let stays = |frame: &Frame| self.places(frame).all(|place| place.is_some());
        let programs = frames.iter().position(|frame| frame.is_programs() && stays(frame));
        let index = programs.or_else(|| frames.iter().position(stays)).unwrap_or(0);
        let Some(frame) = frames.get(index) else {
            return;
        };
        let mut frame = *frame;
        (frame.line, frame.column) = self.usual_place(&frame);
        into.push(b"in ");
        frame.describe(into);
        // What it has called of Node's own, and what has not come back: `execSync`, say.
        if let Some(called) = index.checked_sub(1).and_then(|index| frames.get(index)).filter(|called| stays(called)) {
            into.push(b", which called ");
            called.describe_function(into);
        }
    }

    /// How many saw the function at the very place of this frame.
    pub(super) fn count_at(&self, frame: &Frame) -> usize {
        self.places(frame).filter(|place| *place == Some((frame.line, frame.column))).count()
    }

    /// Where each sample saw the function, if it did.
    fn places(&self, frame: &Frame) -> impl Iterator<Item = Option<(u32, u32)>> {
        let function = frame.function_hash();
        self.stacks
            .iter()
            .take(self.taken)
            .map(move |stack| stack.iter().find(|spot| spot.function == function).map(|spot| (spot.line, spot.column)))
    }

    /// The line and column where the function was seen most often.
    fn usual_place(&self, frame: &Frame) -> (u32, u32) {
        let count = |(line, column)| {
            let mut there = *frame;
            (there.line, there.column) = (line, column);
            self.count_at(&there)
        };
        self.places(frame).flatten().max_by_key(|place| count(*place)).unwrap_or((frame.line, frame.column))
    }
}
