//! The places of a token that its policy does not write: they would keep a dead secret.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokenfleet::transport::Transport;
use tokenfleet::{Account, Error, ErrorKind, Fate, Result, Token, TokenId};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};
use tokio::time::{Instant, timeout_at};

use super::held::{Held, held};
use super::holders::{LastDeliveries, delivered, is_one_place, last_deliveries, rotation_command};
use super::overlooked::Oversight;
use super::places::{identities, identity, places_of};
use crate::policies::Policies;
use crate::sinks::{Sinks, is_filled_in};
use crate::written_place::WrittenPlace;

/// The places that tokens of an account were delivered to, by the ledger and by the stamps in the
/// sinks of the configuration.
pub(crate) struct LeftOut<'a> {
    account: &'a Account,
    over: &'a [StoredRotation],
    last: LastDeliveries<'a>,
    reading: Reading<'a>,
    /// The places of the configuration that no variable is in, with what each holds once it was
    /// read.
    fixed: Vec<(String, Option<Held>)>,
    /// Those of them that could not be read, with the reason.
    unread: Vec<String>,
}

/// The time for which all places together are read: nothing is rotated meanwhile.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The time for which one place is read, so that one that does not answer leaves some for the rest.
const MAX_TIME_OF_ONE: Duration = Duration::from_secs(3);

const NO_TIME: &str = "there was no time to look";

/// The reading of places, for the ledger of this id, until the time is over.
struct Reading<'a> {
    ledger: &'a str,
    opening: (&'a Sinks, &'a Arc<dyn Transport>),
    /// The end of the time, once it runs.
    until: OnceLock<Instant>,
}

impl Reading<'_> {
    /// Reads a place, or returns the error why that is not possible.
    async fn held(&self, place: &str) -> Result<Held> {
        let now = Instant::now();
        let until = *self.until.get_or_init(|| now + MAX_TIME);
        let held = held(place, self.ledger, self.opening);
        match timeout_at(until.min(now + MAX_TIME_OF_ONE), held).await {
            Ok(held) => held,
            Err(_) => Err(Error::new(ErrorKind::Timeout, Fate::NotSent, NO_TIME)),
        }
    }
}

impl<'a> LeftOut<'a> {
    /// Collects the places of the configuration that no variable is in and that are none of another
    /// account. `ledger` is the id of the ledger: what another one wrote may be of another
    /// platform, whatever its id. `over` are the closed rotations of all accounts.
    pub(crate) fn new(
        account: &'a Account,
        ledger: &'a str,
        over: &'a [StoredRotation],
        policies: &Policies,
        opening: (&'a Sinks, &'a Arc<dyn Transport>),
    ) -> Self {
        let (sinks, _) = opening;
        let last = last_deliveries(sinks, over);
        let of_others = policies.iter().filter(|policy| {
            let others = &policy.config.account;
            others != account.name()
        });
        let of_others = of_others.flat_map(|policy| identities(sinks, &policy.config.sinks));
        let of_others: BTreeSet<_> = of_others.collect();
        let tables = sinks.iter().filter_map(|sink| {
            let place = WrittenPlace::configured(sink.name());
            sinks.template(&place).ok()
        });
        let own = policies.for_account(account.name());
        let templates = tables.chain(own.flat_map(|policy| policy.config.sinks.iter().cloned()));
        let (mut fixed, mut seen) = (Vec::new(), BTreeSet::new());
        for place in templates.filter(|template| !is_filled_in(template)) {
            let identity = identity(sinks, &place);
            // An id is another token's in another account.
            let is_of_another = last
                .get(&identity)
                .is_some_and(|delivery| !is_one_place(&delivery.stored.record.account, account));
            if is_of_another || of_others.contains(&identity) || !seen.insert(identity) {
                continue;
            }
            fixed.push((place, None));
        }
        Self {
            account,
            over,
            last,
            reading: Reading {
                ledger,
                opening,
                until: OnceLock::new(),
            },
            fixed,
            unread: Vec::new(),
        }
    }

    /// Returns the error about a place of a token that is not among `places`, which a policy
    /// writes.
    pub(crate) async fn objection(
        &mut self,
        policy: &str,
        token: &Token,
        places: &[String],
    ) -> Option<Error> {
        let (sinks, _) = self.reading.opening;
        let written: BTreeSet<_> = identities(sinks, places).into_iter().collect();
        let left = Left {
            policy,
            account: self.account,
            token: Some(&token.id),
            places,
        };
        for (place, read) in &mut self.fixed {
            if written.contains(&identity(sinks, place)) {
                continue;
            }
            if read.is_none() {
                let found = self.reading.held(place).await;
                *read = Some(found.unwrap_or_else(|error| {
                    self.unread.push(format!("{place} ({error})"));
                    Held::Unreadable
                }));
            }
            if *read == Some(Held::Token(token.id.clone())) {
                return Some(left.error(sinks, place, "holds it by its stamp"));
            }
        }
        self.left_by(self.last_of(token)?, &left, &written).await
    }

