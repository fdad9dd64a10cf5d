//! The registration of the adapters that tokenfleet ships, each behind its Cargo feature.

use crate::Registry;

impl Registry {
    /// Creates a registry of the providers whose Cargo features are enabled.
    #[must_use]
    #[allow(unused_imports, unused_mut)]
    pub fn with_builtin() -> Self {
        use crate::transport::RetryPolicy;
        let mut registry = Self::empty();
        #[cfg(feature = "cloudsmith")]
        registry.register(crate::cloudsmith::NAME, |account, settings, transport| {
            let config = crate::cloudsmith::CloudsmithConfig::from_settings(settings)?;
            let retry = RetryPolicy::from_settings(settings)?;
            Ok(crate::cloudsmith::Cloudsmith::new(account, config, transport).with_retry(retry))
        });
        #[cfg(feature = "foreman")]
        registry.register(crate::foreman::NAME, |account, settings, transport| {
            let config = crate::foreman::ForemanConfig::from_settings(settings)?;
            let retry = RetryPolicy::from_settings(settings)?;
            Ok(crate::foreman::Foreman::new(account, config, transport).with_retry(retry))
        });
        #[cfg(feature = "losant")]
        registry.register(crate::losant::NAME, |account, settings, transport| {
            let config = crate::losant::LosantConfig::from_settings(settings)?;
            let retry = RetryPolicy::from_settings(settings)?;
            Ok(crate::losant::Losant::new(account, config, transport).with_retry(retry))
        });
        #[cfg(feature = "mindbody")]
        registry.register(crate::mindbody::NAME, |account, settings, transport| {
            let config = crate::mindbody::MindbodyConfig::from_settings(settings)?;
            let retry = RetryPolicy::from_settings(settings)?;
            Ok(crate::mindbody::Mindbody::new(account, config, transport).with_retry(retry))
        });
        registry
    }
}
