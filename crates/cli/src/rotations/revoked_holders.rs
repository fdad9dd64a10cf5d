//! The places that hold tokens which are about to be revoked, and those of which that is not known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use tokenfleet::{Account, Error, Result, Secret, Token, TokenId, TokenProvider};
use tokio::time::{Instant, timeout_at};

use super::held::Held;
use super::holders::{LastDeliveries, is_one_place, last_deliveries, rotation_command};
use super::names::named;
use super::opened::Rotations;
use super::stamped_places::StampedPlaces;
use crate::accounts::Accounts;
use crate::output::displayed_id;
use crate::sinks::Sinks;

/// The time for which places are read: what has leaked is revoked while a sink is down, too.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The number of places that a sentence names.
const MAX_NAMED: usize = 5;

/// Returns the places that tokens were delivered to last, by the ledger. Where there is none, no
/// place is known.
pub(crate) async fn delivered_places(
    accounts: &Accounts,
) -> HashMap<(Account, TokenId), Vec<String>> {
    let read = async {
        let rotations = Rotations::open_existing(accounts).await?;
        let mut all = rotations.store.closed_rotations().await?.rotations;
        all.extend(rotations.store.open_rotations().await?.rotations);
        let mut places = HashMap::<_, Vec<_>>::new();
        for delivery in last_deliveries(&rotations.sinks, &all).into_values() {
            let account = delivery.stored.record.account.clone();
            let holder = (account, delivery.successor.token.clone());
            let of_token = places.entry(holder).or_default();
            of_token.push(delivery.place.to_owned());
        }
        Ok::<_, Error>(places)
    };
    read.await.unwrap_or_default()
}

/// Returns sentences about tokens of an account that places hold, by the ledger or by the stamps in
/// the places of the configuration, so that revoking them would leave a dead secret there. Others
/// say of which places that is not known.
///
/// Tokens of which only the ids are known are read where a place is named after its token.
pub(crate) async fn warnings_about_holders(
    accounts: &Accounts,
    provider: &dyn TokenProvider,
    tokens: &[Token],
) -> Vec<String> {
    let found = find(accounts, provider, tokens).await;
    found.unwrap_or_else(|error| vec![unknown(&error)])
}

/// Returns sentences like [`warnings_about_holders`] about a secret of which nothing else is known:
/// the places that hold it are found by reading them.
pub(crate) async fn warnings_about_secret(
    accounts: &Accounts,
    provider: &dyn TokenProvider,
    secret: &Secret,
) -> Vec<String> {
    let found = find_secret(accounts, provider.account(), secret).await;
    found.unwrap_or_else(|error| vec![unknown(&error)])
}

fn unknown(error: &Error) -> String {
    format!("whether places hold what is revoked is not known: {error}")
}

async fn find(
    accounts: &Accounts,
    provider: &dyn TokenProvider,
    tokens: &[Token],
) -> Result<Vec<String>> {
    let account = provider.account();
    if !has_places(accounts).await? {
        return Ok(Vec::new());
    }
    let rotations = Rotations::open_existing(accounts).await?;
    let (over, open) = (
        rotations.store.closed_rotations().await?,
        rotations.store.open_rotations().await?,
    );
    let unreadable = over.unreadable.len() + open.unreadable.len();
    let all = over.rotations.iter().chain(&open.rotations);
    let sinks = &rotations.sinks;
    let mut search = Search {
        sinks,
        account,
        ids: tokens.iter().map(|token| &token.id).collect(),
        last: last_deliveries(sinks, all),
        holders: BTreeMap::new(),
        unseen: Vec::new(),
    };
    search.take_deliveries();
    let mut sentences = Vec::new();
    match StampedPlaces::collect(&rotations).await {
        Ok(mut stamped) => {
            let templates = stamped.named_after_tokens(account);
            if templates.is_empty() {
                search.read(&mut stamped, tokens).await;
            } else {
                let tokens = named(provider, tokens).await;
                sentences.extend(unnamed(&tokens, &templates));
                search.read(&mut stamped, &tokens).await;
            }
        }
        Err(error) => sentences.push(unknown(&error)),
    }
    sentences.extend(search.sentences());
    sentences.extend(not_looked_at(&search.unseen));
    if unreadable > 0 {
        sentences.push(format!(
            "the places of {unreadable} rotations, which cannot be read, were not looked at"
        ));
    }
    Ok(sentences)
}

/// Returns `false` if nothing is delivered to places here.
async fn has_places(accounts: &Accounts) -> Result<bool> {
    let has_ledger = accounts.journals().existing_ledger().await?.is_some();
    let has_sinks = || {
        Ok(Sinks::read(accounts.configuration())?
            .iter()
            .next()
            .is_some())
    };
    if has_ledger { Ok(true) } else { has_sinks() }
}

