//! Keys that nobody knows, in whatever table they are.
//!
//! A command reads the tables that it needs. A misspelled key in another one would wait for the
//! night in which a worker reads it, so every command refuses it, or warns of it if it is in an
//! account that the command does not open.

use std::sync::LazyLock;

use serde_json::Value;
use tokenfleet::config::{Setting, Settings};
use tokenfleet::{AccountConfiguration, Configuration, Error, Result};

use super::{SCHEMA, tables};

/// The tables that have no name of their own.
const TABLES: [&str; 4] = [
    "baseline",
    tables::ANNOTATIONS,
    tables::AUDIT,
    tables::LEDGER,
];

/// The groups of tables.
const GROUPS: [&str; 5] = [
    "checks",
    "waivers",
    tables::POLICIES,
    tables::SCHEDULES,
    tables::SINKS,
];

/// The tables that the schema describes. A law reads the schema, so it can be parsed.
static TABLES_OF_SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let schema = serde_json::from_str::<Value>(SCHEMA);
    let tables = schema.map(|mut schema| schema["properties"].take());
    tables.unwrap_or_default()
});

/// Refuses a key that the schema does not have, in every table but those of accounts and queries:
/// a wrong account [fails alone](misspelled_accounts), and queries are read with the file.
///
/// # Errors
///
/// [`Configuration`](tokenfleet::ErrorKind::Configuration), with the line and the closest known
/// key.
pub(super) fn check(configuration: &Configuration) -> Result<()> {
    let tables = &TABLES_OF_SCHEMA;
    let check = || -> Result<()> {
        check_table(configuration.transport_settings(), tables.get("transport"))?;
        for name in TABLES {
            if let Some(settings) = configuration.table(name) {
                check_table(settings, tables.get(name))?;
            }
        }
        for group in GROUPS {
            let one = one_of(tables, group);
            for (_, settings) in configuration.named_tables(group) {
                check_table(settings, one.and_then(|one| of_kind(one, settings)))?;
            }
        }
        Ok(())
    };
    check().map_err(|error| configuration.locate(error))
}

/// Returns an error about each of these accounts that has a key which the schema does not have for
/// its provider. A provider of the program's own may have any keys, and no credential is read.
///
/// One wrong account must not stop the others, so whoever opens it refuses it, and nobody else
/// does.
pub(super) fn misspelled_accounts<'a>(
    configuration: &Configuration,
    accounts: impl IntoIterator<Item = &'a AccountConfiguration>,
) -> Vec<Error> {
    let one = one_of(&TABLES_OF_SCHEMA, "accounts");
    let checked = accounts.into_iter().map(|account| {
        let its = one.and_then(|one| branch(one, "provider", account.provider()));
        check_table(account.settings(), its)
    });
    let errors = checked.filter_map(Result::err);
    errors.map(|error| configuration.locate(error)).collect()
}

/// Returns the schema of a table in a group.
fn one_of<'a>(tables: &'a Value, group: &str) -> Option<&'a Value> {
    tables.get(group)?.get("additionalProperties")
}

fn check_table(settings: &Settings, schema: Option<&Value>) -> Result<()> {
    let keys = schema.and_then(|schema| schema.get("properties")?.as_object());
    let Some(keys) = keys else { return Ok(()) };
    let keys: Vec<_> = keys.keys().map(String::as_str).collect();
    settings.check_keys(&keys)
}

/// Returns the schema of a table, which depends on its `kind` where it has one. Whoever reads a
/// table of an unknown kind refuses it.
fn of_kind<'a>(schema: &'a Value, settings: &Settings) -> Option<&'a Value> {
    if schema.get("allOf").is_none() {
        return Some(schema);
    }
    let (_, kind) = settings.entries().find(|(key, _)| *key == "kind")?;
    match kind {
        Setting::Text(kind) => branch(schema, "kind", kind),
        _ => None,
    }
}

/// Returns the schema of those tables in which a key has this value.
fn branch<'a>(schema: &'a Value, key: &str, value: &str) -> Option<&'a Value> {
    let mut branches = schema.get("allOf")?.as_array()?.iter();
    let is_its = |branch: &&Value| branch["if"]["properties"][key]["const"] == *value;
    branches.find(is_its)?.get("then")
}
