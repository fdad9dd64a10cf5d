//! The first look of a backward scan: one page that shows the newest tokens (decision 0019).
//!
//! Ids begin with the second of their creation, and within one second they come in any order. So a
//! token that is created from now on sorts above every token of an earlier second than the newest
//! one. If one page reaches to the end of the list and down into an earlier second, then
//!
//! * no token below that page is ever moved up: the scan loses none of them, and
//! * every token that sorts above the lowest one of that page and was not on it is newer than the
//!   look. It owes nobody a place.

use crate::error::ErrorKind;
use crate::listing::PartialReason;
use crate::listing::engine::PageEngine;
use crate::listing::engine::in_flight::{PendingPage, Purpose};
use crate::model::{Timestamp, Token, TokenId};
use crate::provider::{Page, PagePosition};

/// The number of times that the newest tokens are looked at again before they are taken as they
/// are.
const MAX_LOOKS: u32 = 8;

/// The newest tokens as one page showed them.
#[derive(Debug, Default)]
pub(super) struct FirstLook {
    stage: Stage,
    /// The number of looks so far that showed too little.
    failed: u32,
    /// The lowest token of the page that was recounted last.
    recounted: Option<TokenId>,
    /// The page size of the scan, while the look takes another one.
    page_size: Option<u32>,
}

#[derive(Debug, Default)]
enum Stage {
    /// The scan does not begin with the newest tokens.
    #[default]
    Unneeded,
    Wanted,
    Taken(Shown),
}

/// The result of a look that reached to the end.
#[derive(Debug)]
struct Shown {
    lowest: TokenId,
    count: u64,
    /// The latest time of creation, if the platform reports it.
    newest: Option<Timestamp>,
    /// `true` if no token that is created later sorts below the lowest one.
    is_anchored: bool,
}

impl FirstLook {
    pub(super) fn is_wanted(&self) -> bool {
        matches!(self.stage, Stage::Wanted)
    }

    fn shown(&self) -> Option<&Shown> {
        match &self.stage {
            Stage::Taken(shown) => Some(shown),
            _ => None,
        }
    }

    /// Returns the number of tokens that the look showed.
    pub(super) fn count(&self) -> Option<u64> {
        Some(self.shown()?.count)
    }

    /// Returns whether a page that is recounted shows the same tokens as the page above it.
    pub(super) fn is_recounted(&mut self, page: &Page) -> bool {
        let lowest = page.tokens.first().map(|token| token.id.clone());
        let repeated = self.recounted.is_some() && lowest >= self.recounted;
        self.recounted = lowest.or(self.recounted.take());
        repeated
    }

    /// Has the newest tokens looked at anew, in pages of another size.
    pub(super) fn resize(&mut self) {
        self.page_size = None;
    }

    /// Returns whether a token was created after the look, and yet sorts below it. That can only
    /// happen within one second. Where it seems to happen in a later one, ids do not follow the
    /// times of creation, which then say nothing.
    pub(super) fn contradicts(&self, token: &Token) -> bool {
        self.shown().is_some_and(|shown| {
            let times = token.created_at.known().zip(shown.newest.as_ref());
            token.id < shown.lowest
                && times.is_some_and(|(created, newest)| {
                    created > newest && created.unix_seconds() == newest.unix_seconds()
                })
        })
    }

    /// Returns whether tokens that stay in their places show that none was deleted before them: no
    /// token can have been created before them either.
    pub(super) fn is_anchor(&self, tokens: &[Token]) -> bool {
        let is_below_look = |shown: &Shown| {
            let first = tokens.first();
            !shown.is_anchored || first.is_some_and(|token| token.id <= shown.lowest)
        };
        spans_seconds(tokens) != Some(false) || self.shown().is_some_and(is_below_look)
    }
}

/// Returns whether the first and the last token were created in different seconds, if the platform
/// reports when they were created.
fn spans_seconds(tokens: &[Token]) -> Option<bool> {
    let second = |token: &Token| token.created_at.known().map(|time| time.unix_seconds());
    Some(second(tokens.first()?)? < second(tokens.last()?)?)
}

/// Returns the page size, of at most this one, of which the last page is closest to three
/// quarters full, so that it shows many tokens and still shows all if some are created.
fn look_size(last: u64, page_size: u32) -> u32 {
    let room = |size: u32| {
        let shown = last % u64::from(size) + 1;
        shown.min(3 * (u64::from(size) - shown))
    };
    let sizes = page_size.div_ceil(2).max(1)..=page_size.max(1);
    sizes.max_by_key(|size| room(*size)).unwrap_or(page_size)
}

impl PageEngine {
    /// Has the newest tokens looked at, if ids say where they are.
    pub(super) fn want_look(&mut self) {
        if self.template.id_order().is_some() {
            self.look.stage = Stage::Wanted;
        }
    }

