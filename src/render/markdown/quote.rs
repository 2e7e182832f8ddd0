//! The bars of a quote: its `>` at the beginning of each line.

use std::ops::Range;

use crate::render::{
    line::{Look, Mark},
    scene::Icons,
};

/// Marks those of a quote that stands in `outer` others.
pub(super) fn marks(
    text: &str,
    range: Range<usize>,
    outer: usize,
    group: &'static str,
    icons: Icons,
    marks: &mut Vec<Mark>,
) {
    let mut push = |at: usize| {
        let look = if icons == Icons::Ascii { Look::Colour } else { Look::As('▎') };
        marks.push(Mark { start: at, end: at + 1, group, look });
    };
    let mut start = range.start;
    for (index, line) in text[range].split('\n').enumerate() {
        if index == 0 {
            // What stands before it on its first line is not the quote's.
            let indent = line.len() - line.trim_start().len();
            if line[indent..].starts_with('>') {
                push(start + indent);
            }
        } else {
            let prefix = line.bytes().enumerate().take_while(|(_, c)| matches!(c, b' ' | b'\t' | b'>'));
            // A line may go on a paragraph without them.
            if let Some((at, _)) = prefix.filter(|(_, c)| *c == b'>').nth(outer) {
                push(start + at);
            }
        }
        start += line.len() + 1;
    }
}
