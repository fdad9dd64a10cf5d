//! Cloudsmith: the API key of a user, which can be created once and refreshed, but not revoked, and
//! the service accounts of an organisation.
//!
//! Served, under `/` and `/v1`: `GET /user/self/`, `POST /user/token/`, `GET` and `POST
//! /user/tokens/`, `PUT /user/tokens/{slug}/refresh/`, `GET /rates/limits/`, and below
//! `/orgs/{org}/services/` what managers do with service accounts. Left out: version 2, SAML
//! sessions (`Authorization: Bearer` counts as anonymous, like any unknown scheme), teams, and
//! address restrictions.

mod caller;
mod error;
mod keys;
mod login;
mod options;
mod pages;
mod rate_limit;
mod route;
mod service_store;
mod services;
mod tokens;
mod truth;
mod user;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
pub use options::*;
use serde_json::{Value, json};

use self::{
    caller::Caller,
    error::Error,
    keys::Keys,
    login::Logins,
    rate_limit::RateLimit,
    route::{Route, route},
    service_store::{Service, Services},
};
use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, Token, response,
    seeding::{Dice, hex},
    target::Target,
};

/// A simulated Cloudsmith. Clones share the platform.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use tokenfleet_simulators::{Simulator, cloudsmith::{Cloudsmith, Options}, dispatch};
///
/// let cloudsmith = Cloudsmith::new(Options { tokens: 1, ..Options::default() });
/// let request = http::Request::get("/user/tokens/")
///     .header("x-api-key", &cloudsmith.credentials()["api_key"])
///     .body(Bytes::new())?;
/// let page = dispatch(&cloudsmith, request).await?;
/// assert_eq!(page.headers()["x-pagination-count"], "1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cloudsmith(Arc<Platform>);

#[derive(Debug)]
struct Platform {
    options: Options,
    instruments: Instruments,
    dice: Dice,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    services: Services,
    logins: Logins,
    user_limit: RateLimit,
    anonymous_limit: RateLimit,
}

const USERNAME: &str = "example-user";

impl Cloudsmith {
    /// Creates a platform with these options.
    pub fn new(options: Options) -> Self {
        let dice = Dice::new(options.seed);
        let mut keys = Keys::new(&options, dice);
        let mut services = Services::new(keys.prefix(), dice);
        let now = options.clock.now();
        let count = options.tokens as u64;
        for slot in 0..count {
            let created = dice.life(slot, count, now).created.as_microsecond();
            match options.collection {
                Collection::User => keys.add(created),
                Collection::Services => services.add(seeded_service(dice, slot, created)),
            };
        }
        Self(Arc::new(Platform {
            instruments: Instruments::new(options.clock.clone()).with_gzip(options.gzip),
            dice,
            state: Mutex::new(State {
                keys,
                services,
                logins: Logins::default(),
                user_limit: RateLimit::new(options.rate_limit.unwrap_or(u32::MAX)),
                anonymous_limit: RateLimit::new(options.anonymous_rate_limit),
            }),
            options,
        }))
    }
}

/// Draws a service account.
fn seeded_service(dice: Dice, slot: u64, created: i64) -> Service {
    let roll = dice.roll(slot, 50);
    Service {
        slug: String::new(),
        key: String::new(),
        name: dice.name(slot),
        description: roll.is_multiple_of(3).then(|| format!("Service {slot}")),
        is_manager: roll.is_multiple_of(10),
        teams: Vec::new(),
        created,
        expires: None,
        visible_from: created,
        gone_from: None,
    }
}

