//! One line of a buffer with its highlights.

use std::borrow::Cow;

use super::unseen::shown;
use crate::domain::RequestId;

/// A line's text without its end, marks in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub marks: Vec<Mark>,
    /// Highlights the whole screen line, over the background of any mark.
    pub group: Option<&'static str>,
    pub anchor: Option<Anchor>,
    /// The code that it shows, whose colours come later.
    pub code: Option<Code>,
    /// The line of a file that it shows.
    pub source: Option<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
    /// A highlight group of `lua/agor/highlight.lua` or one that every colour scheme has; none if empty.
    pub group: &'static str,
    pub look: Look,
}

/// What a mark does with the text that it covers, which stays the agent's own in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// It is coloured.
    #[default]
    Colour,
    /// It is not drawn. Of a few cells only: what is concealed still takes its room where a line is wrapped.
    Hidden,
    /// One sign is drawn in its place.
    As(char),
    /// This stands before it, and moves what follows.
    Before(String),
    /// This is drawn over it.
    Over(String),
    /// So many cells at the left of each screen row of a line that is wrapped have its colour; they have to be blank.
    Fill(usize),
    /// The whole row has this background, below all other marks.
    Tint,
}

impl Mark {
    pub fn colour(start: usize, end: usize, group: &'static str) -> Self {
        Self { start, end, group, look: Look::Colour }
    }

    /// Of a line of that length.
    pub fn tint(end: usize, group: &'static str) -> Self {
        Self { start: 0, end, group, look: Look::Tint }
    }
}

/// A line of one of an entry's files: of what a tool changed, or of what went along with a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its place among them.
    pub file: usize,
    /// From 1, in the file as it is afterwards; 0: it is not known, or it is the file itself that is named.
    pub line: u64,
}

/// A piece of code within one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A fenced block of a text, by the offset of its first code line.
    Fence { start: usize },
    /// The change of one file, by its fingerprint.
    Diff { file: usize, print: u64 },
    /// What was read of a file, by its length.
    Output { length: usize },
}

/// Which code a line of ours shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub part: Part,
    /// Counted through the whole part.
    pub line: usize,
    /// The column where it begins.
    pub column: usize,
}

/// What motions and keys find a line by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    Turn,
    Tool,
    Question(RequestId),
    /// The first line of a change in a diff.
    Change,
    /// It goes on the line above it, which was split softly: together they are one.
    Split,
}

impl Line {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: on_a_line(&text.into()).into_owned(), ..Self::default() }
    }

    /// A line in one colour.
    pub fn of(text: impl Into<String>, group: &'static str) -> Self {
        let mut line = Self::default();
        line.push(&text.into(), group);
        line
    }

    /// Appends a piece in its colour; no group leaves it plain.
    pub fn push(&mut self, text: &str, group: &'static str) -> &mut Self {
        let start = self.text.len();
        self.text.push_str(&on_a_line(text));
        if !group.is_empty() && !text.is_empty() {
            self.marks.push(Mark::colour(start, self.text.len(), group));
        }
        self
    }

    /// Appends another line's text and marks.
    pub(super) fn append(&mut self, other: Line) {
        let by = self.text.len();
        self.text.push_str(&other.text);
        self.marks.extend(other.marks.into_iter().map(|mark| Mark {
            start: mark.start + by,
            end: mark.end + by,
            ..mark
        }));
    }

    pub fn anchored(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }
}

/// A path or a title may have a line's end in it, which a line of a buffer cannot, and what nobody would see.
fn on_a_line(text: &str) -> Cow<'_, str> {
    match text.contains('\n') {
        true => Cow::Owned(shown(&text.replace('\n', "\\n")).into_owned()),
        false => shown(text),
    }
}

/// Longer lines are split softly in the view: one wrapped line of 1 MB costs Neovim 40 ms per redraw.
pub(super) const SOFT_SPLIT: usize = 2048;

/// The largest index up to `at` that is a character's boundary; at least one character of a text that has any.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    let floor = (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    if floor > 0 { floor } else { text.chars().next().map_or(0, char::len_utf8) }
}

/// Lines of a text that is not the agent's prose, split softly.
pub(super) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let mut rest = Some(line.strip_suffix('\r').unwrap_or(line));
        std::iter::from_fn(move || {
            let text = rest?;
            let cut = boundary(text, SOFT_SPLIT);
            rest = (cut < text.len()).then(|| &text[cut..]);
            Some(&text[..cut])
        })
    })
}

/// The start of a text in at most `max` characters, on one line.
pub(super) fn one_line(text: &str, max: usize, ellipsis: &str) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut cut = false;
    let mut space = false;
    for c in text.trim().chars() {
        if count >= max {
            cut = true;
            break;
        }
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if space {
            out.push(' ');
            count += 1;
            space = false;
        }
        out.push(c);
        count += 1;
    }
    // A title may have been cut before it came here.
    if cut || out.ends_with('…') {
        out.truncate(out.trim_end_matches('…').len());
        out.push_str(ellipsis);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_no_lines_end() {
        let mut line = Line::plain("a\nb");
        line.push("c\nd", "AgorDim");
        assert_eq!(line.text, r"a\nbc\nd");
        assert_eq!((line.marks[0].start, line.marks[0].end), (4, line.text.len()));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "ä".repeat(2000);
        let pieces: Vec<&str> = split_lines(&text).collect();
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| piece.len() <= SOFT_SPLIT));
        assert_eq!(split_lines("a\r\n\nb").collect::<Vec<_>>(), ["a", "", "b"]);
    }

    #[test]
    fn one_line_folds_white_space_and_says_that_it_cut() {
        assert_eq!(one_line("  a\n\tb  c ", 10, "…"), "a b c");
        assert_eq!(one_line("abcdef", 3, "…"), "abc…");
        assert_eq!(one_line("", 3, "…"), "");
        assert_eq!(one_line("ls -l…", 10, "..."), "ls -l...");
    }
}
