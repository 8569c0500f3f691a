//! From the markup of `pages/` to what `man` reads.
//!
//! Blocks are separated by empty lines:
//!
//! - `# SECTION` and `## Part of a section`;
//! - a paragraph; a line that ends with `\` is not joined with the next;
//! - `term::` alone on a line, with the text right below: an item. What is indented by four spaces goes on with it;
//! - lines between two of three backticks: an example, shown as it is.
//!
//! In a text `**bold**`, `*italic*`, and backticks for what is typed as it stands (which is shown bold).

use std::fmt::Write as _;

/// Turns a text into the body of a page.
#[must_use]
pub fn render(markup: &str) -> String {
    let mut page = Page::default();
    let mut lines = markup.lines().peekable();
    while let Some(line) = lines.next() {
        let (indented, text) = match line.strip_prefix("    ") {
            Some(text) => (true, text),
            None => (false, line),
        };
        if text == "```" {
            let example: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            page.example(&example, indented);
        } else if let Some(title) = text.strip_prefix("## ") {
            page.title("SS", title);
        } else if let Some(title) = text.strip_prefix("# ") {
            page.title("SH", title);
        } else if let Some(term) = text.strip_suffix("::") {
            page.term(term);
        } else if text.trim().is_empty() {
            page.paragraph_is_due = true;
        } else {
            page.text(text, indented);
        }
    }
    page.roff
}

#[derive(Default)]
struct Page {
    roff: String,
    /// An empty line was seen since the last text.
    paragraph_is_due: bool,
    /// A title was the last that was written.
    is_below_title: bool,
}

impl Page {
    fn title(&mut self, name: &str, title: &str) {
        let _ = writeln!(self.roff, ".{name} \"{}\"", inline(title));
        self.is_below_title = true;
    }

    fn term(&mut self, term: &str) {
        let _ = writeln!(self.roff, ".TP\n{}", inline(term));
        (self.paragraph_is_due, self.is_below_title) = (false, false);
    }

    fn text(&mut self, text: &str, indented: bool) {
        if self.paragraph_is_due && !self.is_below_title && !self.roff.is_empty() {
            self.roff += if indented { ".IP\n" } else { ".PP\n" };
        }
        let (text, ends) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        // A line that would be a request gets something invisible in front.
        let text = inline(text.trim());
        let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
        let _ = writeln!(self.roff, "{guard}{text}{}", if ends { "\n.br" } else { "" });
        (self.paragraph_is_due, self.is_below_title) = (false, false);
    }

    fn example(&mut self, lines: &[&str], indented: bool) {
        let (before, after) = if indented { (".RS\n", ".RE\n") } else { ("", "") };
        let gap = if self.is_below_title { "" } else { ".PP\n" };
        let _ = write!(self.roff, "{before}{gap}.RS 4\n.EX\n");
        for line in lines {
            let line = if indented { line.strip_prefix("    ").unwrap_or(line) } else { line };
            let text = literal(line);
            let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
            let _ = writeln!(self.roff, "{guard}{text}");
        }
        let _ = write!(self.roff, ".EE\n.RE\n{after}");
        (self.paragraph_is_due, self.is_below_title) = (true, false);
    }
}

/// A text with its fonts.
fn inline(text: &str) -> String {
    let mut roff = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['*', '`']) {
        roff += &plain(&rest[..at]);
        let (mark, font) = match &rest[at..] {
            marked if marked.starts_with("**") => ("**", 'B'),
            marked if marked.starts_with('*') => ("*", 'I'),
            _ => ("`", 'B'),
        };
        let marked = &rest[at + mark.len()..];
        let Some(end) = marked.find(mark) else {
            // Nothing that it could be the begin of.
            roff += mark;
            rest = marked;
            continue;
        };
        let _ = write!(roff, "\\f{font}{}\\fR", literal(&marked[..end]));
        rest = &marked[end + mark.len()..];
    }
    roff + &plain(rest)
}

/// Prose: a `-` is a hyphen, and `'` an apostrophe.
fn plain(text: &str) -> String {
    escape(text, false)
}

/// What is typed: each character is itself.
fn literal(text: &str) -> String {
    escape(text, true)
}

fn escape(text: &str, is_literal: bool) -> String {
    let mut roff = String::new();
    for character in text.chars() {
        match character {
            '\\' => roff += "\\e",
            '-' if is_literal => roff += "\\-",
            '\'' if is_literal => roff += "\\(aq",
            '`' => roff += "\\(ga",
            '^' => roff += "\\(ha",
            '~' => roff += "\\(ti",
            '"' => roff += "\\(dq",
            '…' => roff += "...",
            character if character.is_ascii() => roff.push(character),
            character => {
                let _ = write!(roff, "\\[u{:04X}]", u32::from(character));
            }
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn ok_blocks() {
        let markup = "# NAME\n\none\n\ntwo\\\nthree\n\n**a**::\nwhat\n\n    more\n\n```\n.x 'y'\n```\n\n.end\n";
        let roff = ".SH \"NAME\"\none\n.PP\ntwo\n.br\nthree\n.TP\n\\fBa\\fR\nwhat\n.IP\nmore\n\
                    .PP\n.RS 4\n.EX\n\\&.x \\(aqy\\(aq\n.EE\n.RE\n.PP\n\\&.end\n";
        assert_eq!(render(markup), roff);
    }

    #[test]
    fn ok_inline() {
        for (markup, roff) in [
            ("a-b isn't `a-b` **-q**, *FD*", "a-b isn't \\fBa\\-b\\fR \\fB\\-q\\fR, \\fIFD\\fR"),
            (r"`\;` and 2 * 3", r"\fB\e;\fR and 2 * 3"),
            ("an…\u{fc}", "an...\\[u00FC]"),
        ] {
            assert_eq!(render(markup), format!("{roff}\n"));
        }
    }
}
