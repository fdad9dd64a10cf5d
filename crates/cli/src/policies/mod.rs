//! The policies of the configuration: which tokens are rotated, when, and where the new secrets go.

mod acting;
mod table;

use std::sync::Arc;

use tokenfleet::config::{did_you_mean, quoted};
use tokenfleet::transport::Transport;
use tokenfleet::{Capabilities, Configuration, Error, Result, Timestamp, Token};
use tokenfleet_rotation::policy::{Policy, PolicyAccount};

pub(crate) use self::acting::acting_token;
pub(crate) use self::table::ConfiguredPolicy;
use crate::configuration::tables;
use crate::sinks::{self, Sinks};

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
                tables.map(|table| ConfiguredPolicy::read(table, configuration, Some(sinks), now));
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

    /// Accepts a policy that can keep its promise on an account that can do this. Nothing is sent.
    ///
    /// `acting` is the token that the account authenticates with, as [`acting_token`] finds it, and
    /// `ledger` the id of the ledger, which is empty if there is none.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration), with what to change.
    pub(crate) async fn accept(
        &self,
        policy: &ConfiguredPolicy,
        capabilities: &Capabilities,
        acting: Option<&Token>,
        ledger: &str,
        (sinks, transport): (&Sinks, &Arc<dyn Transport>),
    ) -> Result<Policy> {
        let accept = async {
            if capabilities.list.is_none() && policy.has_filter {
                let error = policy.settings.error(
                    "has a `where`, and the tokens of its account cannot be listed and compared \
                     with it",
                );
                return Err(error.with_advice("remove it: the policy rotates the account's token"));
            }
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
            let mut account = PolicyAccount::new(capabilities)
                .with_other_credential()
                .with_ledger(ledger);
            if let Some(token) = acting {
                account = account.with_acting(token);
            }
            Policy::new(policy.config.clone(), &account, &declared)
        };
        let accepted = accept.await;
        accepted.map_err(|error| self.configuration.locate(error))
    }
}

/// Checks the keys and values of the policies, for commands that use none of them. What a place
/// needs of the environment, such as the address of a server, is not asked for.
pub(crate) fn check_tables(configuration: &Configuration) -> Result<()> {
    let now = Timestamp::now();
    for table in configuration.named_tables(tables::POLICIES) {
        ConfiguredPolicy::read(table, configuration, None, now)
            .map_err(|error| configuration.locate(error))?;
    }
    Ok(())
}

/// Refuses two policies that write one place, and one that writes it twice: two owners of a secret
/// would rotate it against each other for ever.
///
/// Two policies of one account may fill in one place for each token: which tokens they have is
/// known when these are listed. Those of another account are not listed then, so no value of a
/// variable may lead two accounts to one place.
fn check_places(policies: &[ConfiguredPolicy], sinks: &Sinks) -> Result<()> {
    let mut taken: Vec<(String, &ConfiguredPolicy)> = Vec::new();
    for policy in policies {
        let account = &policy.config.account;
        for template in &policy.config.sinks {
            let place = sinks.identity(template)?.replace("{account}", account);
            let is_filled = sinks::is_filled_in(&place);
            let is_taken = |(other_place, other): &&(String, &ConfiguredPolicy)| {
                if other.config.account != *account {
                    return sinks::can_be_one(other_place, &place);
                }
                sinks::are_one(other_place, &place) && (other.name() == policy.name() || !is_filled)
            };
            let Some((_, other)) = taken.iter().find(is_taken) else {
                taken.push((place, policy));
                continue;
            };
            let path = other.settings.path();
            let (message, advice) = if other.name() == policy.name() {
                (
                    "writes the same place twice".to_owned(),
                    "name each place once",
                )
            } else if other.config.account == *account || !is_filled {
                (
                    format!("writes a place that {path} writes too"),
                    "let each place belong to one policy: two would rotate it against each other",
                )
            } else {
                (
                    format!("can write a place that {path}, of another account, writes too"),
                    "put `{account}` into the sink: tokens of two accounts may have one name or id",
                )
            };
            return Err(policy.settings.error(message).with_advice(advice));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