    /// Looks at the newest tokens again, in a page of another size, and returns `true`, if this
    /// page does not show enough of them.
    pub(super) fn look_again(&mut self, pending: &PendingPage, page: &Page) -> bool {
        let (Some(number), Some(size)) = (pending.number(), self.template.size()) else {
            return false;
        };
        if !self.look.is_wanted() || pending.purpose() != Purpose::Tokens {
            return false;
        }
        let page_size = *self.look.page_size.get_or_insert(size);
        if size != page_size && self.contradicts_itself(pending, page) {
            // The platform does not serve pages of that size.
            self.look.failed = MAX_LOOKS;
        } else {
            let few = page.tokens.len() < (page_size / 8) as usize;
            let reaches_end = reaches_end(number, size, page);
            let unspanned = spans_seconds(&page.tokens) == Some(false);
            // Without times of creation the ids have to be trusted.
            let suffices = match (reaches_end, unspanned) {
                (true, true) => number == 0 || !few || self.look.failed > 0,
                (true, false) => true,
                (false, _) => spans_seconds(&page.tokens).is_none(),
            };
            if suffices || self.look.failed >= MAX_LOOKS {
                return false;
            }
            self.look.failed += 1;
        }
        let Some(last) = page.total.and_then(|total| total.checked_sub(1)) else {
            return false;
        };
        let size = if self.look.failed < MAX_LOOKS {
            look_size(last, page_size)
        } else {
            page_size
        };
        self.template.set_size(size);
        self.totals.start(page.total);
        self.frontier.set_newest_page(Some(last / u64::from(size)));
        self.discard_in_flight();
        let position = PagePosition::Number(last / u64::from(size));
        self.frontier.continue_at(Some(position));
        true
    }

    /// Returns whether a look failed because the platform does not serve pages of its size; the
    /// scan then goes on in pages of the requested one.
    pub(super) fn abandon_look(&mut self, error: ErrorKind) -> bool {
        let Some(page_size) = self.look.page_size.filter(|size| {
            let other_size = self.template.size() != Some(*size);
            self.look.is_wanted() && other_size && error == ErrorKind::InvalidInput
        }) else {
            return false;
        };
        self.look.failed = MAX_LOOKS;
        self.template.set_size(page_size);
        self.discard_in_flight();
        let last = self.last_page().unwrap_or_default();
        self.frontier.set_newest_page(Some(last));
        self.frontier.continue_at(Some(PagePosition::Number(last)));
        true
    }

    /// Returns whether a page of the first look reaches to the end, so that nothing is above it.
    pub(super) fn look_reaches_end(&self, number: u64, page: &Page) -> bool {
        let reaches_end = |size| reaches_end(number, size, page);
        self.look.is_wanted() && self.template.size().is_some_and(reaches_end)
    }

    /// Takes what a page shows of the newest tokens, and returns its lowest one.
    pub(super) fn take_look(&mut self, pending: &PendingPage, page: &Page) -> Option<TokenId> {
        let (number, size) = (pending.number()?, self.template.size()?);
        let lowest = page.tokens.first()?.id.clone();
        if !self.look.is_wanted() {
            return None;
        }
        let spans_seconds = spans_seconds(&page.tokens);
        if !reaches_end(number, size, page) || pending.purpose() != Purpose::Tokens {
            self.look.stage = Stage::Unneeded;
            if spans_seconds.is_some() {
                self.bookmark.mark_partial(PartialReason::UnexpectedOrder);
            }
            return None;
        }
        let is_anchored = number == 0 || spans_seconds == Some(true);
        (self.frontier).set_newest_page((!is_anchored).then_some(number));
        let created = page.tokens.iter().map(|token| token.created_at.known());
        self.look.stage = Stage::Taken(Shown {
            lowest: lowest.clone(),
            count: page.tokens.len() as u64,
            newest: created.flatten().max().copied(),
            is_anchored,
        });
        Some(lowest)
    }

    /// Drops whatever sorts above the look from now on, and continues below it in pages of the
    /// requested size.
    pub(super) fn leave_look(&mut self, number: u64, lowest: &TokenId) {
        self.dedup.settle_from(lowest);
        let (Some(page_size), Some(size)) = (self.look.page_size.take(), self.template.size())
        else {
            return;
        };
        if page_size == size {
            return;
        }
        self.template.set_size(page_size);
        let below = number.saturating_mul(size.into()).checked_sub(1);
        let below = below.map(|last| last / u64::from(page_size));
        if self.frontier.newest_page().is_some() {
            self.frontier.set_newest_page(below.map(|page| page + 1));
        }
        // A listing that is resumed here looks again.
        let newest = self.last_page().unwrap_or_default();
        (self.bookmark).renumber(PagePosition::Number(newest), Some(page_size));
        self.frontier.continue_at(below.map(PagePosition::Number));
    }
}

/// Returns whether a page holds the last token.
fn reaches_end(number: u64, size: u32, page: &Page) -> bool {
    let end = number.saturating_add(1).saturating_mul(size.into());
    page.total.is_some_and(|total| total <= end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_of_a_look_shows_many_tokens_and_has_room_for_more() {
        for size in 16..300 {
            for last in u64::from(size)..5_000 {
                let size_of_look = look_size(last, size);
                assert!((1..=size).contains(&size_of_look));
                let shown = last % u64::from(size_of_look) + 1;
                let room = u64::from(size_of_look) - shown;
                assert!(shown.min(3 * room) >= u64::from(size) / 8, "{last} {size}");
            }
        }
    }
}
