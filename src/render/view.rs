//! One transcript as one buffer shows it: what was painted, what has changed since, and what is still to come.
//!
//! Painted from the end backwards: the last lines come first, older ones are inserted above while nothing newer waits.
//! Row 0 is the head line; below it stand the blocks of the entries from `from` on. Text goes first, what is drawn over it
//! follows where somebody looks (`near`). A patch is taken as applied when it is made; a buffer that has lost it is painted
//! anew after [`View::reset`].

mod block;
mod fold;
mod insert;
#[cfg(any(test, fuzzing))]
pub mod model;
mod near;
mod stamp;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Range,
};

pub use fold::{FoldAction, Spot};
pub use near::Window;

use super::{
    around::{around, flow_text, has_gap},
    entry::layout,
    line::Line,
    patch::{Budget, Op, Patch, Row},
    readings::Readings,
    scene::{Icons, Scene},
};
use crate::transcript::{Change, Entry, Transcript};
use block::Block;

/// Lines of the first patch: more than any window shows.
const FIRST_LINES: usize = 200;
/// Lines that are painted ahead of the reader; the rest comes when the head line is opened.
const AHEAD: usize = 20_000;
/// More than this unseen is painted from its end.
const NEWS_ENTRIES: usize = 500;
const NEWS_BYTES: usize = 256 * 1024;
/// More than some full calls that wait are more than anybody reads.
const OUTRUN: usize = 256 * 1024;
/// More than this does not come in one call: who has been away sees the end first, however long what it replaces is.
const MISSED: usize = 48 * 1024;
/// More rows are not replaced at once: Neovim takes a microsecond for each that goes, and one for each of their marks.
const REPLACED: usize = 2_000;
/// Older text comes along with newer only where so many bytes are left for it.
const WORTHWHILE: usize = 16 * 1024;

/// And never more than leaves room for a key; of what somebody waits for less, since it comes in more calls.
const OLDER_BYTES: usize = 48 * 1024;
const AWAITED_BYTES: usize = 32 * 1024;

/// The first line of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub text: String,
}

#[derive(Debug)]
pub struct View {
    scene: Scene,
    head: Head,
    /// The head line as it is painted.
    headed: String,
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
    windows: Vec<Window>,
    /// The last patch was none of older text.
    drew: bool,
    /// From which entry on rows near a window may not be drawn as they should be.
    unchecked: Option<usize>,
    /// Lines of ours near windows, as they were last laid out.
    layouts: HashMap<usize, Vec<Line>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dirt {
    Changed,
    Unfinished,
}

impl View {
    pub fn new(head: Head, scene: Scene) -> Self {
        Self {
            scene,
            head,
            headed: String::new(),
            revision: 0,
            fresh: true,
            from: 0,
            blocks: VecDeque::new(),
            dirty: BTreeMap::new(),
            folds: HashMap::new(),
            all_open: false,
            rows: 0,
            ahead: AHEAD,
            windows: Vec::new(),
            drew: false,
            unchecked: None,
            layouts: HashMap::new(),
        }
    }

    /// A message has changed entries: those are painted anew that look different by it.
    pub fn follow(&mut self, transcript: &Transcript, change: Change) {
        let Change { index, inserted } = change;
        if inserted {
            self.insert(index);
            // They have another neighbour now.
            self.touch(index.saturating_sub(1));
            self.touch(index + 1);
        }
        self.touch(index);
        transcript.related(index).for_each(|other| self.touch(other));
    }

    /// An entry looks different or is new.
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
        self.layouts.clear();
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
        self.fresh || !self.dirty.is_empty() || self.can_prepend() || self.unchecked.is_some()
    }

    /// Whether somebody waits for all of it: a search finds nothing in what is not painted.
    pub fn is_awaited(&self) -> bool {
        self.ahead == usize::MAX && !self.fresh && self.can_prepend()
    }

