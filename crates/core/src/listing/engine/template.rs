//! The parts of a page request that all requests of a scan share.

use crate::listing::engine::tail_watch::TailProbe;
use crate::listing::{Cursor, FastPath, Plan};
use crate::provider::{PagePosition, PageRequest};
use crate::query::{Direction, Filter, SortBy, SortKey};

/// The template of all requests: page size, filter and order.
#[derive(Debug)]
pub(super) struct RequestTemplate {
    request: PageRequest,
    /// The direction of ids on every page, if the platform is known to keep an id order exactly.
    id_order: Option<Direction>,
    /// The cheaper way that is tried, until it is abandoned for the scan.
    fast_path: Option<FastPath>,
}

impl RequestTemplate {
    /// Returns the template for the plan's fast path, or for its scan if it has none.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut template = Self::for_scan(plan);
        template.fast_path = plan.fast_path;
        match plan.fast_path {
            Some(FastPath::PageRange(range, order)) => {
                template.request.size = Some(range.page_size);
                template.order_by(order, plan.exact_order || order != plan.pushed_order);
            }
            Some(FastPath::FilteredPage) => {
                template.request.filter.clone_from(&plan.pushed_filter);
            }
            None => {}
        }
        template
    }

    /// Returns the template for the plan's scan.
    pub(super) fn for_scan(plan: &Plan) -> Self {
        let mut template = Self {
            request: PageRequest {
                size: plan.page_size,
                filter: plan.pushed_filter.clone(),
                ..PageRequest::default()
            },
            id_order: None,
            fast_path: None,
        };
        // A scan of several pages needs a filter whose matches never change (decision 0006).
        if plan.fast_path == Some(FastPath::FilteredPage) {
            template.request.filter = None;
        }
        template.order_by(plan.pushed_order, plan.exact_order);
        template
    }

    /// Returns the template that a cursor was taken with.
    pub(super) fn from_cursor(plan: &Plan, cursor: &Cursor) -> Self {
        let mut template = Self::for_scan(plan);
        template.request.size = cursor.size;
        template.request.filter = (cursor.filter).and_then(|_| plan.pushed_filter.clone());
        template
    }

    fn order_by(&mut self, order: Option<SortBy>, exact: bool) {
        self.request.sort = order;
        self.id_order = order
            .filter(|by| by.key == SortKey::Id && exact)
            .map(|by| by.direction);
    }

    /// Returns the request for the page at a position.
    pub(super) fn at(&self, position: PagePosition) -> PageRequest {
        self.request.clone().position(position)
    }

    /// Returns the request of a probe.
    pub(super) fn probe(&self, probe: TailProbe) -> PageRequest {
        self.at(PagePosition::Number(probe.number()))
            .size(probe.size())
    }

    pub(super) fn size(&self) -> Option<u32> {
        self.request.size
    }

    /// Returns the number of tokens per page, at least 1; 1 if the platform decides.
    pub(super) fn size_or_one(&self) -> u64 {
        self.request.size.unwrap_or(1).max(1).into()
    }

    /// Requests pages of this size from now on.
    pub(super) fn set_size(&mut self, size: u32) {
        self.request.size = Some(size);
    }

    pub(super) fn filter(&self) -> Option<&Filter> {
        self.request.filter.as_ref()
    }

    pub(super) fn id_order(&self) -> Option<Direction> {
        self.id_order
    }

    pub(super) fn fast_path(&self) -> Option<FastPath> {
        self.fast_path
    }

    /// Returns whether only the pages are read that hold the query's offset and limit.
    pub(super) fn is_page_range(&self) -> bool {
        matches!(self.fast_path, Some(FastPath::PageRange(..)))
    }

    /// Returns whether one page holds the query's offset and limit.
    pub(super) fn is_single_page_range(&self) -> bool {
        matches!(self.fast_path, Some(FastPath::PageRange(range, _)) if range.pages == Some(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Account;
    use crate::listing::fake_pages::{growing, vanishing};
    use crate::provider::FilterCapability;
    use crate::query::Query;

    #[test]
    fn a_mutable_filter_is_sent_on_the_fast_path_only() {
        let list = vanishing().with_filters(FilterCapability::for_names());
        let query = Query::new().filter(Filter::name("ci")).page_size(10);
        let plan = Plan::for_query(&query, &list).unwrap();
        assert!(RequestTemplate::new(&plan).filter().is_some());
        assert!(RequestTemplate::for_scan(&plan).filter().is_none());
        let mut cursor = Cursor::new(&Account::new("memory", "mine"), &query, &plan);
        assert!(
            RequestTemplate::from_cursor(&plan, &cursor)
                .filter()
                .is_some()
        );
        cursor.filter = None;
        assert!(
            RequestTemplate::from_cursor(&plan, &cursor)
                .filter()
                .is_none()
        );
    }

    #[test]
    fn a_page_range_is_requested_in_pages_of_its_own_size() {
        let query = Query::new().offset(950).limit(100);
        let plan = Plan::for_query(&query, &vanishing().with_default_page_size(1000)).unwrap();
        let range = RequestTemplate::new(&plan);
        assert!(range.is_single_page_range());
        assert_eq!(range.size(), Some(105));
        assert_eq!(range.id_order(), Some(Direction::Descending));
        let scan = RequestTemplate::for_scan(&plan);
        assert!(!scan.is_page_range());
        assert_eq!(scan.size(), Some(1000));
        assert_eq!(scan.id_order(), Some(Direction::Ascending));
    }

    #[test]
    fn an_order_by_another_key_says_nothing_about_ids() {
        let plan = Plan::for_query(&Query::new().page_size(10), &growing()).unwrap();
        let template = RequestTemplate::new(&plan);
        assert_eq!(template.id_order(), None);
        assert_eq!(template.at(PagePosition::Number(2)).number(), Some(2));
    }
}
