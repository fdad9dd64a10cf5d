//! `/user/tokens/`: list, create and refresh API keys.

use bytes::Bytes;
use http::{Request, Response, header};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Platform, State,
    error::Error,
    options::{EmptyHeaders, Links, Mask, PastEnd, SecondKey, Times, UnknownSlug},
};
use crate::{response, target::Target};

const DEFAULT_PAGE_SIZE: usize = 30;
const MAX_PAGE_SIZE: usize = 500;

/// An API key as JSON.
#[derive(Debug, Serialize)]
struct ApiKey {
    created: String,
    key: String,
    slug_perm: String,
}

/// A page of API keys as JSON.
#[derive(Debug, Serialize)]
struct Page {
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
        let page = page_number(target.parameter("page"))?;
        let size = page_size(target.parameter("page_size"));
        let pages = slots.len().div_ceil(size).max(1);
        if page > pages && self.options.past_end == PastEnd::NotFound {
            return Err(Error::new(404, "Invalid page."));
        }
        let results = slots
            .iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .filter_map(|slot| {
                let mut key = self.api_key(state, *slot)?;
                key.key = mask_key(&key.key, self.options.mask);
                Some(key)
            })
            .collect();
        let mut response = response::json(200, &Page { results });
        if slots.is_empty() && self.options.empty_headers == EmptyHeaders::Absent {
            return Ok(response);
        }
        for (name, value) in [
            ("x-pagination-count", slots.len()),
            ("x-pagination-page", page),
            ("x-pagination-pagetotal", pages),
            ("x-pagination-pagesize", size),
        ] {
            response::set_header(&mut response, name, &value.to_string());
        }
        let links = self.page_links(request, target, page, pages);
        if !links.is_empty() {
            response::set_header(&mut response, header::LINK.as_str(), &links);
        }
        Ok(response)
    }

    /// Returns the `Link` header of a page, empty if the page has no links.
    fn page_links(
        &self,
        request: &Request<Bytes>,
        target: &Target,
        page: usize,
        pages: usize,
    ) -> String {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .map_or("https://api.cloudsmith.io".to_owned(), |host| {
                format!("http://{host}")
            });
        let size = target
            .parameter("page_size")
            .filter(|_| self.options.links == Links::Full)
            .map_or(String::new(), |size| format!("&page_size={size}"));
        let link = |number: usize, relation: &str| {
            format!(
                "<{host}{}?page={number}{size}>; rel=\"{relation}\"",
                target.path
            )
        };
        let mut links = Vec::new();
        if pages > 1 {
            links.push(link(1, "first"));
            links.push(link(pages, "last"));
        }
        if page > 1 {
            links.push(link(page - 1, "prev"));
        }
        if page < pages {
            links.push(link(page + 1, "next"));
        }
        links.join(", ")
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

/// Parses a page number; absent, empty or not positive is the first page.
fn page_number(text: Option<&str>) -> Result<usize, Error> {
    match text {
        None | Some("") => Ok(1),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number < 1 => Ok(1),
            Ok(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
            Err(_) => Err(Error::new(404, "Invalid page.")),
        },
    }
}

/// Parses a page size; absent, 0 or not a number is the default.
fn page_size(text: Option<&str>) -> usize {
    match text.and_then(|text| text.parse::<usize>().ok()) {
        None | Some(0) => DEFAULT_PAGE_SIZE,
        Some(size) => size.min(MAX_PAGE_SIZE),
    }
}

/// Masks a key.
fn mask_key(key: &str, mask: Mask) -> String {
    let stars = |count: usize| "*".repeat(count);
    match mask {
        Mask::Stars => stars(key.len()),
        Mask::LastFour => format!("{}{}", stars(key.len() - 4), &key[key.len() - 4..]),
        Mask::FirstFour => format!("{}...", &key[..4]),
        Mask::Empty => String::new(),
    }
}

/// Formats a time.
fn format_time(microseconds: i64, times: Times) -> String {
    let time = Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    match times {
        Times::Milliseconds => format!("{time:.3}"),
        Times::Microseconds => format!("{time:.6}"),
        Times::Offset => format!("{time:.3}").replace('Z', "+00:00"),
    }
}
