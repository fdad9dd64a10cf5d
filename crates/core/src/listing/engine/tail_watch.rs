//! What shows that nothing was deleted while several pages were read.

use crate::listing::engine::in_flight::Moment;
use crate::model::{Token, TokenId};
use crate::provider::Page;

/// Watches the end of a set to which new tokens are added.
///
/// Pages that were on their way at the same time may have been read in any order, so a token that a deletion moves from
/// one to the next may be on neither. A total that stays the same does not rule that out, for a creation can make up
/// for it. But new tokens come last: so while the tokens that came last at first are still in their places, none before
/// them was deleted, and all pages read meanwhile show the same set.
#[derive(Debug, Default)]
pub(crate) struct Still {
    end: Option<End>,
    asked: Option<(Moment, Look)>,
    until: Moment,
}

/// A page of the tokens that came last, which may be smaller than those of the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) number: u64,
    pub(crate) size: u32,
}

impl Look {
    /// How many tokens come before.
    pub(crate) fn first(self) -> u64 {
        self.number.saturating_mul(self.size.into())
    }

    /// Whether an answer is that page, as far as it says.
    pub(crate) fn is_shown_by(self, page: &Page) -> bool {
        let there = |total: u64| total.saturating_sub(self.first()).min(self.size.into());
        page.number.is_none_or(|number| number == self.number)
            && page.total.map(there) == Some(page.tokens.len() as u64)
    }
}

/// The tokens that came last, on a page of their own.
#[derive(Debug)]
struct End {
    look: Look,
    total: Option<u64>,
    ids: Vec<TokenId>,
}

impl Still {
    /// The page of the tokens that came last, so that pages may be read side by side.
    pub(crate) fn watched(&self) -> Option<Look> {
        self.end.as_ref().map(|end| end.look)
    }

    /// Whether that page is on its way.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// What was answered before this moment was read while nothing was deleted. It was asked for since the end is known:
    /// before, pages are read one after another.
    pub(crate) fn until(&self) -> Moment {
        self.until
    }

    pub(crate) fn asks(&mut self, at: Moment, look: Look) {
        self.asked = Some((at, look));
    }

    /// What it asked for at that moment, if it still waits for the answer.
    pub(crate) fn answered(&mut self, asked: Moment) -> Option<Look> {
        let (_, look) = self.asked.take_if(|(at, _)| *at == asked)?;
        Some(look)
    }

    /// Takes the tokens that came last for the first time, and says whether there are any: nothing would always be in its
    /// place.
    pub(crate) fn begin(&mut self, look: Look, total: Option<u64>, last: &[Token]) -> bool {
        let ids: Vec<_> = last.iter().map(|token| token.id.clone()).collect();
        self.until = 0;
        self.end = (!ids.is_empty()).then_some(End { look, total, ids });
        self.end.is_some()
    }

    /// Takes that page again, which was asked for then, and says whether its tokens are still in their places.
    pub(crate) fn compare(&mut self, asked: Moment, page: &Page) -> bool {
        let mut now = page.tokens.iter().map(|token| &token.id);
        let same = |end: &End| end.ids.iter().all(|id| now.next() == Some(id));
        let still = self.end.as_ref().is_some_and(same);
        if still {
            self.until = asked;
        }
        still
    }

    /// Whether a total is smaller than it was at first: only a deletion makes it so.
    pub(crate) fn is_less(&self, total: Option<u64>) -> bool {
        self.end.as_ref().is_some_and(|end| total < end.total)
    }

    /// Something was deleted.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
