//! The service accounts of the organisation.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::options::{CreatedOnRefresh, Options, SlugOnRefresh};
use crate::seeding::{Dice, hex};

/// The length at which a slug that is made from a name is cut.
const MAX_SLUG_LENGTH: usize = 30;

/// A service account.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) slug: String,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) is_manager: bool,
    /// The teams, as they were sent.
    pub(super) teams: Vec<Value>,
    /// The time of creation in microseconds since 1970.
    pub(super) created: i64,
    /// The expiry of the key in microseconds since 1970.
    pub(super) expires: Option<i64>,
    /// The time from which on the service can be read.
    pub(super) visible_from: i64,
    /// The time from which on it is gone, once it was deleted.
    pub(super) gone_from: Option<i64>,
}

impl Service {
    /// Returns `true` if the key has expired.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The service accounts, by slot, slug and key.
#[derive(Debug)]
pub(super) struct Services {
    services: Vec<Option<Service>>,
    by_slug: HashMap<String, u32>,
    by_key: HashMap<String, u32>,
    /// The services that are deleted and not gone yet.
    going: Vec<u32>,
    dice: Dice,
    /// The number of keys and suffixes, which makes each one unique.
    generated: u64,
    prefix: &'static str,
}

impl Services {
    /// Creates an empty store.
    pub(super) fn new(prefix: &'static str, dice: Dice) -> Self {
        Self {
            services: Vec::new(),
            by_slug: HashMap::new(),
            by_key: HashMap::new(),
            going: Vec::new(),
            dice,
            generated: 0,
            prefix,
        }
    }

    /// Adds a service, with a new slug and key, and returns its slot.
    pub(super) fn add(&mut self, mut service: Service) -> u32 {
        let slot = u32::try_from(self.services.len()).unwrap_or(u32::MAX);
        service.slug = self.slug_for(&service.name);
        service.key = self.fresh_key();
        self.by_slug.insert(service.slug.clone(), slot);
        self.by_key.insert(service.key.clone(), slot);
        self.services.push(Some(service));
        slot
    }

    /// Deletes a service, which stays until `gone_from`, or as long as it was to stay if it is
    /// deleted already.
    pub(super) fn delete(&mut self, slot: u32, gone_from: i64) {
        if let Some(service) = self.get_mut(slot)
            && service.gone_from.is_none()
        {
            service.gone_from = Some(gone_from);
            self.going.push(slot);
        }
    }

    /// Removes the deleted services whose time has come.
    pub(super) fn settle(&mut self, now: i64) {
        for slot in std::mem::take(&mut self.going) {
            match self.get(slot) {
                Some(service) if service.gone_from.is_some_and(|from| from <= now) => {
                    self.remove(slot);
                }
                Some(_) => self.going.push(slot),
                None => {}
            }
        }
    }

    /// Removes a service at once; `false` if there is none.
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        let service = self.services.get_mut(slot as usize).and_then(Option::take);
        if let Some(service) = &service {
            self.by_slug.remove(&service.slug);
            self.by_key.remove(&service.key);
        }
        service.is_some()
    }

    /// Replaces the key of a service; the old one stops working.
    pub(super) fn refresh(&mut self, slot: u32, now: i64, expires: Option<i64>, options: &Options) {
        let key = self.fresh_key();
        let Some(Some(service)) = self.services.get_mut(slot as usize) else {
            return;
        };
        self.by_key.remove(&service.key);
        service.key.clone_from(&key);
        service.expires = expires;
        if options.created_on_refresh == CreatedOnRefresh::Changes {
            service.created = now;
        }
        self.by_key.insert(key, slot);
        if options.slug_on_refresh == SlugOnRefresh::Changes {
            self.renew_slug(slot);
        }
    }

    /// Gives a service a slug that its name leads to now.
    pub(super) fn renew_slug(&mut self, slot: u32) {
        let Some(name) = self.get(slot).map(|service| service.name.clone()) else {
            return;
        };
        let slug = self.slug_for(&name);
        if let Some(Some(service)) = self.services.get_mut(slot as usize) {
            self.by_slug.remove(&service.slug);
            service.slug.clone_from(&slug);
            self.by_slug.insert(slug, slot);
        }
    }

    /// Returns the service in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Service> {
        self.services.get(slot as usize)?.as_ref()
    }

    /// Returns the service in a slot, to change it.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Service> {
        self.services.get_mut(slot as usize)?.as_mut()
    }

    /// Returns the slots of existing services, in the order in which they were added.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let all = (0..).zip(&self.services);
        all.filter_map(|(slot, service)| service.as_ref().map(|_| slot))
    }

    /// Returns the number of existing services.
    pub(super) fn count(&self) -> usize {
        self.by_slug.len()
    }

    /// Returns the slot of the service with this slug.
    pub(super) fn by_slug(&self, slug: &str) -> Option<u32> {
        self.by_slug.get(slug).copied()
    }

    /// Returns the slot of the service with this key.
    pub(super) fn by_key(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Makes a slug from a name: cut at 30 characters, with other characters at its end if another
    /// service has it.
    fn slug_for(&mut self, name: &str) -> String {
        let plain: String = name
            .chars()
            .map(|c| match c {
                'a'..='z' | '0'..='9' | '_' | '-' => c,
                'A'..='Z' => c.to_ascii_lowercase(),
                _ => '-',
            })
            .collect();
        let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
        let mut slug = words.join("-");
        if slug.is_empty() {
            slug.push_str("service");
        }
        slug.truncate(MAX_SLUG_LENGTH);
        let stem = slug.get(..MAX_SLUG_LENGTH - 9).unwrap_or(&slug).to_owned();
        while self.by_slug.contains_key(&slug) {
            slug = format!("{stem}-{}", hex(&self.fresh(44)[..4]));
        }
        slug
    }

    fn fresh_key(&mut self) -> String {
        let digits = hex(&self.fresh(40));
        format!("{}{digits}", self.prefix)
    }

    /// Draws 16 bytes that were not drawn before.
    fn fresh(&mut self, purpose: u64) -> [u8; 16] {
        self.generated += 1;
        let high = u128::from(self.dice.roll(self.generated, purpose));
        let low = u128::from(self.dice.roll(self.generated, purpose + 1));
        ((high << 64) | low).to_be_bytes()
    }
}
