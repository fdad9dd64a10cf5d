//! The API keys of the user: at most one on the real platform, any number in tests.

use std::collections::HashMap;

use super::options::{CreatedOnRefresh, KeyFormat, Options, SlugOnRefresh};
use crate::seeding::{Dice, alphanumeric, hex};

/// The record of an API key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    slug: [u8; 12],
    secret: [u8; 16],
    /// The time of creation in microseconds since 1970.
    pub(super) created: i64,
}

/// The API keys, by slot, slug and secret.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<Option<Key>>,
    /// The slots of existing keys, oldest first.
    live_slots: Vec<u32>,
    by_slug: HashMap<[u8; 12], u32>,
    by_secret: HashMap<[u8; 16], u32>,
    dice: Dice,
    /// The number of generated secrets and slugs, which makes each one unique.
    generated: u64,
    prefix: &'static str,
}

impl Keys {
    /// Creates an empty store.
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        Self {
            keys: Vec::new(),
            live_slots: Vec::new(),
            by_slug: HashMap::new(),
            by_secret: HashMap::new(),
            dice,
            generated: 0,
            prefix: match options.key_format {
                KeyFormat::Hex => "",
                KeyFormat::Prefixed => "ck_",
            },
        }
    }

    /// Returns what every key begins with.
    pub(super) fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Creates a key and returns its slot.
    pub(super) fn add(&mut self, created: i64) -> u32 {
        let slot = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let key = Key {
            slug: self.fresh_slug(),
            secret: self.fresh_secret(),
            created,
        };
        self.by_slug.insert(key.slug, slot);
        self.by_secret.insert(key.secret, slot);
        self.keys.push(Some(key));
        self.live_slots.push(slot);
        slot
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(key) = self.keys.get_mut(slot as usize).and_then(Option::take) {
            self.by_slug.remove(&key.slug);
            self.by_secret.remove(&key.secret);
            if let Ok(index) = self.live_slots.binary_search(&slot) {
                self.live_slots.remove(index);
            }
        }
    }

    /// Replaces the secret of a key; the old one stops working.
    pub(super) fn refresh(&mut self, slot: u32, now: i64, options: &Options) {
        let secret = self.fresh_secret();
        let slug = self.fresh_slug();
        let Some(Some(key)) = self.keys.get_mut(slot as usize) else {
            return;
        };
        self.by_secret.remove(&key.secret);
        key.secret = secret;
        self.by_secret.insert(secret, slot);
        if options.slug_on_refresh == SlugOnRefresh::Changes {
            self.by_slug.remove(&key.slug);
            key.slug = slug;
            self.by_slug.insert(slug, slot);
        }
        if options.created_on_refresh == CreatedOnRefresh::Changes {
            key.created = now;
        }
    }

    /// Returns the key in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Key> {
        self.keys.get(slot as usize)?.as_ref()
    }

    /// Returns the slots of existing keys, oldest first.
    pub(super) fn live_slots(&self) -> &[u32] {
        &self.live_slots
    }

    /// Returns the slot of the key with this slug.
    pub(super) fn by_slug(&self, slug: &str) -> Option<u32> {
        let slug: [u8; 12] = slug.as_bytes().try_into().ok()?;
        self.by_slug.get(&slug).copied()
    }

    /// Returns the slot of the key with this secret.
    pub(super) fn by_secret(&self, secret: &str) -> Option<u32> {
        let digits = secret.strip_prefix(self.prefix)?;
        let bytes = (digits.len() == 32)
            .then(|| u128::from_str_radix(digits, 16).ok())
            .flatten()?
            .to_be_bytes();
        let slot = self.by_secret.get(&bytes).copied()?;
        // Upper-case digits parse to the same number, but are not this key.
        (self.secret(slot)? == secret).then_some(slot)
    }

    /// Returns the slug of a key.
    pub(super) fn slug(&self, slot: u32) -> Option<String> {
        let key = self.get(slot)?;
        Some(String::from_utf8_lossy(&key.slug).into_owned())
    }

    /// Returns the secret of a key.
    pub(super) fn secret(&self, slot: u32) -> Option<String> {
        Some(format!("{}{}", self.prefix, hex(&self.get(slot)?.secret)))
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

    /// Draws 16 bytes that were not drawn before.
    fn fresh(&mut self, purpose: u64) -> [u8; 16] {
        self.generated += 1;
        let high = u128::from(self.dice.roll(self.generated, purpose));
        let low = u128::from(self.dice.roll(self.generated, purpose + 1));
        ((high << 64) | low).to_be_bytes()
    }
}
