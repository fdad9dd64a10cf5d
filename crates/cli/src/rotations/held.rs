//! The token whose secret a place holds, by its stamp.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{Result, TokenId};
use tokenfleet_rotation::sink::{Readable, SinkState};

use crate::sinks::Sinks;

/// The content of a place, as far as its stamp tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    /// The secret of this token, which the stamp is bound to.
    Token(TokenId),
    /// The same by the stamp of another ledger, whose token may be one of another platform.
    OfAnotherLedger(TokenId),
    /// A secret that somebody else put there.
    Unknown,
    /// A content that cannot be read back.
    Unreadable,
}

impl Held {
    /// Returns `true` if a stamp names a token of this id.
    pub(super) fn names(&self, token: &TokenId) -> bool {
        matches!(self, Self::Token(held) | Self::OfAnotherLedger(held) if held == token)
    }
}

/// Reads a place for the ledger of this id.
///
/// # Errors
///
/// It cannot be opened or read.
pub(super) async fn held(
    place: &str,
    ledger: &str,
    opening: (&Sinks, &Arc<dyn Transport>),
) -> Result<Held> {
    let Some(state) = read(place, opening).await? else {
        return Ok(Held::Unreadable);
    };
    Ok(match (state.stamp, state.secret) {
        (Some(stamp), _) if stamp.ledger() == ledger => Held::Token(stamp.token().clone()),
        (Some(stamp), _) => Held::OfAnotherLedger(stamp.token().clone()),
        (None, Some(_)) => Held::Unknown,
        (None, None) => Held::Nothing,
    })
}

/// Reads a place. Returns `None` if its content cannot be read back.
///
/// # Errors
///
/// It cannot be opened or read.
pub(super) async fn read(
    place: &str,
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
) -> Result<Option<SinkState>> {
    // Whoever may write the ledger must not choose what is run or asked here.
    if !sinks.is_readable(place) {
        return Ok(None);
    }
    let sink = sinks.open(place, None, transport).await?;
    if sink.capabilities().readable == Readable::Nothing {
        return Ok(None);
    }
    sink.read().await.map(Some)
}
