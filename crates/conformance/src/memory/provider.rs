//! The provider of the reference platform.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::RenewedSecret;
use tokenfleet_core::model::{Attribute, Principal};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Fact, Fate, Identity, IssuedToken,
    Liveness, Operation, RenewedToken, Result, Revocation, RevocationEffect, RevocationOutcome,
    RevokeOptions, Secret, SecretShape, Suspension, Token, TokenId, TokenState, UpdateToken,
};

use super::platform::{Platform, SECRET_PREFIX, State, conflict, not_found};
use super::profile::MemoryProfile;
use crate::Fault;

const DAY: Duration = Duration::from_secs(86_400);

/// A complete provider in memory, without a network: a fake for tests and examples.
///
/// It is the reference provider of the suite and keeps every law, on a platform that has the
/// capabilities of a [`MemoryProfile`]. Clones share their platform.
///
/// # Example
///
/// ```
/// use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
/// use tokenfleet_core::{
///     CreateToken, Query, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
/// };
///
/// # futures_executor::block_on(async {
/// let existing = Token::new(TokenId::new("17"), TokenState::Suspended);
/// let provider = MemoryProvider::new(MemoryProfile::retaining()).with_tokens([existing]);
///
/// let issued = provider.create(CreateToken::new("ci")).await?;
/// assert_eq!(provider.get(&issued.token.id).await?, issued.token);
/// assert_eq!(provider.list_all(Query::new()).await?.tokens.len(), 2);
/// assert_eq!(provider.request_count(), 3);
///
/// // A call that the profile does not declare is refused before a request is sent.
/// assert!(provider.rotate(&issued.token.id).await.is_err());
/// assert_eq!(provider.request_count(), 3);
/// # Ok::<(), tokenfleet_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MemoryProvider {
    account: Account,
    capabilities: Capabilities,
    platform: Platform,
    credential: Arc<Secret>,
}

impl MemoryProvider {
    /// Creates a provider with its own platform, which has no tokens.
    ///
    /// Its account is called after the profile.
    #[must_use]
    pub fn new(profile: MemoryProfile) -> Self {
        let credential = "memory-credential";
        let account = Account::new("memory", profile.name());
        let platform = Platform::new(profile, credential);
        Self::on_platform(account, platform, Secret::new(credential))
    }

    /// Creates a provider on a platform that it shares with others.
    pub(super) fn on_platform(account: Account, platform: Platform, credential: Secret) -> Self {
        let capabilities = platform.state().profile.capabilities.clone();
        Self {
            account,
            capabilities,
            platform,
            credential: Arc::new(credential),
        }
    }

    /// Sets the account that the provider acts for.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// Adds tokens that are returned exactly as they are, whatever the profile reports.
    ///
    /// They can be listed and read, but not updated, rotated or revoked.
    #[must_use]
    pub fn with_tokens(self, tokens: impl IntoIterator<Item = Token>) -> Self {
        self.platform.state().listed_as_is.extend(tokens);
        self
    }

    /// Injects a fault into the next request.
    pub fn inject(&self, fault: Fault) {
        self.platform.state().fault = Some(fault);
    }

