//! A field of a token with three values: known, absent or not reported.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of a token: known, absent, or not reported by the platform.
///
/// "It expires at noon", "it never expires" and "the platform does not say" call for three
/// different reactions, so a plain `Option` is not enough:
///
/// | | `Known` | `Absent` | `NotReported` |
/// | --- | --- | --- | --- |
/// | [`expiry`](crate::Token::expiry) | expires then | never expires | unknown |
/// | [`last_used`](crate::Token::last_used) | was last used then | was never used | unknown |
/// | [`owner`](crate::Token::owner) | has this owner | has no owner | unknown |
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
/// Facts are ordered: known (by value), then absent, then not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Fact<T> {
    /// The platform reports this value.
    Known(T),
    /// The platform reports that there is no value: never expires, never used, no owner.
    Absent,
    /// The platform does not report this field.
    #[default]
    NotReported,
}

impl<T> Fact<T> {
    /// Converts a field that the platform always sends: `None` becomes [`Absent`](Self::Absent).
    #[must_use]
    pub fn from_nullable(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }

    /// Converts a field that the platform may leave out: `None` becomes
    /// [`NotReported`](Self::NotReported).
    #[must_use]
    pub fn from_optional(value: Option<T>) -> Self {
        value.map_or(Self::NotReported, Self::Known)
    }

    /// Returns the value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotReported => None,
        }
    }

    /// Returns the value itself, if it is known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotReported => None,
        }
    }

    /// Returns `true` if the platform reports that there is no value.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns `true` if the platform reports this field, even as absent.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        !matches!(self, Self::NotReported)
    }

    /// Converts a known value; the other two stay as they are.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(convert(value)),
            Self::Absent => Fact::Absent,
            Self::NotReported => Fact::NotReported,
        }
    }

    /// Borrows a known value; the other two stay as they are.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Absent => Fact::Absent,
            Self::NotReported => Fact::NotReported,
        }
    }
}

/// Serialises a known value as itself, and the other two as null. A [`Token`](crate::Token) lists
/// beside its fields which of them are not reported.
impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known().serialize(serializer)
    }
}

/// Deserialises null as absent. With `#[serde(default)]` a missing field becomes not reported.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from_nullable)
    }
}
