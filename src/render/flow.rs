//! Text that may still grow, line by line: what was laid out once is not looked at again.
//!
//! Only the last line is unfinished; the next call lays it out anew. Long lines are split softly, and a piece that is
//! full is finished too.

use super::{
    line::{Line, SOFT_SPLIT, boundary},
    markdown::{Fence, Position, highlight},
};

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The agent's prose, as Markdown.
    Prose,
    /// The same in one quiet colour.
    Thought,
}

/// An entry, laid out as far as it is ours to lay out.
pub(super) struct Layout {
    pub(super) lines: Vec<Line>,
    /// The entry's own text follows, in this style.
    pub(super) flow: Option<Style>,
}

/// Up to where a text has been laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Bytes that finished lines have taken.
    pub(super) offset: usize,
    /// The line at the offset has begun before it.
    continued: bool,
    fence: Fence,
}

/// Lines from a flow's offset on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flowed {
    pub(super) lines: Vec<Line>,
    /// The last of them is unfinished: the next lines begin by replacing it.
    pub(super) open: bool,
    /// All of the text is in.
    pub(super) complete: bool,
}

impl Flow {
    /// In the middle of a text, at a character's boundary.
    pub(super) fn at(text: &str, offset: usize) -> Self {
        let mut flow = Flow { offset, continued: offset > 0 && !text[..offset].ends_with('\n'), ..Flow::default() };
        for line in text[..offset].split_inclusive('\n') {
            flow.fence.pass(line.strip_suffix('\n').unwrap_or(line));
        }
        flow
    }

    /// Lays out what follows, up to about `limit` bytes.
    pub(super) fn advance(&mut self, text: &str, style: Style, limit: usize) -> Flowed {
        let mut out = Flowed::default();
        let mut taken = 0;
        loop {
            let rest = text.get(self.offset..).unwrap_or("");
            if rest.is_empty() {
                out.complete = true;
                return out;
            }
            if taken >= limit {
                return out;
            }
            // A line's end is looked for in a bounded stretch: a line of megabytes is cut long before it.
            let stretch = boundary(rest, SOFT_SPLIT + 1);
            let (piece, ends) = match rest[..stretch].find('\n') {
                Some(end) => (&rest[..end], End::Line),
                None if rest.len() > SOFT_SPLIT => (&rest[..boundary(rest, SOFT_SPLIT)], End::Split),
                None => (rest, End::Open),
            };
            out.lines.push(self.line(piece, style));
            taken += piece.len() + 1;
            match ends {
                End::Line => {
                    if !self.continued {
                        self.fence.pass(piece);
                    }
                    self.continued = false;
                    self.offset += piece.len() + 1;
                }
                End::Split => {
                    if !self.continued {
                        self.fence.pass(piece);
                    }
                    self.continued = true;
                    self.offset += piece.len();
                }
                End::Open => {
                    out.open = true;
                    out.complete = true;
                    return out;
                }
            }
        }
    }

    fn line(&self, piece: &str, style: Style) -> Line {
        match style {
            Style::Thought => Line::of(piece, "AgorThinking"),
            Style::Prose => {
                highlight(piece, &self.fence, if self.continued { Position::Inside } else { Position::Start })
            }
        }
    }
}

enum End {
    Line,
    Split,
    Open,
}

/// Where the last `lines` lines begin, or fewer if they are more than about `bytes` bytes. In a line that is longer than
/// that it is somewhere inside.
pub(super) fn tail_offset(text: &str, lines: usize, bytes: usize) -> usize {
    let floor = text.len().saturating_sub(bytes);
    let floor = (floor..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
    let tail = &text[floor..];
    match tail.rmatch_indices('\n').nth(lines) {
        Some((newline, _)) => floor + newline + 1,
        None if floor == 0 => 0,
        None => floor + tail.find('\n').map_or(0, |newline| newline + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Vec<String> {
        let flowed = Flow::default().advance(text, Style::Prose, usize::MAX);
        assert!(flowed.complete);
        flowed.lines.into_iter().map(|line| line.text).collect()
    }

    /// Feeds a text in pieces and keeps the buffer as a view would.
    fn in_pieces(text: &str, size: usize, limit: usize) -> Vec<Line> {
        let mut buffer: Vec<Line> = Vec::new();
        let mut flow = Flow::default();
        let mut open = false;
        let mut end = 0;
        while end < text.len() {
            end = boundary(text, (end + size).max(1)).max(end + 1).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            loop {
                let flowed = flow.advance(&text[..end], Style::Prose, limit);
                if open && !flowed.lines.is_empty() {
                    buffer.pop();
                }
                open = if flowed.lines.is_empty() { open && flowed.complete && buffer.is_empty() } else { flowed.open };
                buffer.extend(flowed.lines);
                if flowed.complete {
                    break;
                }
            }
        }
        buffer
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        let text = "# Head\n\nSome `code` and **bold** ä\n```rust\nfn main() {}\n\n```\n- item\n\nend";
        let expect = Flow::default().advance(text, Style::Prose, usize::MAX).lines;
        for size in [1, 2, 3, 7, 50] {
            for limit in [1, 10, 1000] {
                assert_eq!(in_pieces(text, size, limit), expect, "size {size} limit {limit}");
            }
        }
    }

    #[test]
    fn lines_are_the_text_s_own() {
        assert_eq!(whole("a\n\n b\tc "), ["a", "", " b\tc "]);
        assert_eq!(whole("a\n"), ["a"]);
        assert_eq!(whole(""), Vec::<String>::new());
    }

    #[test]
    fn a_line_of_megabytes_is_split_softly_and_exactly() {
        let text = "x".repeat(1_000_000) + "\nend";
        let lines = whole(&text);
        assert!(lines.iter().all(|line| line.len() <= SOFT_SPLIT));
        assert_eq!(lines[..lines.len() - 1].concat().len(), 1_000_000);
    }

    #[test]
    fn the_tail_begins_at_a_line() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let offset = tail_offset(&text, 200, 1 << 20);
        assert!(text[offset..].starts_with("line "));
        let lines = text[offset..].lines().count();
        assert!((199..=202).contains(&lines), "{lines}");
        assert_eq!(tail_offset("short", 200, 1 << 20), 0);
        assert_eq!(tail_offset("a\nb", 200, 1 << 20), 0);
        let offset = tail_offset(&text, 200, 50);
        assert!(text.len() - offset <= 60, "bytes bound it too");
    }
}
