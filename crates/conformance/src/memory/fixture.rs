//! The fixture of the reference platform.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::capability::{ArgumentDescription, ArgumentKind, ArgumentValue};
use tokenfleet_core::{
    Account, CreateToken, Fact, RequestedExpiry, RevocationEffect, Secret, Timestamp, TokenId,
    TokenProvider, TokenState,
};

use super::platform::Platform;
use super::profile::MemoryProfile;
use super::provider::MemoryProvider;
use super::record::Record;
use crate::{ExistingToken, Fault, Fixture, InsertedToken, TokenSpec};

const ORIGIN: &str = "memory://platform";
const CREDENTIAL: &str = "memory-credential-0a1b2c3d";
const WRONG_CREDENTIAL: &str = "memory-intruder-4e5f6a7b";

/// The fixture of the reference platform in memory, and the model for your own fixture.
#[derive(Debug, Clone)]
pub struct MemoryFixture {
    platform: Platform,
    provider: Arc<dyn TokenProvider>,
    intruder: Arc<dyn TokenProvider>,
}

impl MemoryFixture {
    /// Creates a platform with this profile, without tokens.
    #[must_use]
    pub fn new(profile: MemoryProfile) -> Self {
        let account = Account::new("memory", profile.name()).with_place(ORIGIN);
        let platform = Platform::new(profile, CREDENTIAL);
        let provider_with = |credential| -> Arc<dyn TokenProvider> {
            let (account, platform) = (account.clone(), platform.clone());
            let credential = Secret::new(credential);
            Arc::new(MemoryProvider::on_platform(account, platform, credential))
        };
        Self {
            provider: provider_with(CREDENTIAL),
            intruder: provider_with(WRONG_CREDENTIAL),
            platform,
        }
    }

    /// Puts the providers into a wrapper, which the suite then judges.
    #[must_use]
    pub fn with_wrapper(
        mut self,
        wrap: impl Fn(Arc<dyn TokenProvider>) -> Arc<dyn TokenProvider>,
    ) -> Self {
        self.provider = wrap(self.provider);
        self.intruder = wrap(self.intruder);
        self
    }

    /// Returns the fault that the last request met, for mutants that do not withstand it.
    #[cfg(test)]
    pub(crate) fn last_fault(&self) -> Option<Fault> {
        self.platform.state().last_fault
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        vec![Secret::new(CREDENTIAL), Secret::new(WRONG_CREDENTIAL)]
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let mut state = self.platform.state();
        let capabilities = state.profile.capabilities.clone();
        let update = capabilities.update.as_ref();
        let revoke = capabilities.revoke.as_ref();
        let create = capabilities.create.as_ref();
        let sets_expiry = create.is_none_or(|create| create.expiry);
        let never_expires = create.is_none_or(|create| create.never_expiring);
        let now = state.now;
        let state_possible = match spec.state {
            TokenState::Suspended => update.is_some_and(|update| update.suspension),
            TokenState::Revoked => {
                revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Marked)
            }
            TokenState::Expired => sets_expiry || state.profile.default_lifetime.is_some(),
            _ => true,
        };
        let expiry_possible = match spec.expiry {
            RequestedExpiry::PlatformDefault => true,
            RequestedExpiry::Never => never_expires,
            _ => sets_expiry,
        };
        let cascade_possible =
            !spec.cascades || revoke.is_some_and(|revoke| revoke.tokens_alone.is_some());
        if !cascade_possible {
            return None;
        }
        if !state_possible || !expiry_possible || state.check_room(spec.name.as_deref()).is_err() {
            return None;
        }
        let mut request = CreateToken::unnamed();
        request.name = spec.name;
        request.expiry = spec.expiry;
        let record = state.create(&request);
        let id = record.id.clone();
        record.suspended = spec.state == TokenState::Suspended;
        record.revoked = spec.state == TokenState::Revoked;
        record.unknown_state = spec.state == TokenState::Unknown;
        record.is_of_login = spec.cascades;
        if spec.state == TokenState::Expired {
            record.expires_at = Some(now);
        }
        let secret = Secret::new(record.secret.as_str());
        Some(InsertedToken::new(id).with_secret(secret))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let state = self.platform.state();
        let existing = |record: &Record| {
            let token = ExistingToken::new(record.id.clone(), record.state(state.now))
                .with_expiry(Fact::from_nullable(record.expires_at));
            if record.is_unlisted {
                token.with_unlisted()
            } else {
                token
            }
        };
        state.records.iter().map(existing).collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.platform.state().accepts(secret.expose())
    }

    fn request_count(&self) -> u64 {
        self.platform.state().request_count
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let mut state = self.platform.state();
        let list = state.profile.capabilities.list.as_ref();
        if list.is_some_and(|list| !list.tokens_vanish) {
            return false;
        }
        state.records.retain(|record| record.id != *id);
        true
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(Arc::clone(&self.intruder))
    }

    fn now(&self) -> Timestamp {
        self.platform.state().now
    }

    async fn advance(&self, by: Duration) -> bool {
        self.platform.state().advance(by);
        true
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.platform.state().fault = Some(fault);
        true
    }

    fn origin(&self) -> Option<String> {
        Some(ORIGIN.to_owned())
    }

    fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        match argument.kind {
            ArgumentKind::Text => Some("eu".into()),
            ArgumentKind::List => Some(["10.0.0.0/8"].into()),
            _ => None,
        }
    }

    fn scopes(&self) -> Vec<String> {
        vec!["read".to_owned(), "write".to_owned()]
    }
}
