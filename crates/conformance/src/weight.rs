//! The number of requests that a case is expected to send.

/// The number of requests that a case sends at most, the fixture's own included, unless it is
/// heavy or the platform's pages hold fewer than ten tokens.
pub(crate) const LIGHT: u64 = 250;

/// The heavy cases, each with the number of requests that it is expected to send at most.
pub(crate) const HEAVY: [(&str, u64); 7] = [
    ("more tokens than fit on a default page are all listed", 300),
    ("a page of the declared maximum size is served", 1_200),
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
