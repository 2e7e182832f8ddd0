//! A change of a buffer, and what it will cost Neovim's thread.

use super::line::{Anchor, Line};

/// From one revision of a buffer to the next. All rows are those at the time of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The revision that the buffer must have; 0: any, everything is painted anew.
    pub base: u64,
    pub revision: u64,
    pub ops: Vec<Op>,
}

/// Replaces the lines `first..last` (`last` `None`: to the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    pub first: usize,
    pub last: Option<usize>,
    pub lines: Vec<Line>,
}

/// How much a patch may cost, in microseconds of Neovim's thread, by the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    micros: f64,
    bytes: usize,
}

/// Text without marks up to this size keeps within the bound, a flood with 60 of them a second too.
const MAX_BYTES: usize = 48 * 1024;

/// Measured on a shown buffer (Neovim 0.11.4): a call 300 µs, then by what it carries.
const PER_LINE: f64 = 0.4;
const PER_BYTE: f64 = 0.012;
const PER_MARK: f64 = 3.5;

impl Budget {
    pub fn micros(micros: f64) -> Self {
        Self { micros, bytes: MAX_BYTES }
    }

    pub fn is_spent(&self) -> bool {
        self.micros <= 0.0 || self.bytes == 0
    }

    /// How many bytes of plain text still fit.
    pub(super) fn room(&self) -> usize {
        if self.is_spent() { 0 } else { self.bytes.min((self.micros / PER_BYTE) as usize).max(1) }
    }

    pub(super) fn spend(&mut self, line: &Line) {
        self.micros -= micros(line);
        self.bytes = self.bytes.saturating_sub(line.text.len() + 1);
    }
}

fn micros(line: &Line) -> f64 {
    let marks = line.marks.len() + usize::from(line.group.is_some()) + usize::from(line.anchor.is_some());
    PER_LINE + line.text.len() as f64 * PER_BYTE + marks as f64 * PER_MARK
}

impl Patch {
    /// What it is estimated to cost, beside what every call costs.
    pub fn micros(&self) -> f64 {
        self.ops.iter().flat_map(|op| &op.lines).map(micros).sum()
    }

    /// Bytes of text in it.
    pub fn bytes(&self) -> usize {
        self.ops.iter().flat_map(|op| &op.lines).map(|line| line.text.len() + 1).sum()
    }
}

impl Anchor {
    pub fn kind(&self) -> &'static str {
        match self {
            Anchor::Turn => "turn",
            Anchor::Tool => "tool",
            Anchor::Question(_) => "question",
            Anchor::Change => "change",
            Anchor::Split => "split",
        }
    }
}
