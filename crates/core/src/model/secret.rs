//! A credential in memory.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A credential: shown to nobody, wiped from memory when dropped.
///
/// It has no `Display`, no `Clone` and cannot be serialised, only read; its `Debug` says only that it exists. To use it call
/// [`expose`](Self::expose), to keep a second copy [`duplicate`](Self::duplicate): both are easy to find in a review.
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
    /// Takes a credential into care. A `String` is moved, not copied, when it has no spare capacity.
    #[must_use]
    pub fn new(value: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The credential itself. Do not log it, and do not keep it longer than the secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same credential, found out in a time that tells only of their lengths.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differences = own.iter().zip(others).fold(0, |all, (a, b)| all | (a ^ b));
        own.len() == others.len() && std::hint::black_box(differences) == 0
    }

    /// A second copy, where two owners are really needed.
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
    fn only_what_is_equal_is_the_same() {
        for (a, b) in [("", ""), ("a", ""), ("a", "ab"), ("ab", "ab"), ("ab", "aB")] {
            let (one, other) = (Secret::new(a), Secret::new(b));
            assert_eq!(one.is_same(&other), a == b, "{a:?} {b:?}");
            assert_eq!(other.is_same(&one), a == b, "{b:?} {a:?}");
        }
    }
}
