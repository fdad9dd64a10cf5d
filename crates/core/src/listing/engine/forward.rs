//! The forward scan: first page to last, where nothing vanishes (decision 0008).

use crate::error::Result;
use crate::listing::PartialReason;
use crate::listing::engine::PageEngine;
use crate::listing::engine::strategy::ScanStrategy;
use crate::listing::engine::validate::violation;
use crate::model::Token;
use crate::provider::{Page, PagePosition};

impl PageEngine {
    /// Returns the new tokens of a page, and continues with the page after it.
    pub(super) fn emit_forward(
        &mut self,
        position: &PagePosition,
        page: Page,
        is_first: bool,
    ) -> Result<Vec<Token>> {
        if self.strategy == ScanStrategy::ForwardGrowing && !is_first {
            if page.total == self.totals.current() {
                self.concurrency.on_stable();
            } else {
                self.concurrency.on_change();
            }
        }
        if self.plan.protected && !self.is_keyset() {
            self.totals.update_growing(page.total);
        } else {
            self.totals.update(page.total);
        }
        if self.doubt_end(position, &page) {
            return Ok(Vec::new());
        }
        let place = self.passes.take_place().or_else(|| {
            // A page without tokens is nothing to come back to: it looks like a forgotten position.
            let is_place = !self.is_keyset() || !page.tokens.is_empty();
            (is_place && self.passes.is_beyond()).then(|| position.clone())
        });
        if let Some(place) = place {
            let size = self.template.size();
            self.bookmark.turn_to(place, size, page.total);
        }
        self.check_position(position, page.next.as_ref())?;
        if page.next.is_some() && page.tokens.is_empty() {
            return Err(violation(
                "the platform sent an empty page and says that more follow",
            ));
        }
        let is_all = is_first && !self.has_more_than(&page);
        let is_empty = page.tokens.is_empty();
        let next = page.next;
        let (tokens, received) = self.deduplicate(page.tokens)?;
        self.check_repeats(received, tokens.len() as u64, next.is_some())?;
        self.check_order(&tokens);
        if next.is_none() {
            self.check_place()?;
        }
        if !self.plan.protected && (!is_all && next.is_some() || self.in_flight.received() > 1) {
            self.bookmark
                .mark_partial_if_complete(PartialReason::UnprotectedPaging);
        }
        if is_all || (is_empty && next.is_none()) {
            // Nothing more is there, whatever an earlier page counted.
            self.discard_in_flight();
            self.frontier.continue_at(None);
        } else if self.in_flight.is_empty() && self.frontier.next().is_none() {
            let known = self.following(position);
            self.frontier.continue_at(known.or(next));
        }
        Ok(tokens)
    }
}
