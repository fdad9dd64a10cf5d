//! The registration of the adapters that tokenfleet ships, each behind its Cargo feature.

use crate::Registry;

/// Every provider that tokenfleet ships and `true` if it is compiled in. Its Cargo feature has the
/// same name.
pub(crate) const KNOWN: [(&str, bool); 4] = [
    ("cloudsmith", cfg!(feature = "cloudsmith")),
    ("foreman", cfg!(feature = "foreman")),
    ("losant", cfg!(feature = "losant")),
    ("mindbody", cfg!(feature = "mindbody")),
];

/// Registers one adapter. The four have the same constructors, but share no trait that names them.
#[allow(unused_macros)]
macro_rules! register {
    ($registry:ident, $platform:ident::$Provider:ident, $Config:ident) => {
        $registry.register(crate::$platform::NAME, |account, settings, transport| {
            let config = crate::$platform::$Config::from_settings(settings)?;
            let retry = crate::transport::RetryPolicy::from_settings(settings)?;
            Ok(crate::$platform::$Provider::new(account, config, transport).with_retry(retry))
        })
    };
}

/// Adds the adapters whose Cargo features are enabled.
#[allow(unused_mut)]
pub(crate) fn register_all(mut registry: Registry) -> Registry {
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
