//! Values of statements and of rows, and the text under which ids are kept.

use tokenfleet_core::{Error, ErrorKind, Fate, Result, Timestamp};

use crate::bounds::is_escaped;
use crate::times::{from_milliseconds, to_milliseconds};

/// A value of a statement or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Integer(to_milliseconds(at))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of an answer, whose values are taken from the left.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// Takes the next value as a number.
    pub(crate) fn optional_number(&mut self) -> Result<Option<i64>> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(unreadable()),
        }
    }

    /// Takes the next value as a number that is there.
    pub(crate) fn number(&mut self) -> Result<i64> {
        self.optional_number()?.ok_or_else(unreadable)
    }

    /// Takes the next value as a time.
    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        let read = |number| from_milliseconds(number).ok_or_else(unreadable);
        self.optional_number()?.map(read).transpose()
    }

    /// Takes the next value as a time that is there.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.optional_time()?.ok_or_else(unreadable)
    }

    /// Takes the next value as a text.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(unreadable()),
        }
    }

    /// Takes the next value as a text that is there.
    pub(crate) fn text(&mut self) -> Result<String> {
        self.optional_text()?.ok_or_else(unreadable)
    }
}

/// Creates the error for a row that this version did not write.
pub(crate) fn unreadable() -> Error {
    let message = "the ledger holds a row that this version cannot read";
    Error::new(ErrorKind::Other, Fate::NotSent, message)
        .with_advice("check the ledger, and restore it from a backup")
}

/// Returns the text under which an id or a name is kept: itself, with control characters escaped.
///
/// Postgres takes no NUL, and a text without control characters leaves room for
/// [`position_after`]. Different texts stay different.
pub(crate) fn to_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            key.extend(c.escape_default());
        } else {
            key.push(c);
        }
    }
    key
}

/// Returns the text that [`to_key`] was given.
pub(crate) fn from_key(key: &str) -> Option<String> {
    let mut text = String::with_capacity(key.len());
    let mut rest = key.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '\\' => '\\',
                'u' => {
                    let (digits, _) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    rest = rest.as_str().get(digits.len() + 2..)?.chars();
                    u32::from_str_radix(digits, 16).ok()?.try_into().ok()?
                }
                _ => return None,
            },
            c => c,
        };
        text.push(c);
    }
    Some(text)
}

/// Returns the first text after a key, or before all keys.
pub(crate) fn position_after(key: Option<String>) -> String {
    key.map_or_else(String::new, |key| key + "\u{1}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_read_back_and_holds_no_control_character(text in "(?s).*") {
            let key = to_key(&text);
            prop_assert!(!key.contains(|c: char| c.is_ascii_control()));
            prop_assert_eq!(from_key(&key), Some(text));
        }

        #[test]
        fn the_position_after_a_key_comes_before_its_extensions(
            text in any::<String>(), more in any::<char>(),
        ) {
            let (key, longer) = (to_key(&text), to_key(&format!("{text}{more}")));
            let position = position_after(Some(key.clone()));
            prop_assert!(key < position && position < longer);
        }
    }
}
