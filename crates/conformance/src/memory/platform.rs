//! The reference platform: its tokens, its clock, and the handling of requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fate, Operation, RequestedExpiry, Result, Timestamp, Token,
    TokenId,
};

use super::profile::MemoryProfile;
use super::record::{Record, fingerprint};
use crate::Fault;

/// The beginning of every secret.
pub(super) const SECRET_PREFIX: &str = "mem-";

/// The platform, shared by its providers and its fixture.
#[derive(Clone)]
pub(super) struct Platform(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) profile: MemoryProfile,
    pub(super) records: Vec<Record>,
    /// Tokens that are returned exactly as they are, in addition to the records.
    pub(super) listed_as_is: Vec<Token>,
    pub(super) now: Timestamp,
    /// The results that the pages of a snapshot are taken from.
    pub(super) snapshots: HashMap<u64, Vec<Token>>,
    /// The tokens after which the pages of a sequential listing start.
    pub(super) page_starts: Vec<Token>,
    pub(super) request_count: u64,
    pub(super) fault: Option<Fault>,
    /// The fault that falsifies the response in progress.
    pub(super) falsified: Option<Fault>,
    /// The fault that the last request met.
    pub(super) last_fault: Option<Fault>,
    credential: String,
    issued: u64,
}

impl Platform {
    pub(super) fn new(profile: MemoryProfile, credential: &str) -> Self {
        let list = profile.capabilities.list.as_ref();
        let hides_tokens = list.is_some_and(|list| list.unlisted_tokens.is_some());
        let platform = Self(Arc::new(Mutex::new(State {
            profile,
            records: Vec::new(),
            listed_as_is: Vec::new(),
            now: Timestamp::now().truncated_to_seconds(),
            snapshots: HashMap::new(),
            page_starts: Vec::new(),
            request_count: 0,
            fault: None,
            falsified: None,
            last_fault: None,
            credential: credential.to_owned(),
            issued: 0,
        })));
        if hides_tokens {
            let mut state = platform.state();
            state.create(&CreateToken::new("login")).is_unlisted = true;
        }
        platform
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles one request, unless a fault loses it or its response.
    pub(super) fn respond<T>(
        &self,
        operation: Operation,
        credential: &str,
        work: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state();
        let fault = state.fault.take();
        state.falsified = fault;
        state.last_fault = fault;
        if fault == Some(Fault::LoseRequest) {
            return Err(disconnected(operation));
        }
        state.request_count += 1;
        if fault == Some(Fault::Redirect) {
            return Err(Error::new(
                ErrorKind::ProtocolViolation,
                Fate::Rejected,
                "the platform redirects to another address, which is not followed",
            ));
        }
        if fault == Some(Fault::AcceptOnly) {
            return Err(Error::protocol_violation(
                operation.fate_if_unanswered(),
                "the platform accepted the request, and does not say that it carried it out",
            ));
        }
        if fault == Some(Fault::GatewayRefusal) {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                Fate::Rejected,
                "a gateway refuses the request",
            ));
        }
        if matches!(
            fault,
            Some(Fault::MissingPage | Fault::GatewayNotFound | Fault::GatewayJsonNotFound)
        ) {
            return Err(Error::new(
                ErrorKind::NotFound,
                Fate::Rejected,
                "there is no such page",
            ));
        }
        let response = if credential == state.credential {
            work(&mut state)
        } else {
            Err(Error::new(
                ErrorKind::Unauthenticated,
                Fate::Rejected,
                "the credential is not accepted",
            ))
        };
        if fault == Some(Fault::LoseResponse) {
            return Err(disconnected(operation));
        }
        response
    }
}

/// Creates an error for a broken connection, which does not tell whether the request arrived.
fn disconnected(operation: Operation) -> Error {
    let fate = if operation.is_write() {
        Fate::MaybeApplied
    } else {
        Fate::Rejected
    };
    Error::new(ErrorKind::Connection, fate, "the connection broke")
}

impl State {
    pub(super) fn record(&self, id: &TokenId) -> Option<&Record> {
        self.records.iter().find(|record| record.id == *id)
    }

    /// Returns `true` if the platform shows a record by now.
    pub(super) fn shows(&self, record: &Record) -> bool {
        let delay = self.profile.capabilities.read_delay.unwrap_or_default();
        record.created_at.saturating_add(delay) <= self.now
    }

    pub(super) fn record_mut(&mut self, id: &TokenId) -> Result<&mut Record> {
        self.records
            .iter_mut()
            .find(|record| record.id == *id)
            .ok_or_else(not_found)
    }

    pub(super) fn accepts(&self, secret: &str) -> bool {
        self.records
            .iter()
            .any(|record| self.is_secret_of(record, secret) && record.works(self.now))
    }

    /// Notes that a token was used.
    pub(super) fn use_token(&mut self, secret: &str) {
        let used = |record: &Record| self.is_secret_of(record, secret);
        if let Some(index) = self.records.iter().position(used) {
            self.records[index].last_used = Some(self.now);
        }
    }

