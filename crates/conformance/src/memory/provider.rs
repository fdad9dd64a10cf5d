//! The provider of the platform in memory.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Fate, IssuedToken, Liveness, Operation,
    RenewedToken, Result, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions, Secret,
    Suspension, Token, TokenId, UpdateToken,
};

use super::platform::{Platform, State, conflict, missing};
use super::profile::MemoryProfile;
use super::record::fingerprint;

/// The reference provider: it keeps every law, on a platform in memory of whatever profile.
///
/// ```
/// use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
/// use tokenfleet_core::{CreateToken, Query, TokenProvider, TokenProviderExt};
///
/// # futures_executor::block_on(async {
/// let provider = MemoryProvider::new(MemoryProfile::marking());
/// let issued = provider.create(CreateToken::new("ci")).await?;
/// assert_eq!(provider.list_all(Query::new()).await?.tokens, [issued.token]);
/// # Ok::<(), tokenfleet_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MemoryProvider {
    account: Account,
    capabilities: Capabilities,
    platform: Platform,
    credential: Secret,
}

impl MemoryProvider {
    /// A provider of a platform of its own.
    #[must_use]
    pub fn new(profile: MemoryProfile) -> Self {
        let credential = "memory-credential";
        let account = Account::new("memory", profile.name());
        let platform = Platform::new(profile, credential);
        Self::acting(account, platform, Secret::new(credential))
    }

    /// With tokens that are listed exactly as they are, whatever the profile reports; they can only be read.
    #[must_use]
    pub fn showing(self, tokens: impl IntoIterator<Item = Token>) -> Self {
        self.platform.state().shown.extend(tokens);
        self
    }

    /// How many requests reached the platform.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.platform.state().requests
    }

    pub(super) fn acting(account: Account, platform: Platform, credential: Secret) -> Self {
        let capabilities = platform.state().profile.capabilities.clone();
        Self {
            account,
            capabilities,
            platform,
            credential,
        }
    }

    fn effect(&self) -> RevocationEffect {
        let revoke = self.capabilities.revoke.as_ref();
        revoke.map_or(RevocationEffect::Deleted, |revoke| revoke.effect)
    }

    /// One request and its answer; both take a while, so that a caller may walk away meanwhile.
    async fn send<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State) -> Result<T> + Send,
    ) -> Result<T> {
        pause().await;
        let answer = self
            .platform
            .answer(operation, self.credential.expose(), work);
        pause().await;
        answer.map_err(|error| {
            error
                .with_account(&self.account)
                .with_operation(operation)
                .with_attempts(1)
        })
    }
}

#[async_trait]
impl Adapter for MemoryProvider {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.send(Operation::List, |state| state.page(&request))
            .await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.send(Operation::Get, |state| {
            let shown = || state.shown.iter().find(|token| token.id == *id);
            match state.record(id) {
                Some(record) => Ok(record.told(&state.profile, state.now)),
                None => shown().cloned().ok_or_else(missing),
            }
        })
        .await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.send(Operation::Create, |state| {
            state.admits(request.name.as_deref())?;
            let record = state.make(&request);
            let token = record.told(&state.profile, state.now);
            Ok(IssuedToken::new(token, Secret::new(record.secret)))
        })
        .await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.send(Operation::Update, |state| {
            let now = state.now;
            let record = state.record_mut(id)?;
            record.updated_at = now;
            if change.name.is_some() {
                record.name = change.name;
            }
            if change.description.is_some() {
                record.description = change.description;
            }
            if let Some(suspension) = change.suspension {
                record.suspended = suspension == Suspension::Suspend;
            }
            let record = record.clone();
            Ok(record.told(&state.profile, now))
        })
        .await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.send(Operation::Rotate, |state| replace(state, id))
            .await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.send(Operation::Renew, |state| renew(state, secret))
            .await
    }

    async fn revoke_by_id(&self, id: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        let effect = self.effect();
        self.send(Operation::Revoke, |state| {
            match state.records.iter().any(|record| record.id == *id) {
                true => revoke(state, id, effect),
                // Where records stay, an id without a record never existed.
                false if effect == RevocationEffect::Marked => Err(missing()),
                false => Ok(already_gone(id.clone())),
            }
        })
        .await
    }

    async fn revoke_by_secret(&self, secret: &Secret, _: RevokeOptions) -> Result<Revocation> {
        let effect = self.effect();
        self.send(Operation::Revoke, |state| {
            let mut records = state.records.iter();
            match records.find(|record| record.secret == secret.expose()) {
                Some(record) => revoke(state, &record.id.clone(), effect),
                None => Ok(already_gone(TokenId::new(fingerprint(secret.expose())))),
            }
        })
        .await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.send(Operation::Verify, |state| {
            Ok(if state.accepts(secret.expose()) {
                Liveness::Alive
            } else {
                Liveness::Dead
            })
        })
        .await
    }
}

fn revoke(state: &mut State, id: &TokenId, effect: RevocationEffect) -> Result<Revocation> {
    let before = state.record(id).is_some_and(|record| record.revoked);
    match effect {
        RevocationEffect::Marked => {
            let now = state.now;
            let record = state.record_mut(id)?;
            record.revoked = true;
            record.updated_at = now;
        }
        RevocationEffect::Replaced => {
            let replacement = replace(state, id)?;
            return Ok(Revocation::new(RevocationOutcome::Revoked, effect)
                .with_id(id.clone())
                .with_replacement(replacement));
        }
        _ => state.records.retain(|record| record.id != *id),
    }
    let outcome = if before {
        RevocationOutcome::AlreadyRevoked
    } else {
        RevocationOutcome::Revoked
    };
    Ok(Revocation::new(outcome, effect).with_id(id.clone()))
}

fn already_gone(id: TokenId) -> Revocation {
    Revocation::new(RevocationOutcome::AlreadyGone, RevocationEffect::Deleted).with_id(id)
}

fn replace(state: &mut State, id: &TokenId) -> Result<IssuedToken> {
    let (secret, now) = (state.fresh_secret(), state.now);
    let record = state.record_mut(id)?;
    record.secret.clone_from(&secret);
    record.updated_at = now;
    let record = record.clone();
    let token = record.told(&state.profile, now);
    Ok(IssuedToken::new(token, Secret::new(secret)))
}

fn renew(state: &mut State, secret: &Secret) -> Result<RenewedToken> {
    let now = state.now;
    let Some(renewal) = state.profile.capabilities.renew.clone() else {
        return Err(Error::unsupported("the platform has no such operation"));
    };
    let alive = state
        .records
        .iter_mut()
        .find(|record| record.secret == secret.expose() && record.works(now));
    let Some(record) = alive else {
        return Err(Error::new(
            ErrorKind::NotFound,
            Fate::Rejected,
            "the secret is not alive",
        ));
    };
    if renewal
        .max_renewals
        .is_some_and(|most| record.renewals >= most)
    {
        return Err(conflict("the token was renewed as often as it can be"));
    }
    record.renewals += 1;
    record.expires_at = record
        .expires_at
        .map(|at| at.saturating_add(renewal.extension));
    let record = record.clone();
    Ok(RenewedToken::new(record.told(&state.profile, now), None))
}

/// Gives way once, as a socket would.
async fn pause() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
