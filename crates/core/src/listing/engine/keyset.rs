//! The scan by keyset cursors, and scans that begin anew because the platform forgot a position
//! (decision 0020).

use crate::error::{Error, ErrorKind, Result};
use crate::listing::PartialReason;
use crate::listing::cursor::invalid;
use crate::listing::engine::PageEngine;
use crate::listing::engine::dedup::Insertion;
use crate::listing::engine::id_set::IdSet;
use crate::listing::engine::in_flight::PendingPage;
use crate::listing::engine::strategy::ScanStrategy;
use crate::listing::engine::validate::{repeated_tokens, violation};
use crate::model::{Token, TokenId};
use crate::provider::{Page, PagePosition};
use crate::query::Direction;

/// The number of times that a listing begins anew because the platform forgot a position: more
/// would not end on a platform that forgets them faster than they are read.
const MAX_NEW_PASSES: u32 = 3;

/// The passes over the pages, from the first one on. There are several if the platform forgot a
/// position, or counts more tokens than one pass showed.
#[derive(Debug, Default)]
pub(super) struct Passes {
    /// The number of passes after the first one.
    begun_anew: u32,
    /// The number of tokens that were emitted before this pass: these may come again.
    emitted_before: u64,
    /// The number of tokens that came again in this pass.
    repeats: u64,
    /// `true` once this pass has come to the token that was emitted last before it.
    has_met_last: bool,
    /// `true` once a new pass has reached tokens that were not emitted before it.
    is_beyond: bool,
    /// The page that the earlier passes came to, until the first page of this one arrives: only
    /// then have the tokens before it been received, and the cursor may point at it.
    place: Option<PagePosition>,
    positions: PositionGuard,
    /// The last new token of this pass, in the order of the platform.
    last: Option<Token>,
    /// The token that was emitted last before this pass, if the tokens come in the order that the
    /// query asks for: what comes before its place was created meanwhile.
    floor: Option<Token>,
    /// The token after which a resumed listing continues.
    resumed_after: Option<TokenId>,
    /// `true` while a new pass looks for the place where the listing was resumed.
    is_seeking: bool,
    /// The tokens that this pass met before that place.
    skipped: IdSet,
}

impl Passes {
    /// Continues after a token that was emitted before the listing was interrupted.
    pub(super) fn resume_after(&mut self, id: Option<TokenId>) {
        self.resumed_after = id;
    }

    /// Returns the number of passes so far.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.begun_anew) + 1
    }

    fn is_first(&self) -> bool {
        self.begun_anew == 0
    }

    /// Begins a new pass because of a page, before which so many tokens were emitted.
    fn begin(&mut self, at: &PagePosition, emitted_before: u64, keeps_order: bool) {
        let last = self.last.take().or_else(|| self.floor.take());
        // A pass that has not come beyond the earlier ones leaves the place to them.
        let place = if self.is_beyond() {
            Some(at.clone())
        } else {
            self.place.take()
        };
        *self = Self {
            begun_anew: self.begun_anew + 1,
            emitted_before,
            place,
            floor: last.filter(|_| keeps_order),
            is_seeking: self.resumed_after.is_some(),
            resumed_after: self.resumed_after.take(),
            ..Self::default()
        };
    }

    /// Counts tokens that came again, and returns whether they may: in a new pass each emitted
    /// token may come once, or twice where pages overlap.
    pub(super) fn may_repeat(&mut self, repeated: u64) -> bool {
        self.repeats = self.repeats.saturating_add(repeated);
        !self.is_first() && self.repeats <= self.emitted_before.saturating_mul(2)
    }

    /// Takes the page that a cursor is to point at now, if a new pass has just begun.
    pub(super) fn take_place(&mut self) -> Option<PagePosition> {
        self.place.take()
    }

    /// Returns how many tokens were emitted before this pass.
    pub(super) fn emitted_before(&self) -> u64 {
        self.emitted_before
    }

    /// Records whether a page comes to the token that was emitted last before this pass, and
    /// whether its last token is new.
    pub(super) fn on_page(&mut self, meets_last: bool, ends_new: bool) {
        self.has_met_last |= meets_last;
        self.is_beyond |= ends_new && self.has_met_last;
    }

    /// Returns whether this pass has reached tokens that no earlier one emitted. Only then does a
    /// cursor point at its pages.
    pub(super) fn is_beyond(&self) -> bool {
        self.is_first() || self.is_beyond
    }
}

