//! The arguments of a creation that only one platform has (decision 0024).

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// The value of a platform-specific argument.
///
/// ```
/// use tokenfleet_core::capability::ArgumentValue;
///
/// assert_eq!(ArgumentValue::from(true).as_bool(), Some(true));
/// assert_eq!(ArgumentValue::from("eu").as_text(), Some("eu"));
/// assert_eq!(ArgumentValue::from(["10.0.0.0/8"]).as_list(), Some(&["10.0.0.0/8".to_owned()][..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ArgumentValue {
    /// A boolean.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl ArgumentValue {
    /// Returns the boolean, or `None` if it is another value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the whole number, or `None` if it is another value.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the text, or `None` if it is another value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the list, or `None` if it is another value.
    #[must_use]
    pub fn as_list(&self) -> Option<&[String]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

impl From<bool> for ArgumentValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for ArgumentValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for ArgumentValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for ArgumentValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<String>> for ArgumentValue {
    fn from(values: Vec<String>) -> Self {
        Self::List(values)
    }
}

impl<const N: usize> From<[&str; N]> for ArgumentValue {
    fn from(values: [&str; N]) -> Self {
        Self::List(values.map(str::to_owned).into())
    }
}

/// The values that a platform-specific argument takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArgumentKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number in this range.
    Integer(RangeInclusive<i64>),
    /// Any text that is not empty.
    Text,
    /// A list of texts, none of which is empty.
    List,
    /// One of these words.
    Choice(Vec<Cow<'static, str>>),
}

/// The declaration of a platform-specific argument of a creation: its name and its values.
///
/// An argument that is not declared is refused before anything is sent, with the name that was
/// probably meant; so is a value that is not of the declared kind.
///
/// ```
/// use tokenfleet_core::capability::{ArgumentDescription, CreateCapability, OperationCall};
/// use tokenfleet_core::{Capabilities, CreateToken};
///
/// let create = CreateCapability::new()
///     .with_argument(ArgumentDescription::boolean("readonly"))
///     .with_argument(ArgumentDescription::choice("role", ["manager", "member"]).required());
/// let capabilities = Capabilities::none().with_create(create);
///
/// let request = CreateToken::unnamed().with_argument("role", "member");
/// assert!(capabilities.check(OperationCall::Create(&request)).is_ok());
/// let request = request.with_argument("read_only", true);
/// let error = capabilities.check(OperationCall::Create(&request)).unwrap_err();
/// assert_eq!(error.advice(), Some("did you mean `readonly`?"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ArgumentDescription {
    /// The name, in the platform's own words.
    pub name: Cow<'static, str>,
    /// The values that are accepted.
    pub kind: ArgumentKind,
    /// `true` if every creation needs it.
    pub required: bool,
}

impl ArgumentDescription {
    fn new(name: impl Into<Cow<'static, str>>, kind: ArgumentKind) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
        }
    }

    /// Creates the declaration of an argument that is `true` or `false`.
    pub fn boolean(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ArgumentKind::Boolean)
    }

    /// Creates the declaration of an argument that is a whole number in this range.
    pub fn integer(name: impl Into<Cow<'static, str>>, range: RangeInclusive<i64>) -> Self {
        Self::new(name, ArgumentKind::Integer(range))
    }

    /// Creates the declaration of an argument that is a text.
    pub fn text(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ArgumentKind::Text)
    }

    /// Creates the declaration of an argument that is a list of texts.
    pub fn list(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ArgumentKind::List)
    }

    /// Creates the declaration of an argument that is one of these words.
    pub fn choice<W: Into<Cow<'static, str>>>(
        name: impl Into<Cow<'static, str>>,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        Self::new(name, ArgumentKind::Choice(words))
    }

    /// Declares that every creation needs the argument.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Parses a value of this argument from text, as a command line has it.
    pub(super) fn parse(&self, text: &str) -> Result<ArgumentValue> {
        let value = match &self.kind {
            ArgumentKind::Boolean => text.parse().ok().map(ArgumentValue::Boolean),
            ArgumentKind::Integer(_) => text.parse().ok().map(ArgumentValue::Integer),
            ArgumentKind::Text | ArgumentKind::Choice(_) => Some(ArgumentValue::from(text)),
            ArgumentKind::List => Some(ArgumentValue::from([text])),
        };
        let value = value.ok_or_else(|| self.mismatch())?;
        self.check(&value)?;
        Ok(value)
    }

    pub(super) fn check(&self, value: &ArgumentValue) -> Result<()> {
        let is_valid = match (&self.kind, value) {
            (ArgumentKind::Boolean, ArgumentValue::Boolean(_)) => true,
            (ArgumentKind::Integer(range), ArgumentValue::Integer(number)) => {
                range.contains(number)
            }
            (ArgumentKind::Text, ArgumentValue::Text(text)) => !text.is_empty(),
            (ArgumentKind::List, ArgumentValue::List(texts)) => {
                texts.iter().all(|text| !text.is_empty())
            }
            (ArgumentKind::Choice(words), ArgumentValue::Text(text)) => {
                words.iter().any(|word| word == text)
            }
            _ => false,
        };
        if is_valid {
            return Ok(());
        }
        let error = self.mismatch();
        Err(match (&self.kind, value) {
            (ArgumentKind::Choice(words), ArgumentValue::Text(text)) => {
                let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
                error.with_advice(did_you_mean(text, &words))
            }
            _ => error,
        })
    }

    /// Creates an error for a value of another kind. It does not repeat the value.
    fn mismatch(&self) -> Error {
        let (name, kind) = (&self.name, &self.kind);
        Error::invalid_input(format!("the argument `{name}` takes {kind}"))
    }
}

/// Completes "the argument takes …".
impl fmt::Display for ArgumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Integer(range) => write!(
                f,
                "a whole number from {} to {}",
                range.start(),
                range.end()
            ),
            Self::Text => f.write_str("a text that is not empty"),
            Self::List => f.write_str("a list of texts that are not empty"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}
