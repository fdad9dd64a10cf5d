//! The tokens that were issued. They have no id and no name: the token is all there is.

use std::collections::HashMap;

use super::options::{Options, TokenFormat};
use crate::seeding::{Dice, hex};

/// One token's record.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    secret: [u8; 16],
    pub(super) site: Site,
    /// Milliseconds since 1970, as all times here.
    pub(super) issued: i64,
    pub(super) expires: i64,
    pub(super) renewals: u32,
}

/// One of the two sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Own,
    Other,
}

#[derive(Debug)]
pub(super) struct Tokens {
    issued: Vec<Option<Issued>>,
    by_secret: HashMap<[u8; 16], u32>,
    dice: Dice,
    made: u64,
    format: TokenFormat,
}

impl Tokens {
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        Self {
            issued: Vec::new(),
            by_secret: HashMap::new(),
            dice,
            made: 0,
            format: options.token_format,
        }
    }

    /// Issues a token and returns its place.
    pub(super) fn add(&mut self, site: Site, issued: i64, expires: i64) -> u32 {
        let place = u32::try_from(self.issued.len()).unwrap_or(u32::MAX);
        let secret = self.fresh_secret();
        self.by_secret.insert(secret, place);
        self.issued.push(Some(Issued {
            secret,
            site,
            issued,
            expires,
            renewals: 0,
        }));
        place
    }

    pub(super) fn remove(&mut self, place: u32) -> bool {
        let removed = self.issued.get_mut(place as usize).and_then(Option::take);
        if let Some(token) = &removed {
            self.by_secret.remove(&token.secret);
        }
        removed.is_some()
    }

    /// Ends all tokens of a site.
    pub(super) fn end_all(&mut self, site: Site) {
        for place in self.places() {
            if self.get(place).is_some_and(|token| token.site == site) {
                self.remove(place);
            }
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&Issued> {
        self.issued.get(place as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Issued> {
        self.issued.get_mut(place as usize)?.as_mut()
    }

    /// Gives a token another text; the old one is dead.
    pub(super) fn replace_secret(&mut self, place: u32) {
        let secret = self.fresh_secret();
        if let Some(Some(token)) = self.issued.get_mut(place as usize) {
            self.by_secret.remove(&token.secret);
            token.secret = secret;
            self.by_secret.insert(secret, place);
        }
    }

    /// The places of the tokens that exist, oldest first.
    pub(super) fn places(&self) -> Vec<u32> {
        (0u32..)
            .zip(&self.issued)
            .filter(|(_, token)| token.is_some())
            .map(|(place, _)| place)
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.by_secret.len()
    }

    pub(super) fn by_secret(&self, secret: &str) -> Option<u32> {
        let bytes = u128::from_str_radix(secret.get(..32)?, 16).ok()?;
        let place = self.by_secret.get(&bytes.to_be_bytes()).copied()?;
        (self.secret(place)? == secret).then_some(place)
    }

    pub(super) fn secret(&self, place: u32) -> Option<String> {
        let secret = self.get(place)?.secret;
        let mut text = hex(&secret);
        if self.format == TokenFormat::Long {
            let number = u64::from(place);
            text.push_str(&hex(&self.dice.digest("mindbody tail", number)[..16]));
        }
        Some(text)
    }

    fn fresh_secret(&mut self) -> [u8; 16] {
        self.made += 1;
        let high = u128::from(self.dice.roll(self.made, 40));
        let low = u128::from(self.dice.roll(self.made, 41));
        ((high << 64) | low).to_be_bytes()
    }
}