/// A guard against positions that come again, in the memory of one position (Brent's algorithm).
#[derive(Debug, Default)]
struct PositionGuard {
    kept: Option<PagePosition>,
    /// The number of positions since that one.
    steps: u64,
    /// The number of positions after which another one is kept: twice as many each time, so that
    /// one of any cycle is kept until it comes again.
    lap: u64,
}

impl PositionGuard {
    /// Records the position of the next page, and returns whether it came before.
    fn repeats(&mut self, next: &PagePosition) -> bool {
        if self.kept.as_ref() == Some(next) {
            return true;
        }
        self.steps += 1;
        if self.steps > self.lap {
            self.kept = Some(next.clone());
            self.lap = self.steps.saturating_mul(2);
            self.steps = 0;
        }
        false
    }
}

impl PageEngine {
    pub(super) fn is_keyset(&self) -> bool {
        self.strategy == ScanStrategy::ForwardKeyset
    }

    /// Rejects a position that does not move on.
    pub(super) fn check_position(
        &mut self,
        position: &PagePosition,
        next: Option<&PagePosition>,
    ) -> Result<()> {
        let Some(next) = next.filter(|_| self.is_keyset()) else {
            return Ok(());
        };
        if next == position || self.passes.positions.repeats(next) {
            return Err(violation(
                "the platform named a page as the next one that was read before",
            ));
        }
        Ok(())
    }

    /// Drops the tokens of a new pass that come before the place where the listing was resumed:
    /// they were emitted before the interruption, or created since.
    pub(super) fn drop_before_place(&mut self, tokens: &mut Vec<Token>) -> Result<()> {
        let seeking = self.passes.is_seeking;
        let Some(after) = self.passes.resumed_after.as_ref().filter(|_| seeking) else {
            return Ok(());
        };
        let kept = self.begin_after(after, tokens);
        let mut moves_on = kept.is_some() || tokens.is_empty();
        for token in tokens.drain(..kept.unwrap_or(tokens.len())) {
            moves_on |= self.passes.skipped.insert(&token.id);
        }
        if kept.is_some() {
            self.passes.is_seeking = false;
        }
        if moves_on {
            Ok(())
        } else {
            Err(repeated_tokens())
        }
    }

    /// Returns where the tokens begin that come after a token, if a page shows it.
    fn begin_after(&self, id: &TokenId, tokens: &[Token]) -> Option<usize> {
        let found = tokens.iter().position(|token| token.id == *id);
        let beyond = || match self.template.id_order()? {
            Direction::Ascending => tokens.iter().position(|token| token.id > *id),
            Direction::Descending => tokens.iter().position(|token| token.id < *id),
        };
        found.map(|at| at + 1).or_else(beyond)
    }

    /// Returns whether a page comes to the token that was emitted last.
    pub(super) fn meets_last(&self, tokens: &[Token]) -> bool {
        let by_order = self.passes.floor.is_some();
        let last = self.bookmark.last();
        by_order || last.is_none_or(|last| self.begin_after(last, tokens).is_some())
    }

    /// Drops the tokens of a new pass whose place the query's order has left behind, and returns
    /// how many of them came again. The others were created meanwhile.
    pub(super) fn drop_before_floor(&mut self, tokens: &mut Vec<Token>) -> usize {
        let (Some(floor), Some(by)) = (&self.passes.floor, self.plan.pushed_order) else {
            return 0;
        };
        // A token in the same place as the floor may have been emitted or not.
        let (dropped, kept) = std::mem::take(tokens)
            .into_iter()
            .partition::<Vec<_>, _>(|token| by.compare(floor, token).is_gt());
        *tokens = kept;
        let repeated = self.count_repeated(&dropped);
        self.totals.on_emitted((dropped.len() - repeated) as u64);
        repeated
    }

    /// Remembers tokens that are dropped, and returns how many of them came before.
    pub(super) fn count_repeated(&mut self, dropped: &[Token]) -> usize {
        (dropped.iter())
            .filter(|token| self.dedup.insert(&token.id) != Insertion::New)
            .count()
    }

