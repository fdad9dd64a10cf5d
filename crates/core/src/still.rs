//! What shows that nothing changed while several pages were read.

use crate::asked::Moment;
use crate::{Page, TokenId};

/// Watches the end of a set to which new tokens are added.
///
/// Pages that were on their way at the same time may have been read in any order, so a token that a deletion moves from
/// one to the next may be on neither. A total that stays the same does not rule that out, for a creation can make up
/// for it; but new tokens come last. So while the last page and the total are the same before and after, none of the
/// tokens before was deleted, and all the pages read between show the same set.
#[derive(Debug, Default)]
pub(crate) struct Still {
    end: Option<End>,
    asked: Option<Moment>,
    until: Moment,
}

#[derive(Debug)]
struct End {
    total: u64,
    ids: Vec<TokenId>,
}

impl Still {
    /// Whether the end is known, so that pages may be read side by side.
    pub(crate) fn is_watched(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the last page is on its way.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// What was answered before this moment was read while nothing changed.
    pub(crate) fn until(&self) -> Moment {
        self.until
    }

    pub(crate) fn asks(&mut self, asked: Moment) {
        self.asked = Some(asked);
    }

    /// Whether this is the answer that it waits for.
    pub(crate) fn awaits(&self, asked: Moment) -> bool {
        self.asked == Some(asked)
    }

    /// Takes the last page, and says whether the set is as it was when that page was taken first.
    pub(crate) fn compare(&mut self, page: &Page, total: Option<u64>) -> bool {
        let asked = self.asked.take().unwrap_or_default();
        let same = page.total.is_some() && page.total == total;
        match &self.end {
            Some(end) => {
                let ids = page.tokens.iter().map(|token| &token.id);
                let same = same && page.total == Some(end.total) && ids.eq(&end.ids);
                if same {
                    self.until = asked;
                }
                same
            }
            None if same => {
                self.begin(page);
                true
            }
            None => false,
        }
    }

    /// Takes the last page for the first time.
    pub(crate) fn begin(&mut self, page: &Page) {
        self.until = 0;
        self.end = page.total.map(|total| End {
            total,
            ids: page.tokens.iter().map(|token| token.id.clone()).collect(),
        });
    }

    /// Whether a page with that total, answered then, shows the set that the end belongs to. It was asked for since the
    /// end is known: before, pages are read one after another.
    pub(crate) fn covers(&self, answered: Moment, total: Option<u64>) -> bool {
        let same = |end: &End| total == Some(end.total);
        answered < self.until && self.end.as_ref().is_some_and(same)
    }

    /// Something changed.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
