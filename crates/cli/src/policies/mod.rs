//! The policies of the configuration: which tokens are rotated, when, and where the new secrets go.

mod acting;
mod table;

use std::sync::Arc;

use tokenfleet::config::{did_you_mean, quoted};
use tokenfleet::transport::Transport;
use tokenfleet::{Configuration, Error, Result, Timestamp, Token, TokenProvider};
use tokenfleet_rotation::policy::{Policy, PolicyAccount};

pub(crate) use self::acting::acting_token;
pub(crate) use self::table::ConfiguredPolicy;
use crate::configuration::tables;
use crate::sinks::Sinks;

/// The policies of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    policies: Vec<ConfiguredPolicy>,
    configuration: Configuration,
}

impl Policies {
    /// Reads the tables `[policies.NAME]`. Nothing is sent. `now` in a filter is the present time.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration), naming the line, for a mistake in
    /// any of them, and for two that write one place.
    pub(crate) fn read(configuration: &Configuration, sinks: &Sinks) -> Result<Self> {
        let read = || -> Result<_> {
            let now = Timestamp::now();
            let tables = configuration.named_tables(tables::POLICIES);
            let policies =
                tables.map(|table| ConfiguredPolicy::read(table, configuration, sinks, now));
            let policies = policies.collect::<Result<Vec<_>>>()?;
            check_places(&policies, sinks)?;
            Ok(policies)
        };
        Ok(Self {
            policies: read().map_err(|error| configuration.locate(error))?,
            configuration: configuration.clone(),
        })
    }

    /// Returns the policies, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ConfiguredPolicy> {
        self.policies.iter()
    }

    /// Returns the policies of an account.
    pub(crate) fn for_account(&self, account: &str) -> impl Iterator<Item = &ConfiguredPolicy> {
        self.iter()
            .filter(move |policy| policy.config.account == account)
    }

    /// Returns the policy of that name.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration) for an unknown name.
    pub(crate) fn named(&self, name: &str) -> Result<&ConfiguredPolicy> {
        self.iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.iter().map(ConfiguredPolicy::name).collect();
                let advice = match known.as_slice() {
                    [] => "write a table [policies.NAME]".to_owned(),
                    known => did_you_mean(name, known),
                };
                Error::configuration(format!("unknown policy{}", quoted(name, &known)))
                    .with_advice(advice)
            })
    }

    /// Accepts a policy that can keep its promise on its account. Nothing is sent.
    ///
    /// `acting` is the token that the account authenticates with, as [`acting_token`] finds it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration), with what to change.
    pub(crate) async fn accept(
        &self,
        policy: &ConfiguredPolicy,
        provider: &dyn TokenProvider,
        acting: Option<&Token>,
        (sinks, transport): (&Sinks, &Arc<dyn Transport>),
    ) -> Result<Policy> {
        let accept = async {
            let capabilities = provider.capabilities();
            if capabilities.list.is_some() && !policy.has_filter {
                let error = policy
                    .settings
                    .error("would rotate every token of the account");
                return Err(error.with_advice(
                    "say which ones, as in where = \"name ^= ci-\", or all with \
                     where = \"state = active\"",
                ));
            }
            let mut declared = Vec::new();
            for template in &policy.config.sinks {
                let sink = sinks.open_example(template, transport).await?;
                declared.push(sink.capabilities());
            }
            // If it is one of its own, no policy may cover it.
            let mut account = PolicyAccount::new(capabilities).with_other_credential();
            if let Some(token) = acting {
                account = account.with_acting(token);
            }
            Policy::new(policy.config.clone(), &account, &declared)
        };
        let accepted = accept.await;
        accepted.map_err(|error| self.configuration.locate(error))
    }
}

/// Refuses two policies that write one place, and one that writes it twice: two owners of a secret
/// would rotate it against each other for ever.
fn check_places(policies: &[ConfiguredPolicy], sinks: &Sinks) -> Result<()> {
    let mut taken: Vec<(String, &ConfiguredPolicy)> = Vec::new();
    for policy in policies {
        for template in &policy.config.sinks {
            let place = sinks.identity(template)?;
            // For each token it is another one. Whether two policies have one token is known later.
            let is_filled = place.contains("{name}") || place.contains("{id}");
            let is_taken = |(other_place, other): &&(String, &ConfiguredPolicy)| {
                let is_same_policy = other.name() == policy.name();
                let is_same_account = other.config.account == policy.config.account;
                let is_shared = !is_filled && (is_same_account || !place.contains("{account}"));
                *other_place == place && (is_same_policy || is_shared)
            };
            if let Some((_, other)) = taken.iter().find(is_taken) {
                let other = other.settings.path();
                let message = format!("writes a place that {other} writes too");
                return Err(policy.settings.error(message).with_advice(
                    "let each place belong to one policy: two would rotate it against each other",
                ));
            }
            taken.push((place, policy));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
