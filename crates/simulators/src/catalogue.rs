//! The simulators by name, with options from text: what a program needs.

use std::sync::Arc;

use crate::{OptionError, Simulator, cloudsmith, foreman, losant, mindbody};

type Build = fn(&[&str]) -> Result<Arc<dyn Simulator>, OptionError>;

/// A switch: its key and its settings, the default first.
pub type Switch = (&'static str, &'static [&'static str]);

struct Listed {
    provider: &'static str,
    keys: &'static [&'static str],
    switches: fn() -> Vec<Switch>,
    build: Build,
}

const CATALOGUE: &[Listed] = &[
    Listed {
        provider: "losant",
        keys: losant::Options::KEYS,
        switches: losant::Options::switches,
        build: |options| {
            let options = losant::Options::parse(options.iter().copied())?;
            Ok(Arc::new(losant::Losant::new(options)))
        },
    },
    Listed {
        provider: "foreman",
        keys: foreman::Options::KEYS,
        switches: foreman::Options::switches,
        build: |options| {
            let options = foreman::Options::parse(options.iter().copied())?;
            Ok(Arc::new(foreman::Foreman::new(options)))
        },
    },
    Listed {
        provider: "cloudsmith",
        keys: cloudsmith::Options::KEYS,
        switches: cloudsmith::Options::switches,
        build: |options| {
            let options = cloudsmith::Options::parse(options.iter().copied())?;
            Ok(Arc::new(cloudsmith::Cloudsmith::new(options)))
        },
    },
    Listed {
        provider: "mindbody",
        keys: mindbody::Options::KEYS,
        switches: mindbody::Options::switches,
        build: |options| {
            let options = mindbody::Options::parse(options.iter().copied())?;
            Ok(Arc::new(mindbody::Mindbody::new(options)))
        },
    },
];

/// The names that [`build`] knows.
pub fn providers() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|listed| listed.provider)
}

/// The option keys of a provider.
///
/// # Errors
/// When there is no such provider.
pub fn option_keys(provider: &str) -> Result<&'static [&'static str], OptionError> {
    listed(provider).map(|listed| listed.keys)
}

/// The switches of a provider: whatever an adapter relies on should hold under every setting.
///
/// # Errors
/// When there is no such provider.
pub fn switches(provider: &str) -> Result<Vec<Switch>, OptionError> {
    listed(provider).map(|listed| (listed.switches)())
}

/// Builds a simulator by its provider's name, with options as `key=value`.
///
/// ```
/// let simulator = tokenfleet_simulators::build("losant", &["tokens=3", "seed=7"]).unwrap();
/// assert_eq!(simulator.token_count(), 3);
/// let error = tokenfleet_simulators::build("losant", &["tokns=3"]).unwrap_err();
/// assert!(error.to_string().starts_with("unknown option `tokns`; known are: tokens, seed, "));
/// ```
///
/// # Errors
/// When there is no such provider or option, or the option does not take the value.
pub fn build(provider: &str, options: &[&str]) -> Result<Arc<dyn Simulator>, OptionError> {
    (listed(provider)?.build)(options)
}

fn listed(provider: &str) -> Result<&'static Listed, OptionError> {
    CATALOGUE
        .iter()
        .find(|listed| listed.provider == provider)
        .ok_or_else(|| OptionError::UnknownProvider {
            provider: provider.to_owned(),
            known: providers().collect::<Vec<_>>().join(", "),
        })
}
