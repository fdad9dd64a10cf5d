//! The user's API keys. There is one at most, or as many as a test wants.

use std::collections::HashMap;

use super::options::{CreatedOnRefresh, KeyFormat, Options, SlugOnRefresh};
use crate::seeding::{Dice, alphanumeric, hex};

/// One key's record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    slug: [u8; 12],
    secret: [u8; 16],
    /// Microseconds since 1970.
    pub(super) created: i64,
}

#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<Option<Key>>,
    /// The places of those that exist, oldest first.
    alive: Vec<u32>,
    by_slug: HashMap<[u8; 12], u32>,
    by_secret: HashMap<[u8; 16], u32>,
    dice: Dice,
    /// Counts secrets and slugs, so that none comes twice.
    made: u64,
    prefix: &'static str,
}

impl Keys {
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        Self {
            keys: Vec::new(),
            alive: Vec::new(),
            by_slug: HashMap::new(),
            by_secret: HashMap::new(),
            dice,
            made: 0,
            prefix: match options.key_format {
                KeyFormat::Hex => "",
                KeyFormat::Prefixed => "ck_",
            },
        }
    }

    /// Makes a key and returns its place.
    pub(super) fn add(&mut self, created: i64) -> u32 {
        let place = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let key = Key {
            slug: self.fresh_slug(),
            secret: self.fresh_secret(),
            created,
        };
        self.by_slug.insert(key.slug, place);
        self.by_secret.insert(key.secret, place);
        self.keys.push(Some(key));
        self.alive.push(place);
        place
    }

    pub(super) fn remove(&mut self, place: u32) {
        if let Some(key) = self.keys.get_mut(place as usize).and_then(Option::take) {
            self.by_slug.remove(&key.slug);
            self.by_secret.remove(&key.secret);
            if let Ok(at) = self.alive.binary_search(&place) {
                self.alive.remove(at);
            }
        }
    }

    /// Gives a key a new secret; the old one is worth nothing from here on.
    pub(super) fn refresh(&mut self, place: u32, now: i64, options: &Options) {
        let secret = self.fresh_secret();
        let slug = self.fresh_slug();
        let Some(Some(key)) = self.keys.get_mut(place as usize) else {
            return;
        };
        self.by_secret.remove(&key.secret);
        key.secret = secret;
        self.by_secret.insert(secret, place);
        if options.slug_on_refresh == SlugOnRefresh::Changes {
            self.by_slug.remove(&key.slug);
            key.slug = slug;
            self.by_slug.insert(slug, place);
        }
        if options.created_on_refresh == CreatedOnRefresh::Changes {
            key.created = now;
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&Key> {
        self.keys.get(place as usize)?.as_ref()
    }

    /// The places of the keys that exist, oldest first.
    pub(super) fn places(&self) -> &[u32] {
        &self.alive
    }

    pub(super) fn by_slug(&self, slug: &str) -> Option<u32> {
        let slug: [u8; 12] = slug.as_bytes().try_into().ok()?;
        self.by_slug.get(&slug).copied()
    }

    /// The place of the key whose secret this is.
    pub(super) fn by_secret(&self, secret: &str) -> Option<u32> {
        let digits = secret.strip_prefix(self.prefix)?;
        let bytes = (digits.len() == 32)
            .then(|| u128::from_str_radix(digits, 16).ok())
            .flatten()?
            .to_be_bytes();
        let place = self.by_secret.get(&bytes).copied()?;
        // Upper-case digits would read the same and are another key.
        (self.secret(place)? == secret).then_some(place)
    }

    pub(super) fn slug(&self, place: u32) -> Option<String> {
        let key = self.get(place)?;
        Some(String::from_utf8_lossy(&key.slug).into_owned())
    }

    pub(super) fn secret(&self, place: u32) -> Option<String> {
        Some(format!("{}{}", self.prefix, hex(&self.get(place)?.secret)))
    }

    fn fresh_secret(&mut self) -> [u8; 16] {
        self.fresh(30)
    }

    fn fresh_slug(&mut self) -> [u8; 12] {
        let text = alphanumeric(&self.fresh(32), 12);
        let mut slug = [b'0'; 12];
        slug.copy_from_slice(text.as_bytes());
        slug
    }

    fn fresh(&mut self, purpose: u64) -> [u8; 16] {
        self.made += 1;
        let high = u128::from(self.dice.roll(self.made, purpose));
        let low = u128::from(self.dice.roll(self.made, purpose + 1));
        ((high << 64) | low).to_be_bytes()
    }
}
