//! What a platform says about a token, says is absent, or does not say at all.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Timestamp;

/// An answer with three values: known, none, not reported.
///
/// "This token never expires", "it expires at noon" and "the platform does not say" call for three different
/// reactions, so they are three different values here. For [`Token::expiry`](crate::Token::expiry) `Absent` means
/// *never expires*; for [`Token::last_used`](crate::Token::last_used) it means *never used*.
///
/// ```
/// use tokenfleet_core::Fact;
///
/// let expiry: Fact<u32> = Fact::NotReported;
/// assert!(!expiry.is_absent());
/// assert_eq!(expiry.known(), None);
/// assert_eq!(Fact::from_nullable(Some(3)), Fact::Known(3));
/// ```
///
/// Facts are ordered known (by value), then none, then not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Fact<T> {
    /// The platform gives this value.
    Known(T),
    /// The platform says that there is none: never expires, never used, no owner.
    Absent,
    /// The platform does not say.
    #[default]
    NotReported,
}

impl<T> Fact<T> {
    /// Reads a field that the platform always sends and sets to null when there is none.
    #[must_use]
    pub fn from_nullable(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }

    /// Reads a field whose absence says nothing.
    #[must_use]
    pub fn from_optional(value: Option<T>) -> Self {
        value.map_or(Self::NotReported, Self::Known)
    }

    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotReported => None,
        }
    }

    /// The value itself, if there is one.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotReported => None,
        }
    }

    /// Whether the platform says that there is none.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the platform says anything at all.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        !matches!(self, Self::NotReported)
    }

    /// Converts the value and keeps the other two answers.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(convert(value)),
            Self::Absent => Fact::Absent,
            Self::NotReported => Fact::NotReported,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Absent => Fact::Absent,
            Self::NotReported => Fact::NotReported,
        }
    }
}

/// A known value as itself, the other two as null.
impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known().serialize(serializer)
    }
}

/// Null as none. With `#[serde(default)]` a missing field is read as not reported.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from_nullable)
    }
}

/// Writes an expiry or a last use as `{"kind": "at" | "never" | "not_reported", "at": …}`.
pub(crate) fn serialize_moment<S: Serializer>(
    fact: &Fact<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Moment {
        At { at: Timestamp },
        Never,
        NotReported,
    }
    match *fact {
        Fact::Known(at) => Moment::At { at },
        Fact::Absent => Moment::Never,
        Fact::NotReported => Moment::NotReported,
    }
    .serialize(serializer)
}
