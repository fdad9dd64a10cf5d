//! The places that hold a token, as far as the ledger knows.

use std::collections::{BTreeMap, HashSet};

use tokenfleet::{Account, Error, ErrorKind, Fate, Timestamp, TokenId};
use tokenfleet_rotation::machine::{RotationState, Successor};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use super::places::{identity, places_of};
use crate::output::displayed_id;
use crate::program_name::{command_line, shell_quoted};
use crate::sinks::Sinks;

/// Returns the successor that is in the places of a rotation, open or closed.
pub(super) fn delivered(stored: &StoredRotation) -> Option<&Successor> {
    let rotation = &stored.record.rotation;
    let is_delivered = rotation.state != RotationState::Issuing;
    rotation.successor.as_ref().filter(|_| is_delivered)
}

/// The last delivery to each place, by the identity of the place.
pub(super) type LastDeliveries<'a> = BTreeMap<String, Delivery<'a>>;

/// A delivery of a rotation to one of its places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) place: &'a str,
    pub(crate) stored: &'a StoredRotation,
    pub(crate) successor: &'a Successor,
}

/// Returns the last delivery to each place.
pub(super) fn last_deliveries<'a>(
    sinks: &Sinks,
    rotations: impl IntoIterator<Item = &'a StoredRotation>,
) -> LastDeliveries<'a> {
    let mut last = LastDeliveries::new();
    for stored in rotations {
        let Some(successor) = delivered(stored) else {
            continue;
        };
        for place in places_of(sinks, &stored.record) {
            let delivery = Delivery {
                place,
                stored,
                successor,
            };
            let known = last.entry(identity(sinks, place)).or_insert(delivery);
            if at(known) < at(&delivery) {
                *known = delivery;
            }
        }
    }
    last
}

fn at(delivery: &Delivery<'_>) -> Timestamp {
    delivery.successor.delivered_at
}

/// The tokens that the places hold, by the rotations that have delivered to them.
#[derive(Debug)]
pub(crate) struct Holders<'a> {
    last: LastDeliveries<'a>,
    /// The tokens that a later rotation has replaced and revoked, wherever it delivered.
    replaced: HashSet<(&'a Account, &'a TokenId)>,
}

impl<'a> Holders<'a> {
    /// Takes all rotations: those that are over, and those that are open.
    pub(crate) fn new(
        sinks: &Sinks,
        over: &'a [StoredRotation],
        open: &'a [StoredRotation],
    ) -> Self {
        let done = over.iter().filter(|stored| !stored.is_abandoned());
        let replaced = done.filter_map(|stored| {
            let subject = stored.record.rotation.subject.as_ref()?;
            let successor = stored.record.rotation.successor.as_ref()?;
            (successor.token != *subject).then_some((&stored.record.account, subject))
        });
        Self {
            last: last_deliveries(sinks, over.iter().chain(open)),
            replaced: replaced.collect(),
        }
    }

    /// Returns the time of the last delivery to the place of this identity.
    pub(super) fn delivered_at(&self, identity: &str) -> Option<Timestamp> {
        self.last.get(identity).map(at)
    }

    /// Returns the deliveries of other tokens to the places of a rotation, which would replace them
    /// without having been told to.
    pub(crate) fn others(&self, sinks: &Sinks, record: &RotationRecord) -> Vec<Delivery<'a>> {
        let planned = record.sinks.iter().zip(&record.plan.sinks);
        let places = planned.filter(|(_, planned)| !planned.adopt);
        let last = places.filter_map(|(place, _)| self.last.get(&identity(sinks, place)));
        let others = last.filter(|delivery| {
            let token = (&delivery.stored.record.account, &delivery.successor.token);
            !self.replaced.contains(&token) && !is_of_same_token(delivery, record)
        });
        others.copied().collect()
    }
}

/// Returns `true` if a rotation replaces the token of a delivery, or another one of that token has
/// made the delivery.
fn is_of_same_token(delivery: &Delivery<'_>, record: &RotationRecord) -> bool {
    let delivered_by = &delivery.stored.record;
    let is_here = is_one_place(&delivered_by.account, &record.account);
    match &record.rotation.subject {
        Some(subject) => {
            is_here
                && (delivery.successor.token == *subject
                    || delivered_by.rotation.subject.as_ref() == Some(subject))
        }
        // Where tokens have no ids, the places tell whose secret it is.
        None => is_here && delivered_by.rotation.subject.is_none(),
    }
}

/// Returns `true` for one account of a platform, which may have been renamed in the configuration,
/// or be there twice.
pub(crate) fn is_one_place(first: &Account, second: &Account) -> bool {
    (first.provider(), first.place()) == (second.provider(), second.place())
}

impl Delivery<'_> {
    /// Creates the error about a place that holds another token, which may be in use.
    pub(crate) fn is_in_the_way(&self) -> Error {
        let account = &self.stored.record.account;
        let message = format!(
            "{} holds the secret of token {} of {}, by the rotation {}",
            self.place,
            displayed_id(&self.successor.token),
            account.name(),
            self.stored.task.id
        );
        Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(
            "use `{account}` or `{name}` in the sink; if nobody needs that secret there any more, \
             `adopt = true` in the table of the sink or `rotate --to` with --adopt replaces it",
        )
    }
}

/// Returns the command that rotates a token, or where none has an id the secret, into places of the
/// ledger.
pub(super) fn rotation_command<'a>(
    sinks: &Sinks,
    account: &Account,
    token: Option<&TokenId>,
    places: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut words = vec!["rotate".to_owned()];
    words.extend(token.map(|token| shell_quoted(token.as_str())));
    words.extend(["--account".to_owned(), shell_quoted(account.name())]);
    for place in places {
        let written = sinks.written(place);
        let written = written.map_or_else(|| place.to_owned(), |place| place.to_string());
        words.extend(["--to".to_owned(), shell_quoted(&written)]);
    }
    command_line(&words.join(" "))
}
