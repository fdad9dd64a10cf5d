//! The accounts of a ledger that a command works on.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{Account, AccountConfiguration, Configuration, Error, Registry, Result};
use tokenfleet_ledger::Source;

use crate::arguments::GlobalArguments;
use crate::configuration::NothingSent;
use crate::selection::{AccountNames, check_known, requested_names};

/// An account, and its histories: one for each owner whose tokens it ever listed.
#[derive(Debug)]
pub(crate) struct RememberedAccount {
    pub(crate) account: Account,
    pub(crate) sources: Vec<Source>,
}

/// Returns the configured accounts that the options select, and those that they name although they
/// are only remembered.
///
/// # Errors
///
/// Fails if the options name what is neither configured nor remembered, or leave no account.
pub(crate) fn select(
    configuration: &Configuration,
    global: &GlobalArguments,
    registry: &Registry,
    known: Vec<Source>,
) -> Result<Vec<RememberedAccount>> {
    let requested = requested_names(global)?;
    let names = AccountNames::parse(&requested);
    let configured = configuration.accounts();
    check_options(configured, global, &names, &known)?;
    let is_chosen = |name: &str, provider: &str| {
        names.matches(name)
            && (global.providers.is_empty()
                || global.providers.iter().any(|chosen| chosen == provider))
    };
    let mut selected = Vec::new();
    let transport: Arc<dyn Transport> = Arc::new(NothingSent);
    let of_configuration = configured.iter().filter(|account| {
        let has_tag = |tag| account.tags().contains(tag);
        is_chosen(account.name(), account.provider())
            && (global.tags.is_empty() || global.tags.iter().any(has_tag))
    });
    for account in of_configuration {
        // Its place tells it from an account of the same name in another configuration.
        let opened = registry.open(account, Arc::clone(&transport));
        let place = opened.ok().map(|provider| provider.account().clone());
        let is_its = |source: &&Source| match &place {
            Some(account) => source.account == *account,
            None => is_named(source, account.name(), account.provider()),
        };
        selected.push(RememberedAccount {
            sources: known.iter().filter(is_its).cloned().collect(),
            account: place.clone().unwrap_or(account.account().clone()),
        });
    }
    let names_some = requested.iter().any(|name| !name.starts_with('!'));
    if global.tags.is_empty() && (names_some || configured.is_empty()) {
        for source in known {
            let account = &source.account;
            let is_configured =
                |other: &AccountConfiguration| is_named(&source, other.name(), other.provider());
            if !is_chosen(account.name(), account.provider())
                || configured.iter().any(is_configured)
            {
                continue;
            }
            match selected.iter_mut().find(|one| one.account == *account) {
                Some(one) => one.sources.push(source),
                None => selected.push(RememberedAccount {
                    account: account.clone(),
                    sources: vec![source],
                }),
            }
        }
    }
    if selected.is_empty() {
        return Err(Error::invalid_input(
            "no account meets all of --account, --provider and --tag",
        ));
    }
    Ok(selected)
}

fn is_named(source: &Source, name: &str, provider: &str) -> bool {
    source.account.name() == name && source.account.provider() == provider
}

fn check_options(
    configured: &[AccountConfiguration],
    global: &GlobalArguments,
    names: &AccountNames,
    known: &[Source],
) -> Result<()> {
    let known = || known.iter().map(|source| &source.account);
    let all: Vec<_> = (configured.iter().map(AccountConfiguration::name))
        .chain(known().map(Account::name))
        .collect();
    if all.is_empty() {
        return Err(
            Error::configuration("no account is configured or remembered")
                .with_advice("add a table [accounts.NAME] for each account"),
        );
    }
    names.check(all)?;
    let all: Vec<_> = (configured.iter().map(AccountConfiguration::provider))
        .chain(known().map(Account::provider))
        .collect();
    check_known("provider", &global.providers, all)?;
    let tags = configured.iter().flat_map(AccountConfiguration::tags);
    check_known("tag", &global.tags, tags.map(String::as_str).collect())
}
