//! Which call it was that took so long, after it has returned.
//!
//! Native code (a `readSync`, a `JSON.parse`) lets nobody look at the stack. V8 answers when it has returned and
//! JavaScript calls the next function, or goes round a loop. The last call that was over before that place in the source
//! is the one to blame: a later one would have been seen. That is found by counting brackets, and not by parsing; so it is
//! only probable.

use super::kernel::File;
use super::text::Text;
use super::v8::Frame;

/// How much of the source to look at, with the place in the middle.
const WINDOW: usize = 16 << 10;
/// How many pairs of brackets there may be in it before the place, and how deep.
const PAIRS: usize = 1024;
const DEPTH: usize = 128;
/// How many lines back to look.
const LINES: usize = 128;
/// Larger files are not looked at.
const FILE_MAX: u64 = 32 << 20;

/// Where the call was that was over last, given the stack right after it: the same frame with another line and column.
/// `None` where that cannot be known.
pub(super) fn last_call(frames: &[Frame]) -> Option<Frame> {
    let index = frames.iter().position(Frame::is_programs)?;
    let frame = frames.get(index)?;
    match index {
        0 => {
            let source = Source::read(frame)?;
            if !source.is_entry() {
                return source.last_call(source.end_of_loop(), frame);
            }
            // It has just been called; the call before that one is meant.
            let caller = frames.get(1).filter(|caller| caller.is_programs())?;
            let source = Source::read(caller)?;
            source.last_call(source.end_of_call(), caller)
        }
        // One of Node's functions has just been called.
        _ => {
            let source = Source::read(frame)?;
            source.last_call(source.end_of_call(), frame)
        }
    }
}

/// A piece of source around a place.
struct Source {
    text: [u8; WINDOW],
    len: usize,
    /// The line that it begins with.
    line: u32,
    /// Where the place is in it.
    place: usize,
}

impl Source {
    fn read(frame: &Frame) -> Option<Self> {
        let mut path = Text::EMPTY;
        frame.describe_file(&mut path);
        let file = File::open(path.bytes())?;
        // The beginnings of the last lines.
        let mut starts = [0u64; LINES];
        let mut line = 1u32;
        let mut offset = 0u64;
        let mut text = [0; WINDOW];
        'lines: while line < frame.line {
            let chunk = file.read(offset, &mut text).filter(|chunk| !chunk.is_empty())?;
            for byte in chunk {
                offset = offset.wrapping_add(1);
                if *byte == b'\n' {
                    line = line.wrapping_add(1);
                    *starts.get_mut(line as usize % LINES)? = offset;
                    if line == frame.line {
                        break 'lines;
                    }
                }
            }
            if offset > FILE_MAX {
                return None;
            }
        }
        // A column counts UTF-16's units; it is a byte's where all before it is ASCII.
        let place = offset.checked_add(u64::from(frame.column.checked_sub(1)?))?;
        // The earliest line that leaves half of the window for what comes after.
        let mut start = offset;
        for back in 1..LINES as u32 {
            let Some(earlier) = line.checked_sub(back).filter(|line| *line > 0) else {
                break;
            };
            let begin = *starts.get(earlier as usize % LINES)?;
            if place.wrapping_sub(begin) > WINDOW as u64 / 2 {
                break;
            }
            start = begin;
        }
        let before = usize::try_from(place.wrapping_sub(start)).ok().filter(|before| *before < WINDOW / 2)?;
        let len = file.read(start, &mut text)?.len();
        let passed = text.get(..before)?.iter().filter(|byte| **byte == b'\n').count();
        Some(Self { text, len, line: line.wrapping_sub(passed as u32), place: before })
    }

    /// What begins at an offset.
    fn at(&self, offset: usize) -> &[u8] {
        self.text.get(offset..self.len).unwrap_or_default()
    }

    /// Whether a function begins at the place: V8 gives that of its parameters.
    fn is_entry(&self) -> bool {
        let text = self.at(self.place);
        let name = text.iter().take_while(|byte| is_name(**byte)).count();
        text.first() == Some(&b'(') || text.get(name..).unwrap_or_default().trim_ascii_start().starts_with(b"=>")
    }

    /// The end of the call that begins at the place.
    fn end_of_call(&self) -> usize {
        let open = self.at(self.place).iter().position(|byte| *byte == b'(');
        open.and_then(|open| self.closing(self.place.wrapping_add(open))).unwrap_or(self.place)
    }

    /// The end of the loop that begins at the place.
    fn end_of_loop(&self) -> usize {
        let text = self.at(self.place);
        let mut body = self.place;
        if text.starts_with(b"for") || text.starts_with(b"while") {
            let open = text.iter().position(|byte| *byte == b'(');
            let Some(close) = open.and_then(|open| self.closing(self.place.wrapping_add(open))) else {
                return self.place;
            };
            body = close.wrapping_add(1);
        } else if text.starts_with(b"do") {
            body = body.wrapping_add(2);
        }
        let rest = self.at(body);
        let space = rest.len().wrapping_sub(rest.trim_ascii_start().len());
        body = body.wrapping_add(space);
        if self.at(body).first() == Some(&b'{') {
            return self.closing(body).unwrap_or(self.place);
        }
        let end = self.at(body).iter().position(|byte| *byte == b';');
        end.map_or(self.place, |end| body.wrapping_add(end))
    }

    /// Where the bracket at `open` is closed.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut brackets = Brackets::new();
        let mut end = None;
        brackets.scan(self.at(open), |pair| {
            if pair.open == 0 {
                end = Some(open.wrapping_add(usize::from(pair.close)));
            }
            end.is_none()
        });
        end
    }

    /// The last call in the same function that was over before `end`.
    fn last_call(&self, end: usize, frame: &Frame) -> Option<Frame> {
        let text = self.text.get(..end.min(self.len))?;
        let mut brackets = Brackets::new();
        let mut pairs = [Pair::default(); PAIRS];
        let mut count = 0usize;
        brackets.scan(text, |pair| {
            if let Some(slot) = pairs.get_mut(count) {
                *slot = pair;
                count = count.wrapping_add(1);
            }
            count < PAIRS
        });
        let pairs = pairs.get(..count)?;
        let body = brackets.open().iter().rev().find(|open| is_body(text, usize::from(**open), pairs));
        let first = body.map_or(0, |open| usize::from(*open));
        let call = pairs.iter().rev().find_map(|pair| {
            let (open, close) = (usize::from(pair.open), usize::from(pair.close));
            if open < first || text.get(open) != Some(&b'(') {
                return None;
            }
            let name = word_before(text, open)?;
            let after = self.at(close.wrapping_add(1)).trim_ascii_start();
            // What is followed by a body is a definition.
            let defines = after.starts_with(b"{") || after.starts_with(b"=>");
            (!defines && !is_keyword(text.get(name.0..name.1)?)).then_some(name.0)
        })?;
        let before = text.get(..call)?;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline.wrapping_add(1));
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        let mut frame = *frame;
        frame.line = self.line.wrapping_add(lines as u32);
        frame.column = call.wrapping_sub(start).wrapping_add(1) as u32;
        Some(frame)
    }
}

