//! A sorted index of record slots, so that a page needs no sorting.

use std::cmp::Ordering;

/// A total order of slots.
pub(crate) type Compare<'a> = dyn Fn(u32, u32) -> Ordering + 'a;

/// The slots of records, sorted by the comparison that is passed to each method.
///
/// The comparison must be total, break ties, and be the same in every call.
#[derive(Debug)]
pub(crate) struct SortedSlots(Vec<u32>);

impl SortedSlots {
    /// Sorts the slots.
    pub(crate) fn new(
        slots: impl IntoIterator<Item = u32>,
        mut compare: impl FnMut(u32, u32) -> Ordering,
    ) -> Self {
        let mut slots: Vec<u32> = slots.into_iter().collect();
        slots.sort_unstable_by(|left, right| compare(*left, *right));
        Self(slots)
    }

    /// Returns the slots in ascending order.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.0
    }

    /// Inserts a slot at its sorted position.
    pub(crate) fn insert(&mut self, slot: u32, compare: &Compare<'_>) {
        let position = self
            .0
            .partition_point(|other| compare(*other, slot).is_lt());
        self.0.insert(position, slot);
    }

    /// Removes a slot, whose record must not have changed since the slot was inserted.
    pub(crate) fn remove(&mut self, slot: u32, compare: &Compare<'_>) {
        let position = self
            .0
            .partition_point(|other| compare(*other, slot).is_lt());
        if self.0.get(position) == Some(&slot) {
            self.0.remove(position);
        }
    }
}
