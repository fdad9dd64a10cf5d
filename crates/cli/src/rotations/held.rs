//! The token whose secret a place holds, by its stamp.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{Result, TokenId};
use tokenfleet_rotation::sink::Readable;

use crate::sinks::Sinks;

/// The content of a place, as far as its stamp tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    /// The secret of this token, which the stamp is bound to.
    Token(TokenId),
    /// A secret that somebody else put there, or one that cannot be read back.
    Unknown,
}

/// Reads a place of the ledger.
///
/// # Errors
///
/// It cannot be opened or read.
pub(super) async fn held(
    place: &str,
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
) -> Result<Held> {
    // Whoever may write the ledger must not choose what is run or asked here.
    if !sinks.is_readable(place) {
        return Ok(Held::Unknown);
    }
    let sink = sinks.open(place, None, transport).await?;
    if sink.capabilities().readable == Readable::Nothing {
        return Ok(Held::Unknown);
    }
    let state = sink.read().await?;
    Ok(match (state.stamp, state.secret) {
        (Some(stamp), _) => Held::Token(stamp.token().clone()),
        (None, Some(_)) => Held::Unknown,
        (None, None) => Held::Nothing,
    })
}
