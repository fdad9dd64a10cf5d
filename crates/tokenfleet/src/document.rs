//! The document of a configuration: from TOML, or from any format that serde reads.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::account_options::AccountOptions;
use crate::config::{Setting, Settings, did_you_mean, quoted};
use crate::named_query::NamedQuery;
use crate::{AccountConfiguration, Configuration, Error, Result};

const ACCOUNTS: &str = "accounts";
const QUERIES: &str = "queries";
const TRANSPORT: &str = "transport";
const PROVIDER: &str = "provider";

/// A table of a document, in its order.
pub(crate) struct Table(pub(crate) Vec<Entry>);

/// An entry of a table, with its line if the format has lines.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: Option<usize>,
    pub(crate) value: Value,
}

/// A value of a document.
pub(crate) enum Value {
    Table(Table),
    Setting(Setting),
    /// A value of a type that no setting has.
    Unsupported,
    /// The value of a key that counts as not written.
    Null,
}

impl Value {
    fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the value as a setting.
    fn setting(&self) -> Setting {
        // An unsupported value becomes an empty table, which no provider accepts either: the
        // provider's error then says what it expects there.
        match self {
            Self::Setting(setting) => setting.clone(),
            Self::Table(Table(entries)) => {
                let entry = |entry: &Entry| (entry.key.clone(), entry.value.setting());
                Setting::Table(entries.iter().map(entry).collect())
            }
            Self::Unsupported | Self::Null => Setting::Table(BTreeMap::new()),
        }
    }
}

impl Configuration {
    /// Reads the accounts, queries and network settings of a document, and the tables that the
    /// program has declared.
    pub(crate) fn from_document(document: &Table, declared: &DeclaredTables) -> Result<Self> {
        let mut configuration = Self::default();
        for Entry { key, line, value } in &document.0 {
            let mut known = vec![ACCOUNTS, QUERIES, TRANSPORT];
            known.extend(declared.names());
            if !known.contains(&key.as_str()) {
                let message = format!("unknown key{}", quoted(key, &known));
                return Err(error_at(*line, message).with_advice(did_you_mean(key, &known)));
            }
            let is_single = key == TRANSPORT || declared.has_single(key);
            let Some(table) = value.as_table() else {
                let name = if is_single { "" } else { ".NAME" };
                return Err(error_at(*line, format!("{key} must be a table"))
                    .with_advice(format!("write [{key}{name}]")));
            };
            if is_single {
                let settings = settings(key.clone(), *line, table);
                if key == TRANSPORT {
                    configuration.transport = settings;
                } else {
                    configuration.tables.push((key.clone(), settings));
                }
                continue;
            }
            for entry in &table.0 {
                let table = named_table(key, entry)?;
                let Entry {
                    key: name, line, ..
                } = entry;
                if key == ACCOUNTS {
                    configuration.accounts.push(account(name, *line, table)?);
                    continue;
                }
                let settings = settings(format!("{key}.{name}"), *line, table);
                if key == QUERIES {
                    configuration.queries.push(NamedQuery::new(name, settings)?);
                } else {
                    let named = (key.clone(), name.clone(), settings);
                    configuration.named_tables.push(named);
                }
            }
        }
        Ok(configuration)
    }
}

/// The names of the tables that a program reads besides the facade's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeclaredTables {
    pub(crate) single: Vec<String>,
    pub(crate) named: Vec<String>,
}

impl DeclaredTables {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.single.iter().chain(&self.named).map(String::as_str)
    }

    fn has_single(&self, name: &str) -> bool {
        self.single.iter().any(|known| known == name)
    }
}

/// Returns the table of one account or query.
fn named_table<'a>(kind: &str, entry: &'a Entry) -> Result<&'a Table> {
    let Entry {
        key: name, line, ..
    } = entry;
    if name.trim().is_empty() {
        return Err(error_at(
            *line,
            format!("a table in {kind} has an empty name"),
        ));
    }
    entry.value.as_table().ok_or_else(|| {
        // The name may be a credential that was written in the wrong place.
        if quoted(name, &[]).is_empty() {
            return error_at(*line, format!("an entry of {kind} must be a table"))
                .with_advice(format!("write [{kind}.NAME]"));
        }
        error_at(*line, format!("{kind}.{name} must be a table"))
            .with_advice(format!("write [{kind}.{name}]"))
    })
}

/// Converts a table into settings with their lines.
fn settings(path: String, line: Option<usize>, table: &Table) -> Settings {
    let mut settings = Settings::new(path).with_line(line);
    for entry in &table.0 {
        // The key must be one that exists nevertheless.
        if matches!(entry.value, Value::Null) {
            settings.insert_null(entry.key.clone(), entry.line);
        } else {
            settings.insert(entry.key.clone(), entry.value.setting(), entry.line);
        }
    }
    settings
}

/// Converts the table of one account.
fn account(name: &str, line: Option<usize>, table: &Table) -> Result<AccountConfiguration> {
    let mut settings = settings(format!("{ACCOUNTS}.{name}"), line, table);
    let provider = table.0.iter().find(|entry| entry.key == PROVIDER);
    let provider_line = provider.and_then(|entry| entry.line);
    match settings.text(PROVIDER)? {
        Some(provider) => {
            let mut options = AccountOptions::default();
            options.read(&mut settings)?;
            let account =
                AccountConfiguration::from_settings(name, &provider, settings, provider_line);
            Ok(account.with_options(options))
        }
        None => Err(settings.misspelled_key().unwrap_or_else(|| {
            error_at(line, format!("missing key `provider` in accounts.{name}"))
                .with_advice("write provider = \"…\"")
        })),
    }
}

