//! A simulated Foreman with the personal access tokens of its users.
//!
//! It serves index, show, create and revoke under `/api` and `/api/v2`, including the search
//! language of listings, sessions, the lockout after failed logins, contexts, permissions and the
//! differences between releases from 1.17 on. It also serves a listing of users by login, the
//! current user, and the part of the API documentation that describes tokens. It does not serve
//! OAuth, JWT and OpenID Connect logins, the user interface, and other resources. The hash in the
//! response to a revocation has Foreman's salt, but it is not a bcrypt hash of the secret.
//!
//! Besides the account of the [`Options`], there are five users whose password is their login:
//! `jane.doe` (id 5, without permissions), `viewer` (6), `prague` (7, in the time zone of Prague),
//! `disabled` (8) and `mgr` (9, who can manage other users' tokens). Organization 1 is `ACME`, and
//! location 2 is `Brno`.

mod authentication;
mod collation;
mod date_parse;
mod expiry;
mod headers;
mod instant;
mod listing;
mod lockout;
mod options;
mod order;
mod paging;
mod parameters;
mod platform;
mod release;
mod reply;
mod request;
mod ruby;
mod search;
mod secret;
mod sessions;
mod store;
mod taxonomy;
mod tokens;
mod user_listing;
mod users;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
pub use options::{
    CurrentUser, ExpiryHandling, Options, RowOrder, SearchEngine, UnknownUser, ZoneName,
};
pub use release::Release;

use self::{
    instant::Instant,
    platform::Platform,
    store::{NewRecord, Record, Store},
};
use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, State, Token,
    seeding::Dice,
};

/// A simulated Foreman installation. Clones share the platform.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use tokenfleet_simulators::{NewToken, Simulator, dispatch, foreman::{Foreman, Options}};
///
/// let foreman = Foreman::new(Options::default());
/// foreman.insert(NewToken::named("ci"));
/// let request = http::Request::get("/api/users/4/personal_access_tokens?search=name%20=%20ci")
///     .header("authorization", "Basic YWRtaW46Y2hhbmdlbWU=")
///     .body(Bytes::new())?;
/// let response = dispatch(&foreman, request).await?;
/// let page: serde_json::Value = serde_json::from_slice(response.body())?;
/// assert_eq!(page["results"][0]["name"], "ci");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Foreman(Arc<Platform>);

impl Foreman {
    /// Creates an installation with these options.
    pub fn new(options: Options) -> Self {
        let store = seeded_store(&options);
        Self(Arc::new(Platform::new(options, store)))
    }

    /// Overwrites a token in the database and returns whether there is one with this id.
    ///
    /// State, expiry and last use become those of `token`, and so does the name unless it is empty.
    pub fn rewrite(&self, id: &str, token: NewToken) -> bool {
        let now = self.0.instruments.clock.now();
        let mut state = self.0.state();
        let Some(id) = id.parse().ok().filter(|id| state.store.get(*id).is_some()) else {
            return false;
        };
        if !token.name.is_empty() {
            state.store.rename(id, &token.name);
        }
        state.store.amend(id, |record| {
            record.revoked = token.state == State::Revoked;
            record.expires = expiry_of(&token, now);
            record.last_used = token.last_used.map(Instant::from);
        });
        true
    }

    fn to_token(&self, record: &Record, now: Instant) -> Token {
        let state = if record.revoked {
            State::Revoked
        } else if record.is_active(now) {
            State::Active
        } else {
            State::Expired
        };
        Token {
            id: record.id.to_string(),
            name: Some(record.name.to_string()),
            state,
            created: record.created.timestamp(),
            updated: Some(record.updated.timestamp()),
            expires: record.expires.map(Instant::timestamp),
            last_used: record.last_used.map(Instant::timestamp),
            secret: self.0.secrets.secret_of(record.id),
        }
    }
}

