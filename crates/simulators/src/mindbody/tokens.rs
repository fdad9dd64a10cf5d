//! The issued tokens, which have no id and no name.

use std::collections::HashMap;

use super::options::{Options, TokenFormat};
use crate::seeding::{Dice, hex};

/// The record of an issued token.
#[derive(Clone, Debug)]
pub(super) struct Record {
    secret: [u8; 16],
    pub(super) site: Site,
    /// The time of issue in milliseconds since 1970, like all times here.
    pub(super) issued: i64,
    pub(super) expires: i64,
    pub(super) renewals: u32,
}

/// The site of a token or request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Own,
    Other,
}

/// The issued tokens, by slot and secret.
#[derive(Debug)]
pub(super) struct Tokens {
    records: Vec<Option<Record>>,
    by_secret: HashMap<[u8; 16], u32>,
    dice: Dice,
    generated: u64,
    format: TokenFormat,
}

impl Tokens {
    /// Creates an empty store.
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        Self {
            records: Vec::new(),
            by_secret: HashMap::new(),
            dice,
            generated: 0,
            format: options.token_format,
        }
    }

    /// Issues a token and returns its slot.
    pub(super) fn add(&mut self, site: Site, issued: i64, expires: i64) -> u32 {
        let slot = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let secret = self.fresh_secret();
        self.by_secret.insert(secret, slot);
        self.records.push(Some(Record {
            secret,
            site,
            issued,
            expires,
            renewals: 0,
        }));
        slot
    }

    /// Removes a token; `false` if there is none.
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        let removed = self.records.get_mut(slot as usize).and_then(Option::take);
        if let Some(token) = &removed {
            self.by_secret.remove(&token.secret);
        }
        removed.is_some()
    }

    /// Removes all tokens of a site.
    pub(super) fn remove_all(&mut self, site: Site) {
        for slot in self.live_slots() {
            if self.get(slot).is_some_and(|token| token.site == site) {
                self.remove(slot);
            }
        }
    }

    /// Returns the record in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
        self.records.get(slot as usize)?.as_ref()
    }

    /// Returns the record in a slot for changes.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Record> {
        self.records.get_mut(slot as usize)?.as_mut()
    }

    /// Replaces the text of a token; the old one stops working.
    pub(super) fn replace_secret(&mut self, slot: u32) {
        let secret = self.fresh_secret();
        if let Some(Some(token)) = self.records.get_mut(slot as usize) {
            self.by_secret.remove(&token.secret);
            token.secret = secret;
            self.by_secret.insert(secret, slot);
        }
    }

    /// Returns the slots of existing tokens, oldest first.
    pub(super) fn live_slots(&self) -> Vec<u32> {
        (0u32..)
            .zip(&self.records)
            .filter(|(_, token)| token.is_some())
            .map(|(slot, _)| slot)
            .collect()
    }

    /// Returns the number of existing tokens.
    pub(super) fn count(&self) -> usize {
        self.by_secret.len()
    }

    /// Returns the slot of a token.
    pub(super) fn by_secret(&self, secret: &str) -> Option<u32> {
        let bytes = u128::from_str_radix(secret.get(..32)?, 16).ok()?;
        let slot = self.by_secret.get(&bytes.to_be_bytes()).copied()?;
        (self.secret(slot)? == secret).then_some(slot)
    }

    /// Returns the text of a token.
    pub(super) fn secret(&self, slot: u32) -> Option<String> {
        let secret = self.get(slot)?.secret;
        let mut text = hex(&secret);
        if self.format == TokenFormat::Long {
            let number = u64::from(slot);
            text.push_str(&hex(&self.dice.digest("mindbody tail", number)[..16]));
        }
        Some(text)
    }

    fn fresh_secret(&mut self) -> [u8; 16] {
        self.generated += 1;
        let high = u128::from(self.dice.roll(self.generated, 40));
        let low = u128::from(self.dice.roll(self.generated, 41));
        ((high << 64) | low).to_be_bytes()
    }
}
