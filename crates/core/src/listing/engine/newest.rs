//! The rule for the newest tokens: they may show up out of order.
//!
//! New tokens come last, but a token may be created within the same second as others and sort
//! before them, or show up a little after tokens that were created later. It then moves some of the
//! newest tokens, though never a whole page of them (decisions 0002 and 0008).

use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::{PendingPage, number};
use crate::listing::engine::strategy::ScanStrategy;
use crate::provider::Page;

impl PageEngine {
    /// Returns whether the next page of an appending scan holds the newest tokens, so that it must
    /// be read after all pages before it.
    pub(super) fn next_is_newest(&self) -> bool {
        let Some(number) = self.frontier.next().and_then(number) else {
            return false;
        };
        let size = self.template.size_or_one();
        let end = number.saturating_add(1).saturating_mul(size);
        self.strategy == ScanStrategy::ForwardAppending
            && self.totals.first().is_some_and(|total| end >= total)
    }

    /// Returns whether a token may have moved up past this page of a backward scan: the total grew
    /// at one of the two pages of the newest tokens.
    pub(super) fn newest_may_have_moved(&self, pending: &PendingPage, page: &Page) -> bool {
        let (Some(number), Some(newest)) = (pending.number(), self.frontier.newest_page()) else {
            return false;
        };
        if self.look_reaches_end(number, page) {
            return false;
        }
        let is_full = (self.template.size()).is_some_and(|size| page.tokens.len() >= size as usize);
        let is_near = number + 1 == newest || (number == newest && is_full);
        is_near && self.totals.current().is_some() && page.total > self.totals.current()
    }
}