/// Returns the expiry of a token to be inserted; for an expired token it is in the past.
fn expiry_of(token: &NewToken, now: Timestamp) -> Option<Instant> {
    let past = now
        .saturating_sub(SignedDuration::from_secs(1))
        .unwrap_or(Timestamp::MIN);
    let expires = if token.state == State::Expired {
        let expires = token.expires.filter(|expires| *expires < now);
        Some(expires.unwrap_or(past))
    } else {
        token.expires
    };
    expires.map(Instant::from)
}

fn seeded_store(options: &Options) -> Store {
    let mut store = Platform::empty_store(options);
    let dice = Dice::new(options.seed);
    let now = options.clock.now();
    let count = options.tokens as u64;
    for slot in 0..count {
        let life = dice.life(slot, count, now);
        let id = store.add(NewRecord {
            user_id: options.user_id,
            name: dice.unique_name(slot).into(),
            created: life.created.into(),
            expires: life.expires.map(Instant::from),
        });
        store.amend(id, |record| {
            record.last_used = life.last_used.map(Instant::from);
            // Recording a use updates the row, so the row is never older than its last use.
            let updated = life.updated.into();
            record.updated = record.last_used.map_or(updated, |used| used.max(updated));
            record.revoked = life.off;
        });
    }
    store
}

impl Simulator for Foreman {
    fn provider(&self) -> &'static str {
        "foreman"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        let options = &self.0.options;
        Credentials::from([
            ("login".to_owned(), options.login.clone()),
            ("token".to_owned(), options.password.clone()),
            ("user_id".to_owned(), options.user_id.to_string()),
        ])
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.0.answer(&request)
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        Some(ListingShape {
            items: Some("results"),
            page: Some("page"),
            totals: &["total", "subtotal"],
            total_headers: &[],
            page_header: None,
            page_count_header: None,
            page_parameter: "page",
            first_page: 1,
        })
    }

    fn tokens(&self) -> Vec<Token> {
        let now = self.0.now();
        let state = self.0.state();
        state
            .store
            .records()
            .map(|record| self.to_token(record, now))
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        let state = self.0.state();
        state
            .store
            .records()
            .map(|record| record.id.to_string())
            .collect()
    }

    fn token(&self, id: &str) -> Option<Token> {
        let now = self.0.now();
        let state = self.0.state();
        let record = state.store.get(id.parse().ok()?)?;
        Some(self.to_token(record, now))
    }

    fn token_count(&self) -> usize {
        self.0.state().store.count()
    }

    fn accepts(&self, secret: &str) -> bool {
        if !secret.is_empty()
            && self
                .0
                .users
                .all()
                .iter()
                .any(|user| !user.disabled && user.password == secret)
        {
            return true;
        }
        let state = self.0.state();
        let record = self
            .0
            .secrets
            .id_of(secret)
            .and_then(|id| state.store.get(id));
        record.is_some_and(|record| {
            let owner = self.0.users.by_id(record.user_id.into());
            record.authenticates(self.0.now()) && owner.is_some_and(|owner| !owner.disabled)
        })
    }

    fn insert(&self, token: NewToken) -> Inserted {
        let now = self.0.instruments.clock.now();
        let mut state = self.0.state();
        let expires = expiry_of(&token, now);
        let name = if token.name.is_empty() {
            format!("token {}", state.store.next_id())
        } else {
            token.name
        };
        let id = state.store.add(NewRecord {
            user_id: self.0.options.user_id,
            name: name.into(),
            created: token.created.unwrap_or(now).into(),
            expires,
        });
        state.store.amend(id, |record| {
            record.revoked = token.state == State::Revoked;
            record.last_used = token.last_used.map(Instant::from);
            record.updated = record
                .updated
                .max(record.last_used.unwrap_or(record.updated));
        });
        Inserted::new(id.to_string(), self.0.secrets.secret_of(id))
    }

    fn remove(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| self.0.state().store.remove(id))
    }
}
