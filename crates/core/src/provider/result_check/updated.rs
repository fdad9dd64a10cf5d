//! A token that was updated.

use super::differences::{is_other_description, is_other_name};
use super::ids::check_id;
use super::violation::violation;
use crate::error::{Operation, Result};
use crate::model::{Token, TokenId, TokenState};
use crate::provider::{Suspension, TokenProvider, UpdateToken};

/// Rejects an updated token that is not as requested. A new name tells the token whose id it
/// changes.
pub(crate) fn check_updated<P: TokenProvider>(
    provider: &P,
    id: &TokenId,
    change: &UpdateToken,
    token: &Token,
) -> Result<()> {
    let update = provider.capabilities().update.as_ref();
    let may_change_id = change.name.is_some()
        && token.name.is_reported()
        && update.is_some_and(|update| update.id_follows_name);
    if !may_change_id {
        check_id(provider, Operation::Update, id, &token.id)?;
    }
    let suspension = match (change.suspension, token.state) {
        (Some(Suspension::Suspend), TokenState::Active) => Some("is still active"),
        (Some(Suspension::Resume), TokenState::Suspended) => Some("is still suspended"),
        (Some(Suspension::Resume), TokenState::Revoked) => Some("is revoked"),
        (Some(Suspension::Suspend), TokenState::Unknown) => {
            Some("does not show that it is suspended")
        }
        (Some(Suspension::Resume), TokenState::Unknown) => Some("does not show that it is active"),
        _ => None,
    };
    let name = change.name.as_deref();
    let name = is_other_name(name, token).then_some("has another name than requested");
    let description = is_other_description(change.description.as_deref(), token)
        .then_some("has another description than requested");
    match suspension.or(name).or(description) {
        None => Ok(()),
        Some(what) => {
            let message = format!("the platform reports success, but the token {what}");
            Err(violation(provider, Operation::Update, message)
                .with_advice("read the token again before relying on the change"))
        }
    }
}
