//! The cases, one file per group.

mod cancellation;
mod cascade;
mod concurrency;
mod concurrent_changes;
mod create_arguments;
mod creation;
mod cursors;
mod declarations;
mod failures;
mod identity;
mod listing;
mod listing_declarations;
mod page_positions;
mod preconditions;
mod push_down;
mod queries;
mod reading;
mod renewal;
mod reused_ids;
mod revocation;
mod revocation_responses;
mod rotation;
mod secrecy;
mod secret_shape;
mod update;
mod verification;

#[cfg(test)]
pub(crate) use creation::SURROUNDINGS;

use crate::Case;

/// Returns every case of the suite.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        declarations::CASES,
        listing::CASES,
        listing_declarations::CASES,
        concurrent_changes::CASES,
        page_positions::CASES,
        queries::CASES,
        push_down::CASES,
        cursors::CASES,
        reading::CASES,
        creation::CASES,
        create_arguments::CASES,
        update::CASES,
        rotation::CASES,
        renewal::CASES,
        revocation::CASES,
        revocation_responses::CASES,
        cascade::CASES,
        reused_ids::CASES,
        verification::CASES,
        secret_shape::CASES,
        identity::CASES,
        failures::CASES,
        secrecy::CASES,
        cancellation::CASES,
        concurrency::CASES,
    ]
    .into_iter()
    .flatten()
}
