//! Keys that nobody knows, in whatever table they are.
//!
//! A command reads the tables that it needs. A misspelled key in another one would wait for the
//! night in which a worker reads it, so every command refuses it.

use serde_json::Value;
use tokenfleet::config::{Setting, Settings};
use tokenfleet::{Configuration, Error, Result};

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

/// Refuses a key that the schema does not have, in every table but those of accounts and queries:
/// a wrong account fails alone, and queries are read with the file.
///
/// # Errors
///
/// [`Configuration`](tokenfleet::ErrorKind::Configuration), with the line and the closest known
/// key.
pub(super) fn check(configuration: &Configuration) -> Result<()> {
    let schema: Value = serde_json::from_str(SCHEMA).map_err(|error| {
        Error::configuration("the schema of the configuration cannot be read").with_source(error)
    })?;
    let tables = schema.get("properties").unwrap_or(&Value::Null);
    let check = || -> Result<()> {
        check_table(configuration.transport_settings(), tables.get("transport"))?;
        for name in TABLES {
            if let Some(settings) = configuration.table(name) {
                check_table(settings, tables.get(name))?;
            }
        }
        for group in GROUPS {
            let one = tables
                .get(group)
                .and_then(|of| of.get("additionalProperties"));
            for (_, settings) in configuration.named_tables(group) {
                check_table(settings, one.and_then(|one| of_kind(one, settings)))?;
            }
        }
        Ok(())
    };
    check().map_err(|error| configuration.locate(error))
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
    let Some(branches) = schema.get("allOf").and_then(Value::as_array) else {
        return Some(schema);
    };
    let (_, kind) = settings.entries().find(|(key, _)| *key == "kind")?;
    let Setting::Text(kind) = kind else {
        return None;
    };
    let is_its = |branch: &&Value| branch["if"]["properties"]["kind"]["const"] == **kind;
    branches.iter().find(is_its)?.get("then")
}
