//! Spans of time that begin now.

use std::time::Duration;

use tokenfleet::{Error, Result, Timestamp};

/// The time so much later, unless no calendar reaches so far.
pub(crate) fn after(now: Timestamp, span: Duration) -> Result<Timestamp> {
    now.checked_add(span).ok_or_else(|| {
        let days = span.as_secs() / 86_400;
        Error::invalid_input(format!("{days} days from now is later than any date"))
    })
}
