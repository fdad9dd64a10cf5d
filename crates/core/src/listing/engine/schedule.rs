//! Which page to read next.

use super::Walker;
use crate::listing::ScanDirection;
use crate::listing::engine::in_flight::{Asked, Moment};
use crate::provider::{PagePosition, PageRequest};

/// How many tokens are held that nobody asked for yet, unless the pages that are read side by side are more.
const TOKENS_AHEAD: usize = 8_192;

impl Walker {
    /// A page to read now, with a name for the request; `None` while others must come first, and in the end.
    pub(crate) fn ask(&mut self) -> Option<(Moment, PageRequest)> {
        // What comes before a page that failed is still wanted.
        if let Some(unsent) = self.queue.unsent() {
            unsent.sent = true;
            let (at, position) = (unsent.at, unsent.position.clone());
            return Some((at, self.request.clone().position(position)));
        }
        if self.queue.has_failed() || self.failure.is_some() {
            return None;
        }
        let width = if self.reads_side_by_side() {
            self.pace.width()
        } else {
            1
        };
        // The look takes the place of a page, so as many as were on their way are waiting for it.
        if self.queue.arrived_since(self.still.until()) + 1 >= width
            && let Some(look) = self.look_at_the_end()
        {
            return Some(look);
        }
        let watched = self.still.watched().is_some();
        let looking = usize::from(self.still.is_asking() && watched);
        let room = self.queue.on_their_way() + looking < width
            && self.queue.len() < self.most_ahead(width)
            && (self.queue.is_empty() || !self.comes_to_the_newest());
        if room && let Some(position) = self.next.take() {
            self.next = self.following(&position);
            let mut asked = Asked::new(position.clone(), self.tick());
            asked.sent = true;
            let at = asked.at;
            self.queue.push(asked);
            return Some((at, self.request.clone().position(position)));
        }
        if self.queue.on_their_way() == 0 || !watched {
            return self.look_at_the_end();
        }
        None
    }

    /// Backwards only while it is watched that nothing changes.
    fn reads_side_by_side(&self) -> bool {
        self.plan.walk == ScanDirection::Forward || self.still.watched().is_some()
    }

    /// Whether the next page is the last one or beyond where nothing else depends on when it is read: what is created may
    /// show a little after what was created later, and then moves the newest tokens.
    fn comes_to_the_newest(&self) -> bool {
        let Some(PagePosition::Number(number)) = self.next else {
            return false;
        };
        let size = u64::from(self.request.size.unwrap_or_default());
        let end = number.saturating_add(1).saturating_mul(size);
        self.plan.walk == ScanDirection::Forward
            && self.plan.appends
            && self.first_total.is_some_and(|total| end >= total)
    }

    /// How many pages are asked for ahead of what is consumed: no more than the query can want.
    fn most_ahead(&self, width: usize) -> usize {
        let size = self.request.size.unwrap_or(1).max(1) as usize;
        // On their way, and waiting for those before them; backwards also for a look that is on its way, and for the next one.
        let ahead = match (width, self.plan.walk) {
            (1, _) => 1,
            (_, ScanDirection::Forward) => (TOKENS_AHEAD / size).clamp(width, 2 * width),
            (_, ScanDirection::Backward) => (TOKENS_AHEAD / size).clamp(2 * width, 3 * width),
        };
        let bounds = &self.plan.bounds;
        match (bounds.limit, self.request.size) {
            (Some(limit), Some(size)) if bounds.unfiltered && !self.must_be_sorted() => {
                let wanted = bounds.offset.saturating_add(limit);
                let had = self.passed_over.saturating_add(self.handed_out);
                let pages = wanted.saturating_sub(had).div_ceil(u64::from(size.max(1)));
                ahead.min(usize::try_from(pages).unwrap_or(ahead).max(1))
            }
            _ => ahead,
        }
    }

    /// The page after that one, as far as it is known without its answer.
    pub(super) fn following(&self, position: &PagePosition) -> Option<PagePosition> {
        let number = match position {
            PagePosition::First => 0,
            PagePosition::Number(number) => *number,
            PagePosition::Token(_) => return None,
        };
        match self.plan.walk {
            _ if !self.started || self.pace.is_single() => None,
            ScanDirection::Forward => {
                (number < self.last_page()?).then(|| PagePosition::Number(number + 1))
            }
            ScanDirection::Backward => self.below(number),
        }
    }

    /// The next page below that can hold tokens: many may have been deleted.
    pub(super) fn below(&self, number: u64) -> Option<PagePosition> {
        let below = number.checked_sub(1)?;
        let last = match self.total {
            Some(_) => self.last_page()?,
            None => below,
        };
        Some(PagePosition::Number(below.min(last)))
    }

    /// The last page that holds tokens.
    pub(super) fn last_page(&self) -> Option<u64> {
        let size = u64::from(self.request.size?.max(1));
        Some(self.total?.checked_sub(1)? / size)
    }
}
