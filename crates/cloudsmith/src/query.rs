//! Listing by Cloudsmith, which neither sorts nor filters the keys of a user.
//!
//! It sorts and searches service accounts, but nobody knows how it breaks ties and which names it
//! finds, so that would promise nothing (docs/facts/cloudsmith-service-accounts.md).

use tokenfleet_core::capability::{ListCapability, Paging};

/// The maximum page size; Cloudsmith silently reduces larger ones to it.
pub(crate) const MAX_PAGE_SIZE: u32 = 500;

/// Returns the list capability: numbered pages from 1, with totals in headers that may be absent. A
/// user has at most one key, and few organizations have more service accounts than one page of the
/// maximum size holds.
pub(crate) fn list() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_default_page_size(MAX_PAGE_SIZE)
        .with_max_page_size(MAX_PAGE_SIZE)
}
