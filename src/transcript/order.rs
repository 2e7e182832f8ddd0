//! Where entries stand: in the order of their arrival, but what belongs to a call stands below it, in a block of its own.
//!
//! Subagents work side by side; so what they do comes mixed, and is read one after the other. Knows nothing of what the
//! entries are.

use super::entry::EntryId;

#[derive(Debug, Default)]
pub(super) struct Order {
    /// By id.
    places: Vec<Place>,
    /// As they stand.
    standing: Vec<EntryId>,
}

#[derive(Debug)]
struct Place {
    position: usize,
    above: Option<EntryId>,
    /// The last entry of its block; itself where nothing stands below it.
    last: EntryId,
}

impl Order {
    /// A new entry, at the end or as the last of another's block. What has come before another cannot belong below it, so
    /// nothing ever stands in its own block.
    pub(super) fn add(&mut self, below: Option<EntryId>) -> (EntryId, usize) {
        let id = EntryId(u32::try_from(self.places.len()).expect("more entries than any memory holds"));
        let before = below.and_then(|below| self.place(below)).map(|place| place.last);
        let above = before.and(below);
        let position = before.and_then(|last| self.position(last)).map_or(self.standing.len(), |last| last + 1);
        for moved in &self.standing[position..] {
            if let Some(place) = self.places.get_mut(moved.0 as usize) {
                place.position += 1;
            }
        }
        self.standing.insert(position, id);
        self.places.push(Place { position, above, last: id });
        // All blocks that ended there end with the new one.
        let mut block = above;
        while let Some(place) = block.and_then(|block| self.places.get_mut(block.0 as usize))
            && Some(place.last) == before
        {
            place.last = id;
            block = place.above;
        }
        (id, position)
    }

    pub(super) fn position(&self, id: EntryId) -> Option<usize> {
        self.place(id).map(|place| place.position)
    }

    /// In whose block it stands.
    pub(super) fn above(&self, id: EntryId) -> Option<EntryId> {
        self.place(id)?.above
    }

    /// Positions of what came last, first.
    pub(super) fn latest(&self) -> impl Iterator<Item = usize> {
        self.places.iter().rev().map(|place| place.position)
    }

    fn place(&self, id: EntryId) -> Option<&Place> {
        self.places.get(id.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    /// What has come below what, laid out in full.
    fn standing(above: &[Option<usize>]) -> Vec<u32> {
        fn put(above: &[Option<usize>], at: Option<usize>, out: &mut Vec<u32>) {
            for (id, _) in above.iter().enumerate().filter(|(_, above)| **above == at) {
                out.push(id as u32);
                put(above, Some(id), out);
            }
        }
        let mut out = Vec::new();
        put(above, None, &mut out);
        out
    }

    #[test]
    fn blocks_stand_within_blocks() {
        let mut order = Order::default();
        let mut at = |below: Option<u32>| order.add(below.map(EntryId)).1;
        assert_eq!(
            [at(None), at(None), at(Some(0)), at(Some(1)), at(Some(2)), at(Some(0)), at(None)],
            [0, 1, 1, 3, 2, 3, 6]
        );
        assert_eq!(at(Some(99)), 7, "nobody knows that one");
        assert_eq!(order.standing.iter().map(|id| id.0).collect::<Vec<_>>(), [0, 2, 4, 5, 1, 3, 6, 7]);
        assert_eq!(order.latest().collect::<Vec<_>>(), [7, 6, 3, 2, 5, 1, 4, 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn everything_stands_below_its_own_in_the_order_of_arrival(came in vec(option::of(0usize..30), 1..60)) {
            let mut order = Order::default();
            let mut above = Vec::new();
            for (id, below) in came.into_iter().enumerate() {
                let below = below.filter(|below| *below < id);
                above.push(below);
                let (new, position) = order.add(below.map(|below| EntryId(below as u32)));
                prop_assert_eq!(order.standing[position], new);
            }
            prop_assert_eq!(order.standing.iter().map(|id| id.0).collect::<Vec<_>>(), standing(&above));
            for (position, id) in order.standing.iter().enumerate() {
                prop_assert_eq!(order.position(*id), Some(position));
            }
        }
    }
}
