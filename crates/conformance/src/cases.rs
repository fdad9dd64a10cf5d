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
mod page_positions;
mod preconditions;
mod push_down;
mod queries;
mod reading;
mod renewal;
mod reused_ids;
mod revocation;
mod rotation;
mod secrecy;
mod update;
mod verification;

#[cfg(test)]
pub(crate) use creation::SURROUNDINGS;

use crate::Case;

/// The number of requests that a case sends at most, the fixture's own included, unless it is
/// heavy or the platform's pages hold fewer than ten tokens.
pub(crate) const LIGHT: u64 = 250;

/// The heavy cases, each with the number of requests that it is expected to send at most.
pub(crate) const HEAVY: [(&str, u64); 6] = [
    ("more tokens than fit on a default page are all listed", 300),
    (
        "random creations and deletions during a listing hide no other token",
        1_000,
    ),
    ("updates during a listing hide no other token", 1_200),
    (
        "sorting more tokens than the scan limit is an error, not a shorter list",
        1_200,
    ),
    ("a filter applied by the platform loses no match", 300),
    (
        "a listing stopped at any token resumes without skipping any",
        300,
    ),
];

/// Returns every case of the suite.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        declarations::CASES,
        listing::CASES,
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
        cascade::CASES,
        reused_ids::CASES,
        verification::CASES,
        identity::CASES,
        failures::CASES,
        secrecy::CASES,
        cancellation::CASES,
        concurrency::CASES,
    ]
    .into_iter()
    .flatten()
}
