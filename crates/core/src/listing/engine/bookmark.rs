//! The place of the listing as a cursor stores it (law 4 in `docs/SEMANTICS.md`).

use crate::listing::cursor::Place;
use crate::listing::{Completeness, Cursor, PartialReason};
use crate::model::{Token, TokenId};
use crate::provider::PagePosition;

/// The page that is being consumed, and what a listing resumed there must know.
#[derive(Debug)]
pub(super) struct Bookmark {
    position: PagePosition,
    /// The size of the pages that the position counts.
    size: Option<u32>,
    /// The total when that page was read.
    total: Option<u64>,
    /// The token that was emitted last before that page.
    after: Option<TokenId>,
    /// The token that was emitted last, in the order of the scan.
    last: Option<TokenId>,
    /// The number of pages that it was turned to.
    turns: u64,
    /// `true` if the listing was resumed from a cursor.
    is_resumed: bool,
    /// The reason why the listing cannot be complete any more.
    partial: Option<PartialReason>,
}

impl Bookmark {
    /// Returns the bookmark of a listing that has not begun.
    pub(super) fn at_start() -> Self {
        Self {
            position: PagePosition::First,
            size: None,
            total: None,
            after: None,
            last: None,
            turns: 0,
            is_resumed: false,
            partial: None,
        }
    }

    /// Returns the bookmark of a listing that is resumed from a cursor.
    pub(super) fn from_cursor(cursor: &Cursor) -> Self {
        Self {
            position: cursor.position.clone(),
            size: cursor.size,
            total: cursor.total,
            after: cursor.after.clone(),
            last: cursor.after.clone(),
            turns: 0,
            is_resumed: true,
            partial: cursor.partial.clone(),
        }
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Turns to the page that is consumed next, in pages of a size.
    pub(super) fn turn_to(
        &mut self,
        position: PagePosition,
        size: Option<u32>,
        total: Option<u64>,
    ) {
        self.renumber(position, size);
        self.total = total;
        self.after.clone_from(&self.last);
        self.turns += 1;
    }

    /// Returns how many pages it was turned to.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    /// Returns the token that was emitted last, in the order of the scan.
    pub(super) fn last(&self) -> Option<&TokenId> {
        self.last.as_ref()
    }

    /// Gives the page that is consumed the number that it has in pages of another size.
    pub(super) fn renumber(&mut self, position: PagePosition, size: Option<u32>) {
        self.position = position;
        self.size = size;
    }

    /// Records the tokens that were emitted, in the order of the scan.
    pub(super) fn on_emitted(&mut self, tokens: &[Token]) {
        if let Some(token) = tokens.last() {
            self.last = Some(token.id.clone());
        }
    }

    /// Drops the tokens of a resumed listing that come before the token emitted last, and returns
    /// them: they were emitted before the interruption.
    pub(super) fn drop_emitted(&self, tokens: &mut Vec<Token>) -> Vec<Token> {
        if self.is_resumed
            && let Some(last) = &self.last
            && let Some(at) = tokens.iter().position(|token| token.id == *last)
        {
            return tokens.drain(..=at).collect();
        }
        Vec::new()
    }

    /// Marks the listing as partial for this reason.
    pub(super) fn mark_partial(&mut self, reason: PartialReason) {
        self.partial = Some(reason);
    }

    /// Marks the listing as partial for this reason, unless another one is known.
    pub(super) fn mark_partial_if_complete(&mut self, reason: PartialReason) {
        self.partial.get_or_insert(reason);
    }

    pub(super) fn completeness(&self) -> Completeness {
        match &self.partial {
            Some(reason) => Completeness::Partial(reason.clone()),
            None => Completeness::Complete,
        }
    }

    /// Returns the place of the listing, with a pushed-down filter.
    pub(super) fn place(&self, filter: Option<u64>) -> Place {
        Place {
            position: self.position.clone(),
            after: self.after.clone(),
            size: self.size,
            total: self.total,
            filter,
            partial: self.partial.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Account;
    use crate::listing::Plan;
    use crate::listing::fake_pages::{ids, token, vanishing};
    use crate::query::Query;

    fn tokens(ids: &[u32]) -> Vec<Token> {
        ids.iter().map(|id| token(*id)).collect()
    }

    fn cursor_at(bookmark: &Bookmark) -> Cursor {
        let query = Query::new().page_size(10);
        let plan = Plan::for_query(&query, &vanishing()).unwrap();
        let cursor = Cursor::new(&Account::new("memory", "mine"), &query, &plan);
        cursor.at(bookmark.place(None))
    }

    #[test]
    fn a_cursor_points_at_the_page_being_consumed_and_the_token_before_it() {
        let mut bookmark = Bookmark::at_start();
        bookmark.on_emitted(&tokens(&[1, 2]));
        bookmark.turn_to(PagePosition::Number(1), Some(10), Some(20));
        bookmark.on_emitted(&tokens(&[3, 4]));
        let cursor = cursor_at(&bookmark);
        assert_eq!(cursor.position, PagePosition::Number(1));
        assert_eq!(
            (cursor.size, cursor.total, cursor.after),
            (Some(10), Some(20), Some(TokenId::new("2")))
        );
    }

    #[test]
    fn a_resumed_listing_drops_what_was_emitted_before_the_interruption() {
        let mut bookmark = Bookmark::at_start();
        bookmark.on_emitted(&tokens(&[2]));
        bookmark.turn_to(PagePosition::Number(1), None, None);
        let mut page = tokens(&[1, 2, 3]);
        bookmark.drop_emitted(&mut page);
        assert_eq!(ids(&page), [1, 2, 3], "nothing was interrupted");
        Bookmark::from_cursor(&cursor_at(&bookmark)).drop_emitted(&mut page);
        assert_eq!(ids(&page), [3]);
    }

    #[test]
    fn a_listing_that_is_partial_stays_so_in_its_cursor() {
        let mut bookmark = Bookmark::at_start();
        assert!(bookmark.completeness().is_complete());
        bookmark.mark_partial(PartialReason::UnexpectedOrder);
        bookmark.mark_partial_if_complete(PartialReason::UnprotectedPaging);
        let resumed = Bookmark::from_cursor(&cursor_at(&bookmark));
        assert_eq!(
            resumed.completeness(),
            Completeness::Partial(PartialReason::UnexpectedOrder)
        );
    }
}
