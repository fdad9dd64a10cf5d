//! Observations that a law makes.

use std::sync::Arc;

use tokenfleet_core::{Error, Secret, TokenId};

use super::SinkFixture;
use crate::sink::{Readable, Refusal, SecretSink, SinkState, Stamp, Version};

/// Fails the law with a violation unless the condition holds.
macro_rules! require {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(super) use require;

/// The result of a law, or of a part of it.
pub(super) type Kept<T = ()> = Result<T, String>;

/// Returns a secret and its stamp. Each has a token of its own.
pub(super) fn delivery(secret: &str, epoch: u64) -> (Secret, Stamp) {
    let token = TokenId::new(format!("token-{secret}"));
    (Secret::new(secret), Stamp::new("operation-1", epoch, token))
}

pub(super) async fn read(sink: &Arc<dyn SecretSink>) -> Kept<SinkState> {
    let read = sink.read().await;
    read.map_err(|error| format!("a read failed: {error}"))
}

/// Writes what should be accepted.
pub(super) async fn write(
    sink: &Arc<dyn SecretSink>,
    (secret, stamp): &(Secret, Stamp),
    expected: &Version,
) -> Kept<Version> {
    let written = sink.write(secret, expected, stamp).await;
    written.map_err(|error| format!("a write was not accepted: {error}"))
}

/// Writes what should be refused.
pub(super) async fn refused(
    sink: &Arc<dyn SecretSink>,
    (secret, stamp): &(Secret, Stamp),
    expected: &Version,
    refusal: Refusal,
) -> Kept {
    match sink.write(secret, expected, stamp).await {
        Ok(_) => Err(format!(
            "a write was accepted that is to be refused: {refusal}"
        )),
        Err(error) => is_refusal(&error, refusal),
    }
}

pub(super) fn is_refusal(error: &Error, refusal: Refusal) -> Kept {
    require!(
        Refusal::of(error) == Some(refusal),
        "a write failed otherwise than by the refusal \"{refusal}\": {error}"
    );
    require!(
        !error.may_have_applied(),
        "a refusal says that it may have written: {error}"
    );
    Ok(())
}

/// Checks that the place holds a secret and its stamp, for a consumer and for a new sink.
pub(super) async fn holds(fixture: &dyn SinkFixture, (secret, stamp): &(Secret, Stamp)) -> Kept {
    let consumed = fixture.secret().await;
    require!(
        consumed.as_deref() == Some(secret.expose()),
        "a consumer does not read the secret of {stamp}"
    );
    let sink = fixture.sink(false);
    let (readable, state) = (sink.capabilities().readable, read(&sink).await?);
    if readable >= Readable::Stamp {
        require!(
            state.stamp.as_ref() == Some(stamp),
            "the stamp is {:?} instead of {stamp}",
            state.stamp
        );
    }
    if readable >= Readable::Secret {
        let is_same = state.secret.is_some_and(|read| read.is_same(secret));
        require!(is_same, "a read does not return the secret of {stamp}");
    }
    Ok(())
}
