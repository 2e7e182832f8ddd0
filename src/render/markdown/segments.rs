//! Where a growing text may be cut so that each piece can be read by itself, line by finished line.
//!
//! A cut stands before a line that begins a top-level block, whatever comes later; so what stands before it is done. What
//! is cut depends on the text alone and never on how it came. Knows lines, not what is drawn of them; where it is unsure it
//! does not cut, and too large pieces are cut where it harms least.

use super::opening::{
    Fence, Html, Indent, interrupts, is_footnote, is_heading, is_rule, is_underline, item_content, may_define,
};
use crate::render::line::boundary;

/// Sizes of pieces, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Smaller pieces of prose are not worth a cut of their own.
    pub(super) small: usize,
    /// Larger ones are cut at an item, or at a line of a paragraph or a quote: an open piece is read again with each frame.
    pub(super) large: usize,
    /// One item that is larger than this is shown as it is written from here on.
    pub(super) huge: usize,
    /// What of a line stands beyond this is shown as it is written.
    pub(super) line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { small: 512, large: 32 * 1024, huge: 48 * 1024, line: 16 * 1024 }
    }
}

/// A piece of the text, up to where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) kind: Kind,
    /// A link may be defined in it.
    pub(super) defines: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Prose,
    /// Begins with the line that opens a fence, ends with the one that closes it.
    Fence,
    /// The rest of what was too large.
    Plain,
}

/// What stands open at the end of the finished lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// Nothing: the next line begins a block.
    Nothing,
    /// Lines of a paragraph or a table.
    Text,
    Quote,
    /// Indented code, which any less indented line ends.
    Code,
    /// The content of its last top-level item begins at that column.
    List {
        content: usize,
        blank: bool,
    },
    Fence(Fence),
    Html(Html),
}

#[derive(Debug)]
pub(super) struct Segments {
    limits: Limits,
    pieces: Vec<Segment>,
    open: Open,
    /// Where the unfinished line begins.
    line: usize,
    /// Up to here it was searched for its end.
    searched: usize,
    /// The unfinished line is long, and cut already.
    long: bool,
}

impl Segments {
    pub(super) fn new(limits: Limits) -> Self {
        let first = Segment { start: 0, kind: Kind::Prose, defines: false };
        Self { limits, pieces: vec![first], open: Open::Nothing, line: 0, searched: 0, long: false }
    }

    /// Takes in what has come since the last time.
    pub(super) fn advance(&mut self, text: &str) {
        while let Some(found) = text.as_bytes().get(self.searched..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let end = self.searched + found;
            if self.long || end - self.line > self.limits.line {
                self.take_long(text);
                self.end_long(end + 1);
            } else {
                self.take(&text[self.line..end]);
            }
            self.line = end + 1;
            self.searched = self.line;
        }
        self.searched = text.len();
        if text.len() - self.line > self.limits.line {
            self.take_long(text);
        }
    }

    /// All pieces; the last one is open.
    pub(super) fn pieces(&self) -> &[Segment] {
        &self.pieces
    }

    pub(super) fn last(&self) -> Segment {
        // There is always one.
        self.pieces.last().copied().unwrap_or(Segment { start: 0, kind: Kind::Prose, defines: false })
    }

