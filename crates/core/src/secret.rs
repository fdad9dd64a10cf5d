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
