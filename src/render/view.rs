//! One transcript as one buffer shows it: what was painted, what has changed since, and what is still to come.
//!
//! Painted from the end backwards: the last lines come first, older ones are inserted above while nothing newer waits.
//! Row 0 is the head line; below it stand the blocks of the entries from `from` on. A patch is taken as applied when it
//! is made; a buffer that has lost it is painted anew after [`View::reset`].

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Range,
};

use super::{
    around::{around, flow_text, has_gap},
    entry::{Scene, layout},
    flow::{Flow, Layout, Style, tail_offset},
    line::{Icons, Line},
    patch::{Budget, Op, Patch},
};
use crate::transcript::{Entry, Transcript};

/// Lines of the first patch: more than any window shows.
const FIRST_LINES: usize = 200;
/// Lines that are painted ahead of the reader; the rest comes when the head line is opened.
const AHEAD: usize = 20_000;
/// More than this unseen is painted from its end.
const NEWS_ENTRIES: usize = 500;
const NEWS_BYTES: usize = 256 * 1024;
/// Longer texts are painted from their end.
const LONG_TEXT: usize = 32 * 1024;

/// The first line of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldAction {
    Toggle,
    Open,
    Close,
    OpenAll,
    CloseAll,
}

#[derive(Debug)]
pub struct View {
    scene: Scene,
    head: Head,
    revision: u64,
    fresh: bool,
    /// The first entry that is painted.
    from: usize,
    blocks: VecDeque<Block>,
    /// Entries that are not painted as they are now: changed since they were laid out, or not painted to their end.
    dirty: BTreeMap<usize, Dirt>,
    /// Entries that the user opened or closed.
    folds: HashMap<usize, bool>,
    all_open: bool,
    /// Rows of all blocks.
    rows: usize,
    ahead: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dirt {
    Changed,
    Unfinished,
}

/// What stands in the buffer for one entry.
#[derive(Debug)]
struct Block {
    rows: usize,
    gap: bool,
    head: Vec<Line>,
    generation: u32,
    /// Laid out, not yet painted.
    backlog: VecDeque<Line>,
    flowing: Option<Flowing>,
}

#[derive(Debug)]
struct Flowing {
    style: Style,
    flow: Flow,
    /// The last row is an unfinished line.
    open: bool,
    /// Bytes of the text's beginning that are not painted yet.
    start: usize,
    /// Bytes that were there when it was last laid out.
    seen: usize,
}

impl View {
    pub fn new(head: Head, scene: Scene) -> Self {
        Self {
            scene,
            head,
            revision: 0,
            fresh: true,
            from: 0,
            blocks: VecDeque::new(),
            dirty: BTreeMap::new(),
            folds: HashMap::new(),
            all_open: false,
            rows: 0,
            ahead: AHEAD,
        }
    }

    /// An entry has changed or is new.
    pub fn touch(&mut self, index: usize) {
        if !self.fresh && index >= self.from {
            self.dirty.insert(index, Dirt::Changed);
        }
    }

    /// The buffer has to be painted anew: it was filled by something else, or a patch was lost.
    pub fn reset(&mut self) {
        self.fresh = true;
        self.blocks.clear();
        self.dirty.clear();
        self.rows = 0;
    }

    /// Whether a buffer of that revision, shown again, wants only what has come since: the reader's place and folds stay.
    /// After much news it is better painted anew, from the end.
    pub fn goes_on(&self, transcript: &Transcript, revision: u64, icons: Icons) -> bool {
        let news = |index: &usize| {
            let position = index.checked_sub(self.from)?;
            let seen = self.blocks.get(position).and_then(|block| Some(block.flowing.as_ref()?.seen)).unwrap_or(0);
            Some(flow_text(transcript.entries().get(*index)?).len().saturating_sub(seen))
        };
        !self.fresh
            && self.revision == revision
            && self.scene.icons == icons
            && self.dirty.len() <= NEWS_ENTRIES
            && self.dirty.keys().filter_map(news).sum::<usize>() <= NEWS_BYTES
    }

    /// Whether [`View::next`] would have something to paint.
    pub fn has_more(&self) -> bool {
        self.fresh || !self.dirty.is_empty() || self.can_prepend()
    }

