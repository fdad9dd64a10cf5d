//! The lease of a claim: until when it keeps others away.

use std::time::Duration;

use tokenfleet_core::Timestamp;

use crate::times::truncated;

/// Returns `true` if a claim with this end keeps others away.
pub(crate) fn keeps_others_away(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| until > now)
}

/// Returns the end of a lease in whole milliseconds: not before the lease is over, and at once if it
/// has no duration.
pub(crate) fn end_of_lease(now: Timestamp, lease: Duration) -> Timestamp {
    const ROUNDING: Duration = Duration::from_millis(1);

    if lease.is_zero() {
        return truncated(now);
    }
    truncated(now.saturating_add(lease.saturating_add(ROUNDING)))
}
