//! Smaller pages after one that is too large to be read, or to be served.
//!
//! A platform may store texts of any length, so that a page of a thousand tokens is larger than a
//! response may be. The scan then continues with half as many tokens at a time, down to one. A
//! platform may also refuse pages of the size that it is asked for; then the size is left to it
//! (decision 0040).

use crate::error::{Error, ErrorKind};
use crate::listing::engine::PageEngine;
use crate::listing::engine::frontier::Frontier;
use crate::listing::engine::in_flight::{PendingPage, Purpose};
use crate::listing::engine::template::RequestTemplate;
use crate::listing::{FastPath, Plan};
use crate::provider::PagePosition;

/// The number of tokens that a page is taken to hold if the platform chose it. Every platform that
/// is known sends more.
const SIZE_LEFT_TO_PLATFORM: u32 = 20;

impl PageEngine {
    /// Continues in pages of half the size, if a page was too large and can be made smaller.
    pub(super) fn shrink(&mut self, pending: &PendingPage, error: Error) -> Result<(), Error> {
        if !error.is_response_too_large() {
            return Err(error);
        }
        let number = pending.number();
        let size = match (self.template.size(), number) {
            (Some(size), _) => size,
            // Where a page begins that the platform chose the size of is known at the start only,
            // or by a token.
            (None, Some(_)) if self.frontier.has_started() => {
                return Err(error.with_advice("request fewer tokens at a time: set a page size"));
            }
            (None, _) => self.plan.page_size.unwrap_or(SIZE_LEFT_TO_PLATFORM),
        };
        if size <= 1 {
            let index = number.map(|number| format!("token {} of the list", number + 1));
            let one = index.unwrap_or_else(|| "one token of the list".to_owned());
            return Err(error.with_advice(format!(
                "{one} alone is too large: pages of one token (`--page-size 1`) cannot hold it",
            )));
        }
        let half = size / 2;
        self.plan.max_page_size = Some(half);
        if !self.frontier.has_started() {
            let plan = Plan {
                page_size: Some(half),
                ..self.plan.clone()
            };
            self.begin_with(plan);
            return Ok(());
        }
        self.discard_in_flight();
        self.concurrency.on_change();
        let Some(number) = number else {
            self.template.set_size(half);
            self.frontier.continue_at(Some(pending.position().clone()));
            return Ok(());
        };
        let first = number.saturating_mul(size.into());
        if !self.strategy.is_backward() {
            // Pages of the new size begin where the page did, so that no token comes twice.
            let sizes = (1..=half).rev();
            let aligned = { sizes }
                .find(|size| first % u64::from(*size) == 0)
                .unwrap_or(1);
            self.template.set_size(aligned);
            let position = PagePosition::Number(first / u64::from(aligned));
            self.frontier.continue_at(Some(position));
            return Ok(());
        }
        // Tokens above it were emitted, and are recognised.
        let last = first.saturating_add(size.into()) - 1;
        self.template.set_size(half);
        let newest = self.last_page().unwrap_or_default();
        if self.look.is_wanted() {
            self.look.shrink(half);
            self.frontier.set_newest_page(Some(newest));
            self.frontier
                .continue_at(Some(PagePosition::Number(newest)));
            return Ok(());
        }
        if self.frontier.newest_page().is_some() {
            self.frontier.set_newest_page(Some(newest));
        }
        if pending.purpose() == Purpose::Recount {
            self.enqueue_recount(newest);
            return Ok(());
        }
        let number = (last / u64::from(half)).min(newest);
        self.frontier
            .continue_at(Some(PagePosition::Number(number)));
        Ok(())
    }

    /// Returns whether the first page may have been refused because of its size, which nobody chose
    /// and the platform is not known to serve.
    pub(super) fn may_leave_size_to_platform(&self, error: ErrorKind) -> bool {
        let was_guessed = self.plan.page_size_is_a_guess && self.template.size().is_some();
        was_guessed && !self.frontier.has_started() && error == ErrorKind::InvalidInput
    }

    /// Begins anew, in pages of the size that the platform chooses.
    pub(super) fn leave_size_to_platform(&mut self) {
        let plan = Plan {
            page_size: None,
            page_size_is_a_guess: false,
            ..self.plan.clone()
        };
        self.begin_with(plan);
    }

    /// Begins anew by this plan, if its pages are not a range of other ones: nothing was emitted
    /// yet.
    fn begin_with(&mut self, mut plan: Plan) {
        self.discard_in_flight();
        let in_flight = std::mem::take(&mut self.in_flight);
        if self.template.is_page_range() {
            plan.fast_path = None;
        }
        let template = match plan.fast_path {
            Some(FastPath::FilteredPage) => RequestTemplate::new(&plan),
            _ => RequestTemplate::for_scan(&plan),
        };
        let first = Frontier::first_at(PagePosition::First);
        *self = Self {
            in_flight,
            ..Self::with_template(&plan, template, first)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fate;
    use crate::listing::fake_pages::{FakePages, appending, growing, ids, vanishing};
    use crate::query::Query;

    #[test]
    fn a_page_of_a_size_that_is_left_to_the_platform_is_read_in_smaller_ones() {
        for list in [appending(), growing(), vanishing()] {
            let plan = Plan::for_query(&Query::new(), &list).unwrap();
            assert_eq!(plan.page_size, None);
            let (mut engine, pages) = (PageEngine::new(&plan), FakePages::new(30));
            let mut read = Vec::new();
            while !engine.is_done() {
                if let Some(batch) = engine.next_batch().unwrap() {
                    read.extend(ids(&batch.tokens));
                    continue;
                }
                while let Some((id, request)) = engine.next_request() {
                    let too_large = request.size.is_none_or(|size| size > 4);
                    let size = request.size.unwrap_or(25);
                    engine.on_response(
                        id,
                        if too_large {
                            let message = "larger than 64 MiB";
                            Err(Error::response_too_large(Fate::Rejected, message))
                        } else {
                            Ok(pages.page(&request.size(size)))
                        },
                    );
                }
            }
            read.sort_unstable();
            assert_eq!(read, pages.ids);
        }
    }
}