    /// The next patch within a budget; what does not fit stays for the one after it. `now` in Unix milliseconds.
    pub fn next(
        &mut self,
        transcript: &Transcript,
        readings: &mut Readings,
        now: i64,
        mut budget: Budget,
    ) -> Option<Patch> {
        if !self.has_more() || budget.is_spent() {
            return None;
        }
        self.scene.now = now;
        let returned = budget.is_of_return();
        let outrun = self.is_outrun(transcript, returned);
        if outrun {
            self.reset();
            // Who follows the end waits for nothing above it any more, and is not kept from asking again.
            self.ahead = AHEAD;
        }
        let base = if self.fresh { 0 } else { self.revision };
        let mut ops = Vec::new();
        if self.fresh {
            self.fresh = false;
            self.from = transcript.entries().len();
            let mut rows = self.prepend(transcript, &mut budget, FIRST_LINES);
            let head = self.head_line();
            self.headed.clone_from(&head.text);
            rows.insert(0, Row { text: head.text.clone(), anchor: None });
            ops.push(Op::Set { first: 0, last: None, rows });
            near::draw_at_once(&mut ops, 0, &head);
            self.unchecked = Some(0);
        } else {
            self.paint_dirty(transcript, &mut budget, &mut ops);
            self.shift(&ops);
            // Entries may have come to stand above what is painted.
            self.paint_head(&mut ops);
        }
        // Older text only when nothing newer waits: it is never worth a delay. While a stream goes on, it takes turns with
        // what is drawn, so that text comes first in every patch: one that is tried again draws nothing twice.
        let room = ops.is_empty() || budget.room() >= WORTHWHILE;
        let fits = base != 0 && room && self.dirty.is_empty() && self.can_prepend();
        let mut older = fits && (self.unchecked.is_none() || self.drew);
        // In a flood nobody reads, and what is drawn now is gone by the next call.
        if !older && (!outrun || returned) {
            let texts = ops.len();
            self.draw(transcript, readings, &mut budget, &mut ops);
            older = fits && self.dirty.is_empty() && self.unchecked.is_none() && ops.len() == texts;
        }
        self.drew = !older && base != 0;
        if older {
            let most = if self.is_awaited() { AWAITED_BYTES } else { OLDER_BYTES };
            self.paint_older(transcript, budget.no_more_than(most), &mut ops);
        }
        if ops.is_empty() {
            return None;
        }
        self.revision += 1;
        Some(Patch { base, revision: self.revision, ops, earlier: self.earlier() })
    }

    /// Whether text comes faster than it can be painted while all who look follow its end: they are shown that at once, and
    /// what they have missed when there is time for it.
    fn is_outrun(&self, transcript: &Transcript, returned: bool) -> bool {
        let most = if returned { MISSED } else { OUTRUN };
        let last = (self.from + self.blocks.len()).saturating_sub(1);
        let news = |index: &usize| {
            let painted = self.blocks.get(index - self.from).and_then(|block| Some(block.flowing.as_ref()?.rows.end()));
            Some(flow_text(transcript.entries().get(*index)?).len().saturating_sub(painted.unwrap_or(0)))
        };
        !self.fresh
            && (self.rows <= REPLACED || returned)
            && !self.windows.is_empty()
            && self.windows.iter().all(|window| window.follows)
            && self.dirty.range(last.max(self.from)..).map(|(index, _)| index).filter_map(news).sum::<usize>() > most
    }

    /// Entries that are above what is painted, the one that is painted in part included.
    fn earlier(&self) -> usize {
        self.from + usize::from(self.first_start() > 0)
    }

    fn head_line(&self) -> Line {
        let hidden = self.earlier();
        if hidden == 0 {
            return Line::of(self.head.text.clone(), "AgorDim");
        }
        let plural = if hidden == 1 { "entry" } else { "entries" };
        Line::of(format!("{} {hidden} earlier {plural}", self.scene.icons.ellipsis()), "AgorDim")
    }

    fn paint_older(&mut self, transcript: &Transcript, mut budget: Budget, ops: &mut Vec<Op>) {
        let rows = self.prepend(transcript, &mut budget, self.ahead - self.rows);
        let older = ops.len();
        ops.push(Op::Set { first: 1, last: Some(1), rows });
        self.shift(&ops[older..]);
        // A window may show where it was inserted.
        self.unchecked = Some(0);
        self.paint_head(ops);
    }

    fn paint_head(&mut self, ops: &mut Vec<Op>) {
        let head = self.head_line();
        if head.text != self.headed {
            self.headed.clone_from(&head.text);
            let rows = vec![Row { text: head.text.clone(), anchor: None }];
            ops.push(Op::Set { first: 0, last: Some(1), rows });
            near::draw_at_once(ops, 0, &head);
        }
    }

    /// Bytes of the first block's text that are still above it.
    fn first_start(&self) -> usize {
        self.blocks.front().map_or(0, Block::start)
    }

