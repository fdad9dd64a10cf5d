//! Parsing of a TOML document into a configuration. No other module handles TOML.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use crate::config::{Setting, quoted};
use crate::document::{DeclaredTables, Entry, Table, Value, error_at};
use crate::{Configuration, Result};

/// Parses a document. Accounts and queries keep its order.
pub(crate) fn parse(text: &str, declared: &DeclaredTables) -> Result<Configuration> {
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
    Configuration::from_document(&table(document.get_ref(), &lines), declared)
}

/// Converts a table, in the order of the document.
fn table(table: &DeTable<'_>, lines: &Lines) -> Table {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entries = entries.into_iter().map(|(key, entry)| Entry {
        key: key.get_ref().clone().into_owned(),
        line: Some(lines.at(key.span().start)),
        value: value(entry.get_ref(), lines),
    });
    Table(entries.collect())
}

/// Converts a value.
fn value(value: &DeValue<'_>, lines: &Lines) -> Value {
    match value {
        DeValue::String(text) => Value::Setting(Setting::Text(text.clone().into_owned())),
        DeValue::Boolean(value) => Value::Setting(Setting::Boolean(*value)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Unsupported, |number| {
                Value::Setting(Setting::Integer(number))
            }),
        DeValue::Table(entries) => Value::Table(table(entries, lines)),
        DeValue::Array(values) => {
            let text = |value: &Spanned<DeValue<'_>>| Some(value.get_ref().as_str()?.to_owned());
            let texts: Option<Vec<_>> = values.iter().map(text).collect();
            texts.map_or(Value::Unsupported, |texts| {
                Value::Setting(Setting::Texts(texts))
            })
        }
        DeValue::Float(number) => Value::Setting(Setting::Decimal(number.as_str().to_owned())),
        DeValue::Datetime(_) => Value::Unsupported,
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
