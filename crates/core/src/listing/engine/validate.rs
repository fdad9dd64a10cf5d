//! The validation of responses: guards against skipped tokens and endless listings (law 3 in
//! `docs/SEMANTICS.md`).

use crate::error::{Error, ErrorKind, Fate, Result};
use crate::listing::PartialReason;
use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::PendingPage;
use crate::listing::engine::strategy::ScanStrategy;
use crate::provider::LAST_PAGE;
use crate::provider::Page;
use crate::query::Direction;

/// The number of pages in a row without a new token that are tolerated if nothing else reveals a
/// platform that repeats itself: a listing always ends (law 3).
const MAX_STALE_PAGES: u64 = 20;

/// The number of pages that a growing set may take beyond twice what its first total implies, so
/// that a listing always ends (law 3).
const MAX_GROWTH_PAGES: u64 = 1_000;

impl PageEngine {
    /// Rejects a response that would make the listing skip tokens, or never end.
    pub(super) fn validate(&self, pending: &PendingPage, page: &Page) -> Result<()> {
        if let (Some(requested), Some(received)) = (pending.number(), page.number)
            && requested != received
        {
            return Err(violation(&format!(
                "page {requested} was requested, but the platform sent page {received}"
            )));
        }
        if page.total.is_some_and(|total| total > LAST_PAGE) {
            return Err(violation(
                "the platform reports an impossible number of tokens",
            ));
        }
        let mut pairs = page.tokens.windows(2);
        let in_order = match self.template.id_order() {
            Some(Direction::Ascending) => pairs.all(|pair| pair[0].id < pair[1].id),
            Some(Direction::Descending) => pairs.all(|pair| pair[0].id > pair[1].id),
            None => true,
        };
        if !in_order {
            return Err(violation("the platform did not order the tokens by id"));
        }
        let implied = self.totals.first().unwrap_or_default() / self.template.size_or_one();
        let most = implied.saturating_mul(2).saturating_add(MAX_GROWTH_PAGES);
        let most = most.saturating_mul(self.passes.count());
        if page.total.is_some() && self.in_flight.received() > most {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                Fate::Rejected,
                "the set of tokens grows faster than it can be read",
            ));
        }
        Ok(())
    }

    /// Returns whether a page holds fewer or more tokens than its own total implies.
    pub(super) fn contradicts_itself(&self, pending: &PendingPage, page: &Page) -> bool {
        let received = page.tokens.len() as u64;
        match (pending.number(), self.template.size(), page.total) {
            // All tokens on one page are more than was requested, but nothing is missing.
            (Some(0), _, Some(total)) if received == total => false,
            (Some(number), Some(size), Some(total)) => {
                let size = u64::from(size);
                let expected = total.saturating_sub(number.saturating_mul(size)).min(size);
                received != expected
            }
            (Some(0), None, Some(_)) => page.next.is_none(),
            _ => false,
        }
    }

    /// Returns whether more tokens match, or are counted, than this first page holds.
    pub(super) fn has_more_than(&self, page: &Page) -> bool {
        let received = page.tokens.len() as u64;
        // A platform that sends all tokens at once, whatever size is requested, may still name a
        // next page.
        let ignores_size = received > self.template.size().map_or(u64::MAX, u64::from);
        let holds_all = ignores_size && page.total == Some(received);
        !holds_all && (page.next.is_some() || page.total.is_some_and(|total| total > received))
    }

    /// Returns whether this first page shows as many tokens as are counted, and is full, where
    /// tokens vanish. It may have been counted after it was read: a deletion between the two hides
    /// the token that came after the page.
    pub(super) fn may_hide_next(&self, page: &Page) -> bool {
        let served = page.size.or(self.template.size());
        let size = self.template.size().min(served).map(u64::from);
        let received = page.tokens.len() as u64;
        self.strategy.is_backward()
            && received > 0
            && size == Some(received)
            && page.total == Some(received)
    }

    /// Adopts the page size of a platform that sends fewer tokens than requested, and has more.
    pub(super) fn adopt_size(&mut self, page: &Page) {
        let received = u32::try_from(page.tokens.len()).unwrap_or(u32::MAX);
        let is_smaller = (self.template.size()).is_none_or(|requested| received < requested);
        if received > 0 && is_smaller && self.has_more_than(page) {
            self.template.set_size(received);
            let max = self.plan.concurrency_in_pages_of(received);
            self.concurrency.set_max(max);
        }
    }

    /// Rejects tokens that came before and cannot have moved.
    pub(super) fn check_repeats(&mut self, received: u64, new: u64, more: bool) -> Result<()> {
        if self.passes.may_repeat(received - new) {
            return Ok(());
        }
        let repeats = self.dedup.count_repeats(received - new);
        if self.is_keyset() {
            // Pages may overlap by the token at the position, and the last one may hold no other.
            let moves_on = new > 0 || received == 0 || !more;
            if moves_on {
                return Ok(());
            }
            // A pass that looked once more may have been interrupted: resumed, it comes to tokens
            // that were emitted before.
            return if self.bookmark.is_resumed() {
                self.check_progress(true)
            } else {
                Err(repeated_tokens())
            };
        }
        // Without totals it is unknown how many tokens were created.
        let creations_are_known = match self.strategy {
            ScanStrategy::ForwardAppending => true,
            ScanStrategy::ForwardGrowing => self.totals.current().is_some(),
            ScanStrategy::ForwardKeyset
            | ScanStrategy::ForwardUnprotected
            | ScanStrategy::Backward => false,
        };
        if !creations_are_known {
            return self.check_progress(new == 0 && received > 0);
        }
        // Where nothing vanishes, a token moves onto a later page only if another is created.
        if self.bookmark.is_resumed() {
            // Nor is it known how many were created during the interruption.
            return self.check_progress(new == 0 && more);
        }
        if repeats > self.totals.created() {
            return Err(repeated_tokens());
        }
        Ok(())
    }

    /// Gives up after several pages in a row that hold nothing new for no known reason.
    pub(super) fn check_progress(&mut self, stale: bool) -> Result<()> {
        if self.dedup.count_stale_page(stale) > MAX_STALE_PAGES {
            return Err(repeated_tokens());
        }
        Ok(())
    }

    /// Marks the listing as partial if the platform counts more tokens than it showed.
    pub(super) fn check_end(&mut self) {
        if self.counts_more_than_shown() {
            self.bookmark
                .mark_partial_if_complete(PartialReason::ContradictoryTotals);
        }
    }

    /// Returns whether the platform counts more tokens than it showed, provided that the listing
    /// was to show all of them.
    pub(super) fn counts_more_than_shown(&self) -> bool {
        let shows_all = !self.bookmark.is_resumed() && !self.template.is_single_page_range();
        shows_all
            && if self.is_keyset() {
                let before = self.passes.emitted_before();
                self.totals.exceed_passed_since(before)
            } else {
                self.totals.exceed_passed()
            }
    }
}

pub(super) fn repeated_tokens() -> Error {
    violation("the platform sent the same tokens on several pages")
}

pub(super) fn violation(message: &str) -> Error {
    Error::protocol_violation(Fate::Rejected, message).with_advice(
        "report this to the platform: the listing was stopped because it might miss tokens",
    )
}
