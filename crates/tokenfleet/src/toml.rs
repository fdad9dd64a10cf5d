//! Parsing of a TOML document into a configuration. No other module handles TOML.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use crate::config::{Setting, Settings, cause_text, did_you_mean, is_showable_path, quoted};
use crate::named_query::NamedQuery;
use crate::{AccountConfiguration, Configuration, Error, Result};

const ACCOUNTS: &str = "accounts";
const QUERIES: &str = "queries";
const TRANSPORT: &str = "transport";
const PROVIDER: &str = "provider";

/// The maximum size of a configuration file, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Configuration {
    /// Parses the text of a `tokenfleet.toml`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line. The error text shows
    /// keys of the document but no values, so it cannot leak a credential that was written into it.
    pub fn parse(text: &str) -> Result<Self> {
        parse(text)
    }

    /// Reads and parses a `tokenfleet.toml` of at most 16 MiB. Relative paths in it start from its
    /// directory.
    ///
    /// # Errors
    ///
    /// The errors of [`parse`](Self::parse), naming the file, and an error if the file cannot be
    /// read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let origin = if is_showable_path(path) {
            path.display().to_string()
        } else {
            "the configuration file".to_owned()
        };
        let text = read_file(path).map_err(|error| {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            let message = format!("cannot read {origin}: {}", cause_text(&error));
            let error = Error::configuration(message).with_source(error);
            if is_missing {
                error.with_advice("create it")
            } else {
                error
            }
        })?;
        let mut configuration =
            Self::parse(&text).map_err(|error| error.with_message_prefix(&origin))?;
        // A pipe has no directory that its content could refer to.
        let directory = path.parent().filter(|_| path.is_file());
        configuration.set_origin(origin, directory.unwrap_or(Path::new("")));
        Ok(configuration)
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_FILE_SIZE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_SIZE {
        let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Parses a document. Accounts and queries keep its order.
fn parse(text: &str) -> Result<Configuration> {
    let lines = Lines::new(text);
    let document = DeTable::parse(text).map_err(|error| {
        // Use only the message: the full text quotes the line, which may hold a credential.
        let line = error.span().map(|span| lines.at(span.start));
        let message = one_line(error.message());
        match (error.span(), &*message) {
            // The parser reports only where the key is. Keys may be shown, unlike values.
            (Some(span), "duplicate key") => {
                let key = text.get(span).unwrap_or_default().trim();
                error_at(line, format!("duplicate key{}", quoted(key, &[])))
            }
            _ => error_at(line, message),
        }
    })?;
    let mut configuration = Configuration::default();
    for (key, value) in in_document_order(document.get_ref()) {
        let line = lines.of(key);
        let key = key.get_ref().as_ref();
        const KNOWN: [&str; 3] = [ACCOUNTS, QUERIES, TRANSPORT];
        if !KNOWN.contains(&key) {
            let message = format!("unknown key{}", quoted(key, &KNOWN));
            return Err(error_at(line, message).with_advice(did_you_mean(key, &KNOWN)));
        }
        let Some(table) = value.get_ref().as_table() else {
            let name = if key == TRANSPORT { "" } else { ".NAME" };
            return Err(error_at(line, format!("{key} must be a table"))
                .with_advice(format!("write [{key}{name}]")));
        };
        if key == TRANSPORT {
            configuration.transport = settings(key.to_owned(), line, table, &lines);
            continue;
        }
        for (name, value) in in_document_order(table) {
            let table = entry(key, name, value, &lines)?;
            let (name, line) = (name.get_ref().as_ref(), lines.of(name));
            if key == ACCOUNTS {
                configuration
                    .accounts
                    .push(account(name, line, table, &lines)?);
            } else {
                let settings = settings(format!("{key}.{name}"), line, table, &lines);
                configuration.queries.push(NamedQuery::new(name, settings)?);
            }
        }
    }
    Ok(configuration)
}

/// Returns the table of one account or query.
fn entry<'t, 'a>(
    kind: &str,
    name: &Key<'_>,
    value: &'t Value<'a>,
    lines: &Lines,
) -> Result<&'t DeTable<'a>> {
    let line = lines.of(name);
    let name = name.get_ref();
    if name.trim().is_empty() {
        return Err(error_at(
            line,
            format!("a table in {kind} has an empty name"),
        ));
    }
    value.get_ref().as_table().ok_or_else(|| {
        // The name may be a credential that was written in the wrong place.
        if quoted(name, &[]).is_empty() {
            return error_at(line, format!("an entry of {kind} must be a table"))
                .with_advice(format!("write [{kind}.NAME]"));
        }
        error_at(line, format!("{kind}.{name} must be a table"))
            .with_advice(format!("write [{kind}.{name}]"))
    })
}

/// Converts a table into settings with their lines.
fn settings(path: String, line: Option<usize>, table: &DeTable<'_>, lines: &Lines) -> Settings {
    let mut settings = Settings::new(path).with_line(line);
    for (key, value) in table {
        let line = lines.of(key);
        settings.insert(key.get_ref().clone(), setting(value.get_ref()), line);
    }
    settings
}

/// Converts the table of one account.
fn account(
    name: &str,
    line: Option<usize>,
    table: &DeTable<'_>,
    lines: &Lines,
) -> Result<AccountConfiguration> {
    let mut settings = settings(format!("{ACCOUNTS}.{name}"), line, table, lines);
    let provider_line = table
        .get_key_value(PROVIDER)
        .and_then(|(key, _)| lines.of(key));
    match settings.text(PROVIDER)? {
        Some(provider) => Ok(AccountConfiguration::from_settings(
            name,
            &provider,
            settings,
            provider_line,
        )),
        None => Err(settings.misspelled_key().unwrap_or_else(|| {
            error_at(line, format!("missing key `provider` in accounts.{name}"))
                .with_advice("write provider = \"…\"")
        })),
    }
}

/// Converts a value.
fn setting(value: &DeValue<'_>) -> Setting {
    // An unsupported value becomes an empty table, which no provider accepts either: the provider's
    // error then says what it expects there.
    let unsupported = Setting::Table(BTreeMap::new());
    match value {
        DeValue::String(text) => Setting::Text(text.clone().into_owned()),
        DeValue::Boolean(value) => Setting::Boolean(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(unsupported, Setting::Integer),
        DeValue::Table(table) => {
            let entry = |(key, value): (&Key<'_>, &Value<'_>)| {
                let text = value.get_ref().as_str()?;
                Some((key.get_ref().to_string(), text.to_owned()))
            };
            let texts: Option<BTreeMap<_, _>> = table.iter().map(entry).collect();
            texts.map_or(unsupported, Setting::Table)
        }
        DeValue::Array(values) => {
            let text = |value: &Value<'_>| Some(value.get_ref().as_str()?.to_owned());
            let texts: Option<Vec<_>> = values.iter().map(text).collect();
            texts.map_or(unsupported, Setting::Texts)
        }
        DeValue::Float(number) => Setting::Decimal(number.as_str().to_owned()),
        DeValue::Datetime(_) => unsupported,
    }
}

/// Returns the entries of a table in the order of the document.
fn in_document_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Creates an error that names its line.
fn error_at(line: Option<usize>, message: String) -> Error {
    let error = Error::configuration(message);
    match line {
        Some(line) => error.with_message_prefix(&format!("line {line}")),
        None => error,
    }
}

/// Joins the lines of a message.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The offsets at which the lines of a document end.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(end, _)| end).collect())
    }

    /// Returns the line on which a spanned value starts.
    fn of<T>(&self, spanned: &Spanned<T>) -> Option<usize> {
        Some(self.at(spanned.span().start))
    }

    /// Returns the line of an offset, counted from 1.
    fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}

#[cfg(test)]
#[cfg(all(feature = "losant", feature = "cloudsmith"))]
mod account_tests;
#[cfg(test)]
mod tests;
