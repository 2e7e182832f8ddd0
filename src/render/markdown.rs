//! What the agent's Markdown looks like: marks for a stretch of a text that may still grow.
//!
//! A [`Document`] remembers where a text can be cut and which links it defines; what is drawn of a stretch is read anew
//! from the pieces that it touches, when it is asked for. So a text costs one look at each of its lines as it comes, and
//! the rest is paid only for what somebody sees. The same text gives the same marks however it came. Knows neither rows
//! nor windows; the text itself is never changed.

mod address;
mod code;
mod found;
mod opening;
mod prose;
mod quote;
mod segments;
mod table;

use std::{collections::HashMap, ops::Range};

use found::Found;
use segments::{Kind, Limits, Segment, Segments};

use super::{line::Mark, scene::Scene};

/// More links of one text are not kept.
const DEFINITIONS: usize = 10_000;

/// How one text may be read, as far as it has come.
#[derive(Debug)]
pub struct Document {
    segments: Segments,
    /// Pieces whose definitions are in.
    defined: usize,
    /// Names of links, and the piece that defines them first begins there.
    definitions: HashMap<String, usize>,
    /// Bytes that were taken in.
    length: usize,
}

/// What a stretch of a text looks like. All offsets are those of the whole text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In order of their start; each ends on the line where it begins.
    pub marks: Vec<Mark>,
    /// Where lines begin that have a group of their own, for the whole screen line.
    pub lines: Vec<(usize, &'static str)>,
    pub fences: Vec<FenceSpan>,
}

/// Fenced code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceSpan {
    /// The first character of the fence; what stands before it on its line stands before each line of code.
    pub opening: usize,
    /// What is said behind it: a language's name, often more.
    pub info: Range<usize>,
    /// From the first line of code to the line that closes it, or to the end of the text.
    pub code: Range<usize>,
    /// No more code can come.
    pub closed: bool,
}

impl Default for Document {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Document {
    /// All limits within reach of a short text.
    #[cfg(any(test, fuzzing))]
    pub fn within_tight_limits() -> Self {
        Self::new(Limits { small: 4, large: 24, huge: 48, line: 20 })
    }

    fn new(limits: Limits) -> Self {
        Self { segments: Segments::new(limits), defined: 0, definitions: HashMap::new(), length: 0 }
    }

    /// Takes in what the text is now; it has only grown. Marks of what stands before the returned offset are as they were.
    pub fn advance(&mut self, text: &str) -> usize {
        if text.len() == self.length {
            return self.length;
        }
        let open = self.segments.last();
        // Lines of a fence do not depend on those that follow them.
        let changed = if open.kind == Kind::Prose { open.start } else { self.segments.line().max(open.start) };
        self.length = text.len();
        self.segments.advance(text);
        self.define(text);
        changed
    }

    /// Reads the lines that a range touches.
    pub fn read(&self, text: &str, range: Range<usize>, scene: Scene) -> Reading {
        let near = code::near(text, range);
        let mut out = Reading::default();
        let pieces = self.segments.pieces();
        let first = pieces.partition_point(|piece| piece.start <= near.start).saturating_sub(1);
        for (index, piece) in pieces.iter().enumerate().skip(first) {
            if piece.start > near.end {
                break;
            }
            let next = pieces.get(index + 1).map(|next| next.start);
            let end = next.unwrap_or(text.len()).min(text.len());
            let mut found = Found::default();
            match piece.kind {
                Kind::Plain => continue,
                Kind::Fence => code::fence(text, piece.start..end, next.is_some(), near.clone(), &mut found),
                Kind::Prose => {
                    let Some(own) = text.get(piece.start..end) else { continue };
                    found = prose::read(own, |name| self.is_defined(name, piece), scene);
                    found.shift(piece.start);
                }
            }
            let touched = |mark: &Mark| mark.start <= near.end && mark.end >= near.start;
            out.marks.extend(found.marks.into_iter().filter(touched));
            out.lines.extend(found.lines.into_iter().filter(|(start, _)| (near.start..=near.end).contains(start)));
            let reaches = |fence: &FenceSpan| fence.opening <= near.end && fence.code.end >= near.start;
            out.fences.extend(found.fences.into_iter().filter(reaches));
        }
        out.marks.sort_by_key(|mark| mark.start);
        out.lines.sort_unstable();
        out.lines.dedup();
        out
    }

    fn define(&mut self, text: &str) {
        let pieces = self.segments.pieces();
        let closed = pieces.len() - 1;
        for index in self.defined..closed {
            let (piece, end) = (pieces[index], pieces[index + 1].start);
            if piece.defines && self.definitions.len() < DEFINITIONS {
                for name in text.get(piece.start..end).map(prose::definitions).unwrap_or_default() {
                    self.definitions.entry(name).or_insert(piece.start);
                }
            }
        }
        self.defined = closed;
    }

    fn is_defined(&self, name: &str, piece: &Segment) -> bool {
        !self.definitions.is_empty()
            && self.definitions.get(&prose::normal(name)).is_some_and(|&start| start < piece.start)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
