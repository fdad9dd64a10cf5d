//! The tokens that a policy covers, and what the rotation of each would be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{
    Completeness, CreateToken, Error, Query, Result, Timestamp, Token, TokenId, TokenProvider,
    TokenProviderExt, TokenState,
};
use tokenfleet_rotation::machine::{Rotation, Strategy};
use tokenfleet_rotation::policy::{Due, Policy, SinkPlace, successor_request, without_marker};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};
use tokenfleet_rotation::sink::SecretSink;
use tokenfleet_rotation::strays::{KnownMarkers, Origin};

use super::opened::Rotations;
use crate::policies::{ConfiguredPolicy, Policies, acting_token};
use crate::progress::with_progress;

/// A token that a policy covers, or what its sinks hold where nothing can be listed.
pub(crate) struct Covered {
    pub(crate) due: Due,
    /// The rotation that would be opened.
    pub(crate) record: RotationRecord,
    pub(crate) sinks: Vec<Arc<dyn SecretSink>>,
}

/// The tokens that a policy covers now.
pub(crate) struct Looked {
    /// Those that are not being rotated, with the error if one cannot be.
    pub(crate) covered: Vec<(Option<TokenId>, Result<Covered>)>,
    /// The reason why the listing may lack some.
    pub(crate) incomplete: Option<String>,
}

impl Covered {
    /// Returns `true` if it is to be rotated now.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_due(Timestamp::now())
    }
}

/// Lists the account of a policy, and plans the rotation of each token that it covers and that is
/// not being rotated. Nothing is changed.
pub(crate) async fn look(
    rotations: &Rotations<'_>,
    policies: &Policies,
    configured: &ConfiguredPolicy,
) -> Result<Looked> {
    let accounts = rotations.accounts;
    let provider = accounts.open_one(&configured.config.account)?;
    let account = accounts.configuration_of(&*provider)?;
    let acting = acting_token(account, &*provider).await?;
    let means = (&rotations.sinks, accounts.transport());
    let policy = policies.accept(configured, &*provider, acting.as_ref(), means);
    let policy = policy.await?;
    let mut closed = rotations.store.closed_rotations().await?.rotations;
    closed.retain(|stored| stored.record.account == *provider.account());
    let looking = Looking {
        rotations,
        policy,
        provider: &*provider,
        closed,
    };
    if let Strategy::Unlisted(_) = looking.policy.plan().strategy {
        let covered = looking.cover(None).await;
        return Ok(Looked {
            covered: vec![(None, covered)],
            incomplete: None,
        });
    }
    let reading = || format!("reading {}", provider.account());
    let list = with_progress(reading, provider.list_all(Query::new())).await?;
    let incomplete = match list.completeness {
        Completeness::Partial(reason) => Some(reason.to_string()),
        _ => None,
    };
    let mut open = rotations.store.open_rotations().await?.rotations;
    open.retain(|stored| stored.record.account == *provider.account());
    let known = known_markers(rotations.ledger_id(), &looking.closed, &open);
    let mut covered = Vec::new();
    let mut taken = BTreeMap::<String, Vec<usize>>::new();
    for token in list.tokens {
        // A revoked one stays in some lists, and its successor has its place.
        let is_active = token.state == TokenState::Active;
        if !is_active || !looking.policy.covers(&token) || is_under_way(&token, &open) {
            continue;
        }
        let id = token.id.clone();
        let origin = known.origin(provider.account(), &token);
        let planned = match objection(policies, configured, &token, origin) {
            Some(error) => Err(error),
            None => looking.cover(Some(token)).await,
        };
        for place in planned.iter().flat_map(|planned| &planned.record.sinks) {
            taken.entry(place.clone()).or_default().push(covered.len());
        }
        covered.push((Some(id), planned));
    }
    // None of those that share a place: whichever came first would lose it to the other.
    let shared = taken.values().filter(|sharing| sharing.len() > 1);
    for &index in shared.flatten().collect::<BTreeSet<_>>() {
        if let Some((_, planned)) = covered.get_mut(index) {
            *planned = Err(shared_place(configured.name()));
        }
    }
    Ok(Looked {
        covered,
        incomplete,
    })
}

/// Returns `true` for a token that an open rotation replaces, or has created and does not keep.
fn is_under_way(token: &Token, open: &[StoredRotation]) -> bool {
    open.iter().any(|stored| {
        let rotation = &stored.record.rotation;
        let successor = rotation.successor.as_ref();
        let is_successor = successor.is_some_and(|successor| successor.token == token.id);
        let mut attempts = rotation.attempts.iter();
        rotation.subject.as_ref() == Some(&token.id)
            || (!is_successor && attempts.any(|attempt| attempt.marker.matches(token)))
    })
}

/// Returns the markers of the rotations of an account.
fn known_markers(ledger: &str, closed: &[StoredRotation], open: &[StoredRotation]) -> KnownMarkers {
    let mut known = KnownMarkers::new(ledger);
    for (stored, is_open) in (closed.iter().map(|stored| (stored, false)))
        .chain(open.iter().map(|stored| (stored, true)))
    {
        known.add_rotation(&stored.record.account, &stored.record.rotation, is_open);
    }
    known
}

/// Returns why a token that the policy covers is not rotated.
fn objection(
    policies: &Policies,
    configured: &ConfiguredPolicy,
    token: &Token,
    origin: Option<Origin>,
) -> Option<Error> {
    let name = configured.name();
    let mut others = policies.for_account(&configured.config.account);
    let other = others.find(|other| other.name() != name && other.config.filter.matches(token));
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

fn shared_place(policy: &str) -> Error {
    let message = format!("policies.{policy}: another token would be written to the same place");
    Error::configuration(message)
        .with_advice("use `{name}` or `{id}` in the sink, or narrow `where` to one token")
}

struct Looking<'a> {
    rotations: &'a Rotations<'a>,
    /// The rotations of the account that are over.
    closed: Vec<StoredRotation>,
    policy: Policy,
    provider: &'a dyn TokenProvider,
}

impl Looking<'_> {
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

    async fn cover(&self, token: Option<Token>) -> Result<Covered> {
        let (config, capabilities) = (self.policy.config(), self.provider.capabilities());
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
        let account = self.provider.account().clone();
        let record = RotationRecord::new(account, places, plan, request, rotation);
        let mut record = record.with_policy(&config.name);
        if let Some(reason) = self.rotations.accounts.reason() {
            record = record.with_reason(reason);
        }
        if let Some(name) = token.as_ref().and_then(|token| token.name.known()) {
            record = record.with_token_name(without_marker(name));
        }
        Ok(Covered { due, record, sinks })
    }
}
