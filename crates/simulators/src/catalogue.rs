//! The simulators by provider name, with options parsed from text.

use std::sync::Arc;

use crate::{OptionError, Simulator, Switch, cloudsmith, foreman, losant, mindbody};

type Build = fn(&[&str]) -> Result<Arc<dyn Simulator>, OptionError>;

/// A simulator in the catalogue.
struct CatalogueEntry {
    provider: &'static str,
    keys: &'static [&'static str],
    switches: fn() -> Vec<Switch>,
    build: Build,
}

macro_rules! catalogue {
    ($($module:ident::$simulator:ident),*) => {
        &[$( CatalogueEntry {
            provider: stringify!($module),
            keys: $module::Options::KEYS,
            switches: $module::Options::switches,
            build: |options| {
                let options = $module::Options::parse(options.iter().copied())?;
                Ok(Arc::new($module::$simulator::new(options)))
            },
        } ),*]
    };
}

const CATALOGUE: &[CatalogueEntry] = catalogue![
    losant::Losant,
    foreman::Foreman,
    cloudsmith::Cloudsmith,
    mindbody::Mindbody
];

/// Returns the provider names that [`build`] accepts.
pub fn providers() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|entry| entry.provider)
}

/// Returns the option keys of a provider.
///
/// # Errors
/// Fails on an unknown provider.
pub fn option_keys(provider: &str) -> Result<&'static [&'static str], OptionError> {
    find(provider).map(|entry| entry.keys)
}

/// Returns the switches of a provider: an adapter should work under every setting.
///
/// # Errors
/// Fails on an unknown provider.
pub fn switches(provider: &str) -> Result<Vec<Switch>, OptionError> {
    find(provider).map(|entry| (entry.switches)())
}

/// Builds a simulator from its provider name and `key=value` options.
///
/// ```
/// let simulator = tokenfleet_simulators::build("losant", &["tokens=3", "seed=7"]).unwrap();
/// assert_eq!(simulator.token_count(), 3);
/// let error = tokenfleet_simulators::build("losant", &["tokns=3"]).unwrap_err();
/// assert!(error.to_string().starts_with("unknown option `tokns`; known options: tokens, seed, "));
/// ```
///
/// # Errors
/// Fails on an unknown provider, an unknown option and an invalid value.
pub fn build(provider: &str, options: &[&str]) -> Result<Arc<dyn Simulator>, OptionError> {
    (find(provider)?.build)(options)
}

fn find(provider: &str) -> Result<&'static CatalogueEntry, OptionError> {
    CATALOGUE
        .iter()
        .find(|entry| entry.provider == provider)
        .ok_or_else(|| OptionError::UnknownProvider {
            provider: provider.to_owned(),
            known: providers().collect::<Vec<_>>().join(", "),
        })
}
