//! The other places that a token is in: those of a policy, those of its last rotation, and those
//! that nobody knows.

use std::collections::BTreeSet;

use tokenfleet::{Account, Error, Result, Token};
use tokenfleet_rotation::policy::SinkPlace;
use tokenfleet_rotation::runner::RotationRecord;

use crate::policies::Policies;
use crate::program_name::shell_quoted;
use crate::rotations::{Rotations, identities, identity, is_one_place, places_of};

/// Refuses a rotation of which another place of the token would keep the old secret.
///
/// Those are known that a policy of the configuration has for the token, and those that its last
/// rotation in the ledger wrote. If that cannot be read, there may be others.
pub(super) async fn check(
    rotations: &Rotations<'_>,
    record: &RotationRecord,
    subject: Option<&Token>,
) -> Result<()> {
    let named: BTreeSet<_> = identities(&rotations.sinks, &record.sinks)
        .into_iter()
        .collect();
    let check = Check {
        rotations,
        record,
        subject,
        named,
    };
    check.against_policies()?;
    check.against_unreadable_rotations().await?;
    check.against_last_rotation().await
}

struct Check<'a> {
    rotations: &'a Rotations<'a>,
    record: &'a RotationRecord,
    subject: Option<&'a Token>,
    /// The identities of the places that are named.
    named: BTreeSet<String>,
}

impl Check<'_> {
    fn against_policies(&self) -> Result<()> {
        let sinks = &self.rotations.sinks;
        let configuration = self.rotations.accounts.configuration();
        let policies = Policies::read(configuration, sinks)?;
        for policy in policies.for_account(self.account().name()) {
            let places = policy.config.sinks.iter();
            let places = places
                .map(|place| self.filled_in(place))
                .collect::<Result<Vec<_>>>();
            // The policy itself rotates no token of which it has no place.
            let Ok(places) = places else { continue };
            let is_covered = match self.subject {
                Some(token) => policy.config.matches(token, self.rotations.ledger_id()),
                None => self.shares_place(&places),
            };
            if !is_covered {
                continue;
            }
            let name = policy.name();
            self.refuse_missing(&places, &format!("policies.{name} delivers it to"))?;
            let of_policy = identities(sinks, &places);
            let mut named = self.record.sinks.iter();
            let other = named.find(|place| !of_policy.contains(&identity(sinks, place)));
            if let Some(other) = other {
                return Err(Error::invalid_input(format!(
                    "policies.{name} rotates this token and does not write {other}, which would \
                     keep a dead secret after that"
                ))
                .with_advice(format!(
                    "add it to `sinks` of the policy, or pass {OVERRIDE}"
                )));
            }
        }
        Ok(())
    }

    async fn against_unreadable_rotations(&self) -> Result<()> {
        let unreadable = self.rotations.unreadable_of(self.account()).await?;
        let objection = match self.subject {
            Some(token) => unreadable.objection(token, None),
            None => unreadable.objection_without_id(&self.record.subject()),
        };
        objection.map_or(Ok(()), Err)
    }

    async fn against_last_rotation(&self) -> Result<()> {
        let closed = self.rotations.store.closed_rotations().await?.rotations;
        let of_token = closed.iter().filter_map(|stored| {
            let record = &stored.record;
            let successor = record.rotation.successor.as_ref()?;
            let is_of_token = match self.subject {
                Some(token) => successor.token == token.id,
                None => record.rotation.subject.is_none() && self.shares_place(&record.sinks),
            };
            let is_here = is_one_place(&record.account, self.account());
            (is_here && is_of_token).then_some((successor.delivered_at, stored))
        });
        match of_token.max_by_key(|(delivered_at, _)| *delivered_at) {
            Some((_, last)) => {
                let writer = format!("its last rotation, {}, delivered it to", last.task.id);
                let places = places_of(&self.rotations.sinks, &last.record);
                let places: Vec<_> = places.map(str::to_owned).collect();
                self.refuse_missing(&places, &writer)
            }
            None => Ok(()),
        }
    }

    /// Refuses places of the token that are not named.
    fn refuse_missing(&self, places: &[String], writer: &str) -> Result<()> {
        let sinks = &self.rotations.sinks;
        let is_missing = |place: &&String| !self.named.contains(&identity(sinks, place));
        let missing: Vec<_> = places.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = missing.iter().map(|place| place.as_str()).collect();
        let options = missing.iter().map(|place| self.option(place));
        let advice = match options.collect::<Option<Vec<_>>>() {
            Some(options) => format!("add {}, or pass {OVERRIDE}", options.join(" ")),
            None => format!("to leave them so, pass {OVERRIDE}"),
        };
        Err(Error::invalid_input(format!(
            "{writer} {} too, where a dead secret would be left",
            texts.join(", ")
        ))
        .with_advice(advice))
    }

    /// Returns the option that names a place for this token, if there is one.
    fn option(&self, place: &str) -> Option<String> {
        let written = self.rotations.sinks.written(place)?;
        let template = self.rotations.sinks.template(&written).ok()?;
        let is_same = self
            .filled_in(&template)
            .is_ok_and(|filled| filled == place);
        is_same.then(|| format!("--to {}", shell_quoted(&written.to_string())))
    }

    fn filled_in(&self, template: &str) -> Result<String> {
        let place = SinkPlace::new(template, self.account().name(), self.subject)?;
        Ok(place.as_str().to_owned())
    }

    fn shares_place(&self, places: &[String]) -> bool {
        let places = identities(&self.rotations.sinks, places);
        places.iter().any(|place| self.named.contains(place))
    }

    fn account(&self) -> &Account {
        &self.record.account
    }
}

/// The option that leaves other places with a dead secret.
const OVERRIDE: &str = "--only-these-places";
