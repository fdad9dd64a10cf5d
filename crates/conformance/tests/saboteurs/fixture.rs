//! A fixture whose provider is sabotaged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_conformance::{
    Existing, Fault, Fixture, Inserted, MemoryFixture, MemoryProfile, TokenSpec,
};
use tokenfleet_core::{Secret, Timestamp, TokenId, TokenProvider};

use crate::defect::Defect;
use crate::provider::{Saboteur, Secrets};

/// The reference platform behind a saboteur.
pub(crate) struct Sabotaged {
    inner: MemoryFixture,
    provider: Arc<Saboteur>,
    intruder: Arc<Saboteur>,
    secrets: Secrets,
}

impl Sabotaged {
    pub(crate) fn new(profile: MemoryProfile, defect: Defect) -> Self {
        let inner = MemoryFixture::new(profile);
        let secrets = Arc::new(Mutex::default());
        let sabotage = |provider| {
            let secrets = Arc::clone(&secrets);
            Arc::new(Saboteur::new(provider, inner.clone(), secrets, defect))
        };
        let provider = sabotage(inner.provider());
        let intruder = sabotage(inner.intruder().unwrap());
        Self {
            provider,
            intruder,
            secrets,
            inner,
        }
    }
}

#[async_trait]
impl Fixture for Sabotaged {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::<Saboteur>::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        self.inner.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<Inserted> {
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

    async fn tokens(&self) -> Vec<Existing> {
        self.inner.tokens().await
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.inner.accepts(secret).await
    }

    fn requests(&self) -> u64 {
        self.inner.requests()
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.inner.remove(id).await
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(Arc::<Saboteur>::clone(&self.intruder))
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

    fn scopes(&self) -> Vec<String> {
        self.inner.scopes()
    }
}