    /// The next patch within a budget; what does not fit stays for the one after it.
    pub fn next(&mut self, transcript: &Transcript, mut budget: Budget) -> Option<Patch> {
        if !self.has_more() || budget.is_spent() {
            return None;
        }
        let base = if self.fresh { 0 } else { self.revision };
        let mut ops = Vec::new();
        if self.fresh {
            self.fresh = false;
            self.from = transcript.entries().len();
            let mut lines = self.prepend(transcript, &mut budget, FIRST_LINES);
            lines.insert(0, self.head_line());
            ops.push(Op { first: 0, last: None, lines });
        } else {
            self.paint_dirty(transcript, &mut budget, &mut ops);
            // Older text only when nothing newer waits, and in patches of its own: it is never worth a delay.
            if ops.is_empty() && self.can_prepend() {
                let lines = self.prepend(transcript, &mut budget, self.ahead - self.rows);
                ops.push(Op { first: 1, last: Some(1), lines });
                ops.push(Op { first: 0, last: Some(1), lines: vec![self.head_line()] });
            }
        }
        if ops.is_empty() {
            return None;
        }
        self.revision += 1;
        Some(Patch { base, revision: self.revision, ops })
    }

    /// Opens or closes what stands at a row. False if nothing there folds.
    pub fn fold(&mut self, row: usize, action: FoldAction) -> bool {
        let open = match action {
            FoldAction::OpenAll | FoldAction::CloseAll => {
                let before: Vec<bool> = (0..self.blocks.len()).map(|at| self.is_open(self.from + at)).collect();
                self.all_open = action == FoldAction::OpenAll;
                self.folds.clear();
                // In place: the reader stays where he is.
                for (at, open) in before.into_iter().enumerate() {
                    if open != self.all_open {
                        self.dirty.insert(self.from + at, Dirt::Changed);
                    }
                }
                return true;
            }
            FoldAction::Open => Some(true),
            FoldAction::Close => Some(false),
            FoldAction::Toggle => None,
        };
        if row == 0 {
            self.ahead += AHEAD;
            return self.can_prepend();
        }
        let mut start = 1;
        for (position, block) in self.blocks.iter().enumerate() {
            start += block.rows;
            if row < start {
                let index = self.from + position;
                let now = self.is_open(index);
                let open = open.unwrap_or(!now);
                if open == now {
                    return false;
                }
                self.folds.insert(index, open);
                self.dirty.insert(index, Dirt::Changed);
                return true;
            }
        }
        false
    }

    fn is_open(&self, index: usize) -> bool {
        self.folds.get(&index).copied().unwrap_or(self.all_open)
    }

    fn head_line(&self) -> Line {
        let hidden = self.from + usize::from(self.first_start() > 0);
        if hidden == 0 {
            return Line::of(self.head.text.clone(), "AgorDim");
        }
        let plural = if hidden == 1 { "entry" } else { "entries" };
        Line::of(format!("{} {hidden} earlier {plural}", self.scene.icons.ellipsis()), "AgorDim")
    }

    /// Bytes of the first block's text that are still above it.
    fn first_start(&self) -> usize {
        self.blocks.front().and_then(|block| block.flowing.as_ref()).map_or(0, |flowing| flowing.start)
    }

    fn can_prepend(&self) -> bool {
        (self.from > 0 || self.first_start() > 0) && self.rows < self.ahead
    }

