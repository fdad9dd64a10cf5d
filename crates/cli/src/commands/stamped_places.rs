//! The places whose stamps tell which token they hold.

use std::collections::BTreeMap;

use tokenfleet::{Account, Error, Result, Token, TokenId};
use tokenfleet_rotation::policy::SinkPlace;
use tokenfleet_rotation::sink::Readable;

use crate::accounts::Accounts;
use crate::policies::Policies;
use crate::rotations::{Rotations, identity};
use crate::sinks::is_filled_in;
use crate::written_place::WrittenPlace;

/// The places of the configuration and of the ledger, each read when it is first needed.
pub(super) struct StampedPlaces<'a> {
    rotations: Rotations<'a>,
    policies: Policies,
    /// The places that no variable is in.
    fixed: Vec<String>,
    /// The places of the rotations of each account.
    recorded: BTreeMap<Account, Vec<String>>,
    /// The token that each place holds by its stamp, by the identity of the place.
    read: BTreeMap<String, Result<Option<TokenId>>>,
}

/// The place that holds a token.
pub(super) enum Holder {
    /// This one, by its stamp.
    Place(String),
    /// Perhaps this one, which cannot be read.
    Unreadable(String, Error),
    /// None that is known.
    Nobody,
}

impl<'a> StampedPlaces<'a> {
    /// Collects the places. None is read yet.
    pub(super) async fn collect(accounts: &'a Accounts) -> Result<Self> {
        let rotations = Rotations::open_existing(accounts).await?;
        let policies = Policies::read(accounts.configuration(), &rotations.sinks)?;
        let configured = rotations.sinks.iter().filter_map(|sink| {
            let place = WrittenPlace::configured(sink.name());
            rotations.sinks.template(&place).ok()
        });
        let templates = policies.iter().flat_map(|policy| &policy.config.sinks);
        let templates = configured.chain(templates.cloned());
        let fixed = templates.filter(|template| !is_filled_in(template));
        let fixed: Vec<_> = fixed.collect();
        let mut recorded = BTreeMap::<Account, Vec<String>>::new();
        let mut all = rotations.store.closed_rotations().await?.rotations;
        all.extend(rotations.store.open_rotations().await?.rotations);
        for stored in all {
            let places = recorded.entry(stored.record.account).or_default();
            places.extend(stored.record.sinks);
        }
        Ok(Self {
            fixed,
            policies,
            recorded,
            read: BTreeMap::new(),
            rotations,
        })
    }

    /// Finds the place that holds a token by its stamp.
    pub(super) async fn holder(&mut self, account: &Account, token: &Token) -> Holder {
        let mut places = self.fixed.clone();
        for policy in self.policies.for_account(account.name()) {
            let filled = policy.config.sinks.iter();
            let filled =
                filled.filter_map(|sink| SinkPlace::new(sink, account.name(), Some(token)).ok());
            places.extend(filled.map(|place| place.as_str().to_owned()));
        }
        places.extend(self.recorded.get(account).cloned().unwrap_or_default());
        let mut unreadable = None;
        for place in places {
            match self.token_in(&place).await {
                Ok(Some(held)) if held == token.id => return Holder::Place(place),
                Ok(_) => {}
                Err(error) => unreadable = unreadable.or(Some((place, error))),
            }
        }
        match unreadable {
            Some((place, error)) => Holder::Unreadable(place, error),
            None => Holder::Nobody,
        }
    }

    async fn token_in(&mut self, place: &str) -> Result<Option<TokenId>> {
        let identity = identity(&self.rotations.sinks, place);
        if let Some(read) = self.read.get(&identity) {
            return read.clone();
        }
        let read = self.read(place).await;
        self.read.insert(identity, read.clone());
        read
    }

    async fn read(&self, place: &str) -> Result<Option<TokenId>> {
        // Whoever may write the ledger must not choose what is run or asked here.
        if !self.rotations.sinks.is_readable(place) {
            return Ok(None);
        }
        let sink = self.rotations.open_sink(place, false).await?;
        if sink.capabilities().readable == Readable::Nothing {
            return Ok(None);
        }
        let state = sink.read().await?;
        Ok(state.stamp.map(|stamp| stamp.token().clone()))
    }
}