    /// Returns `true` if the platform takes this text for the secret of a record.
    pub(super) fn is_secret_of(&self, record: &Record, text: &str) -> bool {
        let is_lenient = self.profile.reads_secrets_leniently;
        record.secret == text || (is_lenient && record.secret == text.trim_end_matches('x'))
    }

    /// Returns an error if the account is full or the name is taken.
    pub(super) fn check_room(&self, name: Option<&str>) -> Result<()> {
        let Some(create) = &self.profile.capabilities.create else {
            return Ok(());
        };
        if create
            .max_tokens
            .is_some_and(|max| self.records.len() >= max as usize)
        {
            return Err(conflict("the account is full"));
        }
        let taken = name.is_some()
            && self
                .records
                .iter()
                .any(|record| record.name.as_deref() == name);
        if create.unique_names && taken {
            return Err(conflict("the name is taken"));
        }
        Ok(())
    }

    /// Creates a token; the caller has checked the room.
    pub(super) fn create(&mut self, request: &CreateToken) -> &mut Record {
        let secret = self.new_secret();
        // On a platform without ids, the fingerprint of the secret serves as the id.
        let id = if self.profile.capabilities.reused_ids {
            let numbers = self.records.iter().map(|record| record.id.as_str().parse());
            let largest: u64 = numbers.flatten().max().unwrap_or(0);
            (largest + 1).to_string()
        } else if self.has_ids() {
            self.issued.to_string()
        } else {
            fingerprint(&secret)
        };
        let record = Record {
            id: TokenId::new(id),
            secret,
            name: request.name.clone(),
            description: request.description.clone(),
            scopes: self.granted(request),
            suspended: request.suspended,
            revoked: false,
            unknown_state: false,
            created_at: self.now,
            updated_at: self.now,
            expires_at: match request.expiry {
                RequestedExpiry::At(at) => Some(at.saturating_add(self.expiry_delay())),
                RequestedExpiry::In(lifetime) => {
                    let at = self.now.saturating_add(lifetime);
                    Some(at.saturating_add(self.expiry_delay()))
                }
                RequestedExpiry::PlatformDefault => self
                    .profile
                    .default_lifetime
                    .map(|life| self.now.saturating_add(life)),
                _ => None,
            },
            last_used: None,
            renewals: 0,
            is_unlisted: false,
            is_of_login: false,
            arguments: request.arguments.clone(),
        };
        self.records.push(record);
        let last = self.records.len() - 1;
        &mut self.records[last]
    }

    /// Deletes a token, and all others where one takes them along. Returns the ids of the others.
    pub(super) fn delete(&mut self, id: &TokenId) -> Vec<TokenId> {
        let revoke = self.profile.capabilities.revoke.as_ref();
        let cascades = revoke.is_some_and(|revoke| revoke.cascade.is_some());
        let is_told = revoke.is_some_and(|revoke| revoke.tokens_alone.is_some());
        let is_of_login = self.record(id).is_some_and(|record| record.is_of_login);
        let goes_along = |record: &Record| {
            if is_told {
                is_of_login && record.is_of_login
            } else {
                cascades
            }
        };
        let gone = |record: &mut Record| record.id == *id || goes_along(record);
        let deleted = self.records.extract_if(.., gone);
        let ids = deleted.map(|record| record.id);
        ids.filter(|other| other != id).collect()
    }

    /// Returns the scopes of a new token: the requested ones and those that the platform adds.
    fn granted(&self, request: &CreateToken) -> Vec<String> {
        let mut scopes = request.scopes.clone().unwrap_or_default();
        let added = self.profile.added_scopes.iter();
        scopes.extend(added.filter(|_| request.scopes.is_some()).cloned());
        scopes
    }

    /// Returns how much later than requested a token expires: a platform that takes lifetimes
    /// counts them from when it gets to it.
    fn expiry_delay(&self) -> Duration {
        let create = self.profile.capabilities.create.as_ref();
        let is_lifetime = create.is_some_and(|create| create.lifetime_tolerance.is_some());
        (self.profile.expiry_delay).max(Duration::from_secs(u64::from(is_lifetime)))
    }

    /// Returns a secret that was not issued before.
    pub(super) fn new_secret(&mut self) -> String {
        self.issued += 1;
        format!(
            "{SECRET_PREFIX}{}",
            fingerprint(&format!("secret {}", self.issued))
        )
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now = self.now.saturating_add(by);
    }

    fn has_ids(&self) -> bool {
        let capabilities = &self.profile.capabilities;
        capabilities.list.is_some() || capabilities.get
    }
}

/// Shows neither the credential nor the records.
impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").finish_non_exhaustive()
    }
}

pub(super) fn not_found() -> Error {
    Error::new(
        ErrorKind::NotFound,
        Fate::Rejected,
        "there is no such token",
    )
    .with_platform_message("no token has this id", &[])
    .with_own_form(true)
}

pub(super) fn conflict(message: &str) -> Error {
    Error::new(ErrorKind::Conflict, Fate::Rejected, message)
}
