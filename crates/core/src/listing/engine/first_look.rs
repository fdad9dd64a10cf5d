//! The first look of a backward scan: one page that shows the newest tokens (decision 0019).
//!
//! Ids begin with the second of their creation, and within one second they come in any order. So a
//! token that is created from now on sorts above every token that is a few seconds old on the
//! platform's clock: those are *settled*. If one page reaches from the end of the list down to a
//! settled token, then
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

/// The seconds by which the clocks of a platform's servers may differ.
const CLOCK_SKEW: i64 = 2;

/// The seconds within which a platform surely answers a request.
const MAX_RESPONSE_SECONDS: i64 = 60;

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
    /// A second on the platform's clock before the page that is judged was read, if the platform
    /// says what time it is.
    read_after: Option<i64>,
}

#[derive(Debug, Default)]
enum Stage {
    /// The scan does not begin with the newest tokens.
    #[default]
    Unneeded,
    /// Nor does it need them, if no token is created among those that it begins with.
    BeginsBelow,
    Wanted,
    Taken(Shown),
}

/// The result of a look that reached to the end.
#[derive(Debug)]
struct Shown {
    count: u64,
    /// The latest time of creation, if the platform reports it but not what time it is. Below a
    /// settled token nothing is created any more, so there it says nothing.
    newest: Option<Timestamp>,
}

/// The answer to the question whether a token may be created before a given one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// The token is too old for that.
    Settled,
    /// It is not.
    Fresh,
    /// The platform does not say what time it is, or when the token was created.
    Unknown,
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

    /// Records that the query skips the newest tokens.
    pub(super) fn begin_below(&mut self) {
        self.stage = Stage::BeginsBelow;
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

    /// Has the newest tokens looked at anew, in pages of at most this size.
    pub(super) fn shrink(&mut self, size: u32) {
        self.page_size = self.page_size.map(|page_size| page_size.min(size));
    }

    /// Has the scan go on in pages of this size after the look, which takes another one.
    pub(super) fn return_to(&mut self, page_size: u32) {
        self.page_size = Some(page_size);
    }

    /// Takes the time of a page that is about to be judged. It was read at most so long before.
    pub(super) fn on_page(&mut self, page: &Page) {
        let served_at = page.served_at.map(Timestamp::unix_seconds);
        let read_after = served_at.map(|second| second.saturating_sub(MAX_RESPONSE_SECONDS));
        self.read_after = self.read_after.max(read_after);
    }

    /// Takes the time of a page that was received: the next one is read after it.
    pub(super) fn on_received(&mut self, page: &Page) {
        let served_at = page.served_at.map(Timestamp::unix_seconds);
        self.read_after = self.read_after.max(served_at);
    }

    /// Returns whether tokens may be created before one of these.
    pub(super) fn may_be_fresh(&self, tokens: &[Token]) -> bool {
        let last = tokens.iter().rfind(|token| second_of(token).is_some());
        last.is_some_and(|last| self.age(std::slice::from_ref(last)) == Age::Fresh)
    }

    /// Returns whether no token is created any more before the last of these.
    pub(super) fn ends_settled(&self, tokens: &[Token]) -> bool {
        let last = tokens.len().saturating_sub(1);
        self.age(&tokens[last..]) == Age::Settled
    }

    /// Returns whether a token may be created before the lowest of these from now on. Where its
    /// time cannot be read, that of the next one decides, which is no older.
    fn age(&self, tokens: &[Token]) -> Age {
        match (tokens.iter().find_map(second_of), self.read_after) {
            (Some(created), Some(now)) if created < now.saturating_sub(CLOCK_SKEW) => Age::Settled,
            (Some(_), Some(_)) => Age::Fresh,
            _ => Age::Unknown,
        }
    }

    /// Returns whether a token of the scan was created after the look, although it sorts below it:
    /// those above it are dropped. That can only happen within one second. Where it seems to happen
    /// in a later one, ids do not follow the times of creation, which then say nothing.
    pub(super) fn contradicts(&self, token: &Token) -> bool {
        self.shown().is_some_and(|shown| {
            let times = token.created_at.known().zip(shown.newest.as_ref());
            times.is_some_and(|(created, newest)| {
                created > newest && created.unix_seconds() == newest.unix_seconds()
            })
        })
    }

    /// Returns whether a page shows enough of the newest tokens.
    fn suffices(&self, page: &Page, number: u64, size: u32) -> bool {
        let few = page.tokens.len() < (self.page_size.unwrap_or(size) / 8) as usize;
        let age = self.age(&page.tokens);
        match spans_seconds(&page.tokens) {
            // Without times of creation the ids have to be trusted.
            None => true,
            Some(_) if !reaches_end(number, size, page) => false,
            Some(_) if number == 0 => true,
            Some(spans) if age == Age::Unknown => spans || !few || self.failed > 0,
            Some(_) => age == Age::Settled,
        }
    }

    /// Returns the page size of the next look, if there is to be one that shows something else.
    fn next_size(&mut self, last: u64, size: u32, largest: u32, is_fresh: bool) -> Option<u32> {
        while self.failed < MAX_LOOKS {
            self.failed += 1;
            // Each look at fresh tokens leaves less room, and so may show more.
            let ratio = if is_fresh { 3_u64.pow(self.failed) } else { 3 };
            let next = look_size(last, largest, ratio);
            if !is_fresh || next != size {
                return Some(next);
            }
        }
        None
    }

    /// Returns whether tokens that stay in their places show that none was deleted before them: no
    /// token can have been created before them either.
    pub(super) fn is_anchor(&self, tokens: &[Token]) -> bool {
        match self.age(tokens) {
            Age::Unknown => spans_seconds(tokens) != Some(false),
            age => age == Age::Settled,
        }
    }
}

