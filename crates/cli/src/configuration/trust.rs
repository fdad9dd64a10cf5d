//! What a configuration that was found must be trusted for (decision 0033).

use std::sync::OnceLock;

use tokenfleet::config::Setting;
use tokenfleet::{AccountConfiguration, Configuration, Error, Registry, Result};

use super::discovery::{ConfigurationFile, Origin};
use super::reading::Loaded;
use super::tables;
use super::trust_store::TrustStore;
use crate::program_name;

/// The need to trust a configuration that was found in the working directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// A credential may be read and sent.
    Required,
    /// Nothing is sent, and no credential is read.
    NotNeeded,
}

/// The settings of an account that decide where a built-in provider sends its credential.
const ADDRESSES: [&str; 2] = ["base_url", "allow_plain_http"];

/// The settings of an account that are numbers and times on every platform.
const RETRY: [&str; 4] = [
    "attempts",
    "attempt_timeout",
    "total_timeout",
    "retry_budget",
];

/// The network setting that does not decide where anything is sent.
const CONNECT_TIMEOUT: &str = "connect_timeout";

/// The tables of the program that decide what it writes, and where.
const WRITING_TABLES: [&str; 3] = [tables::ANNOTATIONS, tables::AUDIT, tables::LEDGER];

/// The groups of tables that decide what happens to new secrets, each with what it decides.
const DELIVERING_TABLES: [(&str, &str); 3] = [
    (tables::SINKS, "where new secrets go, and may run a command"),
    (tables::POLICIES, "which tokens are replaced and revoked"),
    (tables::SCHEDULES, "which commands workers run"),
];

/// The providers that the program adds, also under the name of a built-in one.
static OWN_PROVIDERS: OnceLock<Vec<String>> = OnceLock::new();

/// Sets the names of the providers that are not the built-in ones. Only the first call counts.
pub(crate) fn set_own_providers(names: Vec<String>) {
    let _ = OWN_PROVIDERS.set(names);
}

/// Rejects a configuration that was found in the working directory, that could send a credential
/// elsewhere or run a command, and that the user has not trusted with this content.
///
/// # Errors
///
/// [`Configuration`](tokenfleet::ErrorKind::Configuration), with what it must be trusted for.
pub(crate) fn require(loaded: &Loaded) -> Result<()> {
    let ConfigurationFile { path, origin } = &loaded.file;
    let Some(content) = &loaded.content else {
        return Ok(());
    };
    if *origin != Origin::WorkingDirectory {
        return Ok(());
    }
    let reasons = reasons(&loaded.configuration);
    let Some(first) = reasons.first() else {
        return Ok(());
    };
    let store = TrustStore::open()?;
    if store.contains(path, content) {
        return Ok(());
    }
    let state = if store.knows(path) {
        "has changed since it was trusted"
    } else {
        "is not trusted"
    };
    let more = match reasons.len() {
        1 => String::new(),
        number => format!(" (and {} more)", number - 1),
    };
    let message = format!(
        "{}, found in the working directory, {state}: {first}{more}",
        path.display()
    );
    let advice = format!(
        "review it and run `{} trust`, or name it with --config",
        program_name::get()
    );
    Err(Error::configuration(message).with_advice(advice))
}

/// Returns what a configuration could do with a credential that the user would not expect, one line
/// each.
pub(crate) fn reasons(configuration: &Configuration) -> Vec<String> {
    let mut reasons = Vec::new();
    for account in configuration.accounts() {
        let path = account.settings().path().to_owned();
        let commands = commands(account).into_iter();
        reasons.extend(commands.map(|key| format!("{path}.{key} runs a command")));
        let own_providers = OWN_PROVIDERS.get().map_or(&[][..], Vec::as_slice);
        let addresses = addresses(account, own_providers).into_iter();
        reasons.extend(
            addresses.map(|key| format!("{path}.{key} decides where a credential is sent")),
        );
    }
    let network = configuration.transport_settings().entries();
    let network = network.filter(|(key, _)| *key != CONNECT_TIMEOUT);
    reasons.extend(
        network.map(|(key, _)| format!("transport.{key} decides how credentials are sent")),
    );
    let tables = WRITING_TABLES.into_iter();
    let tables = tables.filter(|table| configuration.table(table).is_some());
    reasons.extend(tables.map(|table| format!("[{table}] decides what is written, and where")));
    for (group, decides) in DELIVERING_TABLES {
        let tables = configuration.named_tables(group);
        reasons
            .extend(tables.map(|(_, settings)| format!("{} decides {decides}", settings.path())));
    }
    reasons
}

/// Returns the settings that run a command, or may do so: those that are no reference to a variable
/// or a file, and nothing else that is known.
fn commands(account: &AccountConfiguration) -> Vec<&str> {
    let runs = |(_, value): &(&str, &Setting)| match value {
        Setting::Table(table) => table.is_empty() || table.contains_key("command"),
        Setting::Text(_)
        | Setting::Texts(_)
        | Setting::Integer(_)
        | Setting::Decimal(_)
        | Setting::Boolean(_)
        | Setting::Credential(_) => false,
        _ => true,
    };
    let entries = account.settings().entries().filter(runs);
    entries.map(|(key, _)| key).collect()
}

/// Returns `true` for a credential, or the reference to one. Another table may hold an address.
fn is_credential(value: &Setting) -> bool {
    match value {
        Setting::Credential(_) => true,
        Setting::Table(table) => match table.iter().next() {
            Some((source, Setting::Text(_))) if table.len() == 1 => {
                matches!(source.as_str(), "env" | "file" | "systemd")
            }
            // One of the settings that run a command.
            _ => table.is_empty() || table.contains_key("command"),
        },
        _ => false,
    }
}

/// Returns the settings that decide where a credential is sent. What those of a provider of
/// somebody else's mean is not known, so each that is not a credential may.
fn addresses<'a>(account: &'a AccountConfiguration, own_providers: &[String]) -> Vec<&'a str> {
    let is_built_in = !own_providers.iter().any(|name| name == account.provider())
        && Registry::with_builtin()
            .names()
            .any(|name| name == account.provider());
    let decides = |(key, value): &(&str, &Setting)| {
        if is_built_in {
            return ADDRESSES.contains(key);
        }
        !RETRY.contains(key) && !is_credential(value)
    };
    let entries = account.settings().entries().filter(decides);
    entries.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_replaces_a_built_in_one_is_judged_like_any_other_of_the_programs_own() {
        let account =
            AccountConfiguration::new("iot", "losant").with("server", "https://a.example");
        assert_eq!(addresses(&account, &[]), [""; 0]);
        assert_eq!(addresses(&account, &["losant".to_owned()]), ["server"]);
        assert_eq!(addresses(&account, &["ours".to_owned()]), [""; 0]);
    }
}
