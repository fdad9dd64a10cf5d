//! The tokens that a policy covers now, and those that cannot be rotated.

use std::collections::BTreeSet;

use tokenfleet::{
    Completeness, Error, Query, Result, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
};
use tokenfleet_rotation::machine::Strategy;
use tokenfleet_rotation::runner::StoredRotation;
use tokenfleet_rotation::strays::Origin;

use super::given_up::instead;
use super::holders::Holders;
use super::left_out::LeftOut;
use super::opened::Rotations;
use super::overlooked::{self, DeadPlace, Oversight};
use super::place_map::PlaceMap;
use super::places::{OpenPlaces, identities, identity};
use super::planner::{Covered, Planner};
use super::same_tokens::{
    earlier_policies, is_covered_twice, is_rotated_elsewhere, open_elsewhere,
};
use super::unreadable::UnreadableRotations;
use super::unreadable_places::UnreadablePlaces;
use crate::output::displayed_id;
use crate::policies::{ConfiguredPolicy, Policies, acting_token};
use crate::progress::with_progress;

/// The tokens that a policy covers now.
pub(crate) struct CoveredTokens {
    /// Those that are not being rotated, with the error if one cannot be.
    pub(crate) covered: Vec<(Option<TokenId>, Result<Covered>)>,
    /// The reason why the listing may lack some.
    pub(crate) incomplete: Option<String>,
    /// The tokens that the policy should cover or rotate and does not.
    pub(crate) oversights: Vec<Oversight>,
    /// The places that hold a token which the account lists no more, whatever delivered it.
    pub(crate) dead_places: Vec<DeadPlace>,
}

impl CoveredTokens {
    /// Returns the places that rotations of this policy have delivered such a token to.
    pub(crate) fn dead_places_of(&self, policy: &str) -> impl Iterator<Item = &DeadPlace> {
        let places = self.dead_places.iter();
        places.filter(move |place| place.policy.as_deref() == Some(policy))
    }
}

