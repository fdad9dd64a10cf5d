//! Second looks at the end of a set that loses tokens.

use super::Walker;
use crate::error::Result;
use crate::listing::ScanDirection;
use crate::listing::engine::in_flight::Moment;
use crate::listing::engine::tail_watch::Look;
use crate::model::Token;
use crate::provider::{Page, PagePosition, PageRequest};

/// How many tokens of a large last page are looked at. The last page of one of these sizes holds a hundred tokens or more,
/// whatever the total.
const SIZES: std::ops::RangeInclusive<u32> = 100..=200;

impl Walker {
    /// Asks for the tokens that came last where that shows whether anything was deleted.
    pub(super) fn look_at_the_end(&mut self) -> Option<(Moment, PageRequest)> {
        let wanted = match self.still.watched() {
            Some(_) => self.queue.arrived_since(self.still.until()) > 0,
            None => self.pace.width() > 1 && self.next.is_some(),
        };
        let backward = self.started && self.plan.walk == ScanDirection::Backward;
        if !backward || !wanted || self.still.is_asking() {
            return None;
        }
        let look = self.still.watched().or(self.last_tokens())?;
        let at = self.tick();
        self.still.asks(at, look);
        let mut request = self
            .request
            .clone()
            .position(PagePosition::Number(look.number));
        request.size = Some(look.size);
        Some((at, request))
    }

    /// Where the tokens are that came last: the last page, or of a large one its end.
    fn last_tokens(&self) -> Option<Look> {
        let size = self.request.size?.max(1);
        let last = self.total?.checked_sub(1)?;
        let place = |size: u32| last % u64::from(size);
        let whole = self.looks_at_pages || place(size) < u64::from(*SIZES.end());
        let size = match whole {
            true => size,
            false => SIZES.max_by_key(|size| place(*size))?,
        };
        let number = last / u64::from(size);
        Some(Look { number, size })
    }

    /// Watches the tokens that came last, which are among those of the last page.
    pub(super) fn watch_the_end_of(&mut self, number: u64, page: &Page) {
        if let (Some(look), Some(size)) = (self.last_tokens(), self.request.size) {
            let first = number.saturating_mul(size.into());
            let before = look.first().saturating_sub(first) as usize;
            self.watch(
                look,
                page.total,
                page.tokens.get(before..).unwrap_or_default(),
            );
        }
    }

    fn watch(&mut self, look: Look, total: Option<u64>, last: &[Token]) {
        if !self.still.begin(look, total, last) {
            self.pace.judge(false);
        }
    }

    /// Takes the answer to a look.
    pub(super) fn take_look(&mut self, name: Moment, look: Look, answer: Result<Page>) {
        let page = match answer {
            Ok(page) if look.is_shown_by(&page) => Some(page),
            Err(error) if self.request.size == Some(look.size) => {
                self.failure = Some(error);
                return;
            }
            // Perhaps the platform has no pages of that size.
            _ => {
                self.looks_at_pages = true;
                None
            }
        };
        match (page, self.still.watched(), self.queue.first()) {
            (Some(page), None, _) if page.total == self.total => {
                self.watch(look, page.total, &page.tokens);
            }
            (Some(page), Some(_), _) if self.still.compare(name, &page) => {}
            (_, Some(_), Some(first)) => self.read_again_from(first.clone()),
            _ => {
                self.still.forget();
                self.pace.judge(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SIZES;

    #[test]
    fn one_of_the_sizes_shows_a_hundred_tokens_whatever_the_total() {
        for last in u64::from(*SIZES.end())..1_000_000 {
            let shown = SIZES.map(|size| last % u64::from(size) + 1).max();
            assert!(shown >= Some(100), "{last}: {shown:?}");
        }
    }
}
