//! The acting credential, which the adapter itself may rotate.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Credential, Result, Secret};
use tokenfleet_http::ApiRequest;

use crate::config::Scheme;

/// The configured credential, or the key that the adapter has replaced it with.
#[derive(Debug)]
pub(crate) struct RotatingCredential {
    scheme: Scheme,
    configured: Credential,
    rotated: Mutex<Option<Secret>>,
}

impl RotatingCredential {
    /// Creates a credential that was not rotated yet.
    pub(crate) fn new(scheme: Scheme, configured: Credential) -> Self {
        Self {
            scheme,
            configured,
            rotated: Mutex::new(None),
        }
    }

    /// Authenticates with a new key from now on. A user has only one key, so the replaced key was
    /// the acting credential. A password stays in use.
    pub(crate) fn rotate(&self, key: &Secret) {
        if !matches!(self.scheme, Scheme::Basic(_)) {
            *self.rotated() = Some(key.duplicate());
        }
    }

    /// Adds a secret to a request in the configured way.
    pub(crate) fn authorize(&self, request: ApiRequest, secret: &Secret) -> ApiRequest {
        match &self.scheme {
            Scheme::ApiKey => request.credential("x-api-key", "", secret),
            Scheme::Token => request.credential("authorization", "token ", secret),
            Scheme::Basic(email) => request.basic_auth(email, secret),
        }
    }

    /// Returns `true` if the credential is sent where `verify` sends the secret in question.
    pub(crate) fn is_in_api_key_header(&self) -> bool {
        self.scheme == Scheme::ApiKey
    }

    fn rotated(&self) -> MutexGuard<'_, Option<Secret>> {
        self.rotated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialSource for RotatingCredential {
    async fn secret(&self) -> Result<Secret> {
        let rotated = self.rotated().as_ref().map(Secret::duplicate);
        match rotated {
            Some(secret) => Ok(secret),
            None => self.configured.secret().await,
        }
    }

    /// Forgets a rotated key that was rejected: someone else replaced it, so the configured
    /// credential applies again. The rejection of an older key says nothing about the rotated one.
    fn refused(&self, secret: &Secret) {
        self.rotated().take_if(|key| key.is_same(secret));
        self.configured.refused(secret);
    }
}
