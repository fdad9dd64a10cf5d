//! The choice of the page to request next (decision 0008).

use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::{Tick, number};
use crate::provider::{PagePosition, PageRequest};

impl PageEngine {
    /// Returns a request to send now, and the tick that identifies it; `None` while responses must
    /// be received first, and at the end.
    pub(crate) fn next_request(&mut self) -> Option<(Tick, PageRequest)> {
        // Queued pages come before a page that failed, so they are still wanted.
        if let Some((id, position)) = self.in_flight.send_queued() {
            return Some((id, self.template.at(position)));
        }
        if self.tail.has_failed() {
            return None;
        }
        if self.in_flight.has_failed() {
            // Pages before the one that failed may wait for a probe.
            return self.tail.is_watching().then(|| self.next_probe())?;
        }
        let watching = self.tail.is_watching();
        let width = if self.strategy.may_fetch_concurrently(watching) {
            self.concurrency.width()
        } else {
            1
        };
        if self.probe_is_due(width)
            && let Some(probe) = self.next_probe()
        {
            return Some(probe);
        }
        let probing = usize::from(watching && self.tail.is_probing());
        let has_room = self.in_flight.outstanding() + probing < width
            && self.in_flight.len() < self.max_held(width)
            && (self.in_flight.is_empty() || !self.next_is_newest());
        if has_room && let Some(position) = self.frontier.take_next() {
            self.frontier.continue_at(self.following(&position));
            let purpose = self.purpose_at(&position);
            let id = self.in_flight.send(position.clone(), purpose);
            return Some((id, self.request_for(position, purpose)));
        }
        if self.in_flight.outstanding() == 0 || !watching {
            return self.next_probe();
        }
        None
    }

    /// Returns whether a probe takes the place of the next page. It covers as many pages as can be
    /// held without fewer being in flight; after the last page, one probe covers what is left.
    fn probe_is_due(&self, width: usize) -> bool {
        let covered = self.max_held(width).saturating_sub(width);
        self.frontier.next().is_some()
            && self.received_unconfirmed() >= covered.max(width.saturating_sub(1))
    }

    /// Returns how many received pages wait for a probe.
    pub(super) fn received_unconfirmed(&self) -> usize {
        self.in_flight.received_since(self.tail.confirmed_until())
    }

    /// Returns how many pages may be held: no more than the query can want.
    fn max_held(&self, width: usize) -> usize {
        let size = self.template.size_or_one();
        let held = self.strategy.max_held(width, size);
        let bounds = &self.plan.bounds;
        match (bounds.limit, self.template.size()) {
            (Some(limit), Some(_)) if bounds.unfiltered && !self.sorts_in_memory() => {
                let wanted = bounds.offset.saturating_add(limit);
                let pages = wanted.saturating_sub(self.totals.passed()).div_ceil(size);
                held.min(usize::try_from(pages).unwrap_or(held).max(1))
            }
            _ => held,
        }
    }

    /// Returns the position after another one, if it is known without a response.
    pub(super) fn following(&self, position: &PagePosition) -> Option<PagePosition> {
        if !self.frontier.has_started() || self.concurrency.is_sequential() {
            return None;
        }
        self.page_after(number(position)?)
    }

    /// Returns the position after the page of that number, as far as the total tells.
    pub(super) fn page_after(&self, number: u64) -> Option<PagePosition> {
        let following = self.strategy.following(number, self.last_page())?;
        Some(PagePosition::Number(following))
    }
}
