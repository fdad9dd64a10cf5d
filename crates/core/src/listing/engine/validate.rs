//! What a walk refuses to believe of a platform.

use super::Walker;
use crate::error::{Error, ErrorKind, Fate, Result};
use crate::listing::PartialReason;
use crate::listing::engine::in_flight::Asked;
use crate::provider::LAST_PAGE;
use crate::provider::Page;
use crate::query::Direction;

/// How many pages without anything new are borne where nothing else tells a platform that repeats itself.
const STALE_PAGES: u64 = 20;

/// How many pages more than the first total implies are read of a set that keeps growing.
const GROWTH_PAGES: u64 = 1_000;

impl Walker {
    /// Refuses an answer that would make the walk skip tokens, or never end.
    pub(super) fn check(&self, asked: &Asked, page: &Page) -> Result<()> {
        if let (Some(wanted), Some(got)) = (asked.number(), page.number)
            && wanted != got
        {
            return Err(violation(&format!(
                "the platform was asked for page {wanted} and sent page {got}"
            )));
        }
        if page.total.is_some_and(|total| total > LAST_PAGE) {
            return Err(violation(
                "the platform counts more tokens than there can be",
            ));
        }
        let mut pairs = page.tokens.windows(2);
        let in_order = match self.ordered {
            Some(Direction::Ascending) => pairs.all(|pair| pair[0].id < pair[1].id),
            Some(Direction::Descending) => pairs.all(|pair| pair[0].id > pair[1].id),
            None => true,
        };
        if !in_order {
            return Err(violation(
                "the platform was asked to order by id and did not",
            ));
        }
        let size = u64::from(self.request.size.unwrap_or(1).max(1));
        let implied = self.first_total.unwrap_or_default() / size;
        let most = implied.saturating_mul(2).saturating_add(GROWTH_PAGES);
        if page.total.is_some() && self.pages_read > most {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                Fate::Rejected,
                "the listing grows faster than it can be read",
            ));
        }
        Ok(())
    }

    /// Whether a page holds fewer tokens, or more, than its own total says.
    pub(super) fn contradicts_itself(&self, asked: &Asked, page: &Page) -> bool {
        let received = page.tokens.len() as u64;
        match (asked.number(), self.request.size, page.total) {
            // All at once is more than was asked for, and everything.
            (Some(0), _, Some(total)) if received == total => false,
            (Some(number), Some(size), Some(total)) => {
                let size = u64::from(size);
                let expected = total.saturating_sub(number.saturating_mul(size)).min(size);
                received != expected
            }
            (Some(0), None, Some(total)) => received != total && page.next.is_none(),
            _ => false,
        }
    }

    /// Whether more matches, or is counted, than this first page holds.
    pub(super) fn holds_not_all(&self, page: &Page) -> bool {
        let received = page.tokens.len() as u64;
        page.next.is_some() || page.total.is_some_and(|total| total > received)
    }

    /// A platform that gives fewer tokens than asked for, and has more, is asked for as many from then on.
    pub(super) fn adopt_size(&mut self, page: &Page) {
        let received = u32::try_from(page.tokens.len()).unwrap_or(u32::MAX);
        let fewer = self.request.size.is_none_or(|asked| received < asked);
        if received > 0 && fewer && self.holds_not_all(page) {
            self.request.size = Some(received);
        }
    }

    /// Refuses tokens that came before and cannot have moved.
    pub(super) fn check_repeats(&mut self, received: u64, new: u64) -> Result<()> {
        self.repeated += received - new;
        // Without totals it is not known how many were created.
        let counted = self.plan.appends || self.total.is_some();
        if !(self.plan.protected && counted) {
            return self.check_progress(new == 0 && received > 0);
        }
        // Where nothing vanishes, each token that is created before this page moves one onto it that was seen.
        match self.repeated > self.created && !self.resumed {
            true => Err(repeats()),
            false => Ok(()),
        }
    }

    /// Gives up after several pages in a row that hold nothing new, though nothing explains it.
    pub(super) fn check_progress(&mut self, stale: bool) -> Result<()> {
        self.stale_pages = match stale {
            true => self.stale_pages + 1,
            false => 0,
        };
        match self.stale_pages > STALE_PAGES {
            true => Err(repeats()),
            false => Ok(()),
        }
    }

    /// At the end, no more tokens may be counted than were handed out or came into being meanwhile.
    pub(super) fn check_end(&mut self) {
        if self.counts_more_than_it_shows() {
            self.partial
                .get_or_insert(PartialReason::ContradictoryTotals);
        }
    }

    pub(super) fn counts_more_than_it_shows(&self) -> bool {
        let accounted_for = self
            .handed_out
            .saturating_add(self.passed_over)
            .saturating_add(self.created);
        let bounded = self.resumed || self.is_one_page_window();
        !bounded && self.total.is_some_and(|total| total > accounted_for)
    }
}

fn repeats() -> Error {
    violation("the platform sent tokens of one page on another page again")
}

pub(super) fn violation(message: &str) -> Error {
    Error::protocol_violation(Fate::Rejected, message)
        .with_advice("no part of a listing is shown as the whole: report this to the platform")
}
