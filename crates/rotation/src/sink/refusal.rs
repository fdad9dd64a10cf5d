//! The refusal of a write.

use std::fmt;

use tokenfleet_core::{Error, ErrorKind, Fate};

/// The reason for which a sink refused a write, which changed nothing.
///
/// A refusal is an [`Error`] of the kind [`Conflict`](ErrorKind::Conflict), and this is its
/// [source](std::error::Error::source).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The place has another version than the expected one: somebody has written meanwhile.
    Conflict,
    /// The stored stamp has a higher epoch: another worker has taken over.
    Superseded,
    /// The place holds a secret without a stamp of this ledger, which somebody else wrote.
    Foreign,
}

impl Refusal {
    /// Returns the refusal that an error stands for, if it is one.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<Self>())
            .copied()
    }

    /// Creates the error of a refusal by the sink of this [place](super::SecretSink::place).
    pub fn error(self, place: &str) -> Error {
        let error = Error::new(
            ErrorKind::Conflict,
            Fate::Rejected,
            format!("{place} was not written: {self}"),
        );
        let error = match self {
            Self::Conflict => error,
            Self::Superseded => error.with_advice("another worker is at work there"),
            Self::Foreign => {
                error.with_advice("check who uses it; set adopt = true to replace it from now on")
            }
        };
        error.with_source(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "it has changed since it was read",
            Self::Superseded => "a later worker has written it",
            Self::Foreign => "it holds a secret that this ledger did not write",
        })
    }
}

impl std::error::Error for Refusal {}
