//! The number of tokens: as the platform counts them, and as they were emitted (the guards of
//! law 3).

/// Compares the totals that the platform reports with the tokens that were emitted.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The total of the first page.
    first: Option<u64>,
    /// The total as of the page emitted last.
    current: Option<u64>,
    /// The number of tokens that were created during the scan, as far as totals show it.
    created: u64,
    emitted: u64,
    /// The number of tokens that were not read because the query skips them.
    skipped: u64,
}

impl Totals {
    /// Starts with the total of the first page, or with that of a cursor.
    pub(super) fn start(&mut self, total: Option<u64>) {
        self.first = total;
        self.current = total;
    }

    /// Records the total of a page, and by how much it grew.
    pub(super) fn update(&mut self, total: Option<u64>) {
        if let (Some(before), Some(now)) = (self.current, total) {
            self.created = self.created.saturating_add(now.saturating_sub(before));
        }
        self.current = total;
    }

    /// Records the total of a page of a set that cannot shrink: a smaller total is an older one.
    pub(super) fn update_growing(&mut self, total: Option<u64>) {
        self.update(self.current.max(total));
    }

    /// Records how many tokens there are, and that so many of them were created during the scan.
    pub(super) fn recount(&mut self, total: Option<u64>, created: u64) {
        self.current = total;
        self.created = created;
    }

    /// Records tokens that need not be read because the query skips them.
    pub(super) fn skip(&mut self, tokens: u64) {
        self.skipped = tokens;
    }

    /// Records tokens that were emitted.
    pub(super) fn on_emitted(&mut self, tokens: u64) {
        self.emitted += tokens;
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.first
    }

    pub(super) fn current(&self) -> Option<u64> {
        self.current
    }

    pub(super) fn created(&self) -> u64 {
        self.created
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the number of tokens that the listing has passed, emitted or skipped.
    pub(super) fn passed(&self) -> u64 {
        self.skipped.saturating_add(self.emitted)
    }

    /// Returns the index of the last token, counted from 0.
    pub(super) fn last_index(&self) -> Option<u64> {
        self.current?.checked_sub(1)
    }

    /// Returns whether the platform counts more tokens than were passed or created during the scan.
    pub(super) fn exceed_passed(&self) -> bool {
        let accounted_for = self.passed().saturating_add(self.created);
        self.current.is_some_and(|total| total > accounted_for)
    }

    /// Returns whether the platform counts more tokens than were passed, or created without being
    /// passed since so many had been. A token that is created and passed accounts for itself only.
    pub(super) fn exceed_passed_since(&self, before: u64) -> bool {
        let passed_since = self.passed().saturating_sub(before);
        let not_passed = self.created.saturating_sub(passed_since);
        let accounted_for = self.passed().saturating_add(not_passed);
        self.current.is_some_and(|total| total > accounted_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(total: u64) -> Totals {
        let mut totals = Totals::default();
        totals.start(Some(total));
        totals
    }

    #[test]
    fn a_total_that_grows_counts_as_created_and_one_that_shrinks_does_not() {
        let mut totals = started(10);
        for total in [12, 9, 10] {
            totals.update(Some(total));
        }
        assert_eq!(totals.created(), 3);
        assert_eq!((totals.first(), totals.current()), (Some(10), Some(10)));
    }

    #[test]
    fn an_older_total_of_a_growing_set_changes_nothing() {
        let mut totals = started(10);
        for total in [Some(12), Some(11), None, Some(12)] {
            totals.update_growing(total);
        }
        assert_eq!((totals.current(), totals.created()), (Some(12), 2));
    }

    #[test]
    fn tokens_that_were_emitted_skipped_or_created_account_for_the_total() {
        let mut totals = started(10);
        totals.skip(3);
        totals.on_emitted(6);
        assert!(totals.exceed_passed());
        totals.recount(Some(10), 1);
        assert!(!totals.exceed_passed());
        totals.update(None);
        assert!(!totals.exceed_passed(), "nothing is counted");
    }

    #[test]
    fn a_token_that_was_created_and_passed_accounts_for_itself_only() {
        let mut totals = started(30);
        totals.update(Some(31));
        totals.on_emitted(30);
        assert!(!totals.exceed_passed());
        assert!(totals.exceed_passed_since(0), "one of 31 was not passed");
        assert!(!totals.exceed_passed_since(30), "it was created since");
    }

    #[test]
    fn the_last_index_of_nothing_is_none() {
        assert_eq!(started(0).last_index(), None);
        assert_eq!(started(7).last_index(), Some(6));
        assert_eq!(Totals::default().last_index(), None);
    }
}
