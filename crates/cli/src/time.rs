//! Points in time that the user gives, absolute or relative to now.

use std::time::Duration;

use tokenfleet::{Error, Result, Timestamp};

/// Parses a time such as `2030-01-31` or `now+30d`.
pub(crate) fn parse(text: &str) -> Result<Timestamp> {
    // Platforms differ in how they read fractions of a second.
    Timestamp::parse_at(text, Timestamp::now().truncated_to_seconds())
}

/// Returns the time that is `span` after `now`, or an error beyond the last representable date.
pub(crate) fn after(now: Timestamp, span: Duration) -> Result<Timestamp> {
    now.checked_add(span).ok_or_else(|| {
        let days = span.as_secs() / 86_400;
        Error::invalid_input(format!(
            "{days} days from now is later than any representable date"
        ))
    })
}
