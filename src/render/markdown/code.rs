//! Blocks of code: their fences dim, their lines in one colour, both on a background, until `render::code` knows better.

use std::ops::Range;

use super::{FenceSpan, found::Found, opening::Fence};
use crate::render::line::Mark;

/// What of a long line is marked beyond what was asked for: more than a row holds.
const SLACK: usize = 4096;
/// The background, of the fences too: without theirs they would stand around it like crumbs.
const GROUP: &str = "AgorCodeBlock";

/// A block within a piece of prose, as the parser gives it.
pub(super) fn block(text: &str, range: Range<usize>, fenced: bool, found: &mut Found) -> Option<FenceSpan> {
    let first = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let prefix = Prefix::of(&text[first..range.start]);
    let end = range.start + text[range.clone()].trim_end_matches(['\n', '\r']).len();
    if !fenced {
        lines(text, first..end, prefix, found);
        return None;
    }
    let opened = line_end(text, range.start, range.end);
    let fence = Fence::opened_by(&text[range.start..opened])?;
    colour(text, range.start..opened, "AgorCodeFence", found);
    found.lines.push((first, GROUP));
    let last = text[range.start..end].rfind('\n').map_or(range.start, |newline| range.start + newline + 1);
    let body = last + prefix.on(&text[last..end]);
    let closed = last > range.start && fence.closed_by(&text[body..end]);
    if closed {
        let start = end - text[body..end].trim_start().len();
        colour(text, start..end, "AgorCodeFence", found);
        found.lines.push((last, GROUP));
    }
    let code = (opened + 1).min(range.end)..if closed { last } else { range.end };
    lines(text, code.clone(), prefix, found);
    Some(FenceSpan { opening: range.start, info: info(text, range.start + fence.run..opened), code, closed })
}

/// A fence that is a piece of its own; of its code only what is near `near`.
pub(super) fn fence(text: &str, range: Range<usize>, complete: bool, near: Range<usize>, found: &mut Found) {
    let opened = line_end(text, range.start, range.end);
    let opening = range.start + text[range.start..opened].len() - text[range.start..opened].trim_start().len();
    let Some(fence) = Fence::opened_by(&text[opening..opened]) else { return };
    colour(text, opening..opened, "AgorCodeFence", found);
    found.lines.push((range.start, GROUP));
    let end = if complete { range.end - 1 } else { range.end };
    let last = text[opened..end].rfind('\n').map_or(end, |newline| opened + newline + 1);
    // An unfinished line may close it already, as far as can be seen.
    let closes = last > opened && fence.closed_by(&text[last..end]);
    if closes {
        let start = end - text[last..end].trim_start().len();
        colour(text, start..end, "AgorCodeFence", found);
        found.lines.push((last, GROUP));
    }
    let code = (opened + 1).min(range.end)..if closes { last } else { range.end };
    let from = near.start.clamp(code.start, code.end);
    // An empty line at the very end is near too.
    let to = (near.end + 1).clamp(from, code.end);
    lines(text, from..to, Prefix::of(&text[range.start..opening]), found);
    found.fences.push(FenceSpan { opening, info: info(text, opening + fence.run..opened), code, closed: complete });
}

/// Marks lines of code from their first word on.
fn lines(text: &str, range: Range<usize>, prefix: Prefix, found: &mut Found) {
    let mut start = range.start;
    while start < range.end {
        let end = line_end(text, start, range.end);
        let line = &text[start..end];
        found.lines.push((start, GROUP));
        let word = end - line[prefix.on(line)..].trim_start().len();
        colour(text, word..end, "AgorCode", found);
        start = end + 1;
    }
}

/// What stands before each line of a block in a list or a quote.
#[derive(Clone, Copy)]
struct Prefix {
    bytes: usize,
    quoted: bool,
}

impl Prefix {
    /// As it stands before the first line.
    fn of(text: &str) -> Self {
        Self { bytes: text.len(), quoted: text.contains('>') }
    }

    /// The bytes of it on another line, which may have less of it.
    fn on(self, line: &str) -> usize {
        let own = |c: &u8| matches!(c, b' ' | b'\t') || self.quoted && *c == b'>';
        line.bytes().take(self.bytes).take_while(own).count()
    }
}

fn colour(text: &str, range: Range<usize>, group: &'static str, found: &mut Found) {
    let end = range.start + text[range.clone()].trim_end_matches('\r').len();
    if range.start < end {
        found.marks.push(Mark::colour(range.start, end, group));
    }
}

/// What stands behind the opening run.
fn info(text: &str, range: Range<usize>) -> Range<usize> {
    let rest = &text[range.clone()];
    let start = range.end - rest.trim_start().len();
    start..start + rest.trim().len()
}

fn line_end(text: &str, start: usize, end: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[start..end]).map_or(end, |found| start + found)
}

/// The lines that a range touches, whole if they are not long.
pub(super) fn near(text: &str, range: Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let end = range.end.clamp(range.start.min(text.len()), text.len());
    let mut from = range.start.min(end).saturating_sub(SLACK);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    if let Some(found) = memchr::memrchr(b'\n', &bytes[from..range.start.min(end)]) {
        from += found + 1;
    }
    // A range that ends behind a line's end does not touch the next one.
    let last = if end > range.start && bytes[end - 1] == b'\n' { end - 1 } else { end };
    let mut to = (last + SLACK).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    if let Some(found) = memchr::memchr(b'\n', &bytes[last..to]) {
        to = last + found;
    }
    from..to
}
