//! Losant: user, application and instance API tokens.
//!
//! Served: `/me/tokens`, `/applications/{id}/tokens` and `/instances/{id}/tokens` with all their
//! operations, `POST /auth/user`, `GET /me/refreshToken` and `GET /me`. Left out: user OAuth tokens
//! (`/me/oauth-tokens` and callers that hold one), rate limits, which Losant does not have for
//! these paths, and the content of `_embedded`.

mod account;
mod body;
mod caller;
mod error;
mod listing;
mod options;
mod record;
mod scope;
mod secret;
mod store;
mod tokens;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
pub use options::*;

use self::{
    error::Error,
    record::{Record, Status},
    scope::Operation,
    store::Store,
    wire::Extras,
};
use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, State, Token,
    seeding::{Dice, hex},
    target::Target,
};

/// A simulated Losant. Clones share the platform.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use tokenfleet_simulators::{NewToken, Simulator, dispatch, losant::{Losant, Options}};
///
/// let losant = Losant::new(Options::default());
/// losant.insert(NewToken::named("ci"));
/// let bearer = format!("Bearer {}", losant.credentials()["token"]);
/// let request = http::Request::get("/me/tokens")
///     .header("authorization", bearer)
///     .body(Bytes::new())?;
/// let page: serde_json::Value = serde_json::from_slice(dispatch(&losant, request).await?.body())?;
/// assert_eq!(page["items"][0]["name"], "ci");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Losant(Arc<Platform>);

#[derive(Debug)]
struct Platform {
    options: Options,
    instruments: Instruments,
    /// The key that signs bearer tokens.
    key: [u8; 32],
    user_id: String,
    store: Mutex<Store>,
}

const USER_NAME: &str = "Example Name";

impl Losant {
    /// Creates a platform with these options.
    pub fn new(options: Options) -> Self {
        let dice = Dice::new(options.seed);
        let mut store = Store::new(&options, dice);
        let now = options.clock.now();
        let count = options.tokens as u64;
        for slot in 0..count {
            let record = seeded_record(dice, slot, count, now, options.collection, &mut store);
            store.add(record);
        }
        Self(Arc::new(Platform {
            instruments: Instruments::new(options.clock.clone()).with_gzip(options.gzip),
            key: dice.digest("losant key", 0),
            user_id: hex(&dice.digest("losant user", 0)[..12]),
            store: Mutex::new(store),
            options,
        }))
    }
}

/// Draws the record of a seeded token.
fn seeded_record(
    dice: Dice,
    slot: u64,
    count: u64,
    now: Timestamp,
    collection: Collection,
    store: &mut Store,
) -> Record {
    const SCOPES: [&[&str]; 6] = [
        &["all.User"],
        &["all.User.read"],
        &["userApiTokens.get", "userApiToken.get"],
        &["all.Application"],
        &["all.Application.read", "all.Device.read"],
        &["userApiTokens.*", "userApiToken.*"],
    ];
    let life = dice.life(slot, count, now);
    let scopes = SCOPES[(dice.roll(slot, 20) % SCOPES.len() as u64) as usize];
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Record {
        name: dice.name(slot).into(),
        description: dice
            .roll(slot, 21)
            .is_multiple_of(3)
            .then(|| format!("Made for job {slot}").into()),
        created: life.created.as_millisecond(),
        updated: life.updated.as_millisecond(),
        expires: life.expires.map(Timestamp::as_millisecond),
        status: match life.state(State::Suspended) {
            State::Suspended => Status::Inactive,
            _ => Status::Active,
        },
        collection,
        scopes: store.scope_set(scopes),
        creator: None,
        roles: None,
    }
}

impl Platform {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.instruments.clock.now()
    }

    /// Returns the ground truth of a token.
    fn ground_truth(&self, store: &Store, slot: u32) -> Option<Token> {
        let record = store.get(slot)?;
        let time = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(Token {
            id: store.id(slot),
            name: Some(record.name.to_string()),
            state: match record.status {
                Status::Inactive => State::Suspended,
                Status::Unrecognized => State::Unrecognized,
                Status::Active if record.is_expired(self.now()) => State::Expired,
                Status::Active => State::Active,
            },
            created: time(record.created),
            updated: Some(time(record.updated)),
            expires: record.expires.map(time),
            last_used: None,
            secret: self.jwt(store, slot),
        })
    }

    /// Routes a request.
    fn handle(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let target = Target::parse(request.uri());
        let unmapped = || match self.options.unmapped {
            Unmapped::MethodNotAllowed => Error::method_not_allowed(request.method()),
            Unmapped::NotFound => Error::not_found("Path"),
        };
        if target.trailing_slash() && self.options.trailing_slash == TrailingSlash::Refuse {
            return Err(unmapped());
        }
        let method = match *request.method() {
            Method::HEAD => Method::GET,
            ref method => method.clone(),
        };
        let not_allowed = || Error::method_not_allowed(request.method());
        let segments = target.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.check_version(request)?;
        match (segments.as_slice(), method.as_str()) {
            (["auth", "user"], "POST") => self.log_in(request),
            (["me"], "GET") => self.show_user(request),
            (["me", "refreshToken"], "GET") => self.refresh_session(request),
            (["auth", "user"] | ["me"] | ["me", "refreshToken"], _) => Err(not_allowed()),
            ([collection @ .., "tokens"], method) => {
                let path = parse_collection(collection).ok_or_else(unmapped)?;
                let operation = match method {
                    "GET" => Operation::List,
                    "POST" => Operation::Create,
                    _ => return Err(not_allowed()),
                };
                self.collection_request(path, operation, request, &target)
            }
            ([collection @ .., "tokens", id], method) => {
                let path = parse_collection(collection).ok_or_else(unmapped)?;
                let operation = match method {
                    "GET" => Operation::Read,
                    "PATCH" => Operation::Update,
                    "DELETE" => Operation::Delete,
                    _ => return Err(not_allowed()),
                };
                self.token_request(path, id, operation, request, &target)
            }
            _ => Err(unmapped()),
        }
    }

    /// Serves a request for a collection.
    fn collection_request(
        &self,
        path: CollectionPath<'_>,
        operation: Operation,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let caller = self.caller(request)?;
        let owner = self.owner(path, operation, &caller)?;
        match operation {
            Operation::Create => self.create(path.collection, &owner, &caller, request, target),
            _ => self.list(path.collection, &owner, target),
        }
    }

    /// Serves a request for one token.
    fn token_request(
        &self,
        path: CollectionPath<'_>,
        id: &str,
        operation: Operation,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let caller = self.caller(request)?;
        let owner = self.owner(path, operation, &caller)?;
        if !body::is_id(id) && self.options.malformed_id == MalformedId::Refuse {
            return Err(Error::validation("apiTokenId", "pattern mismatch"));
        }
        let mut store = self.store();
        let slot = store
            .slot(id)
            .filter(|slot| {
                store
                    .get(*slot)
                    .is_some_and(|record| record.collection == path.collection)
            })
            .ok_or_else(|| Error::not_found("API Token"))?;
        match operation {
            Operation::Update => self.update(&mut store, slot, &owner, request, target),
            Operation::Delete => {
                store.delete(slot);
                Ok(crate::response::json(
                    200,
                    &serde_json::json!({"success": true}),
                ))
            }
            _ => Ok(self.show(&store, slot, &owner, extras(target), 200, None)),
        }
    }
}

