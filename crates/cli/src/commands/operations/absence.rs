//! What it proves that a platform does not show a token.

use tokenfleet::model::TokenField;
use tokenfleet::{Query, Result, Timestamp, Token, TokenId, TokenProvider, TokenProviderExt};
use tokenfleet_ledger::{Ledger, PageRequest, Source, Write};

/// The text for an absence that proves nothing.
pub(super) const UNPROVEN: &str = "nothing of it is shown, but that proves nothing: no token is listed that the account is known \
     to have had before, so it may be another user's by now; look on the platform's website, and \
     take a snapshot before the next change, which makes this provable";

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
    let around = sources_around(ledger, write).await?;
    let mut owners = around.iter().map(|(_, source)| source);
    let first = owners.next();
    if owners.any(|owner| Some(owner) != first) {
        // The credential was exchanged for another user's, and it is not known when.
        return Ok(false);
    }
    let ids: Vec<TokenId> = tokens.iter().map(|token| token.id.clone()).collect();
    let writes = ledger.writes_to(account, &ids).await?;
    let is_known = writes.iter().any(|other| {
        let effect = other.outcome.as_ref().and_then(|o| o.result.as_ref().ok());
        let token = effect.and_then(|effect| effect.token.as_ref());
        let is_earlier = other.intent.id != intent.id && other.intent.at <= intent.at;
        is_earlier && token.is_some_and(|id| ids.contains(id))
    });
    if is_known {
        return Ok(true);
    }
    match around.first() {
        Some((at, source)) if *at <= intent.at => was_in_snapshot(ledger, source, *at, &ids).await,
        _ => Ok(false),
    }
}

/// Returns the last snapshot of the account before a write and all after it, the earliest first:
/// the time of each, and the owner whose tokens it lists.
async fn sources_around(ledger: &dyn Ledger, write: &Write) -> Result<Vec<(Timestamp, Source)>> {
    let intent = &write.intent;
    let mut all = Vec::new();
    for source in ledger.accounts().await? {
        if source.account == intent.account {
            let snapshots = ledger.snapshots(&source).await?.into_iter();
            all.extend(snapshots.map(|snapshot| (snapshot.at, source.clone())));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    let before = all.iter().rposition(|(at, _)| *at <= intent.at);
    Ok(all.split_off(before.unwrap_or_default()))
}

/// Returns `true` if a snapshot has one of these tokens.
async fn was_in_snapshot(
    ledger: &dyn Ledger,
    source: &Source,
    at: Timestamp,
    ids: &[TokenId],
) -> Result<bool> {
    let mut page = PageRequest::default();
    loop {
        // An account that could not be listed has no state.
        let Ok(state) = ledger.state(source, at, &page).await else {
            return Ok(false);
        };
        if state.items.iter().any(|token| ids.contains(&token.id)) {
            return Ok(true);
        }
        page.after = state.next;
        if page.after.is_none() {
            return Ok(false);
        }
    }
}
