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

/// Adds the adapters whose Cargo features are enabled.
#[allow(unused_imports, unused_mut)]
pub(crate) fn register_all(mut registry: Registry) -> Registry {
    use crate::transport::adapter::FromSettings;
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
