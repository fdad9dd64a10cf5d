//! `/user/tokens/`: list, create and refresh API keys.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Platform, State,
    error::Error,
    options::{Mask, SecondKey, Times, UnknownSlug},
    pages::Page,
};
use crate::{response, target::Target};

/// An API key as JSON.
#[derive(Debug, Serialize)]
struct ApiKey {
    created: String,
    key: String,
    slug_perm: String,
}

/// A page of API keys as JSON.
#[derive(Debug, Serialize)]
struct KeyList {
    results: Vec<ApiKey>,
}

impl Platform {
    /// Serves `GET /user/tokens/`.
    pub(super) fn list(
        &self,
        state: &State,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let slots = state.keys.live_slots();
        let page = Page::parse(target, slots.len(), &self.options)?;
        let results = slots[page.range()]
            .iter()
            .filter_map(|slot| {
                let mut key = self.api_key(state, *slot)?;
                key.key = mask_key(&key.key, self.options.mask);
                Some(key)
            })
            .collect();
        let mut response = response::json(200, &KeyList { results });
        page.add_headers(&mut response, request, target, &self.options);
        Ok(response)
    }

    /// Serves `POST /user/tokens/`.
    pub(super) fn create(&self, state: &mut State) -> Result<Response<Bytes>, Error> {
        let exists = !state.keys.live_slots().is_empty();
        if exists && self.options.second_key == SecondKey::Refused {
            return Err(Error::new(400, "User has already created an API key."));
        }
        let slot = state.keys.add(self.now().as_microsecond());
        self.key_response(state, slot, 201)
    }

    /// Serves `PUT /user/tokens/{slug}/refresh/`.
    pub(super) fn refresh(&self, state: &mut State, slug: &str) -> Result<Response<Bytes>, Error> {
        let slot = state
            .keys
            .by_slug(slug)
            .ok_or_else(|| self.unknown_slug())?;
        let now = self.now().as_microsecond();
        state.keys.refresh(slot, now, &self.options);
        self.key_response(state, slot, 200)
    }

    fn unknown_slug(&self) -> Error {
        match self.options.unknown_slug {
            UnknownSlug::Spec => Error::new(404, "The specified API key cannot be found."),
            UnknownSlug::Framework => Error::not_found(),
        }
    }

    /// Returns a response that shows a key with its secret.
    fn key_response(
        &self,
        state: &State,
        slot: u32,
        status: u16,
    ) -> Result<Response<Bytes>, Error> {
        let key = self.api_key(state, slot).ok_or_else(Error::not_found)?;
        Ok(response::json(status, &key))
    }

    /// Converts a key into JSON, with its secret.
    fn api_key(&self, state: &State, slot: u32) -> Option<ApiKey> {
        let key = state.keys.get(slot)?;
        Some(ApiKey {
            created: format_time(key.created, self.options.times),
            key: state.keys.secret(slot)?,
            slug_perm: state.keys.slug(slot)?,
        })
    }
}

/// Masks a key.
pub(super) fn mask_key(key: &str, mask: Mask) -> String {
    let stars = |count: usize| "*".repeat(count);
    match mask {
        Mask::Stars => stars(key.len()),
        Mask::LastFour => format!("{}{}", stars(key.len() - 4), &key[key.len() - 4..]),
        Mask::FirstFour => format!("{}...", &key[..4]),
        Mask::Empty => String::new(),
    }
}

/// Formats a time.
pub(super) fn format_time(microseconds: i64, times: Times) -> String {
    let time = Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    match times {
        Times::Milliseconds => format!("{time:.3}"),
        Times::Microseconds => format!("{time:.6}"),
        Times::Offset => format!("{time:.3}").replace('Z', "+00:00"),
    }
}
