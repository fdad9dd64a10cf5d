//! How the program ends.

use std::io;
use std::process::ExitCode;

use tokenfleet::{Error, ErrorKind};

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Well = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotFound = 4,
    Unsupported = 5,
    Incomplete = 6,
    OutcomeUnknown = 7,
}

impl Code {
    /// The code for a failed operation.
    pub(crate) fn of(error: &Error) -> Self {
        if error.may_have_applied() {
            return Self::OutcomeUnknown;
        }
        match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Configuration | ErrorKind::InvalidCursor => {
                Self::Usage
            }
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => Self::Refused,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Failed,
        }
    }

    /// This code, once the output is written.
    pub(crate) fn if_written(self, written: io::Result<()>) -> Result<Self, Stop> {
        match written {
            Ok(()) => Ok(self),
            Err(error) => Err(Stop::Output { error, code: self }),
        }
    }

    /// The code of a plan that was carried out: well only if every token is dead.
    pub(crate) fn of_plan(codes: impl IntoIterator<Item = Self>) -> Self {
        match Self::of_all(codes) {
            code @ (Self::Well | Self::OutcomeUnknown) => code,
            _ => Self::Failed,
        }
    }

    /// The code of a command that failed several times: what they agree on, but never less than "unknown".
    pub(crate) fn of_all(codes: impl IntoIterator<Item = Self>) -> Self {
        let mut codes = codes.into_iter();
        let Some(first) = codes.next() else {
            return Self::Well;
        };
        codes.fold(first, |agreed, code| match (agreed, code) {
            (agreed, code) if agreed == code => agreed,
            (Self::OutcomeUnknown, _) | (_, Self::OutcomeUnknown) => Self::OutcomeUnknown,
            _ => Self::Failed,
        })
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something failed.
    Failed(Error),
    /// Nothing is printed, for it would be a part.
    Incomplete(Error),
    /// The output cannot be written. What was to be told by the code is told by it nevertheless.
    Output { error: io::Error, code: Code },
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        let code = Code::Well;
        Self::Output { error, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenfleet::Fate;

    #[test]
    fn what_may_have_been_carried_out_outweighs_its_cause() {
        let refused = Error::new(ErrorKind::Timeout, Fate::Rejected, "no answer");
        assert_eq!(Code::of(&refused), Code::Failed);
        let unknown = refused.with_fate(Fate::MaybeApplied);
        assert_eq!(Code::of(&unknown), Code::OutcomeUnknown);
    }

    #[test]
    fn several_failures_keep_the_code_that_they_share() {
        use Code::{Failed, NotFound, OutcomeUnknown, Refused, Well};
        assert_eq!(Code::of_all([]), Well);
        assert_eq!(Code::of_all([NotFound, NotFound]), NotFound);
        assert_eq!(Code::of_all([NotFound, Refused]), Failed);
        assert_eq!(Code::of_all([NotFound, OutcomeUnknown]), OutcomeUnknown);
        assert_eq!(Code::of_plan([NotFound, NotFound]), Failed);
        assert_eq!(
            Code::of_plan([Well, OutcomeUnknown, Refused]),
            OutcomeUnknown
        );
        assert_eq!(Code::of_plan([Well, Well]), Well);
    }
}
