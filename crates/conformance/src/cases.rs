//! The cases, one file per group.

mod cancelling;
mod creating;
mod declarations;
mod failing;
mod keeping_secrets;
mod listing;
mod querying;
mod reading;
mod renewing;
mod resuming;
mod revoking;
mod rotating;
mod updating;
mod verifying;

use crate::Case;

/// Every case of the suite.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        declarations::CASES,
        listing::CASES,
        querying::CASES,
        resuming::CASES,
        reading::CASES,
        creating::CASES,
        updating::CASES,
        rotating::CASES,
        renewing::CASES,
        revoking::CASES,
        verifying::CASES,
        failing::CASES,
        keeping_secrets::CASES,
        cancelling::CASES,
    ]
    .into_iter()
    .flatten()
}