    /// Marks the listing as partial if new tokens do not follow each other in an exact order.
    pub(super) fn check_order(&mut self, tokens: &[Token]) {
        let Some(by) = self.plan.pushed_order.filter(|_| self.plan.exact_order) else {
            return;
        };
        let mut last = self.passes.last.as_ref();
        for token in tokens {
            if self.is_keyset() && last.is_some_and(|last| by.compare(last, token).is_ge()) {
                self.bookmark.mark_partial(PartialReason::UnexpectedOrder);
            }
            last = Some(token);
        }
        let last = last.cloned();
        self.passes.last = last;
    }

    /// Rejects the end of a pass that did not find the place where the listing was resumed.
    pub(super) fn check_place(&self) -> Result<()> {
        if self.passes.is_seeking && self.template.id_order().is_none() {
            return Err(invalid(
                "the platform no longer knows the position of the cursor, and the token before it \
                 is gone",
            ));
        }
        Ok(())
    }

    /// Returns whether the platform no longer knows the position of a page.
    pub(super) fn has_expired(&self, pending: &PendingPage, error: &Error) -> bool {
        let by_token = matches!(pending.position(), PagePosition::Token(_));
        by_token && error.kind() == ErrorKind::InvalidCursor
    }

    /// Begins anew at the first page, because the platform forgot the position of a page.
    pub(super) fn begin_anew(&mut self, pending: &PendingPage, error: Error) -> Result<()> {
        if self.passes.begun_anew >= MAX_NEW_PASSES {
            let times = format!(
                "the platform's cursors expired {} times",
                self.passes.count()
            );
            return Err(error
                .with_kind(ErrorKind::LimitExceeded)
                .with_message_prefix(&times)
                .with_advice(
                    "the platform keeps a cursor for less time than the listing takes: list \
                     without pausing between tokens, and in larger pages",
                ));
        }
        let is_ordered = self.is_keyset() || self.plan.pushed_order.is_some();
        if self.bookmark.is_resumed() && self.plan.protected && !is_ordered {
            return Err(invalid(
                "the platform no longer knows the position of the cursor, and a new listing may \
                 have another order, which does not tell what was listed before",
            ));
        }
        self.begin_pass(pending.position());
        Ok(())
    }

    /// Begins anew if a resumed scan ends at once: a cursor points at a page that held tokens, so
    /// the platform may have forgotten the position without saying so.
    pub(super) fn doubt_end(&mut self, position: &PagePosition, page: &Page) -> bool {
        let ends_at_once =
            self.totals.passed() == 0 && page.tokens.is_empty() && page.next.is_none();
        let resumed = self.bookmark.is_resumed() && self.passes.is_first();
        let again = self.is_keyset() && resumed && ends_at_once;
        if again {
            self.begin_pass(position);
        }
        again
    }

    /// Reads once more from the first page if the platform counts more tokens than one pass showed:
    /// its end may be none, or new tokens took the place of deleted ones.
    pub(super) fn look_once_more(&mut self, last: &PagePosition) -> bool {
        let again = self.is_keyset() && self.passes.is_first() && self.counts_more_than_shown();
        if again {
            self.begin_pass(last);
        }
        again
    }

    /// Begins a new pass because of a page.
    fn begin_pass(&mut self, at: &PagePosition) {
        self.discard_in_flight();
        let keeps_order = !self.plan.any_order && !self.plan.sorts_in_memory;
        self.passes.begin(at, self.totals.passed(), keeps_order);
        // A new pass over a keyset shows what was created before it.
        let created = if self.is_keyset() {
            0
        } else {
            self.totals.created()
        };
        self.totals.recount(None, created);
        self.frontier.continue_at(Some(PagePosition::First));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_that_comes_again_is_found_in_cycles_of_any_length() {
        let position = |number: u64| PagePosition::Token(number.to_string());
        for lead in 0..20 {
            for cycle in 1..20 {
                let mut guard = PositionGuard::default();
                let at = |step: u64| match step.checked_sub(lead) {
                    Some(beyond) => position(lead + beyond % cycle),
                    None => position(step),
                };
                let found = (0..1_000).find(|step| guard.repeats(&at(*step)));
                let found = found.expect("a cycle is found");
                assert!(found >= lead + cycle, "{lead} {cycle}: {found}");
                assert!(found <= 4 * (lead + cycle), "{lead} {cycle}: {found}");
            }
        }
        let mut guard = PositionGuard::default();
        assert!(!(0..10_000).any(|step| guard.repeats(&position(step))));
    }
}