    /// Returns the same error where tokens have no ids, about a place that the last rotation of
    /// these places has written when they led elsewhere.
    pub(crate) async fn objection_without_id(
        &self,
        policy: &str,
        record: &RotationRecord,
    ) -> Option<Error> {
        let (sinks, _) = self.reading.opening;
        let subject = record.subject();
        let of_places = self.over.iter().filter_map(|stored| {
            let successor = delivered(stored)?;
            (stored.task.subject == subject).then_some((successor.delivered_at, stored))
        });
        let (_, last) = of_places.max_by_key(|(delivered_at, _)| *delivered_at)?;
        let left = Left {
            policy,
            account: self.account,
            token: None,
            places: &record.sinks,
        };
        let written = identities(sinks, &record.sinks).into_iter().collect();
        self.left_by(last, &left, &written).await
    }

    /// Returns the error about a place that got a token by its last rotation, may hold it still,
    /// and is not among those that are written now.
    async fn left_by(
        &self,
        last: &StoredRotation,
        left: &Left<'_>,
        written: &BTreeSet<String>,
    ) -> Option<Error> {
        let (sinks, _) = self.reading.opening;
        let (id, token) = (last.task.id, &delivered(last)?.token);
        for place in places_of(sinks, &last.record) {
            let identity = identity(sinks, place);
            let is_replaced = (self.last.get(&identity))
                .is_some_and(|delivery| delivery.successor.token != *token);
            if is_replaced || written.contains(&identity) {
                continue;
            }
            let other = &last.record.account;
            // Which has the same tokens, or is this one under an earlier name.
            let of_account = if other.name() == self.account.name() {
                String::new()
            } else {
                format!(" in the account {}", other.name())
            };
            let may_hold =
                format!("got it by its last rotation, {id}{of_account}, and may hold it still");
            let why = match self.reading.held(place).await {
                Ok(Held::Nothing) => continue,
                Ok(Held::Token(held)) if held != *token => continue,
                Ok(Held::Token(_)) => {
                    format!("holds it since its last rotation, {id}{of_account}")
                }
                Ok(_) => may_hold,
                Err(error) => {
                    let left = left.error(sinks, place, &format!("{may_hold} ({error})"));
                    // One that may be read a moment later is looked at again before an hour is
                    // over.
                    return Some(if error.kind().is_transient() {
                        left.with_kind(error.kind())
                    } else {
                        left
                    });
                }
            };
            return Some(left.error(sinks, place, &why));
        }
        None
    }

    /// Returns the finding about places that were not looked at, if there are any.
    pub(crate) fn not_looked_at(&self) -> Option<Oversight> {
        if self.unread.is_empty() {
            return None;
        }
        Some(Oversight {
            message: format!(
                "whether a token of {} is in a place that would keep a dead secret was not looked \
                 at: {}",
                self.account.name(),
                self.unread.join("; ")
            ),
            advice: "see to it that the place can be read",
        })
    }

    /// Returns the closed rotation that delivered a token last.
    fn last_of(&self, token: &Token) -> Option<&'a StoredRotation> {
        let of_token = self.over.iter().filter_map(|stored| {
            let successor = delivered(stored)?;
            let is_it =
                successor.token == token.id && is_one_place(&stored.record.account, self.account);
            is_it.then_some((successor.delivered_at, stored))
        });
        let last = of_token.max_by_key(|(delivered_at, _)| *delivered_at)?;
        Some(last.1)
    }
}

/// The token that a place is left with.
struct Left<'a> {
    policy: &'a str,
    account: &'a Account,
    /// Its id, where tokens have one.
    token: Option<&'a TokenId>,
    /// The places that the policy writes.
    places: &'a [String],
}

impl Left<'_> {
    fn error(&self, sinks: &Sinks, place: &str, why: &str) -> Error {
        let (policy, places) = (self.policy, self.places);
        let to = places.iter().map(String::as_str);
        let move_there = rotation_command(sinks, self.account, self.token, to);
        Error::configuration(format!(
            "{place} {why}, and policies.{policy} does not write it: it would keep a dead secret"
        ))
        .with_advice(format!(
            "let whoever reads it there read {} from now on, then `{move_there} \
             --only-these-places` or remove what is in the old place; or undo what made the policy \
             write another one (the name of the token, the table of the sink)",
            places.join(", ")
        ))
    }
}
