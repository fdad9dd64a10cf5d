//! The number of pages that are requested at a time.

/// The factor by which patience grows after wasted requests.
const PATIENCE: u32 = 4;

/// The number of pages to request at a time: all that are allowed while the set is stable, one
/// after a change.
///
/// Each time that requests were wasted it waits for more stable pages before it widens again, so
/// that a set that keeps changing costs little more than reading it page by page (decision 0008).
#[derive(Debug)]
pub(super) struct AdaptiveConcurrency {
    width: u32,
    max: u32,
    stable_pages: u32,
    stable_pages_needed: u32,
}

impl AdaptiveConcurrency {
    pub(super) fn new(width: u32, max: u32) -> Self {
        Self {
            width: width.clamp(1, max.max(1)),
            max: max.max(1),
            stable_pages: 0,
            stable_pages_needed: 1,
        }
    }

    /// Sets the maximum, because pages turned out to be of another size.
    pub(super) fn set_max(&mut self, max: u32) {
        self.max = max.max(1);
        self.width = self.width.min(self.max);
    }

    /// Returns how many pages may be in flight.
    pub(super) fn width(&self) -> usize {
        self.width as usize
    }

    /// Returns whether pages are always read one after another.
    pub(super) fn is_sequential(&self) -> bool {
        self.max == 1
    }

    /// Records a page that shows no change.
    pub(super) fn on_stable(&mut self) {
        self.stable_pages = self.stable_pages.saturating_add(1);
        if self.stable_pages >= self.stable_pages_needed {
            self.width = self.max;
        }
    }

    /// Reads pages one after another from now on.
    pub(super) fn end(&mut self) {
        self.max = 1;
        self.width = 1;
    }

    /// Records a change of the set.
    pub(super) fn on_change(&mut self) {
        self.stable_pages = 0;
        self.width = 1;
    }

    /// Records a change that wasted the pages in flight.
    pub(super) fn on_wasted(&mut self) {
        self.on_change();
        self.stable_pages_needed = self.stable_pages_needed.saturating_mul(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many stable pages it takes to widen.
    fn patience(concurrency: &mut AdaptiveConcurrency) -> u32 {
        let before = concurrency.width();
        (1..)
            .find(|_| {
                concurrency.on_stable();
                concurrency.width() > before
            })
            .unwrap()
    }

    #[test]
    fn the_width_is_the_maximum_as_soon_as_nothing_changes() {
        let mut concurrency = AdaptiveConcurrency::new(1, 10);
        concurrency.on_stable();
        assert_eq!(concurrency.width(), 10);
        concurrency.on_change();
        assert_eq!(concurrency.width(), 1);
        assert_eq!(patience(&mut concurrency), 1);
    }

    #[test]
    fn wasted_requests_make_it_four_times_as_patient() {
        let mut concurrency = AdaptiveConcurrency::new(1, 16);
        for expected in [1, 4, 16] {
            assert_eq!(patience(&mut concurrency), expected);
            concurrency.on_wasted();
            assert_eq!(concurrency.width(), 1);
        }
    }

    #[test]
    fn smaller_pages_allow_more_of_them_and_larger_ones_fewer() {
        let mut concurrency = AdaptiveConcurrency::new(1, 8);
        concurrency.set_max(16);
        assert_eq!(concurrency.width(), 1, "nothing is known yet");
        concurrency.on_stable();
        assert_eq!(concurrency.width(), 16);
        concurrency.set_max(4);
        assert_eq!(concurrency.width(), 4);
    }

    #[test]
    fn an_end_makes_it_sequential_for_good() {
        let mut concurrency = AdaptiveConcurrency::new(4, 16);
        concurrency.end();
        concurrency.on_stable();
        assert!(concurrency.is_sequential());
        assert_eq!(concurrency.width(), 1);
    }

    #[test]
    fn a_maximum_of_one_or_none_is_sequential() {
        for max in [0, 1] {
            let mut concurrency = AdaptiveConcurrency::new(max, max);
            concurrency.on_stable();
            assert!(concurrency.is_sequential());
            assert_eq!(concurrency.width(), 1);
        }
    }
}