async fn find_secret(
    accounts: &Accounts,
    account: &Account,
    secret: &Secret,
) -> Result<Vec<String>> {
    if !has_places(accounts).await? {
        return Ok(Vec::new());
    }
    let rotations = Rotations::open_existing(accounts).await?;
    let stamped = StampedPlaces::collect(&rotations).await?;
    let (mut holding, mut unseen) = (Vec::new(), Vec::new());
    // Nothing tells the name or the id of the token.
    let templates = stamped.named_after_tokens(account).into_iter();
    unseen.extend(templates.map(str::to_owned));
    let deadline = Instant::now() + MAX_TIME;
    for (_, place) in stamped.places_for(account, &[]) {
        match timeout_at(deadline, stamped.has_secret(&place, secret)).await {
            Ok(Ok(Some(true))) => holding.push(place),
            Ok(Ok(Some(false))) => {}
            Ok(Ok(None) | Err(_)) | Err(_) => unseen.push(place),
        }
    }
    let held = (!holding.is_empty()).then(|| {
        let instead = instead(&rotations.sinks, account, None, &holding);
        let names = holding.join(", ");
        format!("the secret is in {names}, which would hold a dead one: {instead}")
    });
    Ok(held.into_iter().chain(not_looked_at(&unseen)).collect())
}

/// Returns the advice to put another secret into places before that of a token is revoked.
fn instead(sinks: &Sinks, account: &Account, token: Option<&TokenId>, places: &[String]) -> String {
    if places.iter().any(|place| sinks.written(place).is_none()) {
        return "deliver another token there before it is revoked".to_owned();
    }
    let places = places.iter().map(String::as_str);
    let rotate = rotation_command(sinks, account, token, places);
    format!("`{rotate}` replaces it there before it is revoked")
}

/// The search for the places that hold some tokens of an account.
struct Search<'a> {
    sinks: &'a Sinks,
    account: &'a Account,
    ids: HashSet<&'a TokenId>,
    last: LastDeliveries<'a>,
    /// The places of each token, by their identities.
    holders: BTreeMap<&'a TokenId, BTreeMap<String, String>>,
    /// The places of which it is not known whose secret they hold.
    unseen: Vec<String>,
}

impl<'a> Search<'a> {
    /// Takes what the ledger knows.
    fn take_deliveries(&mut self) {
        for (identity, delivery) in &self.last {
            let token = &delivery.successor.token;
            if is_one_place(&delivery.stored.record.account, self.account)
                && let Some(token) = self.ids.get(token)
            {
                let places = self.holders.entry(token).or_default();
                places.insert(identity.clone(), delivery.place.to_owned());
            }
        }
    }

    /// Reads the stamps in the places: the ledger may be older than what they hold.
    async fn read(&mut self, stamped: &mut StampedPlaces<'_>, tokens: &[Token]) {
        let deadline = Instant::now() + MAX_TIME;
        for (identity, place) in stamped.places_for(self.account, tokens) {
            let is_named = self.holders.values().any(|it| it.contains_key(&identity));
            match timeout_at(deadline, stamped.held(&place)).await {
                Ok(Ok(Held::Token(held) | Held::OfAnotherLedger(held))) => {
                    if let Some(token) = self.ids.get(&held) {
                        let places = self.holders.entry(token).or_default();
                        places.insert(identity, place);
                    }
                }
                Ok(Ok(Held::Nothing)) => {}
                // What the ledger knows of it is all that can be known.
                Ok(Ok(Held::Unreadable)) if self.last.contains_key(&identity) => {}
                Ok(Ok(Held::Unknown | Held::Unreadable) | Err(_)) | Err(_) => {
                    if !is_named {
                        self.unseen.push(place);
                    }
                }
            }
        }
    }

    fn sentences(&self) -> impl Iterator<Item = String> {
        self.holders.iter().map(|(token, places)| {
            let places: Vec<_> = places.values().cloned().collect();
            let (id, names) = (displayed_id(token), places.join(", "));
            let instead = instead(self.sinks, self.account, Some(token), &places);
            format!("token {id} is in {names}, which would hold a dead secret: {instead}")
        })
    }
}

/// Returns the sentence about tokens whose names are not known, and so not their places either.
fn unnamed(tokens: &[Token], templates: &[&str]) -> Option<String> {
    let unnamed = tokens.iter().filter(|token| !token.name.is_reported());
    let ids: Vec<_> = unnamed.map(|token| displayed_id(&token.id)).collect();
    let (named, more) = ids.split_at(ids.len().min(MAX_NAMED));
    let tokens = match ids.len() {
        0 => return None,
        1 => "token",
        _ => "tokens",
    };
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Some(format!(
        "whether {} holds what is revoked was not looked at, because the platform did not tell the \
         name of {tokens} {}{more}",
        templates.join(", "),
        named.join(", ")
    ))
}

/// Returns the sentence about places of which it is not known whose secret they hold.
fn not_looked_at(places: &[String]) -> Option<String> {
    let (named, more) = places.split_at(places.len().min(MAX_NAMED));
    let were = match places.len() {
        0 => return None,
        1 => "1 place was".to_owned(),
        count => format!("{count} places were"),
    };
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Some(format!(
        "{were} not looked at, or hold what no stamp names, which may be what is revoked: {}{more}",
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_were_not_looked_at_are_counted_and_some_are_named() {
        let places = |count: usize| -> Vec<_> { (0..count).map(|at| format!("p{at}")).collect() };
        assert_eq!(not_looked_at(&[]), None);
        let one = not_looked_at(&places(1)).unwrap();
        assert!(
            one.starts_with("1 place was") && one.ends_with(": p0"),
            "{one}"
        );
        let many = not_looked_at(&places(12)).unwrap();
        assert!(many.starts_with("12 places were"), "{many}");
        assert!(many.ends_with("p0, p1, p2, p3, p4 and 7 more"), "{many}");
    }
}
