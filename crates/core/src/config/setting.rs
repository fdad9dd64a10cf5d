//! A value in a configuration.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Credential;

/// A value in a configuration. Its `Debug` shows only the type.
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
    /// A table of strings, such as `{ env = "LOSANT_TOKEN" }`.
    Table(BTreeMap<String, String>),
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
