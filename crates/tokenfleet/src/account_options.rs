//! The settings that an account has on every platform.

use std::time::Duration;

use crate::capability::CreateCapability;
use crate::config::Settings;
use crate::{CreateToken, Error, RequestedExpiry, Result};

/// The settings of an account that its provider does not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AccountOptions {
    pub(crate) tags: Vec<String>,
    pub(crate) read_only: bool,
    /// The place of the key that makes the account read-only.
    pub(crate) read_only_place: String,
    pub(crate) defaults: CreationDefaults,
    /// The queue of the account, unless it has one of its own.
    pub(crate) queue: Option<String>,
}

/// The lifetime and the scopes of a created token for which no others are requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CreationDefaults {
    pub(crate) expires_in: Option<Duration>,
    pub(crate) scopes: Vec<String>,
}

impl AccountOptions {
    /// Reads the settings that are there, and leaves those of the provider.
    pub(crate) fn read(&mut self, settings: &mut Settings) -> Result<()> {
        let tags = settings.texts("tags")?;
        if tags.iter().any(|tag| tag.trim().is_empty()) {
            let place = settings.place("tags");
            return Err(settings.error(format!("{place} contains an empty tag")));
        }
        if !tags.is_empty() {
            self.tags = tags;
        }
        let place = settings.place("read_only");
        if let Some(read_only) = settings.boolean("read_only")? {
            self.read_only = read_only;
            self.read_only_place = place;
        }
        if let Some(period) = settings.duration("default_expires_in")? {
            self.defaults.expires_in = Some(period);
        }
        let scopes = settings.texts("default_scopes")?;
        if !scopes.is_empty() {
            self.defaults.scopes = scopes;
        }
        let place = settings.place("queue");
        if let Some(queue) = settings.text("queue")? {
            if queue.trim().is_empty() || queue.contains(char::is_control) {
                let message = format!("{place} must be a name");
                return Err(Error::configuration(message).with_advice("write queue = \"…\""));
            }
            self.queue = Some(queue);
        }
        Ok(())
    }
}

impl CreationDefaults {
    /// Returns `true` if the account has no defaults.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the lifetime and the scopes to a request that has none. `account` is the path of the
    /// account in the configuration.
    ///
    /// A default that the platform cannot apply is a mistake in the configuration: tokens would
    /// live longer, or be allowed more, than whoever wrote it believes.
    pub(crate) fn apply(
        &self,
        mut request: CreateToken,
        capability: Option<&CreateCapability>,
        account: &str,
    ) -> Result<CreateToken> {
        // Without the capability, the creation itself is refused.
        let Some(capability) = capability else {
            return Ok(request);
        };
        let unusable = |key: &str, argument: &str| {
            let message = format!("{account}.{key}: the platform takes no {argument}");
            Error::configuration(message).with_advice("remove the key")
        };
        if let Some(period) = self.expires_in
            && request.expiry == RequestedExpiry::PlatformDefault
        {
            if !capability.expiry {
                return Err(unusable("default_expires_in", "expiry"));
            }
            request.expiry = RequestedExpiry::In(period);
        }
        if !self.scopes.is_empty() && request.scopes.is_none() {
            if !capability.scopes {
                return Err(unusable("default_scopes", "scopes"));
            }
            request.scopes = Some(self.scopes.clone());
        }
        Ok(request)
    }
}
