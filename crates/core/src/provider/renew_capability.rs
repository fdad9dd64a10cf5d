//! The support for renewing secrets: the extension, and the number of renewals.

use std::time::Duration;

/// The support for renewing secrets: the extension, and the number of renewals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewCapability {
    /// The time by which one renewal extends the expiry.
    pub extension: Duration,
    /// The maximum number of renewals of a secret; `None` if there is no limit.
    pub max_renewals: Option<u32>,
    /// The effect of a renewal on the secret.
    pub secret: RenewedSecret,
}

/// The effect of a renewal on the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RenewedSecret {
    /// The platform does not document whether the secret changes.
    #[default]
    Unknown,
    /// The secret stays the same.
    Kept,
    /// A new secret takes its place, and every response holds it.
    Replaced,
}

impl RenewCapability {
    /// Creates a declaration of renewals by `extension`, without a limit on their number.
    #[must_use]
    pub fn new(extension: Duration) -> Self {
        Self {
            extension,
            max_renewals: None,
            secret: RenewedSecret::Unknown,
        }
    }

    /// Declares what a renewal does to the secret. Without this, it is unknown.
    #[must_use]
    pub fn with_secret(mut self, secret: RenewedSecret) -> Self {
        self.secret = secret;
        self
    }

    /// Sets the maximum number of renewals of a secret.
    #[must_use]
    pub fn with_max_renewals(mut self, renewals: u32) -> Self {
        self.max_renewals = Some(renewals);
        self
    }
}
