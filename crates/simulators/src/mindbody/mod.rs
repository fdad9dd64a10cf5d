//! Mindbody: staff user tokens, which are issued, renewed and revoked, but not listed.
//!
//! Served, under `/public/v6` and any other version number, ignoring case: `POST usertoken/issue`,
//! `POST usertoken/renew`, `DELETE usertoken/revoke`, and `GET site/sites` as an endpoint to try a
//! token on. Left out: the rest of the Public API, XML, multipart forms, and the OAuth sign-in.

mod error;
mod issue;
mod options;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
pub use error::Outage;
use http::{Request, Response};
use jiff::Timestamp;
pub use options::*;
use serde_json::json;

use self::{
    error::{Error, JSON},
    tokens::{Site, Tokens},
};
use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, Token, response,
    seeding::Dice, target::Target,
};

/// A simulated Mindbody. Clones share the platform.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use tokenfleet_simulators::{Simulator, dispatch, mindbody::{Mindbody, Options}};
///
/// let mindbody = Mindbody::new(Options::default());
/// let credentials = mindbody.credentials();
/// let request = http::Request::post("/public/v6/usertoken/issue")
///     .header("api-key", &credentials["api_key"])
///     .header("siteid", &credentials["site_id"])
///     .body(Bytes::from(r#"{"Username":"Siteowner","Password":"apitest1234"}"#))?;
/// assert_eq!(dispatch(&mindbody, request).await?.status(), 200);
/// assert_eq!(mindbody.token_count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mindbody(Arc<Platform>);

#[derive(Debug)]
struct Platform {
    options: Options,
    instruments: Instruments,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: Tokens,
    /// The time of the last issue in milliseconds since 1970.
    last_issue: Option<i64>,
    /// The current day, counted from 1970.
    day: i64,
    /// The number of calls on the current day.
    calls: u32,
}

const DAY: i64 = 86_400_000;

impl Mindbody {
    /// Creates a platform with these options.
    pub fn new(options: Options) -> Self {
        let dice = Dice::new(options.seed);
        let mut tokens = Tokens::new(&options, dice);
        let now = options.clock.now().as_millisecond();
        let lifetime = i64::from(options.lifetime_hours) * 3_600_000;
        let count = options.tokens as u64;
        for slot in 0..count {
            // Issued evenly over the last one and a half lifetimes: the first third has expired.
            let max_age = lifetime / 2 * 3;
            let thousandths = i64::try_from(slot * 1000 / count.max(1)).unwrap_or_default();
            let issued = now - max_age + max_age / 1000 * thousandths;
            tokens.add(Site::Own, issued, issued + lifetime);
        }
        Self(Arc::new(Platform {
            instruments: Instruments::new(options.clock.clone()).with_gzip(options.gzip),
            state: Mutex::new(State {
                tokens,
                last_issue: None,
                day: 0,
                calls: 0,
            }),
            options,
        }))
    }
}