    fn can_prepend(&self) -> bool {
        (self.from > 0 || self.first_start() > 0) && self.rows < self.ahead
    }

    /// Windows keep their text where rows come or go above it.
    fn shift(&mut self, ops: &[Op]) {
        for op in ops {
            let (first, gone, come) = match op {
                Op::Set { first, last: Some(last), rows } => (*first, last - first, rows.len()),
                Op::Add { row, rows } => (row + 1, 0, rows.len() - 1),
                _ => continue,
            };
            for window in &mut self.windows {
                if first + gone <= window.top {
                    window.top = window.top.saturating_add(come) - gone;
                }
            }
        }
    }

    fn paint_dirty(&mut self, transcript: &Transcript, budget: &mut Budget, ops: &mut Vec<Op>) {
        // Where the last one began: the next stands below it, often close.
        let mut last: Option<(usize, usize)> = None;
        while let Some((&index, &dirt)) = self.dirty.first_key_value() {
            if budget.is_spent() {
                return;
            }
            let Some(entry) = transcript.entries().get(index).filter(|_| index >= self.from) else {
                self.dirty.pop_first();
                continue;
            };
            // New entries come in order; one that was skipped would be lost.
            while self.from + self.blocks.len() <= index {
                self.blocks.push_back(Block::default());
            }
            self.check_from(index);
            let position = index - self.from;
            let row = match last {
                Some((above, row)) if above <= position => row + self.rows_of(above..position),
                _ => self.row_of(position),
            };
            last = Some((position, row));
            if dirt == Dirt::Changed {
                self.layouts.remove(&index);
            }
            let laid_out = (dirt == Dirt::Changed).then(|| {
                let layout = layout(entry, &around(transcript, index), self.is_open(index), self.scene);
                let gap = has_gap(transcript, index, &layout);
                (layout, gap)
            });
            let Some(block) = self.blocks.get_mut(position) else { return };
            let before = block.rows();
            if let Some((layout, gap)) = laid_out {
                block.relayout(entry, layout, gap, row, budget, ops);
            }
            let complete = block.drain(row, budget, ops) && block.grow(entry, row, budget, ops);
            let after = block.rows();
            self.rows = self.rows + after - before;
            if after < before {
                // Others have come near the end in their place.
                self.unchecked = Some(0);
            }
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
        self.blocks.range(blocks).map(Block::rows).sum()
    }

    /// The block that stands at a row.
    fn position_at(&self, row: usize) -> Option<usize> {
        let mut end = 1;
        self.blocks.iter().position(|block| {
            end += block.rows();
            row < end
        })
    }

    /// Lays out older text, to be inserted below the head line.
    fn prepend(&mut self, transcript: &Transcript, budget: &mut Budget, max_rows: usize) -> Vec<Row> {
        let mut pieces: Vec<Vec<Row>> = Vec::new();
        let mut count = 0;
        while !budget.is_spent() && count < max_rows {
            let piece = if self.first_start() > 0 {
                self.extend_first(transcript, budget)
            } else if self.from > 0 {
                self.from -= 1;
                let (index, entry) = (self.from, &transcript.entries()[self.from]);
                let (layout, gap) = self.laid_out(transcript, index, entry);
                let (block, rows) = Block::from_end(entry, layout, gap, budget);
                if block.is_unfinished() {
                    self.dirty.entry(index).or_insert(Dirt::Unfinished);
                }
                self.blocks.push_front(block);
                rows
            } else {
                break;
            };
            count += piece.len();
            self.rows += piece.len();
            pieces.push(piece);
        }
        pieces.into_iter().rev().flatten().collect()
    }

    /// More of a long text whose end is painted.
    fn extend_first(&mut self, transcript: &Transcript, budget: &mut Budget) -> Vec<Row> {
        let index = self.from;
        let entry = &transcript.entries()[index];
        let Some(mut block) = self.blocks.pop_front() else { return Vec::new() };
        let rows = block.rise(entry, || self.laid_out(transcript, index, entry), budget);
        self.blocks.push_front(block);
        rows
    }

    fn laid_out(&self, transcript: &Transcript, index: usize, entry: &Entry) -> (super::flow::Layout, bool) {
        let layout = layout(entry, &around(transcript, index), self.is_open(index), self.scene);
        let gap = has_gap(transcript, index, &layout);
        (layout, gap)
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
