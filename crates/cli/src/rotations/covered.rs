//! The tokens that a policy covers, and what the rotation of each would be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{
    Account, Capabilities, Completeness, CreateToken, Error, Query, Result, Timestamp, Token,
    TokenId, TokenProvider, TokenProviderExt, TokenState,
};
use tokenfleet_rotation::machine::{Rotation, Strategy};
use tokenfleet_rotation::policy::{Due, Policy, SinkPlace, successor_request, without_marker};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation, StoredRotations};
use tokenfleet_rotation::sink::SecretSink;
use tokenfleet_rotation::strays::{KnownMarkers, Origin};

use super::given_up::instead;
use super::holders::Holders;
use super::left_out::LeftOut;
use super::opened::Rotations;
use super::overlooked::{self, DeadPlace, Oversight};
use super::places::{self, identities, identity};
use crate::output::displayed_id;
use crate::policies::{ConfiguredPolicy, Policies, acting_token};
use crate::progress::with_progress;
use crate::sinks::are_one;

/// A token that a policy covers, or what its sinks hold where nothing can be listed.
pub(crate) struct Covered {
    pub(crate) due: Due,
    token: Option<Token>,
    /// The rotation that would be opened.
    pub(crate) record: RotationRecord,
    pub(crate) sinks: Vec<Arc<dyn SecretSink>>,
    /// The last rotation of the token, which is over.
    pub(crate) previous: Option<OperationId>,
}

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

