//! What stands in the buffer for one entry: rows of ours, then the agent's own text.
//!
//! Keeps a few bytes a row: enough to say whether it has to be painted again. Knows nothing of its neighbours.

use std::{collections::VecDeque, ops::Range};

use super::stamp::{Stamp, of_text};
use crate::{
    render::{
        around::flow_text,
        flow::{Layout, Style},
        line::{Anchor, Line},
        patch::{Budget, Op, Row},
        rows::Rows,
        unseen,
    },
    transcript::Entry,
};

/// Longer texts are painted from their end.
const LONG_TEXT: usize = 32 * 1024;
/// Of them, so much first.
const FIRST_ROWS: usize = 200;
/// Of a text that has begun below, so much at a time.
const RISE: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Block {
    /// Rows of ours that are painted, the empty one above them included.
    pub(super) own: Vec<Stamp>,
    pub(super) flowing: Option<Flowing>,
    /// The first of them sets it apart from what is above.
    pub(super) gap: bool,
    /// Laid out, not yet painted.
    backlog: VecDeque<Line>,
    generation: u32,
}

/// The agent's own text as far as it is painted.
#[derive(Debug)]
pub(super) struct Flowing {
    pub(super) style: Style,
    pub(super) rows: Rows,
    /// What is drawn over each row.
    pub(super) drawn: VecDeque<u32>,
    /// Bytes of the unfinished row that are painted, if there is one.
    open: Option<usize>,
    /// Bytes that were there when it was last painted.
    pub(super) seen: usize,
}

impl Flowing {
    fn new(style: Style, rows: Rows) -> Self {
        Self { style, rows, drawn: VecDeque::new(), open: None, seen: 0 }
    }

    /// More of the text, as far as it fits: what belongs to the unfinished row first, if there was one. True if all is in.
    fn take(&mut self, text: &str, budget: &mut Budget, rows: &mut Vec<Row>) -> bool {
        loop {
            if self.seen == text.len() {
                return true;
            }
            if budget.is_spent() {
                return false;
            }
            let Some((range, open)) = self.rows.advance(text) else {
                self.seen = text.len();
                return true;
            };
            let painted = self.open.take();
            let row = text_row(text, range.start + painted.unwrap_or(0)..range.end);
            if painted.is_none() {
                self.drawn.push_back(0);
            }
            budget.spend(row.text.len(), false);
            rows.push(row);
            if open {
                self.open = Some(range.len());
                self.seen = text.len();
            }
        }
    }
}

/// The lines above an entry's own text, with the empty one that sets it apart.
pub(super) fn top(gap: bool, lines: Vec<Line>) -> impl Iterator<Item = Line> {
    gap.then(Line::default).into_iter().chain(lines)
}

fn text_row(text: &str, bytes: Range<usize>) -> Row {
    let goes_on = bytes.start > 0 && text.as_bytes().get(bytes.start - 1) != Some(&b'\n');
    Row { text: unseen::piece(text, bytes).into_owned(), anchor: goes_on.then_some(Anchor::Split) }
}

fn row(line: Line) -> Row {
    Row { text: line.text, anchor: line.anchor }
}

impl Block {
    pub(super) fn rows(&self) -> usize {
        self.own.len() + self.flowing.as_ref().map_or(0, |flowing| flowing.drawn.len())
    }

    /// Bytes of the text's beginning that are not painted yet.
    pub(super) fn start(&self) -> usize {
        self.flowing.as_ref().map_or(0, |flowing| flowing.rows.start())
    }

