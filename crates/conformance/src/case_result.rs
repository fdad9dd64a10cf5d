//! The result of a case, and the checks that a case is made of.

use tokenfleet_core::{Error, ErrorKind, Fate, Result};

/// The result of a case or of one of its steps.
pub(crate) type CaseResult<T = ()> = std::result::Result<T, Stop>;

/// The reason that a case ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The provider broke the law.
    Failed(Failure),
    /// The case cannot run here, for this reason.
    NotApplicable(String),
}

/// The details of a failed case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The behaviour that the law requires.
    pub expected: String,
    /// The behaviour of the provider.
    pub happened: String,
}

/// Ends a case as failed.
pub(crate) fn fail<T>(expected: impl Into<String>, happened: impl Into<String>) -> CaseResult<T> {
    Err(Stop::Failed(Failure {
        expected: expected.into(),
        happened: happened.into(),
    }))
}

/// Ends a case as not applicable.
pub(crate) fn not_applicable<T>(reason: impl Into<String>) -> CaseResult<T> {
    Err(Stop::NotApplicable(reason.into()))
}

/// Ends a case as not applicable if none of its steps could be tried.
pub(crate) fn require_tried(tried: bool, otherwise: &str) -> CaseResult {
    if tried {
        return Ok(());
    }
    not_applicable(otherwise)
}

/// Fails the case unless the condition holds.
pub(crate) fn ensure(holds: bool, expected: &str, happened: impl Into<String>) -> CaseResult {
    if holds {
        return Ok(());
    }
    fail(expected, happened)
}

/// Returns the value of a call that must succeed.
pub(crate) fn expect_ok<T>(result: Result<T>, expected: &str) -> CaseResult<T> {
    result.or_else(|error| fail(expected, describe(&error)))
}

/// Returns the error from a call that must fail.
pub(crate) fn expect_err<T>(result: Result<T>, expected: &str) -> CaseResult<Error> {
    match result {
        Ok(_) => fail(expected, "it succeeded"),
        Err(error) => Ok(error),
    }
}

/// Expects a call to be rejected with this kind of error, certainly without effect.
pub(crate) fn expect_rejection<T>(
    result: Result<T>,
    kind: ErrorKind,
    expected: &str,
) -> CaseResult {
    let error = expect_err(result, expected)?;
    ensure(
        error.kind() == kind && !error.may_have_applied(),
        expected,
        describe(&error),
    )
}

/// Expects a call with an id that no token has to fail, certainly without effect: not found, or
/// refused before it is sent because no id of the platform looks like it.
pub(crate) fn expect_unknown_id<T>(result: Result<T>, expected: &str) -> CaseResult {
    let error = expect_err(result, expected)?;
    let is_refused = error.kind() == ErrorKind::InvalidInput && error.fate() == Fate::NotSent;
    let is_not_found = error.kind() == ErrorKind::NotFound && !error.may_have_applied();
    ensure(is_refused || is_not_found, expected, describe(&error))
}

/// Describes an error for a failure.
pub(crate) fn describe(error: &Error) -> String {
    format!(
        "it failed as {}, {}: {error}",
        error.kind().as_str(),
        error.fate().as_str()
    )
}