impl Covered {
    /// Returns `true` if it is to be rotated now.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_due(Timestamp::now())
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
    let open = rotations.store.open_rotations().await?.rotations;
    let over = rotations.store.closed_rotations().await?;
    let mut closed = over.rotations.clone();
    closed.retain(|stored| stored.record.account == *provider.account());
    let ended_meanwhile = (closed.iter())
        .filter(|stored| !over_before.contains(&stored.task.id))
        .filter_map(|stored| stored.record.rotation.subject.clone());
    let planner = Planner {
        ended_meanwhile: ended_meanwhile.collect(),
        rotations,
        policy,
        account: provider.account(),
        capabilities,
        closed,
        open,
        over,
    };
    let holders = Holders::new(&rotations.sinks, &planner.over.rotations, &planner.open);
    let Some(list) = list else {
        let covered = planner.plan(None).await.and_then(|covered| {
            let mut others = holders
                .others(&rotations.sinks, &covered.record)
                .into_iter();
            others
                .next()
                .map_or(Ok(covered), |other| Err(other.is_in_the_way()))
        });
        let is_open = |covered: &Covered| {
            let subject = covered.record.subject();
            let mut open = planner.open.iter();
            open.any(|stored| stored.record.subject() == subject)
        };
        let covered = match covered {
            Ok(covered) if is_open(&covered) => Vec::new(),
            covered => vec![(None, covered)],
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
        dead_places = places.await;
    }
    let known = planner.known_markers();
    let is_over = |token: &&Token| matches!(token.state, TokenState::Revoked | TokenState::Expired);
    let alive = list.tokens.iter().filter(|token| !is_over(token));
    let alive: BTreeSet<_> = alive.map(|token| token.id.clone()).collect();
    let mut covered = Vec::new();
    // The tokens that each place is for, those of other policies too.
    let mut writers = BTreeMap::<String, Vec<TokenId>>::new();
    for token in list.tokens {
        // A revoked one stays in some lists, and its successor has its place.
        if token.state != TokenState::Active
            || planner.is_under_way(&token)
            || planner.ended_meanwhile.contains(&token.id)
        {
            continue;
        }
        for place in planner.places_of_others(policies, configured, &token) {
            writers.entry(place).or_default().push(token.id.clone());
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
        let planned = match objection((policies, ledger), configured, &token, origin) {
            Some(error) => Err(error),
            None => planner.plan(Some(token)).await,
        };
        let places = planned.iter().flat_map(|planned| &planned.record.sinks);
        for place in places {
            let place = identity(&rotations.sinks, place);
            writers.entry(place).or_default().push(id.clone());
        }
        covered.push((Some(id), planned));
    }
    let mut left_out = LeftOut::new(
        provider.account(),
        &planner.over.rotations,
        policies,
        (&rotations.sinks, accounts.transport()),
    );
    for (id, planned) in &mut covered {
        let Ok(Covered { record, token, .. }) = planned else {
            continue;
        };
        // None of those that share a place: whichever came first would lose it to the other.
        let places = identities(&rotations.sinks, &record.sinks);
        let is_shared = |place: &String| places.iter().any(|own| are_one(own, place));
        let mut writers = (writers.iter())
            .filter(|(place, _)| is_shared(place))
            .flat_map(|(_, ids)| ids);
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
        if let Some(other) = other {
            *planned = Err(other.is_in_the_way());
            continue;
        }
        let Some(token) = token else { continue };
        let objection = left_out.objection(configured.name(), token, &record.sinks);
        if let Some(error) = objection.await {
            *planned = Err(error);
        }
    }
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
    let (Origin::Late(rotation) | Origin::Abandoned(rotation) | Origin::Replaced(rotation)) =
        origin?
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

/// Plans the rotations of a policy.
struct Planner<'a> {
    rotations: &'a Rotations<'a>,
    policy: Policy,
    account: &'a Account,
    /// The capabilities that the account would have if it were not read-only.
    capabilities: Capabilities,
    /// The rotations of the account that are over.
    closed: Vec<StoredRotation>,
    /// The open rotations of all accounts.
    open: Vec<StoredRotation>,
    /// The rotations of all accounts that are over.
    over: StoredRotations,
    /// The old tokens of those that ended after the listing began: they may be dead, whatever it
    /// says.
    ended_meanwhile: BTreeSet<TokenId>,
}

impl Planner<'_> {
    fn open_of_account(&self) -> impl Iterator<Item = &StoredRotation> {
        let open = self.open.iter();
        open.filter(|stored| stored.record.account == *self.account)
    }

    /// Returns `true` for a token that an open rotation replaces, or has created and does not keep.
    fn is_under_way(&self, token: &Token) -> bool {
        self.open_of_account().any(|stored| {
            let rotation = &stored.record.rotation;
            let successor = rotation.successor.as_ref();
            let is_successor = successor.is_some_and(|successor| successor.token == token.id);
            let mut attempts = rotation.attempts.iter();
            rotation.subject.as_ref() == Some(&token.id)
                || (!is_successor && attempts.any(|attempt| attempt.marker.matches(token)))
        })
    }

    /// Returns the last rotation of a token, if a person gave that up: the policy begins no other
    /// one of it.
    fn given_up(&self, token: &Token) -> Option<&StoredRotation> {
        let of_token = self.closed.iter().filter(|stored| {
            let rotation = &stored.record.rotation;
            let created_at = rotation.subject_created_at;
            // The platform may have given its id to another one since.
            let is_another = (created_at.zip(token.created_at.known().copied()))
                .is_some_and(|(subject, found)| subject != found);
            rotation.subject.as_ref() == Some(&token.id) && !is_another
        });
        let last = of_token.max_by_key(|stored| stored.task.closed_at)?;
        last.is_abandoned().then_some(last)
    }

    /// Returns `true` for a token that the policy would rotate now.
    fn is_due(&self, token: &Token) -> bool {
        let rotated_at = self.rotated_at(Some(token), &[]);
        self.policy.due(token, rotated_at).is_due(Timestamp::now())
    }

    /// Returns the markers of the rotations of the account.
    fn known_markers(&self) -> KnownMarkers {
        let mut known = KnownMarkers::new(self.rotations.ledger_id());
        for stored in &self.closed {
            known.add_rotation(&stored.record.account, &stored.record.rotation, false);
        }
        // Afterwards: one that is in both was open when the tokens were listed.
        for stored in self.open_of_account() {
            known.add_rotation(&stored.record.account, &stored.record.rotation, true);
        }
        known
    }

    /// Returns the identities of the places that other policies have for a token.
    fn places_of_others(
        &self,
        policies: &Policies,
        configured: &ConfiguredPolicy,
        token: &Token,
    ) -> Vec<String> {
        let others = policies.for_account(&configured.config.account);
        let others = others.filter(|other| {
            other.name() != configured.name()
                && other.config.matches(token, self.rotations.ledger_id())
        });
        let templates = others.flat_map(|other| &other.config.sinks);
        let places = templates.filter_map(|template| {
            // A place that cannot be filled in is a finding of that policy.
            SinkPlace::new(template, &configured.config.account, Some(token)).ok()
        });
        let sinks = &self.rotations.sinks;
        places
            .map(|place| identity(sinks, place.as_str()))
            .collect()
    }

    /// Returns the time at which a token, or what the sinks hold, was last rotated.
    fn rotated_at(&self, token: Option<&Token>, places: &[String]) -> Option<Timestamp> {
        let records = self.closed.iter().map(|stored| &stored.record);
        let times = records.filter_map(|record| {
            let successor = record.rotation.successor.as_ref()?;
            let is_it = match token {
                Some(token) => successor.token == token.id,
                None => record.rotation.subject.is_none() && record.sinks == places,
            };
            is_it.then_some(successor.delivered_at)
        });
        times.max()
    }

    async fn plan(&self, token: Option<Token>) -> Result<Covered> {
        let (config, capabilities) = (self.policy.config(), &self.capabilities);
        let (mut places, mut sinks) = (Vec::new(), Vec::new());
        for sink in &config.sinks {
            let place = SinkPlace::new(sink, &config.account, token.as_ref())?;
            sinks.push(self.rotations.open_sink(place.as_str(), false).await?);
            places.push(place.as_str().to_owned());
        }
        let rotated_at = self.rotated_at(token.as_ref(), &places);
        let now = Timestamp::now();
        let (due, rotation) = match &token {
            Some(token) => (
                self.policy.due(token, rotated_at),
                Rotation::of_token(OperationId::random(), token, now),
            ),
            None => (
                self.policy.due_unlisted(rotated_at),
                Rotation::new(OperationId::random(), None, now),
            ),
        };
        let request = match self.policy.plan().strategy {
            Strategy::InPlace(_) => CreateToken::unnamed(),
            _ => successor_request(capabilities, token.as_ref(), config.new_expiry)?,
        };
        let plan = self.policy.plan().clone();
        let account = self.account.clone();
        let record = RotationRecord::new(account, places, plan, request, rotation);
        let mut record = record.with_policy(&config.name);
        if let Some(reason) = self.rotations.accounts.reason() {
            record = record.with_reason(reason);
        }
        if let Some(name) = token.as_ref().and_then(|token| token.name.known()) {
            record = record.with_token_name(without_marker(name));
        }
        match places::conflict(&self.rotations.sinks, &record, &self.open) {
            Some(error) => Err(error),
            None => Ok(Covered {
                previous: self.over.last_of(&record.subject()),
                due,
                token,
                record,
                sinks,
            }),
        }
    }
}
