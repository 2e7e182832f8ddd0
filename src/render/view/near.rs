//! The second layer: what is drawn over rows that somebody looks at, or soon may.
//!
//! Rows are gone through from below, what is visible first; one that would be drawn as it is costs the editor nothing.

use std::{collections::HashSet, ops::Range};

use super::{Dirt, View, block::top, stamp::of_text};
use crate::{
    render::{
        around::flow_text,
        line::Line,
        patch::{Budget, Drawn, Op, cost},
        readings::{Drawing, Readings},
    },
    transcript::Transcript,
};

/// More layouts than stand near any window are not kept.
pub(super) const LAYOUTS: usize = 512;

/// A window that shows the buffer, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first row that it shows; of no meaning where it follows.
    pub top: usize,
    pub height: usize,
    /// It shows the end, whatever comes.
    pub follows: bool,
}

/// How far a block has been drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    All,
    /// Some of its text is not read yet.
    Read,
    /// No more may be drawn now.
    Spent,
}

impl View {
    /// Who looks at it: where that is, is drawn.
    pub fn set_windows(&mut self, windows: Vec<Window>) {
        if self.windows != windows {
            self.windows = windows;
            self.unchecked = Some(0);
        }
    }

    /// How many cells of text the narrowest window has; 0 if nobody knows.
    pub fn set_width(&mut self, width: usize) {
        if self.scene.width != width {
            self.scene.width = width;
            self.layouts.clear();
            self.unchecked = Some(0);
        }
    }

    /// An entry is coloured otherwise now.
    pub fn recolour(&mut self, index: usize) {
        self.check_from(index);
    }

    pub(super) fn check_from(&mut self, index: usize) {
        self.unchecked = Some(self.unchecked.map_or(index, |since| since.min(index)));
    }

    pub(super) fn draw(
        &mut self,
        transcript: &Transcript,
        readings: &mut Readings,
        budget: &mut Budget,
        ops: &mut Vec<Op>,
    ) {
        let Some(since) = self.unchecked else { return };
        let mut behind = false;
        let mut seen = HashSet::new();
        // A reader far above does not have all the blocks between counted for each word that comes.
        let changed = self.row_of(since.saturating_sub(self.from).min(self.blocks.len()));
        for range in self.near().into_iter().filter(|range| range.end > changed) {
            for (position, first) in self.blocks_in(&range) {
                if self.from + position < since {
                    break;
                }
                if budget.is_drawn_out() {
                    return;
                }
                seen.insert(self.from + position);
                match self.draw_block(transcript, readings, position, first, &range, budget, ops) {
                    Reached::All => {}
                    Reached::Read => behind = true,
                    Reached::Spent => return,
                }
            }
        }
        // Who follows a stream is never checked from the beginning.
        if since == 0 || self.layouts.len() > LAYOUTS {
            self.layouts.retain(|index, _| seen.contains(index));
        }
        self.unchecked = behind.then_some(since);
    }

    /// Rows that are drawn, what is seen now first.
    fn near(&self) -> Vec<Range<usize>> {
        let end = 1 + self.rows;
        let top =
            |window: &Window| if window.follows { end.saturating_sub(window.height) } else { window.top.min(end) };
        let seen = self.windows.iter().map(|window| top(window)..top(window).saturating_add(window.height).min(end));
        let above = self.windows.iter().map(|window| top(window).saturating_sub(window.height)..top(window));
        let below = self.windows.iter().map(|window| {
            let bottom = top(window).saturating_add(window.height).min(end);
            bottom..bottom.saturating_add(window.height).min(end)
        });
        seen.chain(above).chain(below).filter(|range| !range.is_empty()).collect()
    }

    /// Blocks that have rows there and their first rows, from below.
    fn blocks_in(&self, range: &Range<usize>) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut first = 1 + self.rows;
        for (position, block) in self.blocks.iter().enumerate().rev() {
            let end = first;
            first -= block.rows();
            if end <= range.start {
                break;
            }
            if first < range.end && first < end {
                found.push((position, first));
            }
        }
        found
    }

    #[allow(clippy::too_many_arguments)]
    fn draw_block(
        &mut self,
        transcript: &Transcript,
        readings: &mut Readings,
        position: usize,
        first: usize,
        range: &Range<usize>,
        budget: &mut Budget,
        ops: &mut Vec<Op>,
    ) -> Reached {
        let index = self.from + position;
        let (Some(entry), Some(block)) = (transcript.entries().get(index), self.blocks.get_mut(position)) else {
            return Reached::All;
        };
        let mut reached = Reached::All;
        let flow_first = first + block.own.len();
        if let Some(flowing) = &mut block.flowing {
            let rows = range.start.max(flow_first) - flow_first..range.end.max(flow_first) - flow_first;
            let rows = rows.start..rows.end.min(flowing.drawn.len());
            if !rows.is_empty() {
                let text = flow_text(entry);
                let bytes = flowing.rows.ranges(text, rows.clone());
                let drawings = readings.rows(entry, flowing.style, &bytes, self.scene);
                for (row, drawing) in rows.zip(drawings).rev() {
                    if budget.is_drawn_out() {
                        return Reached::Spent;
                    }
                    match (drawing, flowing.drawn.get_mut(row)) {
                        (Some(drawing), Some(drawn)) => draw_row(ops, budget, flow_first + row, drawn, drawing),
                        _ => reached = Reached::Read,
                    }
                }
            }
        }
        if block.start() > 0 {
            // Its top is laid out when it is reached.
            return reached;
        }
        let rows = range.start.max(first) - first..(range.end - first).min(block.own.len());
        if !self.layouts.contains_key(&index) {
            let (layout, gap) = self.laid_out(transcript, index, entry);
            self.layouts.insert(index, top(gap, layout.lines).collect());
        }
        let Some(block) = self.blocks.get_mut(position) else { return reached };
        let lines = self.layouts.get(&index).map_or(&[][..], Vec::as_slice);
        for row in rows.rev() {
            let (Some(stamp), Some(line)) = (block.own.get_mut(row), lines.get(row)) else { continue };
            if stamp.text != of_text(&line.text, line.anchor.as_ref()) {
                // Another width, another second: it is laid out again.
                self.dirty.insert(index, Dirt::Changed);
                return reached;
            }
            if budget.is_drawn_out() {
                return Reached::Spent;
            }
            draw_row(ops, budget, first + row, &mut stamp.drawn, readings.line(entry, line));
        }
        if lines.len() != block.own.len() && !block.is_unfinished() {
            self.dirty.insert(index, Dirt::Changed);
        }
        reached
    }
}

fn draw_row(ops: &mut Vec<Op>, budget: &mut Budget, row: usize, drawn: &mut u32, drawing: Drawing) {
    let now = drawing.stamp();
    if *drawn == now {
        return;
    }
    let before = if *drawn == 0 { Drawn::No } else { Drawn::Before };
    *drawn = now;
    let Drawing { marks, group } = drawing;
    budget.draw(cost(before, &marks, group));
    ops.push(Op::Marks { row, drawn: before, marks, group });
}

/// A line of ours that is drawn in the patch that paints it.
pub(super) fn draw_at_once(ops: &mut Vec<Op>, row: usize, line: &Line) {
    ops.push(Op::Marks { row, drawn: Drawn::No, marks: line.marks.clone(), group: line.group });
}