/// The collection and owner in a path.
#[derive(Clone, Copy, Debug)]
struct CollectionPath<'a> {
    collection: Collection,
    owner: Option<&'a str>,
}

/// Parses the path segments before `tokens`.
fn parse_collection<'a>(segments: &[&'a str]) -> Option<CollectionPath<'a>> {
    let (collection, owner) = match segments {
        ["me"] => (Collection::User, None),
        ["applications", id] => (Collection::Application, Some(*id)),
        ["instances", id] => (Collection::Instance, Some(*id)),
        _ => return None,
    };
    Some(CollectionPath { collection, owner })
}

/// Reads `_links` and `_actions`; Python spells booleans with a capital letter.
fn extras(target: &Target) -> Extras {
    let flag = |name, default| {
        target
            .parameter(name)
            .map_or(default, |value| value.eq_ignore_ascii_case("true"))
    };
    Extras {
        links: flag("_links", true),
        actions: flag("_actions", false),
    }
}

impl Simulator for Losant {
    fn provider(&self) -> &'static str {
        "losant"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        let token = self.0.options.token.clone();
        let token = token.unwrap_or_else(|| self.0.session(&["all.User"], None));
        Credentials::from([("token".to_owned(), token)])
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut response = match self.0.handle(&request) {
            Ok(response) => response,
            Err(error) => error.response(),
        };
        wire::add_headers(&mut response);
        response
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        Some(ListingShape {
            items: Some("items"),
            page: Some("page"),
            totals: &["totalCount"],
            total_headers: &[],
            page_header: None,
            page_count_header: None,
            page_parameter: "page",
            first_page: 0,
        })
    }

    fn tokens(&self) -> Vec<Token> {
        let store = self.0.store();
        store
            .slots(self.0.options.collection)
            .filter_map(|slot| self.0.ground_truth(&store, slot))
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        let store = self.0.store();
        let slots = store.slots(self.0.options.collection);
        slots.map(|slot| store.id(slot)).collect()
    }

    fn token(&self, id: &str) -> Option<Token> {
        let store = self.0.store();
        self.0.ground_truth(&store, store.slot(id)?)
    }

    fn token_count(&self) -> usize {
        self.0.store().count(self.0.options.collection)
    }

    fn accepts(&self, secret: &str) -> bool {
        self.0.authenticate(&self.0.store(), secret).is_some()
    }

    fn insert(&self, token: NewToken) -> Inserted {
        let now = self.0.now();
        let created = token.created.unwrap_or(now).as_millisecond();
        let collection = self.0.options.collection;
        let mut scopes = token.scopes;
        if scopes.is_empty() {
            scopes.push(scope::default_scope(collection).to_owned());
        }
        let expires = match (token.expires, token.state) {
            (None, State::Expired) => Some(now.as_millisecond() - 1),
            (expires, _) => expires.map(Timestamp::as_millisecond),
        };
        let mut store = self.0.store();
        let scopes = store.scope_set(scopes);
        let slot = store.add(Record {
            name: token.name.into(),
            description: token.description.map(Into::into),
            created,
            updated: created,
            expires,
            status: match token.state {
                State::Suspended | State::Revoked => Status::Inactive,
                State::Unrecognized => Status::Unrecognized,
                State::Active | State::Expired => Status::Active,
            },
            collection,
            scopes,
            creator: None,
            roles: None,
        });
        Inserted::new(store.id(slot), self.0.jwt(&store, slot))
    }

    fn remove(&self, id: &str) -> bool {
        let mut store = self.0.store();
        let slot = store.slot(id);
        if let Some(slot) = slot {
            store.delete(slot);
        }
        slot.is_some()
    }
}
