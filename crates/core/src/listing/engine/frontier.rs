//! The page that a scan requests next (decision 0001: the engine only says which).

use crate::provider::PagePosition;

/// The edge of what has been requested.
#[derive(Debug)]
pub(super) struct Frontier {
    /// The next page to request, as far as it is known.
    next: Option<PagePosition>,
    /// `true` once the first page was accepted: from then on, no next page means the end.
    has_started: bool,
    /// The page that held the newest tokens when a backward scan began there.
    newest_page: Option<u64>,
}

impl Frontier {
    /// Returns the frontier of a scan whose first page lies there.
    pub(super) fn first_at(position: PagePosition) -> Self {
        Self {
            next: Some(position),
            has_started: false,
            newest_page: None,
        }
    }

    /// Returns the frontier of a scan that is resumed at a page.
    pub(super) fn resumed_at(position: PagePosition) -> Self {
        Self {
            has_started: true,
            ..Self::first_at(position)
        }
    }

    /// Records that a page was accepted, and returns whether it is the first one.
    pub(super) fn start(&mut self) -> bool {
        !std::mem::replace(&mut self.has_started, true)
    }

    pub(super) fn has_started(&self) -> bool {
        self.has_started
    }

    pub(super) fn next(&self) -> Option<&PagePosition> {
        self.next.as_ref()
    }

    pub(super) fn take_next(&mut self) -> Option<PagePosition> {
        self.next.take()
    }

    /// Continues at a page; ends the scan without one.
    pub(super) fn continue_at(&mut self, next: Option<PagePosition>) {
        self.next = next;
    }

    /// Records that a backward scan begins, or began, with the newest tokens on this page.
    pub(super) fn set_newest_page(&mut self, number: Option<u64>) {
        self.newest_page = number;
    }

    pub(super) fn newest_page(&self) -> Option<u64> {
        self.newest_page
    }

    /// Returns whether no page is left to request.
    pub(super) fn is_exhausted(&self) -> bool {
        self.has_started && self.next.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_not_exhausted_before_its_first_page_was_accepted() {
        let mut frontier = Frontier::first_at(PagePosition::First);
        assert_eq!(frontier.take_next(), Some(PagePosition::First));
        assert!(!frontier.is_exhausted());
        assert!(frontier.start());
        assert!(!frontier.start());
        assert!(frontier.is_exhausted());
        frontier.continue_at(Some(PagePosition::Number(1)));
        assert!(!frontier.is_exhausted());
    }

    #[test]
    fn a_resumed_scan_has_started() {
        let mut frontier = Frontier::resumed_at(PagePosition::Number(3));
        assert!(frontier.has_started());
        assert!(!frontier.start());
    }
}
