//! The fixture of the platform in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::{
    Account, CreateToken, Fact, RequestedExpiry, Secret, Timestamp, TokenId, TokenProvider,
    TokenState,
};

use super::platform::Platform;
use super::profile::MemoryProfile;
use super::provider::MemoryProvider;
use crate::{Existing, Fault, Fixture, Inserted, TokenSpec};

const CREDENTIAL: &str = "memory-credential-0a1b2c3d";
const WRONG_CREDENTIAL: &str = "memory-intruder-4e5f6a7b";

/// A platform in memory with its provider: read it as the model of a fixture.
#[derive(Debug, Clone)]
pub struct MemoryFixture {
    platform: Platform,
    provider: Arc<MemoryProvider>,
    intruder: Arc<MemoryProvider>,
}

impl MemoryFixture {
    /// A platform of that profile, without tokens.
    #[must_use]
    pub fn new(profile: MemoryProfile) -> Self {
        let account = Account::new("memory", profile.name());
        let platform = Platform::new(profile, CREDENTIAL);
        let acting = |credential| {
            let platform = platform.clone();
            Arc::new(MemoryProvider::acting(
                account.clone(),
                platform,
                Secret::new(credential),
            ))
        };
        Self {
            provider: acting(CREDENTIAL),
            intruder: acting(WRONG_CREDENTIAL),
            platform,
        }
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::<MemoryProvider>::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        vec![Secret::new(CREDENTIAL), Secret::new(WRONG_CREDENTIAL)]
    }

    async fn insert(&self, spec: TokenSpec) -> Option<Inserted> {
        let mut state = self.platform.state();
        let capabilities = state.profile.capabilities.clone();
        let updates = capabilities.update.is_some_and(|update| update.suspension);
        let marks = capabilities
            .revoke
            .is_some_and(|revoke| revoke.effect == tokenfleet_core::RevocationEffect::Marked);
        let chooses = capabilities.create.is_none_or(|create| create.expiry);
        let past = state.now.saturating_add(Duration::ZERO);
        let possible = match spec.state {
            TokenState::Suspended => updates,
            TokenState::Revoked => marks,
            TokenState::Expired => chooses || state.profile.usual_life.is_some(),
            _ => true,
        };
        let expiry_possible = chooses || spec.expiry == RequestedExpiry::PlatformDefault;
        if !possible || !expiry_possible || state.admits(spec.name.as_deref()).is_err() {
            return None;
        }
        let mut request = CreateToken::unnamed();
        request.name = spec.name;
        request.expiry = spec.expiry;
        let id = state.make(&request).id;
        let record = state.record_mut(&id).ok()?;
        record.suspended = spec.state == TokenState::Suspended;
        record.revoked = spec.state == TokenState::Revoked;
        record.strange = spec.state == TokenState::Unknown;
        if spec.state == TokenState::Expired {
            record.expires_at = Some(past);
        }
        let secret = Secret::new(record.secret.as_str());
        Some(Inserted::new(id).with_secret(secret))
    }

    async fn tokens(&self) -> Vec<Existing> {
        let state = self.platform.state();
        let exists = |record: &super::record::Record| {
            Existing::new(record.id.clone(), record.state(state.now))
                .expiring(Fact::from_nullable(record.expires_at))
        };
        state.records.iter().map(exists).collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.platform.state().accepts(secret.expose())
    }

    fn requests(&self) -> u64 {
        self.platform.state().requests
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
        Some(Arc::<MemoryProvider>::clone(&self.intruder))
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

    fn scopes(&self) -> Vec<String> {
        vec!["read".to_owned(), "write".to_owned()]
    }
}
