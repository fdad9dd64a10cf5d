//! The platform in memory: what exists, the clock, and what happens to requests.

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

/// The platform, shared by its providers and its fixture.
#[derive(Clone)]
pub(super) struct Platform(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) profile: MemoryProfile,
    pub(super) records: Vec<Record>,
    /// Tokens that are listed as they are, beside the records.
    pub(super) shown: Vec<Token>,
    pub(super) now: Timestamp,
    /// The answers that pages of a snapshot are cut from.
    pub(super) snapshots: HashMap<u64, Vec<Token>>,
    /// The tokens after which pages begin.
    pub(super) marks: Vec<Token>,
    pub(super) requests: u64,
    pub(super) fault: Option<Fault>,
    credential: String,
    issued: u64,
}

impl Platform {
    pub(super) fn new(profile: MemoryProfile, credential: &str) -> Self {
        Self(Arc::new(Mutex::new(State {
            profile,
            records: Vec::new(),
            shown: Vec::new(),
            now: Timestamp::now().truncated_to_seconds(),
            snapshots: HashMap::new(),
            marks: Vec::new(),
            requests: 0,
            fault: None,
            credential: credential.to_owned(),
            issued: 0,
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request, unless it or its answer is lost on the way.
    pub(super) fn answer<T>(
        &self,
        operation: Operation,
        credential: &str,
        work: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state();
        let fault = state.fault.take();
        if fault == Some(Fault::LoseRequest) {
            return Err(broken(operation));
        }
        state.requests += 1;
        if fault == Some(Fault::Redirect) {
            return Err(Error::new(
                ErrorKind::ProtocolViolation,
                Fate::Rejected,
                "the platform redirects elsewhere, which is never followed",
            ));
        }
        let answer = if credential == state.credential {
            work(&mut state)
        } else {
            Err(Error::new(
                ErrorKind::Unauthenticated,
                Fate::Rejected,
                "the credential is not accepted",
            ))
        };
        if fault == Some(Fault::LoseAnswer) {
            return Err(broken(operation));
        }
        answer
    }
}

/// What the caller sees when a connection breaks: it cannot tell on which way.
fn broken(operation: Operation) -> Error {
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

    pub(super) fn record_mut(&mut self, id: &TokenId) -> Result<&mut Record> {
        self.records
            .iter_mut()
            .find(|record| record.id == *id)
            .ok_or_else(missing)
    }

    pub(super) fn accepts(&self, secret: &str) -> bool {
        self.records
            .iter()
            .any(|record| record.secret == secret && record.works(self.now))
    }

    /// Whether one more token of that name may exist.
    pub(super) fn admits(&self, name: Option<&str>) -> Result<()> {
        let Some(create) = &self.profile.capabilities.create else {
            return Ok(());
        };
        if create
            .max_tokens
            .is_some_and(|most| self.records.len() >= most as usize)
        {
            return Err(conflict("the account has all the tokens it can hold"));
        }
        let taken = name.is_some()
            && self
                .records
                .iter()
                .any(|record| record.name.as_deref() == name);
        if create.unique_names && taken {
            return Err(conflict("the name was used before"));
        }
        Ok(())
    }

    /// Makes a token; the caller has checked that it may exist.
    pub(super) fn make(&mut self, request: &CreateToken) -> Record {
        let secret = self.fresh_secret();
        // A platform without ids: the secret's fingerprint stands for one.
        let id = if self.has_ids() {
            self.issued.to_string()
        } else {
            fingerprint(&secret)
        };
        let record = Record {
            id: TokenId::new(id),
            secret,
            name: request.name.clone(),
            description: request.description.clone(),
            scopes: request.scopes.clone().unwrap_or_default(),
            suspended: request.suspended,
            revoked: false,
            strange: false,
            created_at: self.now,
            updated_at: self.now,
            expires_at: match request.expiry {
                RequestedExpiry::At(at) => Some(at),
                RequestedExpiry::PlatformDefault => self
                    .profile
                    .usual_life
                    .map(|life| self.now.saturating_add(life)),
                _ => None,
            },
            last_used: None,
            renewals: 0,
        };
        self.records.push(record.clone());
        record
    }

    /// A secret that was not issued before.
    pub(super) fn fresh_secret(&mut self) -> String {
        self.issued += 1;
        format!("mem-{}", fingerprint(&format!("secret {}", self.issued)))
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now = self.now.saturating_add(by);
    }

    fn has_ids(&self) -> bool {
        let capabilities = &self.profile.capabilities;
        capabilities.list.is_some() || capabilities.get
    }
}

/// Neither the credential nor the records are shown.
impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").finish_non_exhaustive()
    }
}

pub(super) fn missing() -> Error {
    Error::new(
        ErrorKind::NotFound,
        Fate::Rejected,
        "there is no such token",
    )
}

pub(super) fn conflict(message: &str) -> Error {
    Error::new(ErrorKind::Conflict, Fate::Rejected, message)
}
