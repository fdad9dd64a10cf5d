//! The fast path of a plan, which is abandoned for the scan if it does not serve the query (law 2;
//! decision 0006 for filtered pages).

use crate::error::ErrorKind;
use crate::listing::FastPath;
use crate::listing::engine::PageEngine;
use crate::listing::engine::frontier::Frontier;
use crate::listing::engine::in_flight::PendingPage;
use crate::listing::engine::template::RequestTemplate;
use crate::provider::{Page, PagePosition};

impl PageEngine {
    /// Accepts the first page if it serves the fast path, or the scan. From then on it is known how
    /// many tokens there are.
    pub(super) fn accept_first(&mut self, pending: &PendingPage, page: &Page) -> bool {
        match self.template.fast_path() {
            Some(FastPath::FilteredPage)
                if self.has_more_than(page) || self.may_hide_next(page) =>
            {
                return false;
            }
            Some(FastPath::PageRange(range, _)) => {
                // On smaller pages the number means other tokens, perhaps just as many.
                let as_requested = page.size.is_none_or(|size| size == range.page_size);
                if !as_requested || page.total.is_none() || self.contradicts_itself(pending, page) {
                    return false;
                }
            }
            _ => self.adopt_size(page),
        }
        self.totals.start(page.total);
        true
    }

    /// Returns whether the scan may still succeed after the fast path failed with such an error.
    pub(super) fn may_abandon_fast_path(&self, error: ErrorKind) -> bool {
        let untried = self.template.fast_path().is_some() && !self.frontier.has_started();
        untried && error == ErrorKind::InvalidInput
    }

    /// Begins the scan because the fast path does not serve the query.
    pub(super) fn abandon_fast_path(&mut self) {
        let in_flight = std::mem::take(&mut self.in_flight);
        let template = RequestTemplate::for_scan(&self.plan);
        let first = Frontier::first_at(PagePosition::First);
        *self = Self {
            in_flight,
            ..Self::with_template(&self.plan, template, first)
        };
    }
}
