//! Mindbody: staff user tokens, which are issued, renewed and revoked, and never listed.
//!
//! Served, under `/public/v6` and any other version number, in any case of letters: `POST
//! usertoken/issue`, `POST usertoken/renew`, `DELETE usertoken/revoke`, and `GET site/sites` as an
//! endpoint to try a token on. Left out: everything else of the Public API, XML, multipart forms, and
//! the OAuth sign-in.

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

/// A simulated Mindbody. Clones are the same platform.
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
    /// When a token was issued last, in milliseconds.
    last_issue: Option<i64>,
    /// The day that is counted, and its calls.
    day: i64,
    calls: u32,
}

const DAY: i64 = 86_400_000;

impl Mindbody {
    /// A platform with these options.
    pub fn new(options: Options) -> Self {
        let dice = Dice::new(options.seed);
        let mut tokens = Tokens::new(&options, dice);
        let now = options.clock.now().as_millisecond();
        let lifetime = i64::from(options.lifetime_hours) * 3_600_000;
        let count = options.tokens as u64;
        for slot in 0..count {
            // Issued evenly over the last lifetime and a half: the first third has expired.
            let age = lifetime / 2 * 3;
            let place = i64::try_from(slot * 1000 / count.max(1)).unwrap_or_default();
            let issued = now - age + age / 1000 * place;
            tokens.add(Site::Own, issued, issued + lifetime);
        }
        Self(Arc::new(Platform {
            instruments: Instruments::new(options.clock.clone()),
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

    fn ground_truth(&self, state: &State, place: u32) -> Option<Token> {
        let token = state.tokens.get(place)?;
        let time = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(Token {
            id: id(place),
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
            secret: state.tokens.secret(place)?,
        })
    }

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
        let site = self.admit(&mut state, request)?;
        match action {
            ["usertoken", "issue"] => self.issue(&mut state, site, request),
            ["usertoken", "renew"] => self.renew(&mut state, site, request),
            ["usertoken", _] => self.revoke(&mut state, site, request),
            _ => self.sites(&state, site, request),
        }
    }

    /// Checks the API key, the site and the day's budget.
    fn admit(&self, state: &mut State, request: &Request<Bytes>) -> Result<Site, Error> {
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

    /// `GET site/sites`: with less data when no token is shown, and refused when a wrong one is.
    fn sites(
        &self,
        state: &State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        if issue::presented(request).is_some() {
            self.bearer(state, site, request, 401)?;
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

/// `v6`, or any other number.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// A token's place as an id that only the simulator knows; they count from 1.
fn id(place: u32) -> String {
    (u64::from(place) + 1).to_string()
}

fn place(id: &str) -> Option<u32> {
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
        let handled = self.0.handle(&request);
        handled.unwrap_or_else(|error| error.response())
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        None
    }

    fn tokens(&self) -> Vec<Token> {
        let state = self.0.state();
        let places = state.tokens.places().into_iter();
        places
            .filter_map(|place| self.0.ground_truth(&state, place))
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        self.0.state().tokens.places().into_iter().map(id).collect()
    }

    fn token(&self, id: &str) -> Option<Token> {
        self.0.ground_truth(&self.0.state(), place(id)?)
    }

    fn token_count(&self) -> usize {
        self.0.state().tokens.count()
    }

    fn accepts(&self, secret: &str) -> bool {
        self.0.living(&self.0.state(), secret).is_some()
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
        let place = state.tokens.add(Site::Own, issued, expires);
        Inserted::new(id(place), state.tokens.secret(place).unwrap_or_default())
    }

    fn remove(&self, id: &str) -> bool {
        place(id).is_some_and(|place| self.0.state().tokens.remove(place))
    }
}
