//! The credential that the provider acts with.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Credential, Result, Secret};
use tokenfleet_http::ApiRequest;
use zeroize::Zeroizing;

use crate::config::Scheme;

/// The configured credential, until the provider has itself replaced the key that it stands for.
#[derive(Debug)]
pub(crate) struct Acting {
    scheme: Scheme,
    configured: Credential,
    replaced_by: Mutex<Option<Secret>>,
}

impl Acting {
    pub(crate) fn new(scheme: Scheme, configured: Credential) -> Self {
        Self {
            scheme,
            configured,
            replaced_by: Mutex::new(None),
        }
    }

    /// Goes on with a new key: a user has one, so the key that was replaced is the one we act with. A password stays.
    pub(crate) fn replace(&self, key: &Secret) {
        if !matches!(self.scheme, Scheme::Basic(_)) {
            *self.lock() = Some(key.duplicate());
        }
    }

    /// Adds a credential to a call, the way that is configured.
    pub(crate) fn dress(&self, call: ApiRequest, secret: &Secret) -> ApiRequest {
        match &self.scheme {
            Scheme::ApiKey => call.credential("x-api-key", "", secret),
            Scheme::Token => call.credential("authorization", "token ", secret),
            Scheme::Basic(email) => {
                let pair = Zeroizing::new(format!("{email}:{}", secret.expose()));
                let basic = Secret::new(STANDARD.encode(pair.as_bytes()));
                call.credential("authorization", "Basic ", &basic)
                    .redact(secret)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Secret>> {
        self.replaced_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialSource for Acting {
    async fn secret(&self) -> Result<Secret> {
        let replacement = self.lock().as_ref().map(Secret::duplicate);
        match replacement {
            Some(secret) => Ok(secret),
            None => self.configured.secret().await,
        }
    }

    /// A replacement that is refused was replaced in turn, by someone else: what is configured holds again. A call that was
    /// sent with an older secret says nothing of the replacement.
    fn refused(&self, secret: &Secret) {
        self.lock().take_if(|key| key.is_same(secret));
        self.configured.refused(secret);
    }
}