impl Platform {
    /// Locks the state, from which the services that are gone by now have been removed.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.services.settle(self.now().as_microsecond());
        state
    }

    fn now(&self) -> Timestamp {
        self.instruments.clock.now()
    }

    /// Returns the key that is not listed.
    fn separate_key(&self) -> String {
        let derived = || hex(&self.dice.digest("cloudsmith separate key", 0)[..16]);
        self.options.api_key.clone().unwrap_or_else(derived)
    }

    /// Routes a request.
    fn handle(&self, state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
        let target = Target::parse(request.uri());
        let segments = target.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some(route) = route(&segments) else {
            return Error::not_found().response();
        };
        if !target.trailing_slash() {
            let path = format!("{}/", target.path);
            match self.options.missing_slash {
                MissingSlash::Accept => {}
                MissingSlash::Redirect if request.method() == Method::GET => {
                    let query = request.uri().query();
                    let query = query.map_or(String::new(), |query| format!("?{query}"));
                    let mut response = response::empty(301);
                    response::set_header(&mut response, "location", &format!("{path}{query}"));
                    return response;
                }
                _ => return Error::not_found().response(),
            }
        }
        let method = match *request.method() {
            Method::HEAD => Method::GET,
            ref method => method.clone(),
        };
        let mut response = if route.methods().contains(&method) {
            self.serve(state, &route, &method, request, &target)
        } else {
            let detail = format!("Method \"{method}\" not allowed.");
            Error::new(405, &detail).response()
        };
        response::set_header(&mut response, "allow", route.allow());
        if target.parameter("pretty") == Some("true") {
            indent(&mut response);
        }
        response
    }

    /// Authenticates a request, serves it, and adds the rate-limit headers.
    fn serve(
        &self,
        state: &mut State,
        route: &Route<'_>,
        method: &Method,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Response<Bytes> {
        // The login reads the header itself, and has its own messages about it.
        let caller = match route {
            Route::Login => Ok(Caller::Anonymous),
            _ => self.caller(state, request),
        };
        let (caller, result) = match caller {
            Err(error) => (Caller::Anonymous, Err(error)),
            Ok(caller) => {
                let result = self.serve_caller(state, route, method, caller, request, target);
                (caller, result)
            }
        };
        let mut response = result.unwrap_or_else(|error| error.response());
        if self.options.rate_limit.is_some() {
            let rule = self.options.rate_interval;
            state
                .limit(caller)
                .add_headers(&mut response, self.now(), rule);
        }
        response
    }

    /// Serves an authenticated or anonymous caller.
    fn serve_caller(
        &self,
        state: &mut State,
        route: &Route<'_>,
        method: &Method,
        caller: Caller,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let is_public = matches!(route, Route::CurrentUser | Route::Login | Route::Limits);
        if caller == Caller::Anonymous && !is_public {
            let is_list = matches!(route, Route::Tokens) && method == Method::GET;
            if is_list && self.options.anonymous_list == AnonymousList::Empty {
                return Ok(response::json(200, &json!({"results": []})));
            }
            let detail = "Authentication credentials were not provided.";
            return Err(Error::unauthorized(detail));
        }
        if self.options.rate_limit.is_some() && !matches!(route, Route::Limits) {
            self.count_request(state.limit(caller))?;
        }
        if let Route::Services(org) | Route::Service(org, _) | Route::RefreshService(org, _) = route
            && *org != self.options.organization
        {
            return Err(Error::not_found());
        }
        match route {
            Route::CurrentUser => Ok(self.current_user(state, caller)),
            Route::Login => self.log_in(state, request),
            Route::Limits => {
                let rule = self.options.rate_interval;
                let core = state.limit(caller).json(self.now(), rule);
                Ok(response::json(200, &json!({"resources": {"core": core}})))
            }
            Route::Services(_) => self.serve_services(state, method, caller, request, target),
            Route::Service(_, slug) => self.serve_service(state, method, caller, slug, request),
            Route::RefreshService(_, slug) => self.refresh_service(state, caller, slug),
            Route::Tokens | Route::Refresh(_) if caller != Caller::User => {
                let detail = "You do not have permission to perform this action.";
                Err(Error::new(403, detail))
            }
            Route::Tokens if method == Method::POST => self.create(state),
            Route::Tokens => self.list(state, request, target),
            Route::Refresh(slug) => self.refresh(state, slug),
        }
    }

    /// Counts a request, which fails beyond the rate limit.
    fn count_request(&self, limit: &mut RateLimit) -> Result<(), Error> {
        limit.acquire(self.now()).map_err(|wait| {
            let wait = wait.ceil();
            let detail = format!("Request was throttled. Expected available in {wait:.1} seconds.");
            Error::new(429, &detail).header("retry-after", format!("{wait:.0}"))
        })
    }
}

