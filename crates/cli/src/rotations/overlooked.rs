//! What goes wrong in silence: a policy without tokens, and places whose token is gone.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{Account, Error, Token, TokenId, TokenState};
use tokenfleet_rotation::policy::Policy;
use tokenfleet_rotation::runner::StoredRotation;
use tokenfleet_rotation::sink::Readable;

use super::holders::{Delivery, delivered, last_deliveries};
use crate::output::displayed_id;
use crate::sinks::Sinks;

/// Returns sentences about tokens that a policy should cover and does not, from a complete listing
/// of its account and the closed rotations of that account.
pub(crate) fn warnings(
    policy: &Policy,
    closed: &[StoredRotation],
    tokens: &[Token],
) -> Vec<String> {
    let name = &policy.config().name;
    let active = || {
        let tokens = tokens.iter();
        tokens.filter(|token| token.state == TokenState::Active)
    };
    let mut warnings = Vec::new();
    if !active().any(|token| policy.covers(token)) {
        warnings.push(format!(
            "policies.{name} covers no token of {}: `where` matches none",
            policy.config().account
        ));
    }
    let own = closed
        .iter()
        .filter(|stored| stored.record.policy.as_deref() == Some(name));
    let kept = own.filter_map(|stored| Some((stored, delivered(stored)?)));
    for (stored, successor) in kept {
        let uncovered = active().find(|token| token.id == successor.token && !policy.covers(token));
        if let Some(token) = uncovered {
            warnings.push(format!(
                "policies.{name} does not cover token {} any more, which it delivered to {}: it \
                 will not be rotated again",
                displayed_id(&token.id),
                stored.record.sinks.join(", ")
            ));
        }
    }
    warnings
}

/// A place that holds, by its stamp, a token which its account lists no more.
#[derive(Debug)]
pub(crate) struct DeadPlace {
    place: String,
    token: TokenId,
    account: Account,
    /// The policy of the rotation that wrote it.
    pub(crate) policy: Option<String>,
}

impl DeadPlace {
    /// Returns the error about the place.
    pub(crate) fn error(&self) -> Error {
        let Self {
            place,
            token,
            account,
            ..
        } = self;
        let token = displayed_id(token);
        let account = account.name();
        Error::configuration(format!(
            "{place} holds the secret of token {token}, which {account} lists no more"
        ))
        .with_advice(format!(
            "whoever uses it is locked out: deliver another token there, as by `create --to`, and \
             replace a token that is in use with `rotate ID --to {place}`"
        ))
    }
}

/// Finds the places that hold a token which its account lists no more, from the id of the ledger,
/// its closed rotations of one account, and a complete listing of that.
///
/// Only the places of which the ledger expects this are read.
pub(crate) async fn dead_places(
    ledger: &str,
    closed: &[StoredRotation],
    tokens: &[Token],
    (sinks, transport): (&Sinks, &Arc<dyn Transport>),
) -> Vec<DeadPlace> {
    let is_alive = |id: &TokenId| {
        let mut tokens = tokens.iter();
        tokens.any(|token| {
            let is_over = matches!(token.state, TokenState::Revoked | TokenState::Expired);
            token.id == *id && !is_over
        })
    };
    let mut dead = Vec::new();
    for delivery in last_deliveries(sinks, closed).into_values() {
        let Delivery {
            place,
            stored,
            successor,
        } = delivery;
        if is_alive(&successor.token) || !sinks.is_readable(place) {
            continue;
        }
        // Whatever prevents the reading is reported where the place is needed.
        let Ok(sink) = sinks.open(place, None, transport).await else {
            continue;
        };
        if sink.capabilities().readable == Readable::Nothing {
            continue;
        }
        let Ok(state) = sink.read().await else {
            continue;
        };
        let is_held = state
            .stamp
            .is_some_and(|stamp| stamp.token() == &successor.token && stamp.ledger() == ledger);
        if is_held {
            dead.push(DeadPlace {
                place: place.to_owned(),
                token: successor.token.clone(),
                account: stored.record.account.clone(),
                policy: stored.record.policy.clone(),
            });
        }
    }
    dead
}