    /// Returns the number of requests that have reached the platform.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.platform.state().request_count
    }

    /// Falsifies a record of a response if a fault says so.
    fn falsify(&self, token: &mut Token, secret: Option<&mut Secret>) {
        let falsified = self.platform.state().falsified.take();
        match (falsified, secret) {
            (Some(Fault::OtherRecord), _) => token.id = TokenId::new("another"),
            // As every adapter does with a secret that it has sent itself.
            (Some(Fault::EchoCredential), Some(secret)) => *secret = Secret::new(""),
            (Some(Fault::UnreadableState), _) => {
                token.state = TokenState::Unknown;
                token.attributes.mark_unreadable("status");
            }
            (Some(Fault::MaskSecret), Some(secret)) => *secret = Secret::new("*".repeat(16)),
            (Some(Fault::BroaderScopes), _) => {
                let everything = vec!["everything".to_owned()];
                token.scopes = Fact::Known(everything.into());
            }
            (Some(Fault::OtherExpiry), _) => {
                token.expiry = token.expiry.map(|at| at.saturating_add(DAY));
            }
            (Some(Fault::OtherName), _) => token.name = Fact::Known("another".into()),
            (Some(Fault::ReportActive), _) => token.state = TokenState::Active,
            (Some(Fault::OddValue), _) => {
                let odd = Attribute::from("half \\ud83d");
                token.attributes.insert_unreadable("region", odd);
            }
            _ => {}
        }
    }

    fn effect(&self) -> RevocationEffect {
        let revoke = self.capabilities.revoke.as_ref();
        revoke.map_or(RevocationEffect::Deleted, |revoke| revoke.effect)
    }

    /// Sends one request and waits for its response.
    ///
    /// Both yield once, so that a caller can drop the future in between.
    async fn send<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State) -> Result<T> + Send,
    ) -> Result<T> {
        yield_now().await;
        let credential = self.credential.expose();
        let response = self.platform.respond(operation, credential, work);
        yield_now().await;
        response.map_err(|error| {
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
        let mut page = self
            .send(Operation::List, |state| state.page(&request))
            .await?;
        if let Some(token) = page.tokens.first_mut() {
            self.falsify(token, None);
        }
        Ok(page)
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        let token = self.send(Operation::Get, |state| {
            if let Some(record) = state.record(id).filter(|record| state.shows(record)) {
                return Ok(record.to_token(&state.profile, state.now));
            }
            let mut tokens = state.listed_as_is.iter();
            let token = tokens.find(|token| token.id == *id);
            token.cloned().ok_or_else(not_found)
        });
        let mut token = token.await?;
        self.falsify(&mut token, None);
        Ok(token)
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let issued = self.send(Operation::Create, |state| {
            state.check_room(request.name.as_deref())?;
            let record = state.create(&request).clone();
            let token = record.to_token(&state.profile, state.now);
            Ok(IssuedToken::new(token, Secret::new(record.secret)))
        });
        let mut issued = issued.await?;
        self.falsify(&mut issued.token, Some(&mut issued.secret));
        Ok(issued)
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        let token = self.send(Operation::Update, |state| {
            let now = state.now;
            if state.falsified == Some(Fault::IgnoreChange) {
                let record = state.record_mut(id)?.clone();
                return Ok(record.to_token(&state.profile, now));
            }
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
            Ok(record.to_token(&state.profile, now))
        });
        let mut token = token.await?;
        self.falsify(&mut token, None);
        Ok(token)
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        let issued = self.send(Operation::Rotate, |state| replace_secret(state, id));
        let mut issued = issued.await?;
        self.falsify(&mut issued.token, Some(&mut issued.secret));
        Ok(issued)
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        let renewed = self.send(Operation::Renew, |state| renew(state, secret));
        let mut renewed = renewed.await?;
        let repeats = self.platform.state().falsified == Some(Fault::RepeatSecret);
        let new = renewed.secret.take().filter(|_| !repeats);
        let mut new = new.unwrap_or_else(|| secret.duplicate());
        self.falsify(&mut renewed.token, Some(&mut new));
        renewed.secret = Some(new);
        Ok(renewed)
    }

    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let effect = self.effect();
        // Where a new token is not shown at once, what is not found may be alive.
        let is_gone = effect == RevocationEffect::Deleted
            && options.existed
            && self.capabilities.read_delay.is_none();
        let revocation = self.send(Operation::Revoke, |state| {
            if state.record(id).is_some() {
                revoke(state, id, effect)
            } else if is_gone {
                Ok(already_gone(id.clone()))
            } else {
                Err(not_found())
            }
        });
        let mut revocation = revocation.await?;
        if self.platform.state().falsified == Some(Fault::OtherRecord) {
            revocation.id = Some(TokenId::new("another"));
        }
        Ok(revocation)
    }

    async fn revoke_by_secret(&self, secret: &Secret, _: RevokeOptions) -> Result<Revocation> {
        let effect = self.effect();
        self.send(Operation::Revoke, |state| {
            let mut records = state.records.iter();
            match records.find(|record| state.is_secret_of(record, secret.expose())) {
                Some(record) => revoke(state, &record.id.clone(), effect),
                None => Err(not_found()),
            }
        })
        .await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.send(Operation::Verify, |state| {
            Ok(if state.accepts(secret.expose()) {
                state.use_token(secret.expose());
                Liveness::Alive
            } else {
                Liveness::Dead
            })
        })
        .await
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        if secret.expose().starts_with(SECRET_PREFIX) {
            SecretShape::Recognized { id: None }
        } else {
            SecretShape::Possible
        }
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.send(Operation::Verify, |state| {
            let mut records = state.records.iter();
            let found = records.find(|record| state.is_secret_of(record, secret.expose()));
            Ok(found.map(|record| record.to_token(&state.profile, state.now)))
        })
        .await
    }

    async fn whoami(&self) -> Result<Identity> {
        let owner = Principal::new("memory-user").with_kind("user".to_owned());
        self.send(Operation::Whoami, |_| Ok(Identity::new(owner)))
            .await
    }
}