impl State {
    /// Returns the rate limit of a caller.
    fn limit(&mut self, caller: Caller) -> &mut RateLimit {
        match caller {
            Caller::User | Caller::Service(_) => &mut self.user_limit,
            Caller::Anonymous => &mut self.anonymous_limit,
        }
    }
}

/// Indents a JSON body, for `pretty=true`.
fn indent(response: &mut Response<Bytes>) {
    let body: Result<Value, _> = serde_json::from_slice(response.body());
    if let Ok(text) = body.and_then(|body| serde_json::to_vec_pretty(&body)) {
        *response.body_mut() = Bytes::from(text);
    }
}

impl Simulator for Cloudsmith {
    fn provider(&self) -> &'static str {
        "cloudsmith"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        let state = self.0.state();
        let own = state
            .keys
            .live_slots()
            .first()
            .filter(|_| self.0.options.credential == Credential::Own)
            .and_then(|slot| state.keys.secret(*slot));
        let key = own.unwrap_or_else(|| self.0.separate_key());
        Credentials::from([("api_key".to_owned(), key)])
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut response = self.0.handle(&mut self.0.state(), &request);
        for (name, value) in [
            ("server", "Cloudsmith MCP"),
            ("vary", "Cookie"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
        ] {
            response::set_header(&mut response, name, value);
        }
        response
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        Some(ListingShape {
            items: match self.0.options.collection {
                Collection::User => Some("results"),
                Collection::Services => None,
            },
            page: None,
            totals: &[],
            total_headers: &["x-pagination-count"],
            page_header: Some("x-pagination-page"),
            page_count_header: Some("x-pagination-pagetotal"),
            page_parameter: "page",
            first_page: 1,
        })
    }

    fn tokens(&self) -> Vec<Token> {
        let state = self.0.state();
        let slots = self.0.true_slots(&state).into_iter();
        slots
            .filter_map(|slot| self.0.truth(&state, slot))
            .collect()
    }

    fn token(&self, id: &str) -> Option<Token> {
        let state = self.0.state();
        self.0.truth(&state, self.0.true_slot(&state, id)?)
    }

    fn token_count(&self) -> usize {
        let state = self.0.state();
        match self.0.options.collection {
            Collection::User => state.keys.live_slots().len(),
            Collection::Services => state.services.count(),
        }
    }

    fn accepts(&self, secret: &str) -> bool {
        self.0.is_key(&self.0.state(), secret)
    }

    fn insert(&self, token: NewToken) -> Inserted {
        let now = self.0.now();
        let created = token.created.unwrap_or(now).as_microsecond();
        let mut state = self.0.state();
        let slot = match self.0.options.collection {
            Collection::User => state.keys.add(created),
            Collection::Services => {
                let expires = token.expires.map(Timestamp::as_microsecond);
                let past = (token.state == crate::State::Expired).then_some(created);
                state.services.add(Service {
                    slug: String::new(),
                    key: String::new(),
                    name: token.name,
                    description: token.description,
                    is_manager: false,
                    teams: Vec::new(),
                    created,
                    expires: expires.or(past).or(self.0.key_expiry(created)),
                    visible_from: created,
                    gone_from: None,
                })
            }
        };
        let truth = self.0.truth(&state, slot);
        let (id, secret) = truth
            .map(|token| (token.id, token.secret))
            .unwrap_or_default();
        Inserted::new(id, secret)
    }

    fn remove(&self, id: &str) -> bool {
        let mut state = self.0.state();
        let Some(slot) = self.0.true_slot(&state, id) else {
            return false;
        };
        match self.0.options.collection {
            Collection::User => state.keys.remove(slot),
            Collection::Services => {
                state.services.remove(slot);
            }
        }
        true
    }
}
