//! A credential in memory.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A credential that is redacted in `Debug` and wiped from memory when dropped.
///
/// It has no `Display`, no `Clone` and no `Serialize`. Call [`expose`](Self::expose) to use it and
/// [`duplicate`](Self::duplicate) to copy it: both are easy to find in a review.
///
/// ```
/// use tokenfleet_core::Secret;
///
/// let secret = Secret::new("SK-PrjW98OTY1h8QTY9hUA");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose(), "SK-PrjW98OTY1h8QTY9hUA");
/// ```
///
/// ```compile_fail
/// # use tokenfleet_core::Secret;
/// let copy = Secret::new("s").clone();
/// ```
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a credential. A `String` without spare capacity is moved, not copied.
    #[must_use]
    pub fn new(value: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the credential itself. Do not log it, and do not keep a copy that outlives the
    /// secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `true` if both are the same credential. Compares in time that depends only on the
    /// lengths.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differences = own.iter().zip(others).fold(0, |all, (a, b)| all | (a ^ b));
        own.len() == others.len() && std::hint::black_box(differences) == 0
    }

    /// Creates a second copy, for the rare case of two owners.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<str>::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_secrets_are_the_same() {
        for (a, b) in [("", ""), ("a", ""), ("a", "ab"), ("ab", "ab"), ("ab", "aB")] {
            let (one, other) = (Secret::new(a), Secret::new(b));
            assert_eq!(one.is_same(&other), a == b, "{a:?} {b:?}");
            assert_eq!(other.is_same(&one), a == b, "{b:?} {a:?}");
        }
    }
}
