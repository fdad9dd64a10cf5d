//! A value in a configuration.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Credential;
use crate::model::Secret;

/// A value in a configuration. Its `Debug` shows only the type.
///
/// It is converted from what Rust has for it, so that an account in code reads like one in a file:
///
/// ```
/// use tokenfleet_core::config::{Setting, Settings};
///
/// let mut settings = Settings::new("accounts.iot");
/// settings.insert("attempts", Setting::from(2), None);
/// assert_eq!(settings.number("attempts")?, Some(2));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Setting {
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, as it is written: `3.10` is another release than `3.1`.
    Decimal(String),
    /// A boolean.
    Boolean(bool),
    /// A table of settings, such as `{ env = "LOSANT_TOKEN" }`.
    Table(BTreeMap<String, Setting>),
    /// A credential that the program itself provides. No configuration file can contain one.
    Credential(Credential),
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Texts(_) => "Texts(..)",
            Self::Integer(_) => "Integer(..)",
            Self::Decimal(_) => "Decimal(..)",
            Self::Boolean(_) => "Boolean(..)",
            Self::Table(_) => "Table(..)",
            Self::Credential(_) => "Credential(..)",
        })
    }
}

/// Implements the conversion of values of one type.
macro_rules! from {
    ($($type:ty => $convert:expr),+ $(,)?) => {
        $(impl From<$type> for Setting {
            fn from(value: $type) -> Self {
                $convert(value)
            }
        })+
    };
}

from! {
    bool => Self::Boolean,
    i8 => |number| Self::Integer(i64::from(number)),
    i16 => |number| Self::Integer(i64::from(number)),
    i32 => |number| Self::Integer(i64::from(number)),
    i64 => Self::Integer,
    u8 => |number| Self::Integer(i64::from(number)),
    u16 => |number| Self::Integer(i64::from(number)),
    u32 => |number| Self::Integer(i64::from(number)),
    // `Debug` keeps the fraction of a whole number: 3.0.
    f64 => |number| Self::Decimal(format!("{number:?}")),
    &str => |text: &str| Self::Text(text.to_owned()),
    String => Self::Text,
    Vec<String> => Self::Texts,
    &[&str] => |texts: &[&str]| Self::Texts(texts.iter().map(|text| (*text).to_owned()).collect()),
    Vec<&str> => |texts: Vec<&str>| Self::from(texts.as_slice()),
    BTreeMap<String, Setting> => Self::Table,
    BTreeMap<String, String> => |table: BTreeMap<String, String>| {
        Self::Table(table.into_iter().map(|(key, text)| (key, text.into())).collect())
    },
    Credential => Self::Credential,
    Secret => |secret| Self::Credential(Credential::from_secret(secret)),
}

/// Converts a fixed list of texts.
impl<const N: usize> From<[&str; N]> for Setting {
    fn from(texts: [&str; N]) -> Self {
        Self::from(texts.as_slice())
    }
}

/// Converts a table of texts, such as a choice: `("application", "575ec8687ae143cd83dc4a97")`.
impl<const N: usize> From<[(&str, &str); N]> for Setting {
    fn from(entries: [(&str, &str); N]) -> Self {
        Self::from(entries.map(|(key, text)| (key, Self::from(text))))
    }
}

/// Converts a table of settings, such as a credential that a command prints:
/// `("command", Setting::from(["pass", "show", "iot"]))`.
impl<const N: usize> From<[(&str, Setting); N]> for Setting {
    fn from(entries: [(&str, Setting); N]) -> Self {
        let entries = entries.map(|(key, value)| (key.to_owned(), value));
        Self::Table(BTreeMap::from(entries))
    }
}
