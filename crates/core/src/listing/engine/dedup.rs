//! Deduplication: the tokens that were emitted, and the repeats that were found.

use std::collections::VecDeque;

use crate::listing::engine::id_set::IdSet;
use crate::model::TokenId;
use crate::query::Direction;

/// The number of recent pages whose tokens a backward scan remembers: as many as may be in flight,
/// so that a token which a deletion moves onto a page below is recognised (decision 0002).
const RECENT_PAGES: usize = 16;

/// Remembers which tokens were emitted, so that each is emitted once, and counts repeats.
#[derive(Debug)]
pub(super) struct Dedup {
    emitted: Emitted,
    /// The number of tokens that came again.
    repeats: u64,
    /// The number of pages in a row that held nothing new.
    stale_pages: u64,
    /// The lowest token of the page that a backward scan emitted last.
    page_start: Option<TokenId>,
}

/// The tokens that were emitted, in as little memory as the order of the scan allows.
#[derive(Debug)]
enum Emitted {
    /// In id order: all up to the last one were emitted, or were created since.
    UpTo {
        last: Option<TokenId>,
        direction: Direction,
    },
    /// In descending id order: all between the highest and the lowest were emitted.
    Descending(DescendingWindow),
    /// In any other order.
    AnyOrder(IdSet),
}

/// The tokens that were emitted in descending id order (decision 0002).
#[derive(Debug, Default)]
struct DescendingWindow {
    highest: Option<TokenId>,
    /// The recent ones, which deletions may move onto pages that are still to be read, in
    /// descending order: the last one is the lowest of all.
    recent: VecDeque<TokenId>,
    /// The lowest token of the first look, once all of it was emitted: whatever sorts above it and
    /// was not there was created later (decision 0019).
    settled_from: Option<TokenId>,
    /// The tokens of the first page if they were emitted before the scan, in ascending order.
    first_page: Vec<TokenId>,
}

/// The result of inserting a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    New,
    Repeated,
    /// The id falls in a range that was already listed, but was not there.
    Unexpected,
}

impl Dedup {
    /// Remembers tokens that come in id order.
    pub(super) fn in_order(direction: Direction) -> Self {
        Self::new(Emitted::UpTo {
            last: None,
            direction,
        })
    }

    /// Remembers tokens that come in descending id order while deletions move some of them.
    pub(super) fn descending() -> Self {
        Self::new(Emitted::Descending(DescendingWindow::default()))
    }

    /// Remembers tokens that come in any order.
    pub(super) fn any_order() -> Self {
        Self::new(Emitted::AnyOrder(IdSet::default()))
    }

    fn new(emitted: Emitted) -> Self {
        Self {
            emitted,
            repeats: 0,
            stale_pages: 0,
            page_start: None,
        }
    }