fn revoke(state: &mut State, id: &TokenId, effect: RevocationEffect) -> Result<Revocation> {
    let mut also_revoked = Vec::new();
    let already_revoked = state.record(id).is_some_and(|record| record.revoked);
    match effect {
        RevocationEffect::Marked => {
            let now = state.now;
            let record = state.record_mut(id)?;
            record.revoked = true;
            record.updated_at = now;
        }
        RevocationEffect::Replaced => {
            let replacement = replace_secret(state, id)?;
            return Ok(Revocation::new(RevocationOutcome::Revoked, effect)
                .with_id(id.clone())
                .with_replacement(replacement));
        }
        _ => also_revoked = state.delete(id),
    }
    let outcome = if already_revoked {
        RevocationOutcome::AlreadyRevoked
    } else {
        RevocationOutcome::Revoked
    };
    Ok(Revocation::new(outcome, effect)
        .with_id(id.clone())
        .with_also_revoked(also_revoked))
}

fn already_gone(id: TokenId) -> Revocation {
    Revocation::new(RevocationOutcome::AlreadyGone, RevocationEffect::Deleted).with_id(id)
}

fn replace_secret(state: &mut State, id: &TokenId) -> Result<IssuedToken> {
    let (secret, now) = (state.new_secret(), state.now);
    let record = state.record_mut(id)?;
    record.secret.clone_from(&secret);
    record.updated_at = now;
    let record = record.clone();
    let token = record.to_token(&state.profile, now);
    Ok(IssuedToken::new(token, Secret::new(secret)))
}

fn renew(state: &mut State, secret: &Secret) -> Result<RenewedToken> {
    let now = state.now;
    let Some(renewal) = state.profile.capabilities.renew.clone() else {
        return Err(Error::unsupported("the platform has no such operation"));
    };
    let replaces = renewal.secret == RenewedSecret::Replaced;
    let replacement = replaces.then(|| state.new_secret());
    let live = state
        .records
        .iter_mut()
        .find(|record| record.secret == secret.expose() && record.works(now));
    let Some(record) = live else {
        return Err(Error::new(
            ErrorKind::NotFound,
            Fate::Rejected,
            "the secret is dead",
        ));
    };
    let max_renewals = renewal.max_renewals;
    if max_renewals.is_some_and(|max| record.renewals >= max) {
        return Err(conflict("the token cannot be renewed again"));
    }
    if let Some(new) = &replacement {
        record.secret.clone_from(new);
    }
    record.renewals += 1;
    record.expires_at = record
        .expires_at
        .map(|at| at.saturating_add(renewal.extension));
    let record = record.clone();
    Ok(RenewedToken::new(
        record.to_token(&state.profile, now),
        replacement.map(Secret::new),
    ))
}

/// Yields once, as a socket would.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