    fn paint_dirty(&mut self, transcript: &Transcript, budget: &mut Budget, ops: &mut Vec<Op>) {
        // Where the last one began: the next stands below it, often close.
        let mut last: Option<(usize, usize)> = None;
        while let Some((&index, &dirt)) = self.dirty.first_key_value() {
            if budget.is_spent() {
                return;
            }
            if index < self.from || index >= transcript.entries().len() {
                self.dirty.pop_first();
                continue;
            }
            // New entries come in order; one that was skipped would be lost.
            while self.from + self.blocks.len() <= index {
                self.blocks.push_back(Block::empty());
            }
            let position = index - self.from;
            let row = match last {
                Some((above, row)) if above <= position => row + self.rows_of(above..position),
                _ => self.row_of(position),
            };
            last = Some((position, row));
            let around = around(transcript, index);
            let layout = layout(&transcript.entries()[index], &around, self.is_open(index), self.scene);
            let gap = has_gap(transcript, index, &layout);
            let Some(block) = self.blocks.get_mut(position) else { return };
            let before = block.rows;
            let entry = &transcript.entries()[index];
            if dirt == Dirt::Changed && !block.goes_on(entry, &layout, gap) {
                block.relayout(entry, layout, gap, row, budget, ops);
            }
            let complete = block.drain(row, budget, ops) && block.grow(entry, row, budget, ops);
            self.rows = self.rows + block.rows - before;
            if complete {
                self.dirty.pop_first();
            } else {
                self.dirty.insert(index, Dirt::Unfinished);
                return;
            }
        }
    }

    /// The first row of a block. Changes are mostly near the end, so the rows are counted from there.
    fn row_of(&self, position: usize) -> usize {
        1 + self.rows - self.rows_of(position..self.blocks.len())
    }

    fn rows_of(&self, blocks: Range<usize>) -> usize {
        self.blocks.range(blocks).map(|block| block.rows).sum()
    }

    /// Lays out older text, to be inserted below the head line.
    fn prepend(&mut self, transcript: &Transcript, budget: &mut Budget, max_lines: usize) -> Vec<Line> {
        let mut pieces: Vec<Vec<Line>> = Vec::new();
        let mut count = 0;
        while !budget.is_spent() && count < max_lines {
            let piece = if self.first_start() > 0 {
                self.extend_first(transcript, budget)
            } else if self.from > 0 {
                self.from -= 1;
                let index = self.from;
                let entry = &transcript.entries()[index];
                let layout = layout(entry, &around(transcript, index), self.is_open(index), self.scene);
                let gap = has_gap(transcript, index, &layout);
                let (block, lines) = Block::from_end(entry, layout, gap, budget);
                if !block.backlog.is_empty() {
                    self.dirty.entry(index).or_insert(Dirt::Unfinished);
                }
                self.rows += block.rows;
                self.blocks.push_front(block);
                lines
            } else {
                break;
            };
            count += piece.len();
            pieces.push(piece);
        }
        pieces.into_iter().rev().flatten().collect()
    }

    /// More of a long text whose end is painted.
    fn extend_first(&mut self, transcript: &Transcript, budget: &mut Budget) -> Vec<Line> {
        let entry = &transcript.entries()[self.from];
        let Some(block) = self.blocks.front_mut() else { return Vec::new() };
        let Some(flowing) = &mut block.flowing else { return Vec::new() };
        let text = flow_text(entry);
        let above = text.get(..flowing.start).unwrap_or("");
        let start = tail_offset(above, FIRST_LINES, budget.room().min(16 * 1024));
        let mut lines = Flow::at(above, start).advance(above, flowing.style, usize::MAX).lines;
        flowing.start = start;
        if start == 0 {
            let mut top = block.top();
            top.append(&mut lines);
            lines = top;
        }
        for line in &lines {
            budget.spend(line);
        }
        block.rows += lines.len();
        self.rows += lines.len();
        lines
    }
}

impl Block {
    fn empty() -> Self {
        Self { rows: 0, gap: false, head: Vec::new(), generation: 0, backlog: VecDeque::new(), flowing: None }
    }

    /// The lines above the entry's own text.
    fn top(&self) -> Vec<Line> {
        let mut lines = Vec::with_capacity(self.head.len() + 1);
        if self.gap {
            lines.push(Line::default());
        }
        lines.extend(self.head.iter().cloned());
        lines
    }

