//! What the tests of the sinks share.

#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod faulty_transport;

use tokenfleet_core::TokenId;
use tokenfleet_rotation::sink::Stamp;
use tokenfleet_rotation::sink::laws::{self, SinkFixture};

/// Checks all laws, each with a fixture of its own, and returns the names of those that are broken
/// with what they say.
pub(crate) async fn violations<F: SinkFixture>(
    fixture: impl AsyncFn() -> F,
) -> Vec<(&'static str, String)> {
    let mut violations = Vec::new();
    for (name, law) in laws::ALL {
        if let Err(violation) = law(&fixture().await).await {
            violations.push((name, violation));
        }
    }
    violations
}

/// Fails unless all laws are kept.
pub(crate) async fn assert_kept<F: SinkFixture>(fixture: impl AsyncFn() -> F) {
    let violations = violations(fixture).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Returns a stamp of an epoch.
pub(crate) fn stamp(epoch: u64) -> Stamp {
    Stamp::new("operation-1", epoch, TokenId::new("token-1"))
}
