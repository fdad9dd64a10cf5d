//! What is left to a person after a rotation was given up.

use tokenfleet_rotation::machine::{Attempt, RotationState, Strategy};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use super::shown;
use crate::output::displayed_id;
use crate::program_name::command_line;

/// Returns sentences about what comes after a rotation is given up.
pub(in crate::commands) fn after_abandoning(stored: &StoredRotation) -> Vec<String> {
    let left = Some(left_behind(&stored.record)).filter(|left| !left.is_empty());
    let left = left.map(|left| format!("Left behind: {left}."));
    let policy = stored.record.policy.as_ref().map(|policy| {
        format!(
            "policies.{policy} leaves the token alone then, until somebody rotates it with \
             `rotate --to`."
        )
    });
    left.into_iter().chain(policy).collect()
}

/// Returns what a person has to do after a rotation was given up.
pub(super) fn left_behind(record: &RotationRecord) -> String {
    let rotation = &record.rotation;
    let attempts = rotation.left_behind();
    match &record.plan.strategy {
        Strategy::InPlace(_) if attempts.is_empty() => String::new(),
        Strategy::InPlace(_) => {
            let token = rotation.subject.as_ref().map(displayed_id);
            format!(
                "token {} may have another secret than the places hold: try what they hold, and \
                 rotate it again if that is refused",
                token.unwrap_or_default()
            )
        }
        Strategy::Unlisted(unlisted) => {
            let unknown = rotation.unknown_secrets(unlisted.max_lifetime);
            match (unknown.at_most, unknown.dead_by) {
                (0, _) => String::new(),
                (count, dead_by) => {
                    let secrets = if count == 1 { "secret" } else { "secrets" };
                    let until = dead_by.map_or_else(String::new, |dead_by| {
                        let dead_by = shown(Some(dead_by));
                        format!(", the last until {dead_by} unless it is renewed")
                    });
                    format!(
                        "{count} {secrets} at most may work that nobody knows{until}: the platform \
                         does not list them"
                    )
                }
            }
        }
        _ => left_beside(record, &attempts),
    }
}

/// Does the same where each attempt makes a token of its own, which bears its marker.
fn left_beside(record: &RotationRecord, attempts: &[&Attempt]) -> String {
    let rotation = &record.rotation;
    let markers: Vec<_> = (attempts.iter())
        .map(|attempt| attempt.marker.as_str())
        .collect();
    let old = match (&rotation.subject, rotation.state) {
        (Some(subject), RotationState::Retiring) => Some(format!(
            "the old token {} may still work: `{}` tells whether a place holds it, and how to \
             revoke it otherwise",
            displayed_id(subject),
            command_line("snapshot")
        )),
        _ => None,
    };
    let kept = match (&rotation.successor, rotation.state) {
        (Some(successor), RotationState::Retiring) => Some(format!(
            "its successor, token {}, was delivered to {}: keep it while it is there",
            displayed_id(&successor.token),
            record.sinks.join(", ")
        )),
        _ => None,
    };
    let made = (!markers.is_empty()).then(|| {
        format!(
            "tokens with the markers {} may exist: revoke those that no sink holds",
            markers.join(", ")
        )
    });
    let left: Vec<_> = kept.into_iter().chain(old).chain(made).collect();
    left.join("; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokenfleet::capability::{Capabilities, CreateCapability, RevokeCapability};
    use tokenfleet::journal::OperationId;
    use tokenfleet::workflow::Marker;
    use tokenfleet::{Account, CreateToken, RevocationEffect, Timestamp, TokenId};
    use tokenfleet_rotation::machine::{
        Change, InPlace, Overlap, PlannedSink, Rotation, RotationPlan, Successor,
    };
    use tokenfleet_rotation::sink::Readable;

    use super::*;

    fn unlisted() -> Strategy {
        let create = CreateCapability::new().with_max_lifetime(Duration::from_secs(86_400));
        let revoke = RevokeCapability::by_secret(RevocationEffect::Deleted);
        let capabilities = Capabilities::none().with_create(create).with_revoke(revoke);
        Strategy::for_capabilities(&capabilities, Default::default()).unwrap()
    }

    /// Returns what is left behind by a rotation of one attempt, which every place holds or not.
    fn left(strategy: Strategy, subject: Option<&str>, is_delivered: bool) -> String {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let subject = subject.map(TokenId::new);
        let mut rotation = Rotation::new(OperationId::random(), subject.clone(), now);
        let attempt = Attempt::new(1, Marker::random(), now);
        rotation.apply(&Change::Attempting {
            attempt: attempt.with_dead_by(Some(now)),
            replaced: 0,
        });
        if is_delivered {
            let successor = match strategy {
                Strategy::InPlace(_) => subject.unwrap(),
                _ => TokenId::new("new"),
            };
            rotation.apply(&Change::Delivered(Successor::new(1, successor, 1, now)));
        }
        let plan = RotationPlan::new(strategy, [PlannedSink::new(Readable::Secret)]).unwrap();
        let account = Account::new("losant", "iot");
        let request = CreateToken::new("ci");
        let record = RotationRecord::new(account, ["file:/a"], plan, request, rotation);
        left_behind(&record)
    }

    #[test]
    fn only_where_tokens_bear_markers_does_a_rotation_that_was_given_up_speak_of_them() {
        let overlap = || Strategy::Overlap(Overlap::default());
        let in_place = || Strategy::InPlace(InPlace::default());
        for (strategy, subject, is_delivered, expected) in [
            (
                overlap(),
                Some("old"),
                false,
                "revoke those that no sink holds",
            ),
            (
                overlap(),
                Some("old"),
                true,
                "the old token old may still work: `tokenfleet snapshot`",
            ),
            (
                in_place(),
                Some("old"),
                false,
                "token old may have another secret",
            ),
            (unlisted(), None, false, "1 secret at most may work"),
        ] {
            let speaks_of_markers = !is_delivered && matches!(strategy, Strategy::Overlap(_));
            let left = left(strategy, subject, is_delivered);
            assert!(left.contains(expected), "{left}");
            assert_eq!(left.contains("marker"), speaks_of_markers, "{left}");
        }
        // The old token is the one that every place holds, and what was counted is none.
        assert_eq!(left(in_place(), Some("old"), true), "");
        assert_eq!(left(unlisted(), None, true), "");
    }
}
