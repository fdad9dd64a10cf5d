//! The cases, one file per group.

mod declarations;
mod listing;
mod reading;
mod revoking;

use crate::Case;

/// Every case of the suite.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        declarations::CASES,
        listing::CASES,
        reading::CASES,
        revoking::CASES,
    ]
    .into_iter()
    .flatten()
}
