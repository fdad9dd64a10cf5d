//! Listing by Cloudsmith, which neither sorts nor filters.

use tokenfleet_core::capability::{ListCapability, Paging};

/// The maximum page size; Cloudsmith silently reduces larger ones to it.
pub(crate) const MAX_PAGE_SIZE: u32 = 500;

/// Returns the list capability: numbered pages from 1, with totals in headers that may be absent. A
/// user has at most one key, so one page of the maximum size holds all.
pub(crate) fn list() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_default_page_size(MAX_PAGE_SIZE)
        .with_max_page_size(MAX_PAGE_SIZE)
}
