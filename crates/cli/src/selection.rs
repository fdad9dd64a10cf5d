//! The accounts that a command works on, as `--account`, `--provider` and `--tag` select them.

mod account_names;

use std::env::VarError;

use tokenfleet::config::{did_you_mean, quoted};
use tokenfleet::{AccountConfiguration, Configuration, Error, Result};

pub(crate) use self::account_names::AccountNames;
use crate::arguments::GlobalArguments;
use crate::program_name;

/// The largest number of names in a message.
const MAX_SHOWN: usize = 20;

/// The selected accounts of a configuration: at least one.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The indexes of the accounts in the configuration, in the order of the command line.
    accounts: Vec<usize>,
    /// `true` if accounts were asked for, by whatever condition.
    pub(crate) is_narrowed: bool,
}

impl Selection {
    /// Selects accounts. Each kind of condition narrows what the others leave; several of one kind
    /// add up.
    pub(crate) fn new(configuration: &Configuration, arguments: &GlobalArguments) -> Result<Self> {
        let all = configuration.accounts();
        if all.is_empty() {
            let error = Error::configuration("no account is configured")
                .with_advice("add a table [accounts.NAME] for each account");
            return Err(configuration.locate(error));
        }
        let variable = program_name::variable("ACCOUNT");
        let default = default_names(arguments, &variable)?;
        let mut accounts = match &default {
            Some(names) => AccountNames::parse(names)
                .select(all)
                .map_err(|error| error.with_message_prefix(&variable))?,
            None => AccountNames::parse(&arguments.accounts).select(all)?,
        };
        let providers = all.iter().map(AccountConfiguration::provider).collect();
        check_known("provider", &arguments.providers, providers)?;
        let tags = all.iter().flat_map(AccountConfiguration::tags);
        check_known("tag", &arguments.tags, tags.map(String::as_str).collect())?;
        accounts.retain(|index| {
            let account = &all[*index];
            let has_provider = |name: &String| name == account.provider();
            let has_tag = |tag: &String| account.tags().contains(tag);
            (arguments.providers.is_empty() || arguments.providers.iter().any(has_provider))
                && (arguments.tags.is_empty() || arguments.tags.iter().any(has_tag))
        });
        if accounts.is_empty() {
            return Err(Error::invalid_input(
                "no account meets all of --account, --provider and --tag",
            ));
        }
        Ok(Self {
            accounts,
            is_narrowed: default.is_some()
                || [&arguments.accounts, &arguments.providers, &arguments.tags]
                    .iter()
                    .any(|words| !words.is_empty()),
        })
    }

    /// Selects one account.
    pub(crate) fn single(configuration: &Configuration, name: &str) -> Result<Self> {
        let names = AccountNames::parse(&[name.to_owned()]);
        Ok(Self {
            accounts: names.select(configuration.accounts())?,
            is_narrowed: true,
        })
    }

    /// Selects accounts, or returns `None` if none are asked for.
    pub(crate) fn if_narrowed(
        configuration: &Configuration,
        arguments: &GlobalArguments,
    ) -> Result<Option<Self>> {
        let is_narrowed = !requested_names(arguments)?.is_empty()
            || !arguments.providers.is_empty()
            || !arguments.tags.is_empty();
        let selection = is_narrowed.then(|| Self::new(configuration, arguments));
        selection.transpose()
    }

    /// Returns the selected accounts of the configuration.
    pub(crate) fn of<'a>(&self, configuration: &'a Configuration) -> Vec<&'a AccountConfiguration> {
        let all = configuration.accounts();
        let accounts = self.accounts.iter();
        accounts.filter_map(|index| all.get(*index)).collect()
    }
}

/// Returns the names in the environment variable, which counts where no option selects accounts,
/// and for configured accounts only.
///
/// # Errors
///
/// [`InvalidInput`](tokenfleet::ErrorKind::InvalidInput): text that is no name selects nothing, and
/// so must not select every account.
fn default_names(arguments: &GlobalArguments, variable: &str) -> Result<Option<Vec<String>>> {
    #[cfg(feature = "simulate")]
    if arguments.simulate {
        return Ok(None);
    }
    let selected = [&arguments.accounts, &arguments.providers, &arguments.tags];
    if selected.iter().any(|words| !words.is_empty()) {
        return Ok(None);
    }
    let names = match std::env::var(variable) {
        Ok(names) => names,
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => {
            let message = format!("{variable} is not valid UTF-8");
            return Err(Error::invalid_input(message)
                .with_advice("set it to names of accounts, separated by commas, or unset it"));
        }
    };
    let names = names.split(',').map(str::trim);
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
    Ok(Some(names).filter(|names| !names.is_empty()))
}

/// Returns the names and patterns of the accounts that are asked for by name, in an option or in
/// the environment variable.
pub(crate) fn requested_names(arguments: &GlobalArguments) -> Result<Vec<String>> {
    let default = default_names(arguments, &program_name::variable("ACCOUNT"))?;
    Ok(default.unwrap_or_else(|| arguments.accounts.clone()))
}

fn unknown_account(name: &str, known: &[&str], is_exact: bool) -> Error {
    if is_exact {
        let message = format!("unknown account{}", quoted(name, known));
        return Error::configuration(message).with_advice(nearest(name, known));
    }
    let literal = name.replace('*', "");
    // What may be a credential is not repeated, whatever stands around it.
    let shown = match quoted(&literal, known).as_str() {
        "" => "the pattern".to_owned(),
        _ => format!("`{name}`"),
    };
    Error::configuration(format!("no account matches {shown}"))
        .with_advice(nearest(&literal, known))
}

/// Rejects a word that no account has.
pub(crate) fn check_known(kind: &str, words: &[String], mut known: Vec<&str>) -> Result<()> {
    known.sort_unstable();
    known.dedup();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        Some(word) => {
            let message = format!("no account has the {kind}{}", quoted(word, &known));
            let advice = if known.is_empty() {
                format!("no account has a {kind}")
            } else {
                nearest(word, &known)
            };
            Err(Error::configuration(message).with_advice(advice))
        }
        None => Ok(()),
    }
}

/// Suggests the known word closest to a misspelled one, or lists the first known words.
fn nearest(word: &str, known: &[&str]) -> String {
    let suggestion = did_you_mean(word, known);
    if suggestion.starts_with("did you mean") {
        suggestion
    } else {
        format!("expected one of {}", list(known))
    }
}

fn list(names: &[&str]) -> String {
    let mut shown = names.to_vec();
    if shown.len() > MAX_SHOWN {
        shown.truncate(MAX_SHOWN);
        shown.push("…");
    }
    shown.join(", ")
}

/// Creates an error for a command that works on one account, with the names to choose from.
pub(crate) fn one_required(selected: &[&AccountConfiguration], is_narrowed: bool) -> Error {
    let names: Vec<_> = selected.iter().map(|account| account.name()).collect();
    let which = if is_narrowed {
        "selected"
    } else {
        "configured"
    };
    Error::invalid_input(format!("several accounts are {which}"))
        .with_advice(format!("choose one with --account: {}", list(&names)))
}