    /// Continues after a token that was emitted before the listing was interrupted.
    pub(super) fn resume_after(&mut self, id: &TokenId) {
        match &mut self.emitted {
            Emitted::UpTo { last, .. } => *last = Some(id.clone()),
            Emitted::Descending(window) => {
                window.insert(id);
            }
            Emitted::AnyOrder(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Remembers the tokens of the first page, which were emitted before a backward scan.
    pub(super) fn insert_first_page(&mut self, first_page: Vec<TokenId>) {
        match &mut self.emitted {
            Emitted::Descending(window) => window.first_page = first_page,
            Emitted::AnyOrder(ids) => first_page.iter().for_each(|id| {
                ids.insert(id);
            }),
            Emitted::UpTo { .. } => {}
        }
    }

    /// Inserts a token and tells whether it is new.
    pub(super) fn insert(&mut self, id: &TokenId) -> Insertion {
        match &mut self.emitted {
            Emitted::UpTo { last, direction } => match (&*last, *direction) {
                (Some(last), Direction::Ascending) if id <= last => Insertion::Repeated,
                (Some(last), Direction::Descending) if id >= last => Insertion::Repeated,
                _ => {
                    *last = Some(id.clone());
                    Insertion::New
                }
            },
            Emitted::Descending(window) => window.insert(id),
            Emitted::AnyOrder(ids) => {
                if ids.insert(id) {
                    Insertion::New
                } else {
                    Insertion::Repeated
                }
            }
        }
    }

    /// Drops the tokens from this one up from now on: they were emitted, or were created since.
    pub(super) fn settle_from(&mut self, lowest: &TokenId) {
        if let Emitted::Descending(window) = &mut self.emitted {
            window.settled_from = Some(lowest.clone());
        }
    }

    /// Returns whether a token lies among those that a backward scan in id order began with, or
    /// among newer ones.
    pub(super) fn is_newer(&self, id: &TokenId) -> bool {
        match &self.emitted {
            Emitted::Descending(window) => window.is_settled(id) || window.is_highest(id),
            _ => false,
        }
    }

    /// Forgets tokens that are many pages above the current one.
    pub(super) fn end_page(&mut self, page_size: usize) {
        if let Emitted::Descending(window) = &mut self.emitted {
            let kept = RECENT_PAGES.saturating_mul(page_size.max(1));
            let forgotten = window.recent.len().saturating_sub(kept);
            window.recent.drain(..forgotten);
        }
    }

    /// Counts tokens that came again and returns how many did so far.
    pub(super) fn count_repeats(&mut self, repeats: u64) -> u64 {
        self.repeats += repeats;
        self.repeats
    }

    /// Counts a page that held nothing new, and returns how many did so in a row. Any other page
    /// starts the count again.
    pub(super) fn count_stale_page(&mut self, stale: bool) -> u64 {
        self.stale_pages = if stale { self.stale_pages + 1 } else { 0 };
        self.stale_pages
    }

    /// Records the lowest token of a page of a backward scan, and returns whether it fails to lie
    /// below that of the page before. However many tokens move, a page further down begins lower.
    pub(super) fn is_stuck_at(&mut self, lowest: Option<TokenId>) -> bool {
        let stuck = lowest.is_some() && self.page_start.is_some() && lowest >= self.page_start;
        self.page_start = lowest;
        stuck
    }
}

impl DescendingWindow {
    fn is_settled(&self, id: &TokenId) -> bool {
        (self.settled_from.as_ref()).is_some_and(|settled| id >= settled)
    }

    fn is_highest(&self, id: &TokenId) -> bool {
        (self.highest.as_ref()).is_some_and(|highest| id > highest)
    }

    fn insert(&mut self, id: &TokenId) -> Insertion {
        if self.is_settled(id) {
            return Insertion::Repeated;
        }
        // Almost every token lies above the first page.
        let above = self.first_page.last().is_none_or(|last| id > last);
        if !above && self.first_page.binary_search(id).is_ok() {
            return Insertion::Repeated;
        }
        match (self.recent.back(), &self.highest) {
            (Some(lowest), Some(highest)) if id >= lowest => {
                // A token above the highest one was created after the scan began.
                let known = || self.recent.binary_search_by(|other| id.cmp(other)).is_ok();
                if id > highest || known() {
                    Insertion::Repeated
                } else {
                    Insertion::Unexpected
                }
            }
            _ => {
                self.highest.get_or_insert_with(|| id.clone());
                self.recent.push_back(id.clone());
                // All tokens below one of the first page were on it, too.
                if above {
                    Insertion::New
                } else {
                    Insertion::Unexpected
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids of one length, so that their order is that of the numbers.
    fn id(number: u32) -> TokenId {
        TokenId::new(format!("{number:04}"))
    }

    fn insert_all(
        dedup: &mut Dedup,
        numbers: impl IntoIterator<Item = u32>,
    ) -> Vec<(u32, Insertion)> {
        (numbers.into_iter())
            .map(|number| (number, dedup.insert(&id(number))))
            .filter(|(_, insertion)| *insertion != Insertion::New)
            .collect()
    }

    #[test]
    fn in_id_order_whatever_does_not_come_after_the_last_token_is_repeated() {
        let mut ascending = Dedup::in_order(Direction::Ascending);
        assert_eq!(
            insert_all(&mut ascending, [1, 2, 2, 1, 3]),
            [(2, Insertion::Repeated), (1, Insertion::Repeated)]
        );
        let mut descending = Dedup::in_order(Direction::Descending);
        descending.resume_after(&id(3));
        assert_eq!(
            insert_all(&mut descending, [3, 2, 4, 1]),
            [(3, Insertion::Repeated), (4, Insertion::Repeated)]
        );
    }

    #[test]
    fn in_descending_order_an_id_between_two_emitted_ones_is_unexpected() {
        let mut dedup = Dedup::descending();
        assert_eq!(
            insert_all(&mut dedup, [9, 8, 6, 8, 7, 10, 5]),
            [
                (8, Insertion::Repeated),
                (7, Insertion::Unexpected),
                (10, Insertion::Repeated)
            ]
        );
        assert!(dedup.is_newer(&id(10)) && !dedup.is_newer(&id(9)));
    }

    #[test]
    fn the_first_page_is_emitted_once_and_hides_nothing_below_it() {
        for mut dedup in [Dedup::descending(), Dedup::any_order()] {
            dedup.insert_first_page(vec![id(1), id(3)]);
            assert_eq!(
                insert_all(&mut dedup, [5, 4, 3, 1]),
                [(3, Insertion::Repeated), (1, Insertion::Repeated)]
            );
        }
        let mut dedup = Dedup::descending();
        dedup.insert_first_page(vec![id(1), id(3)]);
        assert_eq!(
            insert_all(&mut dedup, [4, 2]),
            [(2, Insertion::Unexpected)],
            "the first page was read with a hole"
        );
    }

    #[test]
    fn a_backward_scan_remembers_the_tokens_of_its_recent_pages_only() {
        let mut dedup = Dedup::descending();
        let remembered = u32::try_from(RECENT_PAGES).unwrap();
        assert!(insert_all(&mut dedup, (0..=remembered).rev()).is_empty());
        dedup.end_page(1);
        assert_eq!(dedup.insert(&id(remembered - 1)), Insertion::Repeated);
        assert_eq!(dedup.insert(&id(remembered)), Insertion::Unexpected);
    }

    #[test]
    fn stale_pages_count_in_a_row_and_repeats_altogether() {
        let mut dedup = Dedup::any_order();
        let stale = [true, true, false, true].map(|stale| dedup.count_stale_page(stale));
        assert_eq!(stale, [1, 2, 0, 1]);
        assert_eq!(
            [2, 0, 1].map(|repeats| dedup.count_repeats(repeats)),
            [2, 2, 3]
        );
    }

    #[test]
    fn a_page_further_down_that_does_not_begin_lower_is_stuck() {
        let mut dedup = Dedup::descending();
        let starts = [Some(9), Some(6), Some(6), None, Some(8)];
        let stuck = starts.map(|start| dedup.is_stuck_at(start.map(id)));
        assert_eq!(stuck, [false, false, true, false, false]);
    }
}
