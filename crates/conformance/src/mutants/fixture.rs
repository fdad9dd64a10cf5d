//! A fixture whose provider is a mutant.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue};
use tokenfleet_core::{Secret, Timestamp, TokenId, TokenProvider};

use super::defect::Defect;
use super::provider::{MutantProvider, Secrets};
use crate::{
    ExistingToken, Fault, Fixture, InsertedToken, MemoryFixture, MemoryProfile, TokenSpec,
};

/// The reference platform behind a mutant.
pub(crate) struct MutantFixture {
    inner: MemoryFixture,
    provider: Arc<MutantProvider>,
    intruder: Arc<MutantProvider>,
    secrets: Secrets,
}

impl MutantFixture {
    pub(crate) fn new(profile: MemoryProfile, defect: Defect) -> Self {
        let inner = MemoryFixture::new(profile);
        let secrets = Arc::new(Mutex::default());
        let mutate = |provider| {
            let secrets = Arc::clone(&secrets);
            Arc::new(MutantProvider::new(
                provider,
                inner.clone(),
                secrets,
                defect,
            ))
        };
        let provider = mutate(inner.provider());
        let intruder = mutate(inner.intruder().unwrap());
        Self {
            provider,
            intruder,
            secrets,
            inner,
        }
    }
}

#[async_trait]
impl Fixture for MutantFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::<MutantProvider>::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        self.inner.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let inserted = self.inner.insert(spec).await?;
        if let Some(secret) = &inserted.secret {
            let secret = secret.expose().to_owned();
            self.secrets
                .lock()
                .unwrap()
                .insert(inserted.id.clone(), secret);
        }
        Some(inserted)
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        self.inner.tokens().await
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.inner.accepts(secret).await
    }

    fn request_count(&self) -> u64 {
        self.inner.request_count()
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.inner.remove(id).await
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(Arc::<MutantProvider>::clone(&self.intruder))
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn advance(&self, by: Duration) -> bool {
        self.inner.advance(by).await
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.inner.inject(fault).await
    }

    fn origin(&self) -> Option<String> {
        self.inner.origin()
    }

    fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        self.inner.argument(argument)
    }

    fn scopes(&self) -> Vec<String> {
        self.inner.scopes()
    }
}
