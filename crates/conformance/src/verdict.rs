//! How a case ends.

use tokenfleet_core::{Error, Result};

/// Why a case did not go through.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The provider is wrong.
    Failed(Failure),
    /// The case cannot be tried here, for this reason.
    NotApplicable(String),
}

/// What was expected and what happened instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What the law asks for.
    pub expected: String,
    /// What the provider did.
    pub happened: String,
}

pub(crate) type Verdict<T = ()> = std::result::Result<T, Stop>;

pub(crate) fn fail<T>(expected: impl Into<String>, happened: impl Into<String>) -> Verdict<T> {
    Err(Stop::Failed(Failure {
        expected: expected.into(),
        happened: happened.into(),
    }))
}

pub(crate) fn not_applicable<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Stop::NotApplicable(reason.into()))
}

/// Fails unless the condition holds.
pub(crate) fn ensure(holds: bool, expected: &str, happened: impl Into<String>) -> Verdict {
    if holds {
        return Ok(());
    }
    fail(expected, happened)
}

/// The value of a call that had to succeed.
pub(crate) fn succeeded<T>(result: Result<T>, expected: &str) -> Verdict<T> {
    result.or_else(|error| fail(expected, describe(&error)))
}

/// The error of a call that had to fail.
pub(crate) fn failed<T>(result: Result<T>, expected: &str) -> Verdict<Error> {
    match result {
        Ok(_) => fail(expected, "it succeeded"),
        Err(error) => Ok(error),
    }
}

pub(crate) fn describe(error: &Error) -> String {
    format!(
        "it failed as {}, {}: {error}",
        error.kind().as_str(),
        error.fate().as_str()
    )
}