    /// A block whose end is painted first.
    fn from_end(entry: &Entry, layout: Layout, gap: bool, budget: &mut Budget) -> (Self, Vec<Line>) {
        let mut block = Block { gap, generation: entry.generation, ..Block::empty() };
        let mut lines = Vec::new();
        match layout.flow {
            Some(style) => {
                block.head = layout.lines;
                let text = flow_text(entry);
                let start = if text.len() > LONG_TEXT { tail_offset(text, FIRST_LINES, LONG_TEXT / 2) } else { 0 };
                let mut flow = Flow::at(text, start);
                let flowed = flow.advance(text, style, usize::MAX);
                if start == 0 {
                    lines = block.top();
                }
                lines.extend(flowed.lines);
                block.flowing = Some(Flowing { style, flow, open: flowed.open, start, seen: text.len() });
            }
            None => {
                if gap {
                    lines.push(Line::default());
                }
                lines.extend(layout.lines);
                // The rest of a long one follows below what is painted of it.
                let fits = lines.len().min(2 * FIRST_LINES);
                block.backlog = lines.split_off(fits).into();
            }
        }
        for line in &lines {
            budget.spend(line);
        }
        block.rows = lines.len();
        (block, lines)
    }

    /// Whether what is painted is the beginning of what is to be.
    fn goes_on(&self, entry: &Entry, layout: &Layout, gap: bool) -> bool {
        match (&self.flowing, layout.flow) {
            (Some(flowing), Some(style)) => {
                flowing.style == style
                    && self.generation == entry.generation
                    && self.head == layout.lines
                    && self.gap == gap
            }
            _ => false,
        }
    }

    /// Replaces all that stands there.
    fn relayout(
        &mut self,
        entry: &Entry,
        layout: Layout,
        gap: bool,
        row: usize,
        budget: &mut Budget,
        ops: &mut Vec<Op>,
    ) {
        let mut lines: VecDeque<Line> = VecDeque::new();
        if gap {
            lines.push_back(Line::default());
        }
        lines.extend(layout.lines.iter().cloned());
        self.gap = gap;
        self.generation = entry.generation;
        self.flowing =
            layout.flow.map(|style| Flowing { style, flow: Flow::default(), open: false, start: 0, seen: 0 });
        self.head = if self.flowing.is_some() { layout.lines } else { Vec::new() };
        let mut now = Vec::new();
        while let Some(line) = lines.front()
            && !budget.is_spent()
        {
            budget.spend(line);
            now.extend(lines.pop_front());
        }
        self.backlog = lines;
        if self.rows > 0 || !now.is_empty() {
            let count = now.len();
            ops.push(Op { first: row, last: Some(row + self.rows), lines: now });
            self.rows = count;
        }
    }

    /// Paints more of what is laid out. True if none of it is left.
    fn drain(&mut self, row: usize, budget: &mut Budget, ops: &mut Vec<Op>) -> bool {
        let mut lines = Vec::new();
        while let Some(line) = self.backlog.front()
            && !budget.is_spent()
        {
            budget.spend(line);
            lines.extend(self.backlog.pop_front());
        }
        if !lines.is_empty() {
            let end = row + self.rows;
            self.rows += lines.len();
            ops.push(Op { first: end, last: Some(end), lines });
        }
        self.backlog.is_empty()
    }

    /// Lets the entry's own text flow on.
    fn grow(&mut self, entry: &Entry, row: usize, budget: &mut Budget, ops: &mut Vec<Op>) -> bool {
        let Some(flowing) = &mut self.flowing else { return true };
        let text = flow_text(entry);
        while flowing.seen < text.len() || flowing.flow.offset < text.len() && !flowing.open {
            if budget.is_spent() {
                return false;
            }
            let flowed = flowing.flow.advance(text, flowing.style, budget.room().min(4096));
            if flowed.lines.is_empty() {
                break;
            }
            for line in &flowed.lines {
                budget.spend(line);
            }
            let end = row + self.rows;
            let first = end - usize::from(flowing.open);
            self.rows = self.rows + flowed.lines.len() - usize::from(flowing.open);
            flowing.open = flowed.open;
            if flowed.complete {
                flowing.seen = text.len();
            }
            push_after(ops, first, end, flowed.lines);
        }
        true
    }
}

/// Adds an operation, as part of the last one where it goes on at its end: one call instead of two.
fn push_after(ops: &mut Vec<Op>, first: usize, last: usize, lines: Vec<Line>) {
    if let Some(op) = ops.last_mut() {
        let end = op.first + op.lines.len();
        if end == last && first >= op.first && op.last.is_some() {
            op.lines.truncate(first - op.first);
            op.lines.extend(lines);
            return;
        }
    }
    ops.push(Op { first, last: Some(last), lines });
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
