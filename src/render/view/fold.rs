//! What the user opens and closes, and how far back he wants to see.

use super::{AHEAD, Dirt, View};
use crate::render::scene::Scene;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldAction {
    Toggle,
    Open,
    Close,
    OpenAll,
    CloseAll,
}

/// What a row of the buffer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The entry.
    pub index: usize,
    /// Among the entry's painted rows; the empty one that sets it apart is none.
    pub row: usize,
    /// Bytes of the entry's text that stand above what is painted of it.
    pub start: usize,
    pub expanded: bool,
}

impl View {
    pub fn scene(&self) -> Scene {
        self.scene
    }

    /// What stands at a row; nothing on the head line and between entries.
    pub fn at(&self, row: usize) -> Option<Spot> {
        let position = self.position_at(row).filter(|_| row > 0)?;
        let block = self.blocks.get(position)?;
        let gap = usize::from(block.gap && !block.own.is_empty());
        let index = self.from + position;
        let row = row.checked_sub(self.row_of(position) + gap)?;
        Some(Spot { index, row, start: block.start(), expanded: self.is_open(index) })
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
            self.ahead = self.ahead.saturating_add(AHEAD);
            return self.can_prepend();
        }
        let Some(position) = self.position_at(row) else { return false };
        let index = self.from + position;
        let now = self.is_open(index);
        let open = open.unwrap_or(!now);
        if open == now {
            return false;
        }
        self.folds.insert(index, open);
        self.dirty.insert(index, Dirt::Changed);
        true
    }

    /// All of the transcript is to be painted: somebody searches it or goes to its beginning. False if it is.
    pub fn reach(&mut self) -> bool {
        self.ahead = usize::MAX;
        self.fresh || self.can_prepend()
    }

    pub(super) fn is_open(&self, index: usize) -> bool {
        self.folds.get(&index).copied().unwrap_or(self.all_open)
    }
}
