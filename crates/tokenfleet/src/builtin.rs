//! The registration of the adapters that tokenfleet ships, each behind its Cargo feature.

use crate::Registry;

impl Registry {
    /// Creates a registry of the providers whose Cargo features are enabled.
    #[must_use]
    #[allow(unused_imports, unused_mut)]
    pub fn with_builtin() -> Self {
        use crate::transport::adapter::FromSettings;
        let mut registry = Self::empty();
        #[cfg(feature = "cloudsmith")]
        registry.register(
            crate::cloudsmith::NAME,
            crate::cloudsmith::Cloudsmith::from_settings,
        );
        #[cfg(feature = "foreman")]
        registry.register(crate::foreman::NAME, crate::foreman::Foreman::from_settings);
        #[cfg(feature = "losant")]
        registry.register(crate::losant::NAME, crate::losant::Losant::from_settings);
        #[cfg(feature = "mindbody")]
        registry.register(
            crate::mindbody::NAME,
            crate::mindbody::Mindbody::from_settings,
        );
        registry
    }
}
