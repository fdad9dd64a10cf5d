//! Slots of records kept in an order, so that a page costs no sorting.

use std::cmp::Ordering;

/// Numbers of records, in the order that the comparison passed to each method gives. The comparison
/// must be total and the same every time; ties are for the caller to break.
#[derive(Debug)]
pub(crate) struct Sorted(Vec<u32>);

impl Sorted {
    pub(crate) fn new(
        slots: impl IntoIterator<Item = u32>,
        mut compare: impl FnMut(u32, u32) -> Ordering,
    ) -> Self {
        let mut slots: Vec<u32> = slots.into_iter().collect();
        slots.sort_unstable_by(|left, right| compare(*left, *right));
        Self(slots)
    }

    pub(crate) fn slots(&self) -> &[u32] {
        &self.0
    }

    /// Puts a slot in its place.
    pub(crate) fn insert(&mut self, slot: u32, mut compare: impl FnMut(u32, u32) -> Ordering) {
        let place = self
            .0
            .partition_point(|other| compare(*other, slot).is_lt());
        self.0.insert(place, slot);
    }

    /// Takes a slot out. Its record must still be what it was when the slot was put in.
    pub(crate) fn remove(&mut self, slot: u32, mut compare: impl FnMut(u32, u32) -> Ordering) {
        let place = self
            .0
            .partition_point(|other| compare(*other, slot).is_lt());
        if self.0.get(place) == Some(&slot) {
            self.0.remove(place);
        }
    }
}
