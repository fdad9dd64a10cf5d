//! The stamp that is stored beside a secret.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenfleet_core::{Secret, TokenId};

use super::digest::short_hex;

/// The origin of a secret in a sink: the operation that wrote it, the epoch of the worker that
/// carried the operation out, the id of the token, and that of the ledger.
///
/// ```
/// use tokenfleet_core::TokenId;
/// use tokenfleet_rotation::sink::Stamp;
///
/// let stamp = Stamp::new("op-1", 3, TokenId::new("65f0"));
/// let text = stamp.to_string();
/// assert_eq!(text, r#"{"operation":"op-1","epoch":3,"token":"65f0"}"#);
/// assert_eq!(Stamp::parse(&text), Some(stamp));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    operation: String,
    epoch: u64,
    #[serde(deserialize_with = "token_id")]
    token: TokenId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ledger: String,
}

impl Stamp {
    /// Creates a stamp.
    #[must_use]
    pub fn new(operation: impl Into<String>, epoch: u64, token: TokenId) -> Self {
        Self {
            operation: operation.into(),
            epoch,
            token,
            ledger: String::new(),
        }
    }

    /// Sets the id of the ledger that the operation is in.
    #[must_use]
    pub fn with_ledger(mut self, ledger: impl Into<String>) -> Self {
        self.ledger = ledger.into();
        self
    }

    /// Parses the text of a stamp, and returns `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the id of the operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the epoch of the worker. It only grows, whatever the operation.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the id of the ledger, which is empty if none was set. What another ledger wrote is
    /// somebody else's.
    #[must_use]
    pub fn ledger(&self) -> &str {
        &self.ledger
    }

    /// Returns the id of the token.
    #[must_use]
    pub fn token(&self) -> &TokenId {
        &self.token
    }
}

/// Writes the stamp on one line, as JSON.
impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

fn token_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<TokenId, D::Error> {
    String::deserialize(deserializer).map(TokenId::new)
}

/// A stamp as it is stored: bound to the secret that it was written with, so that it does not
/// pass for the stamp of a secret that somebody else put in its place.
///
/// ```
/// use tokenfleet_core::{Secret, TokenId};
/// use tokenfleet_rotation::sink::{SealedStamp, Stamp};
///
/// let secret = Secret::new("SK-PrjW98OTY1h8QTY9hUA");
/// let sealed = SealedStamp::new(&Stamp::new("op-1", 3, TokenId::new("65f0")), &secret);
/// let stored = SealedStamp::parse(&sealed.to_string()).unwrap();
/// assert!(stored.is_of(&secret));
/// assert!(!stored.is_of(&Secret::new("another")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedStamp {
    #[serde(flatten)]
    stamp: Stamp,
    /// The first half of the digest of the secret.
    sha256: String,
}

impl SealedStamp {
    /// Binds a stamp to a secret.
    #[must_use]
    pub fn new(stamp: &Stamp, secret: &Secret) -> Self {
        Self {
            stamp: stamp.clone(),
            sha256: digest(secret),
        }
    }

    /// Parses the stored text, and returns `None` if it is no sealed stamp.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the stamp.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Returns `true` if it was written with this secret.
    #[must_use]
    pub fn is_of(&self, secret: &Secret) -> bool {
        self.sha256 == digest(secret)
    }

    /// Returns `true` if this is the SHA-256 of the secret that it was written with, in hexadecimal
    /// digits.
    #[must_use]
    pub fn is_of_digest(&self, sha256: &str) -> bool {
        sha256.len() == 64 && (sha256.to_ascii_lowercase()).starts_with(&self.sha256)
    }
}

/// Writes the sealed stamp on one line, as JSON.
impl std::fmt::Display for SealedStamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

fn digest(secret: &Secret) -> String {
    short_hex(&Sha256::digest(secret.expose().as_bytes()))
}