/// Lists the account of a policy, and plans the rotation of each token that it covers and that is
/// not being rotated. Nothing is changed, and the account may be read-only.
pub(crate) async fn find_covered(
    rotations: &Rotations<'_>,
    policies: &Policies,
    configured: &ConfiguredPolicy,
    provider: &dyn TokenProvider,
) -> Result<CoveredTokens> {
    let accounts = rotations.accounts;
    let account = accounts.configuration_of(provider)?;
    let acting = acting_token(account, provider).await?;
    // What could be done is planned also where nothing may be changed.
    let mut capabilities = provider.capabilities().clone();
    capabilities.read_only = None;
    let opening = (&rotations.sinks, accounts.transport());
    let ledger = rotations.ledger_id();
    let policy = policies.accept(configured, &capabilities, acting.as_ref(), ledger, opening);
    let policy = policy.await?;
    let over_before = rotations.store.closed_rotations().await?.rotations;
    let over_before: BTreeSet<_> = over_before.iter().map(|stored| stored.task.id).collect();
    let list = match policy.plan().strategy {
        Strategy::Unlisted(_) => None,
        _ => {
            let reading = || format!("reading {}", provider.account());
            Some(with_progress(reading, provider.list_all(Query::new())).await?)
        }
    };
    // After the listing, in which the tokens of a rotation that was opened meanwhile may be. One
    // that is closed between the two is in both.
    let open = rotations.store.open_rotations().await?;
    let over = rotations.store.closed_rotations().await?;
    let unreadable = open.unreadable.iter().chain(&over.unreadable);
    let named_places = UnreadablePlaces::new(&rotations.sinks, unreadable.clone());
    let unreadable =
        UnreadableRotations::of_account(provider.account(), account.queue(), unreadable)?;
    let open = open.rotations;
    let mut closed = over.rotations.clone();
    closed.retain(|stored| stored.record.account == *provider.account());
    let ended_meanwhile = (closed.iter())
        .filter(|stored| !over_before.contains(&stored.task.id))
        .filter_map(|stored| stored.record.rotation.subject.clone());
    let planner = Planner {
        now: rotations.now().await?,
        ended_meanwhile: ended_meanwhile.collect(),
        rotations,
        policy,
        account: provider.account(),
        capabilities,
        closed,
        open: &open,
        open_places: OpenPlaces::new(&rotations.sinks, &open),
        over,
    };
    let holders = Holders::new(&rotations.sinks, &planner.over.rotations, planner.open);
    let mut left_out = LeftOut::new(
        provider.account(),
        ledger,
        &planner.over.rotations,
        policies,
        (&rotations.sinks, accounts.transport()),
    );
    let Some(list) = list else {
        let covered = planner.plan(None).await.and_then(|covered| {
            let mut others = holders
                .others(&rotations.sinks, &covered.record)
                .into_iter();
            let other = others.next().map(|other| other.is_in_the_way());
            let objection = other
                .or_else(|| named_places.objection(&rotations.sinks, &covered.record, &holders));
            objection.map_or(Ok(covered), Err)
        });
        let is_open = |covered: &Covered| {
            let subject = covered.record.subject();
            let mut open = planner.open.iter();
            open.any(|stored| stored.record.subject() == subject)
        };
        let covered = match covered {
            Ok(covered) if is_open(&covered) => Vec::new(),
            Ok(covered) => {
                let name = configured.name();
                let objection = match unreadable.objection_without_id(&covered.record.subject()) {
                    Some(error) => Some(error),
                    None => left_out.objection_without_id(name, &covered.record).await,
                };
                vec![(None, objection.map_or(Ok(covered), Err))]
            }
            Err(error) => vec![(None, Err(error))],
        };
        return Ok(CoveredTokens {
            covered,
            incomplete: None,
            oversights: Vec::new(),
            dead_places: Vec::new(),
        });
    };
    let incomplete = match list.completeness {
        Completeness::Partial(reason) => Some(reason.to_string()),
        _ => None,
    };
    let (mut oversights, mut dead_places) = (Vec::new(), Vec::new());
    if incomplete.is_none() {
        // A successor that was created meanwhile need not be listed.
        let mut over = planner.closed.clone();
        over.retain(|stored| over_before.contains(&stored.task.id));
        oversights = overlooked::oversights(&planner.policy, &over, &list.tokens);
        let opening = (&rotations.sinks, accounts.transport());
        let places = overlooked::dead_places(ledger, &over, &list.tokens, opening);
        let not_looked_at;
        (dead_places, not_looked_at) = places.await;
        oversights.extend(not_looked_at);
    }
    if acting.is_none() {
        let is_due = |token: &Token| planner.is_due(token) && !planner.is_under_way(token);
        let (policy, now) = (&planner.policy, planner.now);
        let acting = overlooked::perhaps_acting(policy, &list.tokens, is_due, now);
        oversights.extend(acting);
    }
    let known = planner.known_markers();
    let earlier = earlier_policies(rotations, policies, configured, provider, &list.tokens).await;
    let is_over = |token: &&Token| matches!(token.state, TokenState::Revoked | TokenState::Expired);
    let alive = list.tokens.iter().filter(|token| !is_over(token));
    let alive: BTreeSet<_> = alive.map(|token| token.id.clone()).collect();
    let mut covered = Vec::new();
    // The tokens that each place is for, those of other policies too.
    let mut writers = PlaceMap::new();
    for token in list.tokens {
        // A revoked one stays in some lists, and its successor has its place.
        if token.state != TokenState::Active
            || planner.is_under_way(&token)
            || planner.ended_meanwhile.contains(&token.id)
        {
            continue;
        }
        for place in planner.places_of_others(policies, configured, &token) {
            writers.insert(place, token.id.clone());
        }
        if !planner.policy.covers(&token) {
            continue;
        }
        let id = token.id.clone();
        if let Some(given_up) = planner.given_up(&token) {
            // It has no place any more, and another token may have it.
            if planner.is_due(&token) {
                covered.push((
                    Some(id),
                    Err(stays_out(rotations, configured, given_up, &planner.closed)),
                ));
            }
            continue;
        }
        let origin = known.origin(provider.account(), &token);
        let twice = earlier
            .iter()
            .find(|other| other.config.matches(&token, ledger))
            .map(|other| is_covered_twice(configured, other));
        let elsewhere = || {
            open_elsewhere(provider.account(), planner.open, &token)
                .map(|open| is_rotated_elsewhere(provider.account(), open))
        };
        let held = || {
            let rotated_at = planner.rotated_at(Some(&token), &[]);
            let held = unreadable.objection(&token, rotated_at);
            held.filter(|_| planner.is_due(&token))
        };
        let objection = twice
            .or_else(elsewhere)
            .or_else(held)
            .or_else(|| objection((policies, ledger), configured, &token, origin));
        let planned = match objection {
            Some(error) => Err(error),
            None => planner.plan(Some(token)).await,
        };
        let places = planned.iter().flat_map(|planned| &planned.record.sinks);
        for place in places {
            let place = identity(&rotations.sinks, place);
            writers.insert(place, id.clone());
        }
        covered.push((Some(id), planned));
    }
    for (id, planned) in &mut covered {
        let Ok(Covered { record, token, .. }) = planned else {
            continue;
        };
        // None of those that share a place: whichever came first would lose it to the other.
        let places = identities(&rotations.sinks, &record.sinks);
        let mut writers = places.iter().flat_map(|place| writers.of(place));
        if let Some(other) = writers.find(|writer| Some(*writer) != id.as_ref()) {
            *planned = Err(shared_place(configured.name(), other));
            continue;
        }
        let mut others = holders.others(&rotations.sinks, record).into_iter();
        let other = others.find(|other| {
            other.stored.record.account != *provider.account()
                || incomplete.is_some()
                || alive.contains(&other.successor.token)
        });
        let other = other.map(|other| other.is_in_the_way());
        let objection =
            other.or_else(|| named_places.objection(&rotations.sinks, record, &holders));
        if let Some(error) = objection {
            *planned = Err(error);
            continue;
        }
        let Some(token) = token else { continue };
        let objection = left_out.objection(configured.name(), token, &record.sinks);
        if let Some(error) = objection.await {
            *planned = Err(error);
        }
    }
    oversights.extend(left_out.not_looked_at());
    Ok(CoveredTokens {
        covered,
        incomplete,
        oversights,
        dead_places,
    })
}

