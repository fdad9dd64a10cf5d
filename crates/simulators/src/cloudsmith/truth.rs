//! The ground truth of the collection that the options choose.

use jiff::Timestamp;

use super::{Platform, State, options::Collection};
use crate::Token;

impl Platform {
    /// Returns the slots of the collection that the ground truth covers, oldest first.
    pub(super) fn true_slots(&self, state: &State) -> Vec<u32> {
        match self.options.collection {
            Collection::User => state.keys.live_slots().to_vec(),
            Collection::Services => state.services.slots().collect(),
        }
    }

    /// Returns the ground truth of a slot of that collection.
    pub(super) fn truth(&self, state: &State, slot: u32) -> Option<Token> {
        match self.options.collection {
            Collection::User => key_truth(state, slot),
            Collection::Services => service_truth(state, slot, self.now()),
        }
    }

    /// Returns the slot of an id of that collection.
    pub(super) fn true_slot(&self, state: &State, id: &str) -> Option<u32> {
        match self.options.collection {
            Collection::User => state.keys.by_slug(id),
            Collection::Services => state.services.by_slug(id),
        }
    }
}

/// Returns the ground truth of a key.
fn key_truth(state: &State, slot: u32) -> Option<Token> {
    let key = state.keys.get(slot)?;
    Some(Token {
        id: state.keys.slug(slot)?,
        name: None,
        state: crate::State::Active,
        created: Timestamp::from_microsecond(key.created).ok()?,
        updated: None,
        expires: None,
        last_used: None,
        secret: state.keys.secret(slot)?,
    })
}

/// Returns the ground truth of a service account and its key.
fn service_truth(state: &State, slot: u32, now: Timestamp) -> Option<Token> {
    let service = state.services.get(slot)?;
    let expires = service.expires.map(Timestamp::from_microsecond);
    Some(Token {
        id: service.slug.clone(),
        name: Some(service.name.clone()),
        state: if service.is_expired(now) {
            crate::State::Expired
        } else {
            crate::State::Active
        },
        created: Timestamp::from_microsecond(service.created).ok()?,
        updated: None,
        expires: expires.transpose().ok()?,
        last_used: None,
        secret: service.key.clone(),
    })
}
