//! The cases, one file per group.

mod arguments;
mod cancelling;
mod changing_meanwhile;
mod creating;
mod declarations;
mod failing;
mod keeping_secrets;
mod listing;
mod pushing_down;
mod querying;
mod reading;
mod renewing;
mod resuming;
mod revoking;
mod rotating;
mod side_by_side;
mod updating;
mod verifying;

use crate::Case;

/// Every case of the suite.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        declarations::CASES,
        listing::CASES,
        changing_meanwhile::CASES,
        querying::CASES,
        pushing_down::CASES,
        resuming::CASES,
        reading::CASES,
        creating::CASES,
        arguments::CASES,
        updating::CASES,
        rotating::CASES,
        renewing::CASES,
        revoking::CASES,
        verifying::CASES,
        failing::CASES,
        keeping_secrets::CASES,
        cancelling::CASES,
        side_by_side::CASES,
    ]
    .into_iter()
    .flatten()
}
