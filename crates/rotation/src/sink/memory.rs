//! A sink in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet_core::{Result, Secret};

use super::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

/// A sink in memory, for tests. Clones share the place.
#[derive(Debug, Clone)]
pub struct MemorySink {
    place: String,
    adopt: bool,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    version: u64,
    secret: Option<Secret>,
    sealed: Option<SealedStamp>,
}

impl MemorySink {
    /// Creates an empty sink with a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            place: format!("memory:{name}"),
            adopt: false,
            held: Arc::default(),
        }
    }

    /// Lets this handle replace a secret that somebody else wrote.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.adopt = true;
        self
    }

    /// Sets the secret as a person does, who leaves the stamp as it is.
    pub fn set(&self, secret: Option<Secret>) {
        let mut held = self.held();
        held.version += 1;
        held.secret = secret;
    }

    /// Returns a copy of the secret, as a consumer reads it.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        self.held().secret.as_ref().map(Secret::duplicate)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn version(&self) -> Version {
        Version::new(self.version.to_string())
    }

    fn holding(&self) -> Holding {
        let secret = self.secret.as_ref().map(Secret::duplicate);
        Holding::new(self.version(), secret, self.sealed.clone())
    }
}

#[async_trait]
impl SecretSink for MemorySink {
    fn place(&self) -> &str {
        &self.place
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(Readable::Secret)
            .with_compare_and_swap()
            .with_adoption(self.adopt)
    }

    async fn read(&self) -> Result<SinkState> {
        Ok(self.held().holding().into_state())
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let mut held = self.held();
        (held.holding()).check(&self.place, expected, stamp, self.adopt)?;
        held.version += 1;
        held.secret = Some(secret.duplicate());
        held.sealed = Some(SealedStamp::new(stamp, secret));
        Ok(held.version())
    }
}
