//! Points in time that the user gives, absolute or relative to now.

use std::time::Duration;

use tokenfleet::config::parse_duration;
use tokenfleet::{Error, Result, Timestamp};

/// Parses a time such as `2030-01-31` or `now+30d`.
pub(crate) fn parse(text: &str) -> Result<Timestamp> {
    // Platforms differ in how they read fractions of a second.
    Timestamp::parse_at(text, Timestamp::now().truncated_to_seconds())
}

/// Parses a time, or a period that ends now.
pub(crate) fn parse_start(text: &str) -> Result<Timestamp> {
    match parse_duration(text) {
        // A period that reaches back further than the calendar has no start.
        Ok(period) => Timestamp::now()
            .checked_sub(period)
            .ok_or_else(|| Error::invalid_input("the period begins before any representable date")),
        Err(_) => parse(text),
    }
}

/// Parses the time of a state: that of [`parse_start`], or `yesterday`, which is 24 hours ago.
pub(crate) fn parse_state(text: &str) -> Result<Timestamp> {
    parse_start(if text == "yesterday" { "1d" } else { text })
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