/// Whether the bracket at `open` begins the body of a function.
fn is_body(text: &[u8], open: usize, pairs: &[Pair]) -> bool {
    if text.get(open) != Some(&b'{') {
        return false;
    }
    let head = text.get(..open).unwrap_or_default().trim_ascii_end();
    if !head.ends_with(b")") {
        return head.ends_with(b"=>");
    }
    let close = head.len().wrapping_sub(1);
    let Some(parameters) = pairs.iter().find(|pair| usize::from(pair.close) == close) else {
        return false;
    };
    let name = word_before(text, usize::from(parameters.open)).and_then(|(start, end)| text.get(start..end));
    !name.is_some_and(is_control)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Where the word is that stands before an offset; `None` if something else does.
fn word_before(text: &[u8], offset: usize) -> Option<(usize, usize)> {
    let head = text.get(..offset)?.trim_ascii_end();
    let head = head.strip_suffix(b"?.").unwrap_or(head);
    let start = head.iter().rposition(|byte| !is_name(*byte)).map_or(0, |other| other.wrapping_add(1));
    (start < head.len()).then_some((start, head.len()))
}

/// What may stand before a bracket and a block, and is no function.
fn is_control(word: &[u8]) -> bool {
    [&b"if"[..], b"for", b"while", b"switch", b"catch", b"with"].contains(&word)
}

/// What may stand before a bracket, and is no function's name.
fn is_keyword(word: &[u8]) -> bool {
    is_control(word) || [&b"function"[..], b"return", b"await", b"typeof", b"of", b"in", b"yield"].contains(&word)
}

/// A pair of brackets.
#[derive(Clone, Copy, Default)]
struct Pair {
    open: u16,
    close: u16,
}

/// The brackets of a piece of JavaScript.
struct Brackets {
    open: [u16; DEPTH],
    depth: usize,
}

impl Brackets {
    fn new() -> Self {
        Self { open: [0; DEPTH], depth: 0 }
    }

    /// Those that are still open.
    fn open(&self) -> &[u16] {
        self.open.get(..self.depth).unwrap_or_default()
    }

    /// Tells of each pair, in the order of their ends, until `visit` has had enough. Skips comments, strings, and what looks
    /// like a regular expression.
    fn scan(&mut self, text: &[u8], mut visit: impl FnMut(Pair) -> bool) {
        let mut at = 0usize;
        // The last character that is no space: a regular expression comes only behind some.
        let mut last = b';';
        while let Some(&byte) = text.get(at) {
            let rest = text.get(at..).unwrap_or_default();
            let skip = match byte {
                b'/' if rest.starts_with(b"//") => until(rest, b"\n"),
                b'/' if rest.starts_with(b"/*") => until(rest, b"*/"),
                b'/' if b"=(,:?[{;&|!".contains(&last) => quoted(rest, byte),
                b'\'' | b'"' | b'`' => quoted(rest, byte),
                b'(' | b'[' | b'{' => {
                    let Some(slot) = self.open.get_mut(self.depth) else {
                        return;
                    };
                    *slot = at as u16;
                    self.depth = self.depth.wrapping_add(1);
                    1
                }
                b')' | b']' | b'}' => {
                    if let Some(depth) = self.depth.checked_sub(1) {
                        self.depth = depth;
                        let open = self.open.get(depth).copied().unwrap_or(0);
                        if !visit(Pair { open, close: at as u16 }) {
                            return;
                        }
                    }
                    1
                }
                _ => 1,
            };
            let is_comment = byte == b'/' && skip > 1;
            if !byte.is_ascii_whitespace() && !is_comment {
                last = byte;
            }
            at = at.wrapping_add(skip.max(1));
        }
    }
}

/// How long a comment is, its end included.
fn until(text: &[u8], end: &[u8]) -> usize {
    let at = text.windows(end.len().max(1)).position(|window| window == end);
    at.map_or(text.len(), |at| at.wrapping_add(end.len()))
}

/// How long a string or a regular expression is, its quotes included.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    // In a regular expression's brackets a slash is one.
    let mut class = false;
    for (at, &byte) in text.iter().enumerate().skip(1) {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            b'[' if quote == b'/' => class = true,
            b']' => class = false,
            b'\n' if quote != b'`' => return at,
            byte if byte == quote && !class => return at.wrapping_add(1),
            _ => {}
        }
    }
    text.len()
}
