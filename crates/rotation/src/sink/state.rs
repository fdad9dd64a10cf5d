//! The state of a sink.

use std::fmt;

use sha2::{Digest, Sha256};
use tokenfleet_core::Secret;

use super::Stamp;
use super::digest::short_hex;

/// The content of a sink.
///
/// Its `Debug` form does not contain the secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct SinkState {
    /// The version, to be expected by the next write.
    pub version: Version,
    /// The stamp of the last write, unless somebody else has changed the secret since.
    pub stamp: Option<Stamp>,
    /// The secret, if there is one and the sink can [read](super::Readable) it.
    pub secret: Option<Secret>,
}

impl SinkState {
    /// Creates the state of a sink that holds nothing.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            stamp: None,
            secret: None,
        }
    }

    /// Sets the stamp of the last write.
    #[must_use]
    pub fn with_stamp(mut self, stamp: Option<Stamp>) -> Self {
        self.stamp = stamp;
        self
    }

    /// Sets the secret.
    #[must_use]
    pub fn with_secret(mut self, secret: Option<Secret>) -> Self {
        self.secret = secret;
        self
    }

    /// Returns `true` if the place holds a secret that no sink has written: a person or another
    /// program has.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.secret.is_some() && self.stamp.is_none()
    }
}

/// The version of what a sink holds: opaque, and different after each change.
///
/// It may be derived from the secret by a one-way function, and is no secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Box<str>);

impl Version {
    /// Creates a version from the text that the store itself uses.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Creates a version from the content of a place that has no versions of its own.
    #[must_use]
    pub fn from_content(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self::new(short_hex(&digest.finalize()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