    pub(super) fn is_unfinished(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// A block whose end is painted first.
    pub(super) fn from_end(entry: &Entry, layout: Layout, gap: bool, budget: &mut Budget) -> (Self, Vec<Row>) {
        let mut block = Block { gap, generation: entry.generation, ..Block::default() };
        let mut rows = Vec::new();
        let Some(style) = layout.flow else {
            // The rest of a long one follows below what is painted of it.
            block.backlog = top(gap, layout.lines).collect();
            let fits = block.backlog.len().min(2 * FIRST_ROWS);
            rows.extend(block.backlog.drain(..fits).map(row));
            block.stamp(&rows, budget);
            return (block, rows);
        };
        let text = flow_text(entry);
        let start = match text.len() > LONG_TEXT {
            true => Rows::near_end(text, FIRST_ROWS, LONG_TEXT / 2),
            false => Rows::default(),
        };
        if start.start() == 0 {
            rows.extend(top(gap, layout.lines).map(row));
            block.stamp(&rows, budget);
        }
        let mut flowing = Flowing::new(style, start);
        let own = rows.len();
        flowing.take(text, &mut Budget::endless(), &mut rows);
        rows[own..].iter().for_each(|row| budget.spend(row.text.len(), false));
        block.flowing = Some(flowing);
        (block, rows)
    }

    fn stamp(&mut self, rows: &[Row], budget: &mut Budget) {
        for row in rows {
            budget.spend(row.text.len(), row.anchor.is_some());
            self.own.push(Stamp { text: of_text(&row.text, row.anchor.as_ref()), drawn: 0 });
        }
    }

    /// More of a long text whose end is painted, to stand above it; with what is ours, once its beginning is reached.
    pub(super) fn rise(
        &mut self,
        entry: &Entry,
        head: impl FnOnce() -> (Layout, bool),
        budget: &mut Budget,
    ) -> Vec<Row> {
        let Some(flowing) = &mut self.flowing else { return Vec::new() };
        let text = flow_text(entry);
        let found = flowing.rows.rise(text, FIRST_ROWS, budget.room().min(RISE));
        let mut rows = Vec::with_capacity(found.len());
        for range in found {
            flowing.drawn.push_front(0);
            budget.spend(range.len(), false);
            rows.push(text_row(text, range));
        }
        if flowing.rows.start() == 0 {
            let (layout, gap) = head();
            self.gap = gap;
            let mut above: Vec<Row> = top(gap, layout.lines).map(row).collect();
            self.stamp(&above, budget);
            above.append(&mut rows);
            return above;
        }
        rows
    }

    /// Paints what has to stand there, and only what is not there already.
    pub(super) fn relayout(
        &mut self,
        entry: &Entry,
        layout: Layout,
        gap: bool,
        first: usize,
        budget: &mut Budget,
        ops: &mut Vec<Op>,
    ) {
        let flow = layout.flow;
        let flows_on = match (&self.flowing, flow) {
            (Some(flowing), Some(style)) => flowing.style == style && self.generation == entry.generation,
            _ => false,
        };
        if flows_on && self.start() > 0 {
            // Its top is laid out when it is reached.
            return;
        }
        (self.gap, self.generation) = (gap, entry.generation);
        let below = if flows_on { 0 } else { self.rows() - self.own.len() };
        if !flows_on {
            self.flowing = flow.map(|style| Flowing::new(style, Rows::default()));
        }
        let lines: Vec<Line> = top(gap, layout.lines).collect();
        let stamps: Vec<u32> = lines.iter().map(|line| of_text(&line.text, line.anchor.as_ref())).collect();
        let old = self.own.len();
        let same = |(stamp, text): &(&Stamp, &u32)| stamp.text == **text;
        let above = self.own.iter().zip(&stamps).take_while(same).count();
        let left = old.min(lines.len()) - above;
        let mut under = match below {
            0 => self.own.iter().rev().zip(stamps.iter().rev()).take(left).take_while(same).count(),
            _ => 0,
        };
        let mut rest: VecDeque<Line> = lines.into_iter().skip(above).collect();
        let changed = rest.len() - under;
        let mut now = Vec::new();
        while now.len() < changed
            && !budget.is_spent()
            && let Some(line) = rest.pop_front()
        {
            budget.spend(line.text.len(), line.anchor.is_some());
            now.push(row(line));
        }
        if now.len() < changed {
            // What does not fit comes later, above nothing of the old.
            under = 0;
            self.backlog = rest;
        } else {
            self.backlog.clear();
        }
        let gone = old - under - above + below;
        let new = stamps[above..above + now.len()].iter().map(|&text| Stamp { text, drawn: 0 });
        self.own.splice(above..old - under, new);
        if gone > 0 || !now.is_empty() {
            put(ops, first + above, first + above + gone, now);
        }
    }

    /// Paints more of what is laid out. True if none of it is left.
    pub(super) fn drain(&mut self, first: usize, budget: &mut Budget, ops: &mut Vec<Op>) -> bool {
        let end = first + self.own.len();
        let mut rows = Vec::new();
        while !budget.is_spent()
            && let Some(line) = self.backlog.pop_front()
        {
            rows.push(row(line));
            self.stamp(&rows[rows.len() - 1..], budget);
        }
        if !rows.is_empty() {
            put(ops, end, end, rows);
        }
        self.backlog.is_empty()
    }

    /// Lets the entry's own text flow on. True if all of it is painted.
    pub(super) fn grow(&mut self, entry: &Entry, first: usize, budget: &mut Budget, ops: &mut Vec<Op>) -> bool {
        let end = first + self.rows();
        let Some(flowing) = &mut self.flowing else { return true };
        let goes_on = flowing.open.is_some();
        let mut rows = Vec::new();
        let whole = flowing.take(flow_text(entry), budget, &mut rows);
        // A line's end alone shows nothing.
        let shows = rows.len() > 1 || rows.iter().any(|row| !row.text.is_empty());
        if goes_on && shows {
            append(ops, end - 1, rows);
        } else if !goes_on && !rows.is_empty() {
            put(ops, end, end, rows);
        }
        whole
    }
}

/// Adds lines at the end of a row, as part of the last operation where that is its last one.
fn append(ops: &mut Vec<Op>, row: usize, mut rows: Vec<Row>) {
    match ops.last_mut() {
        Some(Op::Set { first: at, last: Some(_), rows: before } | Op::Add { row: at, rows: before })
            if *at + before.len() == row + 1 =>
        {
            if let Some(last) = before.last_mut() {
                last.text.push_str(&rows.remove(0).text);
            }
            before.append(&mut rows);
        }
        _ => ops.push(Op::Add { row, rows }),
    }
}

/// Replaces lines, as part of the last operation where they are inserted at its end: one call instead of two.
fn put(ops: &mut Vec<Op>, first: usize, last: usize, mut rows: Vec<Row>) {
    if first == last
        && let Some(Op::Set { first: at, last: Some(_), rows: before } | Op::Add { row: at, rows: before }) =
            ops.last_mut()
        && *at + before.len() == first
    {
        return before.append(&mut rows);
    }
    ops.push(Op::Set { first, last: Some(last), rows });
}
