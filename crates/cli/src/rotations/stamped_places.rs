//! The places whose stamps tell which token they hold.

use std::collections::BTreeMap;

use tokenfleet::journal::OperationId;
use tokenfleet::{Account, Error, Result, Secret, Token};
use tokenfleet_rotation::policy::SinkPlace;
use tokenfleet_rotation::runner::StoredRotation;

use super::held::{Held, held, read};
use super::holders::is_one_place;
use super::opened::Rotations;
use super::places::{identity, places_of};
use crate::policies::Policies;
use crate::sinks::is_filled_in;
use crate::written_place::WrittenPlace;

/// The places of the configuration and of the ledger, each read when it is first needed.
pub(crate) struct StampedPlaces<'a> {
    rotations: &'a Rotations<'a>,
    policies: Policies,
    /// The places that no variable is in.
    fixed: Vec<String>,
    /// The rotations of each account.
    recorded: BTreeMap<Account, Vec<StoredRotation>>,
    /// The content of each place, by the identity of the place.
    read: BTreeMap<String, Result<Held>>,
}

/// The place that holds a token.
pub(crate) enum Holder {
    /// This one, by its stamp.
    Place(String),
    /// Perhaps this one, for this reason.
    Perhaps(String, String),
    /// None that is known.
    Nobody,
}

impl<'a> StampedPlaces<'a> {
    /// Collects the places. None is read yet.
    pub(crate) async fn collect(rotations: &'a Rotations<'a>) -> Result<Self> {
        let configuration = rotations.accounts.configuration();
        let policies = Policies::read(configuration, &rotations.sinks)?;
        let configured = rotations.sinks.iter().filter_map(|sink| {
            let place = WrittenPlace::configured(sink.name());
            rotations.sinks.template(&place).ok()
        });
        let templates = policies.iter().flat_map(|policy| &policy.config.sinks);
        let templates = configured.chain(templates.cloned());
        let fixed = templates.filter(|template| !is_filled_in(template));
        let fixed: Vec<_> = fixed.collect();
        let mut recorded = BTreeMap::<Account, Vec<StoredRotation>>::new();
        let mut all = rotations.store.closed_rotations().await?.rotations;
        all.extend(rotations.store.open_rotations().await?.rotations);
        for stored in all {
            let account = stored.record.account.clone();
            recorded.entry(account).or_default().push(stored);
        }
        Ok(Self {
            rotations,
            policies,
            fixed,
            recorded,
            read: BTreeMap::new(),
        })
    }

    /// Finds the place that holds a token by its stamp. `origin` is the rotation that made it or
    /// was to replace it.
    pub(crate) async fn holder(
        &mut self,
        account: &Account,
        token: &Token,
        origin: Option<OperationId>,
    ) -> Holder {
        let mut places = self.fixed.clone();
        places.extend(self.of_policies(account, Some(token)));
        let (mut related, mut others) = (Vec::new(), Vec::new());
        for stored in self.of_account(account) {
            let rotation = &stored.record.rotation;
            let successor = rotation.successor.as_ref();
            let is_related = origin == Some(stored.task.id)
                || rotation.subject.as_ref() == Some(&token.id)
                || successor.is_some_and(|successor| successor.token == token.id);
            let to = if is_related {
                &mut related
            } else {
                &mut others
            };
            let places = places_of(&self.rotations.sinks, &stored.record);
            to.extend(places.map(str::to_owned));
        }
        // What the places of other tokens hold is no question of this one, unless no rotation says
        // where it went.
        let suspects = if related.is_empty() {
            [places.clone(), others.clone()].concat()
        } else {
            related.clone()
        };
        for place in [places, related, others].concat() {
            if (self.held(&place).await).is_ok_and(|held| held.names(&token.id)) {
                return Holder::Place(place);
            }
        }
        for place in suspects {
            match self.held(&place).await {
                Ok(Held::Unknown | Held::Unreadable) => {
                    let reason = "its stamp does not tell whose secret is there".to_owned();
                    return Holder::Perhaps(place, reason);
                }
                Err(error) => return Holder::Perhaps(place, error.to_string()),
                Ok(_) => {}
            }
        }
        Holder::Nobody
    }

    /// Returns the places that may hold tokens of an account, by their identities: those of its
    /// policies and its rotations, and those of the configuration that no variable is in. Without
    /// tokens, no place that is named after one is among them.
    pub(super) fn places_for(
        &self,
        account: &Account,
        tokens: &[Token],
    ) -> BTreeMap<String, String> {
        let sinks = &self.rotations.sinks;
        let unnamed = tokens.is_empty().then_some(None);
        let of_policies = (tokens.iter().map(Some))
            .chain(unnamed)
            .flat_map(|token| self.of_policies(account, token));
        let recorded = self.of_account(account);
        let recorded = recorded.flat_map(|stored| places_of(sinks, &stored.record));
        let places = self.fixed.iter().cloned().chain(of_policies);
        let mut found = BTreeMap::new();
        for place in places.chain(recorded.map(str::to_owned)) {
            found.entry(identity(sinks, &place)).or_insert(place);
        }
        found
    }

    /// Returns the templates of the policies of an account that need the name of a token.
    pub(super) fn named_after_tokens(&self, account: &Account) -> Vec<&str> {
        let policies = self.policies.for_account(account.name());
        let templates = policies.flat_map(|policy| &policy.config.sinks);
        let templates = templates.filter(|template| template.contains("{name}"));
        templates.map(String::as_str).collect()
    }

    /// Returns the rotations of an account, which may have been renamed in the configuration.
    fn of_account(&self, account: &Account) -> impl Iterator<Item = &StoredRotation> {
        let recorded = self.recorded.iter();
        let recorded = recorded.filter(|(other, _)| is_one_place(other, account));
        recorded.flat_map(|(_, rotations)| rotations)
    }

    /// Returns why it is not known whose secret a place holds, if it does not hold a token by its
    /// stamp and is not empty.
    pub(crate) async fn doubt(&mut self, place: &str) -> Option<Error> {
        match self.held(place).await {
            Ok(Held::Unknown | Held::Unreadable) => Some(Error::invalid_input(
                "its stamp does not tell whose secret is there",
            )),
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }

    fn of_policies(&self, account: &Account, token: Option<&Token>) -> Vec<String> {
        let policies = self.policies.for_account(account.name());
        let templates = policies.flat_map(|policy| &policy.config.sinks);
        let filled = templates.filter_map(|sink| SinkPlace::new(sink, account.name(), token).ok());
        filled.map(|place| place.as_str().to_owned()).collect()
    }

    /// Reads a place, and returns `true` if it holds this secret, and `None` if that cannot be
    /// read.
    pub(super) async fn has_secret(&self, place: &str, secret: &Secret) -> Result<Option<bool>> {
        let opening = (&self.rotations.sinks, self.rotations.accounts.transport());
        let Some(state) = read(place, opening).await? else {
            return Ok(None);
        };
        Ok(match (state.secret, state.stamp) {
            (Some(held), _) => Some(held.is_same(secret)),
            (None, Some(_)) => None,
            (None, None) => Some(false),
        })
    }

    /// Reads a place, unless it was read before.
    pub(super) async fn held(&mut self, place: &str) -> Result<Held> {
        let identity = identity(&self.rotations.sinks, place);
        if let Some(read) = self.read.get(&identity) {
            return read.clone();
        }
        let opening = (&self.rotations.sinks, self.rotations.accounts.transport());
        let read = held(place, self.rotations.ledger_id(), opening).await;
        self.read.insert(identity, read.clone());
        read
    }
}