impl Platform {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.instruments.clock.now()
    }

    /// Returns the ground truth of a token.
    fn ground_truth(&self, state: &State, slot: u32) -> Option<Token> {
        let token = state.tokens.get(slot)?;
        let time = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(Token {
            id: id(slot),
            name: None,
            state: if token.expires <= self.now().as_millisecond() {
                crate::State::Expired
            } else {
                crate::State::Active
            },
            created: time(token.issued),
            updated: None,
            expires: Some(time(token.expires)),
            last_used: None,
            secret: state.tokens.secret(slot)?,
        })
    }

    /// Routes a request.
    fn handle(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let target = Target::parse(request.uri());
        let path: Vec<String> = target
            .segments()
            .iter()
            .map(|segment| segment.to_lowercase())
            .collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let unmapped = || {
            let uri = request.uri();
            let message =
                format!("No HTTP resource was found that matches the request URI '{uri}'.");
            Error::framework(404, &message)
        };
        let action = match path.as_slice() {
            ["public", version, action @ ..] if is_version(version) => action,
            _ => return Err(unmapped()),
        };
        let method = match action {
            ["usertoken", "issue" | "renew"] => "POST",
            ["usertoken", "revoke"] => "DELETE",
            ["site", "sites"] => "GET",
            _ => return Err(unmapped()),
        };
        if request.method() != method {
            let method = request.method();
            let message =
                format!("The requested resource does not support http method '{method}'.");
            return Err(Error::framework(405, &message));
        }
        let mut state = self.state();
        let site = self.check_request(&mut state, request)?;
        match action {
            ["usertoken", "issue"] => self.issue(&mut state, site, request),
            ["usertoken", "renew"] => self.renew(&mut state, site, request),
            ["usertoken", _] => self.revoke(&mut state, site, request),
            _ => self.sites(&state, site, request),
        }
    }

    /// Checks the API key, the daily limit and the site of a request.
    fn check_request(&self, state: &mut State, request: &Request<Bytes>) -> Result<Site, Error> {
        let header = |name: &str| {
            let value = request.headers().get(name)?.to_str().ok()?.trim();
            (!value.is_empty()).then_some(value)
        };
        let key = header("api-key").ok_or_else(|| Error::denied(401, "Missing API key"))?;
        if key != self.options.api_key {
            let status = match self.options.wrong_api_key {
                WrongApiKey::Unauthorized => 401,
                WrongApiKey::Forbidden => 403,
            };
            return Err(Error::denied(status, "Invalid API key"));
        }
        if let Some(limit) = self.options.daily_limit {
            let day = self.now().as_millisecond().div_euclid(DAY);
            if state.day != day {
                (state.day, state.calls) = (day, 0);
            }
            if state.calls >= limit {
                let message = "The daily limit of API calls is reached.";
                return Err(Error::new(429, "TooManyRequests", message));
            }
            state.calls += 1;
        }
        let site = header("siteid")
            .ok_or_else(|| Error::new(400, "MissingRequiredFields", "SiteId is required."))?;
        if site == self.options.site_id {
            Ok(Site::Own)
        } else if site == self.options.other_site_id {
            Ok(Site::Other)
        } else {
            let status = match self.options.wrong_site {
                WrongSite::BadRequest => 400,
                WrongSite::Unauthorized => 401,
                WrongSite::Forbidden => 403,
            };
            Err(Error::new(status, "InvalidSiteId", "Site is deactivated"))
        }
    }

    /// Serves `GET site/sites`, with or without a token, but not with an invalid one.
    fn sites(
        &self,
        state: &State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        if issue::presented_token(request).is_some() {
            self.authenticate(state, site, request, 401)?;
        }
        let id = match site {
            Site::Own => &self.options.site_id,
            Site::Other => &self.options.other_site_id,
        };
        let id: i64 = id.parse().unwrap_or_default();
        let body = json!({
            "PaginationResponse": {
                "RequestedLimit": 100, "RequestedOffset": 0, "PageSize": 1, "TotalResults": 1,
            },
            "Sites": [{"Id": id, "Name": "Sandbox"}],
        });
        Ok(response::with_body(200, JSON, body.to_string()))
    }
}

/// Returns `true` for `v6` and any other version number.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Returns the id of a token, which only the simulator knows and which counts from 1.
fn id(slot: u32) -> String {
    (u64::from(slot) + 1).to_string()
}

/// Returns the slot of an id.
fn slot(id: &str) -> Option<u32> {
    id.parse::<u32>().ok()?.checked_sub(1)
}

impl Simulator for Mindbody {
    fn provider(&self) -> &'static str {
        "mindbody"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        let options = &self.0.options;
        [
            ("api_key", &options.api_key),
            ("site_id", &options.site_id),
            ("username", &options.username),
            ("password", &options.password),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let result = self.0.handle(&request);
        result.unwrap_or_else(|error| error.response())
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        None
    }

    fn tokens(&self) -> Vec<Token> {
        let state = self.0.state();
        let slots = state.tokens.live_slots().into_iter();
        slots
            .filter_map(|slot| self.0.ground_truth(&state, slot))
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        self.0
            .state()
            .tokens
            .live_slots()
            .into_iter()
            .map(id)
            .collect()
    }

    fn token(&self, id: &str) -> Option<Token> {
        self.0.ground_truth(&self.0.state(), slot(id)?)
    }

    fn token_count(&self) -> usize {
        self.0.state().tokens.count()
    }

    fn accepts(&self, secret: &str) -> bool {
        self.0.live_token(&self.0.state(), secret).is_some()
    }

    fn insert(&self, token: NewToken) -> Inserted {
        let now = self.0.now();
        let issued = token.created.unwrap_or(now).as_millisecond();
        let expires = match (token.expires, token.state) {
            (Some(expires), _) => expires.as_millisecond(),
            (None, crate::State::Expired) => now.as_millisecond() - 1,
            (None, _) => issued + self.0.lifetime(),
        };
        let mut state = self.0.state();
        let slot = state.tokens.add(Site::Own, issued, expires);
        Inserted::new(id(slot), state.tokens.secret(slot).unwrap_or_default())
    }

    fn remove(&self, id: &str) -> bool {
        slot(id).is_some_and(|slot| self.0.state().tokens.remove(slot))
    }
}