/// Returns why a token that the policy covers is not rotated.
fn objection(
    (policies, ledger): (&Policies, &str),
    configured: &ConfiguredPolicy,
    token: &Token,
    origin: Option<Origin>,
) -> Option<Error> {
    let name = configured.name();
    let others = policies.for_account(&configured.config.account);
    let mut others = others.filter(|other| other.name() != name);
    let other = others.find(|other| other.config.matches(token, ledger));
    if let Some(other) = other {
        let other = other.name();
        return Some(
            Error::configuration(format!(
                "policies.{name} and policies.{other} both cover it"
            ))
            .with_advice(
                "narrow one `where`: each would revoke the token that the other delivered",
            ),
        );
    }
    let (Origin::Late(rotation)
    | Origin::Abandoned(rotation)
    | Origin::Replaced(rotation)
    | Origin::Survived(rotation)) = origin?
    else {
        return None;
    };
    Some(
        Error::configuration(format!("it is left over from the rotation {rotation}"))
            .with_advice("revoke it, unless somebody uses it"),
    )
}

fn shared_place(policy: &str, other: &TokenId) -> Error {
    let other = displayed_id(other);
    let message = format!("policies.{policy}: the token {other} has the same place");
    Error::configuration(message).with_advice(
        "use `{name}` in the sink, give the tokens different names, or narrow `where` to one token",
    )
}

/// Creates the error about a token whose last rotation a person gave up.
fn stays_out(
    rotations: &Rotations<'_>,
    configured: &ConfiguredPolicy,
    given_up: &StoredRotation,
    over: &[StoredRotation],
) -> Error {
    let (name, id) = (configured.name(), given_up.task.id);
    Error::configuration(format!(
        "policies.{name} leaves it alone since its rotation {id} was given up"
    ))
    .with_advice(instead(&rotations.sinks, given_up, over))
}
