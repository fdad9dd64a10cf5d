//! What it proves that a platform does not show a token.

use tokenfleet::model::TokenField;
use tokenfleet::{Query, Result, Token, TokenId, TokenProvider, TokenProviderExt};
use tokenfleet_ledger::{Ledger, PageRequest, Write};

/// The text for an absence that proves nothing.
pub(super) const UNPROVEN: &str = "nothing of it is shown, but that proves nothing: no token is listed that the account is known \
     to have had before, so it may be another user's by now; look on the platform's website";

/// Returns `true` if it proves something that the platform does not show a token: the account
/// reaches the same tokens as at the time of the write.
pub(super) async fn is_proof(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<bool> {
    if provider.capabilities().list.is_none() {
        return Ok(false);
    }
    let list = provider.list_all(Query::new()).await?;
    is_same_owner(ledger, provider, write, &list.tokens).await
}

/// Returns `true` if a token is gone that the platform does not find: it existed in this account,
/// which still reaches the same tokens.
pub(super) async fn is_gone(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
    id: &TokenId,
) -> Result<bool> {
    let was_seen = write.intent.revoke_options;
    let was_seen = was_seen.is_some_and(|options| options.existed);
    let writes = ledger
        .writes_to(&write.intent.account, std::slice::from_ref(id))
        .await?;
    let mut writes = writes.iter();
    let existed = was_seen || writes.any(|other| other.issued() == Some(id));
    Ok(existed && is_proof(ledger, provider, write).await?)
}

/// Returns `true` if these tokens are those of the owner that the account had at the time of a
/// write. The place may not name an owner, as in "the user's own tokens": then one of them is known
/// to the ledger from before.
pub(super) async fn is_same_owner(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
    tokens: &[Token],
) -> Result<bool> {
    let (account, capabilities) = (provider.account(), provider.capabilities());
    let place = account.place().unwrap_or_default();
    let mut owners = tokens.iter().filter_map(|token| token.owner.known());
    let reports_owners = capabilities.reported_fields.contains(&TokenField::Owner);
    if !reports_owners && !place.is_empty() {
        return Ok(true);
    }
    if owners.any(|owner| place.split('/').any(|segment| segment == owner.id())) {
        return Ok(true);
    }
    if capabilities.reused_ids {
        return Ok(false);
    }
    let intent = &write.intent;
    let ids: Vec<TokenId> = tokens.iter().map(|token| token.id.clone()).collect();
    let writes = ledger.writes_to(account, &ids).await?;
    let is_known = writes.iter().any(|other| {
        let effect = other.outcome.as_ref().and_then(|o| o.result.as_ref().ok());
        let token = effect.and_then(|effect| effect.token.as_ref());
        let is_earlier = other.intent.id != intent.id && other.intent.at <= intent.at;
        is_earlier && token.is_some_and(|id| ids.contains(id))
    });
    Ok(is_known || was_in_snapshot(ledger, write, &ids).await?)
}

/// Returns `true` if the last snapshot of the account before a write has one of these tokens.
async fn was_in_snapshot(ledger: &dyn Ledger, write: &Write, ids: &[TokenId]) -> Result<bool> {
    let intent = &write.intent;
    let mut latest = None;
    for source in ledger.accounts().await? {
        if source.account != intent.account {
            continue;
        }
        let snapshots = ledger.snapshots(&source).await?;
        let before = snapshots.iter().rfind(|snapshot| snapshot.at <= intent.at);
        if let Some(snapshot) = before
            && latest.as_ref().is_none_or(|(at, _)| *at < snapshot.at)
        {
            latest = Some((snapshot.at, source));
        }
    }
    let Some((at, source)) = latest else {
        return Ok(false);
    };
    // An account that could not be listed has no state.
    let Ok(state) = ledger.state(&source, at, &PageRequest::default()).await else {
        return Ok(false);
    };
    Ok(state.items.iter().any(|token| ids.contains(&token.id)))
}
