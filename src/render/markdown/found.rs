//! What a piece of Markdown was found to be: marks, whole lines, fences. Knows offsets, no Markdown.

use super::{super::line::Mark, FenceSpan};

/// What is known of a stretch of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) marks: Vec<Mark>,
    pub(super) lines: Vec<(usize, &'static str)>,
    pub(super) fences: Vec<FenceSpan>,
}

impl Found {
    /// From offsets of a piece to those of the text in which it begins at `start`.
    pub(super) fn shift(&mut self, start: usize) {
        for mark in &mut self.marks {
            mark.start += start;
            mark.end += start;
        }
        for (line, _) in &mut self.lines {
            *line += start;
        }
        for fence in &mut self.fences {
            fence.opening += start;
            for range in [&mut fence.info, &mut fence.code] {
                *range = range.start + start..range.end + start;
            }
        }
    }
}
