//! The providers that tokenfleet brings, each behind its cargo feature.

use crate::Registry;

/// Every provider that tokenfleet knows, compiled in or not; the feature has the provider's name.
pub(crate) const KNOWN: [(&str, bool); 4] = [
    ("cloudsmith", cfg!(feature = "cloudsmith")),
    ("foreman", cfg!(feature = "foreman")),
    ("losant", cfg!(feature = "losant")),
    ("mindbody", cfg!(feature = "mindbody")),
];

/// Registers one adapter: they all have the same shape.
#[cfg(any(
    feature = "cloudsmith",
    feature = "foreman",
    feature = "losant",
    feature = "mindbody"
))]
macro_rules! register {
    ($registry:ident, $adapter:ident::$provider:ident, $config:ident) => {
        $registry.register(
            crate::$adapter::NAME,
            |account: &str,
             settings: &mut crate::config::Settings,
             transport: std::sync::Arc<dyn crate::transport::Transport>| {
                let config = crate::$adapter::$config::from_settings(settings)?;
                let retry = crate::transport::RetryPolicy::from_settings(settings)?;
                let provider = crate::$adapter::$provider::new(account, config, transport);
                Ok(provider.with_retry(retry))
            },
        )
    };
}

/// Registers what is compiled in.
pub(crate) fn register_all(registry: Registry) -> Registry {
    #[cfg(any(
        feature = "cloudsmith",
        feature = "foreman",
        feature = "losant",
        feature = "mindbody"
    ))]
    let mut registry = registry;
    #[cfg(feature = "cloudsmith")]
    register!(registry, cloudsmith::Cloudsmith, CloudsmithConfig);
    #[cfg(feature = "foreman")]
    register!(registry, foreman::Foreman, ForemanConfig);
    #[cfg(feature = "losant")]
    register!(registry, losant::Losant, LosantConfig);
    #[cfg(feature = "mindbody")]
    register!(registry, mindbody::Mindbody, MindbodyConfig);
    registry
}