/// Creates an error that names its line.
pub(crate) fn error_at(line: Option<usize>, message: String) -> Error {
    let error = Error::configuration(message);
    match line {
        Some(line) => error.with_message_prefix(&format!("line {line}")),
        None => error,
    }
}

/// Deserialises the tables `accounts`, `queries` and `transport` from any format, or as a part of a
/// program's own configuration.
///
/// Mistakes are found as in a `tokenfleet.toml`, and credentials in plain text are refused as
/// there. Relative paths start from the current directory. A number with a fraction loses its last
/// zeros in most formats: write a version as text.
///
/// ```
/// use tokenfleet::Configuration;
///
/// let configuration: Configuration = serde_json::from_str(r#"{
///     "accounts": {"iot": {"provider": "losant", "token": {"env": "LOSANT_TOKEN"}}}
/// }"#)?;
/// assert_eq!(configuration.accounts()[0].name(), "iot");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Table(document) => Self::from_document(&document, &DeclaredTables::default())
                .map_err(de::Error::custom),
            _ => Err(de::Error::custom("the configuration must be a table")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// Deserialises a value of any type.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Setting(value.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Setting(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        let number = i64::try_from(number);
        Ok(number.map_or(Value::Unsupported, |number| Value::Setting(number.into())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Setting(number.into()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Setting(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Setting(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut texts = Some(Vec::new());
        while let Some(value) = values.next_element::<Value>()? {
            match (value, &mut texts) {
                (Value::Setting(Setting::Text(text)), Some(texts)) => texts.push(text),
                _ => texts = None,
            }
        }
        Ok(texts.map_or(Value::Unsupported, |texts| Value::Setting(texts.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut table = Vec::<Entry>::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            if table.iter().any(|entry| entry.key == key) {
                let message = format!("duplicate key{}", quoted(&key, &[]));
                return Err(de::Error::custom(message));
            }
            let line = None;
            table.push(Entry { key, line, value });
        }
        Ok(Value::Table(Table(table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Configuration, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn mistakes_are_found_in_any_format() {
        for (json, expected) in [
            (
                r#"{"acounts": {}}"#,
                "unknown key `acounts`; did you mean `accounts`?",
            ),
            (r#"{"accounts": 1}"#, "accounts must be a table"),
            (
                r#"{"accounts": {"a": {"provder": "b"}}}"#,
                "unknown key `provder`",
            ),
            (
                r#"{"accounts": {"a": {}}}"#,
                "missing key `provider` in accounts.a",
            ),
            (r#"{"accounts": {"a": {}, "a": {}}}"#, "duplicate key `a`"),
            (
                r#"{"queries": {"q": {"were": "x"}}}"#,
                "unknown key `were` in queries.q",
            ),
            (
                r#"{"queries": {"q": {"were": null}}}"#,
                "unknown key `were` in queries.q",
            ),
            (
                r#"{"accounts": {"a": {"provder": null}}}"#,
                "unknown key `provder`",
            ),
            ("[]", "the configuration must be a table"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn settings_have_their_types_and_null_is_not_written() {
        let json = r#"{"transport": null, "accounts": {"a": {"provider": "p", "text": "t",
            "number": 2, "flag": true, "list": ["x"], "version": 3.1, "choice": {"one": "1"},
            "token": {"env": "TOKEN"}, "large": 18446744073709551615, "none": null}}}"#;
        let error = read(json).unwrap_err();
        assert!(error.contains("transport must be a table"), "{error}");
        let configuration = read(&json.replace(r#""transport": null, "#, "")).unwrap();
        let mut settings = configuration.account("a").unwrap().settings().clone();
        assert_eq!(settings.text("text").unwrap().as_deref(), Some("t"));
        assert_eq!(settings.number("number").unwrap(), Some(2));
        assert_eq!(settings.boolean("flag").unwrap(), Some(true));
        assert_eq!(settings.texts("list").unwrap(), ["x"]);
        assert_eq!(settings.version("version").unwrap().as_deref(), Some("3.1"));
        let choice = settings.choice("choice", &["one"]).unwrap();
        assert_eq!(choice, Some(("one", "1".to_owned())));
        assert!(settings.credential("token").unwrap().is_some());
        assert!(settings.number("large").is_err());
        assert_eq!(settings.text("none").unwrap(), None);
        settings.finish().unwrap();
    }

    #[test]
    fn a_misspelled_key_is_found_although_its_value_is_null() {
        let json = r#"{"accounts": {"a": {"provider": "p", "base_url": null, "base_ulr": null}}}"#;
        let configuration = read(json).unwrap();
        let mut settings = configuration.account("a").unwrap().settings().clone();
        assert_eq!(settings.text("base_url").unwrap(), None);
        let error = settings.finish().unwrap_err().to_string();
        assert!(error.contains("unknown key `base_ulr`"), "{error}");
        assert!(error.contains("did you mean `base_url`?"), "{error}");
    }

    #[test]
    fn a_credential_in_plain_text_is_refused_and_not_shown() {
        let json = r#"{"accounts": {"a": {"provider": "p", "token": "SK-PrjW98OTY1h8QTY9hUA"}}}"#;
        let configuration = read(json).unwrap();
        let mut settings = configuration.account("a").unwrap().settings().clone();
        let error = settings.credential("token").unwrap_err().to_string();
        assert!(
            error.contains("plain text") && !error.contains("PrjW98"),
            "{error}"
        );
    }
}
