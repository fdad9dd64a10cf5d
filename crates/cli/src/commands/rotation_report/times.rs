//! The times at which the old secret of a rotation stops working and is revoked.

use tokenfleet::Timestamp;
use tokenfleet_rotation::machine::Strategy;
use tokenfleet_rotation::runner::RotationRecord;

/// Returns the earliest time at which the old secret stops working after a delivery, if it is known
/// before: where it is suspended, that is before it is revoked.
pub(in crate::commands) fn stops_at(
    record: &RotationRecord,
    delivered_at: Timestamp,
) -> Option<Timestamp> {
    let Strategy::Overlap(overlap) = &record.plan.strategy else {
        return None;
    };
    let is_suspended = overlap.suspension && !record.plan.soak.is_zero();
    let suspended_at = record.rotation.suspended_at.filter(|_| is_suspended);
    suspended_at.or_else(|| Some(delivered_at.saturating_add(record.plan.overlap)))
}

/// Returns the earliest time at which the old token is revoked after a delivery, if it is known
/// before.
pub(in crate::commands) fn revoked_at(
    record: &RotationRecord,
    delivered_at: Timestamp,
) -> Option<Timestamp> {
    let stops_at = stops_at(record, delivered_at)?;
    Some(stops_at.saturating_add(record.plan.soak))
}
