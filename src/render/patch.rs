//! A change of a buffer, and what it will cost Neovim's thread.
//!
//! Text and what is drawn over it are two layers: text goes first, marks follow where somebody looks.

use super::line::{Anchor, Mark};

/// From one revision of a buffer to the next. All rows are those at the time of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The revision that the buffer must have; 0: any, everything is painted anew.
    pub base: u64,
    pub revision: u64,
    pub ops: Vec<Op>,
    /// Entries that stand above what is painted.
    pub earlier: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Replaces the lines `first..last` (`last` `None`: to the end) with all that is drawn over them.
    Set { first: usize, last: Option<usize>, rows: Vec<Row> },
    /// The first goes to the end of a row, the others follow below it; marks stay.
    Add { row: usize, rows: Vec<Row> },
    /// What is drawn over a row from now on.
    Marks { row: usize, drawn: Drawn, marks: Vec<Mark>, group: Option<&'static str> },
}

/// Whether something is drawn over a row already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    No,
    /// It has to go first.
    Before,
}

/// A row's text, and what motions find it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub text: String,
    pub anchor: Option<Anchor>,
}

/// How much a patch may cost, in microseconds of Neovim's thread, by the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    micros: f64,
    bytes: usize,
    marks: usize,
    returned: bool,
}

/// Text without marks up to this size keeps within the bound, a flood with 60 of them a second too.
const MAX_BYTES: usize = 64 * 1024;
/// Colour that is late is seen by nobody, a key that is late is.
const MAX_MARKS: usize = 200;
/// More text than this has nothing drawn over it in the same call.
const DRAWN_BYTES: usize = 16 * 1024;

/// Measured on a shown buffer (Neovim 0.11.4): a call 300 µs, then by what it carries.
const PER_LINE: f64 = 0.4;
const PER_BYTE: f64 = 0.012;
const PER_MARK: f64 = 3.5;

impl Budget {
    pub fn micros(micros: f64) -> Self {
        Self { micros, bytes: MAX_BYTES, marks: MAX_MARKS, returned: false }
    }

    /// For what has to be painted whole.
    pub(super) fn endless() -> Self {
        Self { micros: f64::INFINITY, bytes: usize::MAX, marks: usize::MAX, returned: false }
    }

    /// Of the first patch for somebody who was away: what is there now is to be seen at once.
    #[must_use]
    pub fn returned(self, returned: bool) -> Self {
        Self { returned, ..self }
    }

    pub(super) fn is_of_return(&self) -> bool {
        self.returned
    }

    pub fn is_spent(&self) -> bool {
        self.micros <= 0.0 || self.bytes == 0
    }

    pub(super) fn no_more_than(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.min(bytes), ..self }
    }

    /// How many bytes of plain text still fit.
    pub(super) fn room(&self) -> usize {
        if self.is_spent() { 0 } else { self.bytes.min((self.micros / PER_BYTE) as usize).max(1) }
    }

    /// Whether nothing more may be drawn.
    pub(super) fn is_drawn_out(&self) -> bool {
        self.micros <= 0.0 || self.marks == 0 || self.bytes < MAX_BYTES - DRAWN_BYTES
    }

    pub(super) fn spend(&mut self, bytes: usize, anchor: bool) {
        self.micros -= micros_of_row(bytes, anchor);
        self.bytes = self.bytes.saturating_sub(bytes + 1);
    }

    pub(super) fn draw(&mut self, marks: usize) {
        self.micros -= marks as f64 * PER_MARK;
        self.marks = self.marks.saturating_sub(marks);
    }
}

fn micros_of_row(bytes: usize, anchor: bool) -> f64 {
    PER_LINE + bytes as f64 * PER_BYTE + if anchor { PER_MARK } else { 0.0 }
}

impl Op {
    fn micros(&self) -> f64 {
        match self {
            Op::Set { rows, .. } | Op::Add { rows, .. } => {
                rows.iter().map(|row| micros_of_row(row.text.len(), row.anchor.is_some())).sum::<f64>()
            }
            Op::Marks { drawn, marks, group, .. } => cost(*drawn, marks, *group) as f64 * PER_MARK,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Op::Set { rows, .. } | Op::Add { rows, .. } => rows.iter().map(|row| row.text.len() + 1).sum(),
            Op::Marks { .. } => 0,
        }
    }

    /// How many marks it sets or takes away, about.
    pub fn marks(&self) -> usize {
        match self {
            Op::Marks { drawn, marks, group, .. } => cost(*drawn, marks, *group),
            _ => 0,
        }
    }
}

/// What drawing over a row costs, in marks.
pub(super) fn cost(drawn: Drawn, marks: &[Mark], group: Option<&'static str>) -> usize {
    marks.len() + usize::from(group.is_some()) + usize::from(drawn == Drawn::Before)
}

impl Patch {
    /// What it is estimated to cost, beside what every call costs.
    pub fn micros(&self) -> f64 {
        self.ops.iter().map(Op::micros).sum()
    }

    /// Bytes of text in it.
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(Op::bytes).sum()
    }

    pub fn marks(&self) -> usize {
        self.ops.iter().map(Op::marks).sum()
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
