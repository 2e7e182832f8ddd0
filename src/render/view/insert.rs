//! Room for an entry that comes to stand above others: all that is known by its index moves along.

use std::collections::HashMap;

use super::{View, block::Block};

impl View {
    pub(super) fn insert(&mut self, index: usize) {
        move_keys(&mut self.folds, index);
        move_keys(&mut self.layouts, index);
        if self.fresh {
            // It is begun from what there is then.
            return;
        }
        let below = self.dirty.split_off(&index);
        self.dirty.extend(below.into_iter().map(|(other, dirt)| (other + 1, dirt)));
        if let Some(since) = self.unchecked.as_mut().filter(|since| **since >= index) {
            *since += 1;
        }
        match index.checked_sub(self.from) {
            // Above all that is painted: it comes with what else stands there.
            None | Some(0) => self.from += 1,
            Some(position) if position < self.blocks.len() => self.blocks.insert(position, Block::default()),
            // Those above it are not painted either.
            Some(_) => {}
        }
    }
}

fn move_keys<T>(map: &mut HashMap<usize, T>, from: usize) {
    if map.keys().any(|key| *key >= from) {
        *map = map.drain().map(|(key, value)| (key + usize::from(key >= from), value)).collect();
    }
}