    /// Where the unfinished line begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    fn push(&mut self, start: usize, kind: Kind) {
        // An empty one is none.
        self.pieces.pop_if(|last| last.start >= start);
        self.pieces.push(Segment { start, kind, defines: false });
    }

    /// The beginning of a long line says what it is; the rest of it is cut off.
    fn take_long(&mut self, text: &str) {
        if self.long {
            return;
        }
        self.long = true;
        let cut = self.line + boundary(&text[self.line..], self.limits.line);
        self.take(&text[self.line..cut]);
        if self.last().kind == Kind::Prose {
            self.push(cut, Kind::Plain);
        }
    }

    fn end_long(&mut self, next: usize) {
        self.long = false;
        let inside = matches!(self.open, Open::List { .. } | Open::Html(_));
        if self.last().kind == Kind::Plain && !inside {
            self.push(next, Kind::Prose);
        }
    }

    /// Takes a finished line, which begins at `self.line`.
    fn take(&mut self, line: &str) {
        let size = self.line - self.last().start;
        match self.open {
            Open::Fence(fence) => {
                if fence.closed_by(line) {
                    self.open = Open::Nothing;
                    self.push(self.line + line.len() + 1, Kind::Prose);
                }
                return;
            }
            Open::Html(html) => {
                if size > self.limits.large && self.last().kind == Kind::Prose {
                    self.push(self.line, Kind::Plain);
                }
                if html.closed_by(line) {
                    self.open = Open::Nothing;
                }
                return;
            }
            _ => {}
        }
        let indent = Indent::of(line);
        let body = &line[indent.bytes..];
        if body.trim_end().is_empty() {
            self.open = match self.open {
                Open::List { content, .. } => Open::List { content, blank: true },
                Open::Code => Open::Code,
                _ => Open::Nothing,
            };
            return;
        }
        if let Open::List { content, blank } = self.open
            && self.take_of_list(indent, body, content, blank, size)
        {
            return self.note_definition(line);
        }
        self.take_top(indent, body, size);
        self.note_definition(line);
    }

    fn note_definition(&mut self, line: &str) {
        if may_define(line)
            && let Some(last) = self.pieces.last_mut()
        {
            last.defines = true;
        }
    }

    /// A line while a list is open. False if the list has ended, or something that no list has in it begins.
    fn take_of_list(&mut self, indent: Indent, body: &str, content: usize, blank: bool, size: usize) -> bool {
        if indent.columns >= content {
            self.open = Open::List { content, blank: false };
            if size > self.limits.huge && self.last().kind == Kind::Prose {
                self.push(self.line, Kind::Plain);
            }
            return true;
        }
        if indent.columns < 4
            && !is_rule(body)
            && let Some(content) = item_content(body, indent.columns)
        {
            self.open = Open::List { content, blank: false };
            if size > self.limits.large || self.last().kind == Kind::Plain {
                self.push(self.line, Kind::Prose);
            }
            return true;
        }
        if blank {
            self.open = Open::Nothing;
        }
        false
    }

    /// A line of no list, or one that may go on a paragraph of one.
    fn take_top(&mut self, indent: Indent, body: &str, size: usize) {
        if self.open == Open::Code && indent.columns < 4 {
            self.open = Open::Nothing;
        }
        let begun = self.begun_by(indent, body);
        let in_list = matches!(self.open, Open::List { .. }) && begun.is_none();
        let due = match self.open {
            Open::Nothing => size >= self.limits.small,
            Open::Quote => size > self.limits.large && body.starts_with('>'),
            _ => size > self.limits.large && !in_list,
        };
        if let Some(Open::Fence(_)) = begun {
            self.push(self.line, Kind::Fence);
        } else if due || (self.last().kind == Kind::Plain && !in_list) {
            self.push(self.line, Kind::Prose);
        }
        self.open = begun.unwrap_or(match self.open {
            Open::Nothing if indent.columns >= 4 => Open::Code,
            Open::Nothing => Open::Text,
            Open::List { content, .. } => Open::List { content, blank: false },
            open => open,
        });
    }

    /// What a line begins, whatever stood open before; `None` for what may go on a paragraph.
    fn begun_by(&self, indent: Indent, body: &str) -> Option<Open> {
        if indent.columns >= 4 {
            return None;
        }
        if let Some(fence) = Fence::opened_by(body) {
            return Some(Open::Fence(fence));
        }
        if let Some(html) = Html::opened_by(body, self.open != Open::Nothing) {
            return Some(if html.closed_by(body) { Open::Nothing } else { Open::Html(html) });
        }
        if body.starts_with('>') {
            return Some(Open::Quote);
        }
        // A definition may come before a line of `=`, which then is no heading's.
        let underlined =
            self.open == Open::Text && is_underline(body) && !(self.last().defines && body.starts_with('='));
        if is_heading(body) || is_rule(body) || underlined {
            return Some(Open::Nothing);
        }
        if let Some(content) = item_content(body, indent.columns) {
            let begins = self.open != Open::Text || interrupts(body);
            return begins.then_some(Open::List { content, blank: false });
        }
        is_footnote(body).then_some(Open::List { content: 4, blank: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = 512;
    const LARGE: usize = 32 * 1024;
    const LONG_LINE: usize = 16 * 1024;

    /// The text with a bar at each cut.
    fn cuts(text: &str) -> String {
        let mut segments = Segments::new(Limits::default());
        segments.advance(text);
        let mut out = String::new();
        let mut pieces = segments.pieces().iter().peekable();
        while let Some(piece) = pieces.next() {
            let end = pieces.peek().map_or(text.len(), |next| next.start);
            let sign = match piece.kind {
                Kind::Prose => "",
                Kind::Fence => "F:",
                Kind::Plain => "P:",
            };
            if piece.start > 0 {
                out.push('|');
            }
            out += sign;
            out += &text[piece.start..end];
        }
        out
    }

    /// Long enough for a cut behind it.
    fn paragraph() -> String {
        format!("{}\n\n", "word ".repeat(SMALL / 5 + 1))
    }

    /// Whether a cut stands between two texts of which the first is long.
    #[track_caller]
    fn check(before: &str, after: &str, expect: bool) {
        let long = paragraph() + before;
        let cut = cuts(&(long.clone() + after));
        assert_eq!(
            cut.contains(&format!("{long}|")) || cut.starts_with(&format!("{long}|")),
            expect,
            "{before:?} {after:?}"
        );
    }

    #[test]
    fn a_block_begins_behind_a_blank_line() {
        check("", "next\n", true);
        check("", "next", false);
        check("a\n", "b\n", false);
        check("# a\n", "b\n", false);
        assert!(cuts(&("# a\n".to_owned() + &paragraph() + "# b\n")).ends_with("|# b\n"));
    }

    #[test]
    fn a_fence_is_a_piece_of_its_own() {
        assert_eq!(cuts("a\n```rust\n\nb\n\n```\nc\n"), "a\n|F:```rust\n\nb\n\n```\n|c\n");
        assert_eq!(cuts("~~~\n```\n"), "F:~~~\n```\n");
        assert_eq!(cuts("- a\n  ```\n  b\n  ```\n"), "- a\n  ```\n  b\n  ```\n", "not one within an item");
        assert_eq!(cuts("- a\n```\nb\n"), "- a\n|F:```\nb\n");
        assert_eq!(cuts("<div>\n```\n\n"), "<div>\n```\n\n", "not within HTML");
        assert_eq!(cuts("```\na\n```"), "F:```\na\n```", "an unfinished line closes nothing");
    }

    #[test]
    fn lists_are_kept_together() {
        let list = format!("- {}\n\n", "word ".repeat(200));
        for more in ["- b\n", "  b\n", "b\n", "   - c\n"] {
            assert_eq!(cuts(&(list.clone() + more)).contains('|'), more == "b\n", "{more:?}");
        }
        let items = "- item\n".repeat(LARGE / 7 + 10);
        assert_eq!(cuts(&items).matches("|- item").count(), 1);
    }

    #[test]
    fn what_is_too_large_is_cut_somewhere() {
        let lines = "x".repeat(39) + "\n";
        let text = lines.repeat(10_000);
        assert_eq!(cuts(&text).matches('|').count(), text.len() / (LARGE + 40));
        let item = "- a\n".to_owned() + &("  ".to_owned() + &lines).repeat(10_000) + "- b\n";
        assert_eq!(cuts(&item).matches("|P:").count(), 1);
        assert!(cuts(&item).ends_with("|- b\n"));
        let long = "ä".repeat(LONG_LINE) + "\nend\n";
        assert!(cuts(&long).contains("|P:ä"));
        assert!(cuts(&long).ends_with("\n|end\n"));
    }

    #[test]
    fn the_text_is_cut_alike_however_it_comes() {
        let mut text = String::new();
        for piece in
            ["# H\n\n", "- a\n\n  b\n", "```\nc\n\n```\n", "> q\n", "<!-- x\n\n-->\n", "[a]: b\n===\n", "end\n"]
        {
            text += piece;
            text += &paragraph();
        }
        text += &"long ".repeat(LONG_LINE);
        let mut whole = Segments::new(Limits::default());
        whole.advance(&text);
        for size in [1, 7, 40, 1000] {
            let mut grown = Segments::new(Limits::default());
            for end in (0..=text.len()).step_by(size).chain([text.len()]) {
                grown.advance(&text[..end]);
            }
            assert_eq!(grown.pieces(), whole.pieces(), "size {size}");
        }
    }
}
