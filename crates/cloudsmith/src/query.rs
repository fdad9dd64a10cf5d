//! What Cloudsmith lists; it sorts and filters nothing.

use tokenfleet_core::capability::{ListCapability, Paging};

/// The largest page, which Cloudsmith quietly makes of anything larger.
pub(crate) const LARGEST_PAGE: u32 = 500;

/// Pages count from 1; totals are in headers that may be absent. A user has no key or one, so the largest page holds all.
pub(crate) fn list() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_default_page_size(LARGEST_PAGE)
        .with_max_page_size(LARGEST_PAGE)
}