fn second_of(token: &Token) -> Option<i64> {
    Some(token.created_at.known()?.unix_seconds())
}

/// Returns whether the first token was settled when the last one was created, if the platform
/// reports when they were created. The servers that created them may not agree on the second.
fn spans_seconds(tokens: &[Token]) -> Option<bool> {
    let first = tokens.iter().find_map(second_of)?;
    let last = tokens.iter().rev().find_map(second_of)?;
    Some(first < last.saturating_sub(CLOCK_SKEW))
}

/// Returns the page size, of at most this one, of which the last page shows many tokens and still
/// shows all if some are created: with a ratio of 3, it is closest to three quarters full.
fn look_size(last: u64, page_size: u32, ratio: u64) -> u32 {
    let room = |size: u32| {
        let shown = last % u64::from(size) + 1;
        shown.min(ratio.saturating_mul(u64::from(size) - shown))
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
        self.look.on_page(page);
        let Some(last) = page.total.and_then(|total| total.checked_sub(1)) else {
            return false;
        };
        let next_size = if size != page_size && self.contradicts_itself(pending, page) {
            // The platform does not serve pages of that size.
            self.look.failed = MAX_LOOKS;
            Some(page_size)
        } else if self.look.suffices(page, number, size) {
            None
        } else {
            let is_fresh =
                reaches_end(number, size, page) && self.look.age(&page.tokens) == Age::Fresh;
            let largest = if size > page_size || is_fresh {
                self.plan.max_page_size.unwrap_or(page_size).max(page_size)
            } else {
                page_size
            };
            self.look.next_size(last, size, largest, is_fresh)
        };
        let Some(size) = next_size else {
            return false;
        };
        self.look.on_received(page);
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
        if matches!(self.look.stage, Stage::BeginsBelow) {
            self.look.stage = Stage::Unneeded;
            self.look.on_page(page);
            // Others may have been moved up onto the pages that are skipped.
            if self.look.may_be_fresh(&page.tokens) {
                self.bookmark.mark_partial(PartialReason::TooManyNewTokens);
            }
        }
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
        let age = self.look.age(&page.tokens);
        if number > 0 && age == Age::Fresh {
            self.bookmark.mark_partial(PartialReason::TooManyNewTokens);
        }
        // Where nothing tells what time it is, the rules of decision 2 remain.
        let may_move = number > 0 && age == Age::Unknown && spans_seconds != Some(true);
        (self.frontier).set_newest_page(may_move.then_some(number));
        let created = page.tokens.iter().map(|token| token.created_at.known());
        self.look.stage = Stage::Taken(Shown {
            count: page.tokens.len() as u64,
            newest: (age == Age::Unknown)
                .then(|| created.flatten().max().copied())
                .flatten(),
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
        if self.look_begins_with_anchor(number, size, lowest) {
            self.frontier.continue_at(None);
            return;
        }
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
                let size_of_look = look_size(last, size, 3);
                assert!((1..=size).contains(&size_of_look));
                let shown = last % u64::from(size_of_look) + 1;
                let room = u64::from(size_of_look) - shown;
                assert!(shown.min(3 * room) >= u64::from(size) / 8, "{last} {size}");
            }
        }
    }
}
