//! The rotation of each token of a policy, as it would be opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{Account, Capabilities, CreateToken, Result, Timestamp, Token, TokenId};
use tokenfleet_rotation::machine::{Rotation, Strategy};
use tokenfleet_rotation::policy::{Due, Policy, SinkPlace, successor_request, without_marker};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation, StoredRotations};
use tokenfleet_rotation::sink::SecretSink;
use tokenfleet_rotation::strays::KnownMarkers;

use super::opened::Rotations;
use super::places::{OpenPlaces, identity, locations};
use crate::policies::{ConfiguredPolicy, Policies};

/// A token that a policy covers, or what its sinks hold where nothing can be listed.
pub(crate) struct Covered {
    pub(crate) due: Due,
    /// The time by the clock of the ledger, by which workers agree whether a token is due.
    now: Timestamp,
    pub(super) token: Option<Token>,
    /// The rotation that would be opened.
    pub(crate) record: RotationRecord,
    pub(crate) sinks: Vec<Arc<dyn SecretSink>>,
    /// The last rotation of the token, which is over.
    pub(crate) previous: Option<OperationId>,
}

impl Covered {
    /// Returns `true` if it is to be rotated now.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_due(self.now)
    }
}

/// Plans the rotations of a policy.
pub(super) struct Planner<'a> {
    /// The time by the clock of the ledger.
    pub(super) now: Timestamp,
    pub(super) rotations: &'a Rotations<'a>,
    pub(super) policy: Policy,
    pub(super) account: &'a Account,
    /// The capabilities that the account would have if it were not read-only.
    pub(super) capabilities: Capabilities,
    /// The rotations of the account that are over.
    pub(super) closed: Vec<StoredRotation>,
    /// The open rotations of all accounts.
    pub(super) open: &'a [StoredRotation],
    pub(super) open_places: OpenPlaces<'a>,
    /// The rotations of all accounts that are over.
    pub(super) over: StoredRotations,
    /// The old tokens of those that ended after the listing began: they may be dead, whatever it
    /// says.
    pub(super) ended_meanwhile: BTreeSet<TokenId>,
}

impl Planner<'_> {
    fn open_of_account(&self) -> impl Iterator<Item = &StoredRotation> {
        let open = self.open.iter();
        open.filter(|stored| stored.record.account == *self.account)
    }

    /// Returns `true` for a token that an open rotation replaces, or has created and does not keep.
    pub(super) fn is_under_way(&self, token: &Token) -> bool {
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
    pub(super) fn given_up(&self, token: &Token) -> Option<&StoredRotation> {
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
    pub(super) fn is_due(&self, token: &Token) -> bool {
        let rotated_at = self.rotated_at(Some(token), &[]);
        self.policy.due(token, rotated_at).is_due(self.now)
    }

    /// Returns the markers of the rotations of the account.
    pub(super) fn known_markers(&self) -> KnownMarkers {
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
    pub(super) fn places_of_others(
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
    pub(super) fn rotated_at(&self, token: Option<&Token>, places: &[String]) -> Option<Timestamp> {
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

    pub(super) async fn plan(&self, token: Option<Token>) -> Result<Covered> {
        let (config, capabilities) = (self.policy.config(), &self.capabilities);
        let (mut places, mut sinks) = (Vec::new(), Vec::new());
        for sink in &config.sinks {
            let place = SinkPlace::new(sink, &config.account, token.as_ref())?;
            sinks.push(self.rotations.open_sink(place.as_str(), false).await?);
            places.push(place.as_str().to_owned());
        }
        let rotated_at = self.rotated_at(token.as_ref(), &places);
        let now = self.now;
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
        let locations = locations(&self.rotations.sinks, &places);
        let record = RotationRecord::new(account, places, plan, request, rotation);
        let mut record = record.with_locations(locations).with_policy(&config.name);
        if let Some(reason) = self.rotations.accounts.reason() {
            record = record.with_reason(reason);
        }
        if let Some(name) = token.as_ref().and_then(|token| token.name.known()) {
            record = record.with_token_name(without_marker(name));
        }
        match (self.open_places).conflict(&self.rotations.sinks, &record) {
            Some(error) => Err(error),
            None => Ok(Covered {
                previous: self.over.last_of(&record.subject()),
                due,
                now,
                token,
                record,
                sinks,
            }),
        }
    }
}
