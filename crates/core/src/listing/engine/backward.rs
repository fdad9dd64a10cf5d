//! The backward scan: last page to first, so that deletions hide nothing (decision 0002).

use crate::error::Result;
use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::{PendingPage, Purpose, Tick};
use crate::listing::engine::validate::violation;
use crate::model::Token;
use crate::provider::{Page, PagePosition};

impl PageEngine {
    /// Takes the first page, whose total tells where the scan begins.
    pub(super) fn start_backward(&mut self, page: Page) -> Result<Vec<Token>> {
        // The total is checked, too: a platform that sends smaller pages than requested may see the
        // end too early.
        if self.may_hide_next(&page) {
            // A token that it hides is on no page above this one by now (decision 77).
            self.template.set_size(page.tokens.len() as u32);
        } else if !self.has_more_than(&page) {
            return Ok(self.deduplicate_reversed(page.tokens));
        }
        let (Some(total @ 1..), Some(_)) = (page.total, self.template.size()) else {
            return Err(violation(
                "the platform says that more tokens follow, but not how many",
            ));
        };
        let size = self.template.size_or_one();
        let bounds = self.plan.bounds;
        let offset = if bounds.unfiltered && !self.sorts_in_memory() {
            bounds.offset
        } else {
            0
        };
        let Some(first_wanted) = (total - 1).checked_sub(offset) else {
            self.totals.skip(total);
            return Ok(Vec::new());
        };
        let number = first_wanted / size;
        let skipped = total.saturating_sub((number + 1).saturating_mul(size));
        self.totals.skip(skipped);
        // The newest tokens need no care if they are skipped.
        self.frontier
            .set_newest_page((skipped == 0).then_some(number));
        self.look.on_page(&page);
        let is_fresh = self.look.may_be_fresh(&page.tokens);
        let ends_settled = self.look.ends_settled(&page.tokens);
        self.look.on_received(&page);
        if skipped == 0 {
            self.want_look();
        } else {
            self.look.begin_below();
        }
        self.frontier
            .continue_at(Some(PagePosition::Number(number)));
        // In any order, the tokens of the first page can be emitted at once, unless others may be
        // created among them.
        if self.plan.any_order && !is_fresh && bounds.offset == 0 && bounds.limit.is_none() {
            let ids = page.tokens.iter().map(|token| token.id.clone());
            self.dedup.insert_first_page(ids.collect());
            if ends_settled {
                self.anchor_first_page(&page.tokens, total);
            }
            return Ok(page.tokens);
        }
        let position = PagePosition::Number(number);
        self.bookmark
            .turn_to(position, self.template.size(), page.total);
        Ok(Vec::new())
    }

    /// Returns the new tokens of a page, and continues with the page below it.
    pub(super) fn emit_backward(
        &mut self,
        number: u64,
        pending: &PendingPage,
        received_at: Tick,
        page: Page,
    ) -> Result<Vec<Token>> {
        if page.total.is_none() {
            return Err(violation(
                "the platform stopped reporting how many tokens there are",
            ));
        }
        if page.total == self.totals.current() {
            self.concurrency.on_stable();
        }
        if received_at < self.tail.confirmed_until() {
            // Nothing was deleted, so a smaller total is an older one.
            self.totals.update_growing(page.total);
        } else {
            if page.total < self.totals.current() {
                self.discard_in_flight();
                self.concurrency.on_change();
            }
            self.totals.update(page.total);
        }
        let look = self.take_look(pending, &page);
        if Some(number) == self.last_page() && !self.concurrency.is_sequential() {
            self.watch_tail_of(number, &page);
        }
        let position = PagePosition::Number(number);
        self.bookmark
            .turn_to(position, self.template.size(), page.total);
        if self.in_flight.is_empty() {
            let below = self.page_after(number);
            self.frontier.continue_at(below);
        }
        let lowest = page.tokens.first().map(|token| token.id.clone());
        let stuck = self.dedup.is_stuck_at(lowest);
        let tokens = self.deduplicate_reversed(page.tokens);
        self.check_progress(stuck && tokens.is_empty())?;
        if let Some(lowest) = look {
            self.leave_look(number, &lowest);
        }
        Ok(tokens)
    }

    /// Requests a recount of the tokens created during the scan, and returns `true`, if the
    /// platform counts more tokens than it showed: a deletion may have hidden a creation.
    pub(super) fn request_recount(&mut self, purpose: Purpose) -> bool {
        let doubtful = self.strategy.is_backward() && self.counts_more_than_shown();
        let Some(last) = self.last_page().filter(|_| doubtful) else {
            return false;
        };
        if purpose == Purpose::Recount {
            return false;
        }
        self.enqueue_recount(last);
        true
    }

    /// Finds where the new tokens begin, and so how many there are.
    pub(super) fn recount(&mut self, number: u64, page: &Page) {
        let old = (page.tokens.iter())
            .take_while(|token| !self.dedup.is_newer(&token.id))
            .count() as u64;
        if self.look.count().is_some() && self.look.is_recounted(page) {
            return;
        }
        if let (0, Some(below)) = (old, number.checked_sub(1)) {
            return self.enqueue_recount(below);
        }
        let before = number * self.template.size_or_one() + old;
        match self.look.count() {
            // What sorts above the look was created after it.
            Some(shown) => self.totals.recount(Some(before.saturating_add(shown)), 0),
            None => {
                let created = page.total.map(|total| total.saturating_sub(before));
                let created = created.unwrap_or_default().max(self.totals.created());
                self.totals.recount(page.total, created);
            }
        }
    }

    pub(super) fn enqueue_recount(&mut self, number: u64) {
        self.in_flight
            .enqueue(PagePosition::Number(number), Purpose::Recount);
    }
}
