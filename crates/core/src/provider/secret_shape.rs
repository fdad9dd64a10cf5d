//! The shape of a secret: whether it looks like one of a platform's.

use crate::model::TokenId;

/// The likeness of a secret to those of a platform, judged from the secret alone.
///
/// It decides where a secret that somebody found is sent at all: see
/// [`TokenProvider::secret_shape`](crate::TokenProvider::secret_shape) and decision 0031.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretShape {
    /// No token of the platform has a secret like this.
    Impossible,
    /// Nothing rules out that the secret is one of the platform's.
    Possible,
    /// The secret has the form that the platform gives to its secrets.
    Recognized {
        /// The id of the token, if the secret contains one. It is not proven: anybody can write a
        /// secret that contains any id.
        id: Option<TokenId>,
    },
}

impl SecretShape {
    /// Returns the shape in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Impossible => "impossible",
            Self::Possible => "possible",
            Self::Recognized { .. } => "recognized",
        }
    }
}
