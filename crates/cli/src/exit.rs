//! Exit codes, and the errors that end a command early.

use std::io;
use std::process::ExitCode;

use tokenfleet::config::cause_text;
use tokenfleet::{Error, ErrorKind, Fate};

/// An exit code that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    Failed,
    Usage,
    Refused,
    NotFound,
    Unsupported,
    Incomplete,
    OutcomeUnknown,
    /// The command worked, and its answer is no: the secret is dead, or something was found.
    AnswerIsNo,
    /// The exit code of the command that `exec` ran.
    Command(u8),
}

impl Exit {
    /// Returns the exit code for a failed operation.
    pub(crate) fn from_error(error: &Error) -> Self {
        if error.may_have_applied() {
            return Self::OutcomeUnknown;
        }
        match error.kind() {
            ErrorKind::Configuration => Self::Usage,
            // What the platform refused was sent: no mistake that was found beforehand.
            ErrorKind::InvalidInput | ErrorKind::InvalidCursor if error.fate() == Fate::NotSent => {
                Self::Usage
            }
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => Self::Refused,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Failed,
        }
    }

    /// Returns this exit code if the output was written, and keeps it in the error otherwise.
    pub(crate) fn after_writing(self, written: io::Result<()>) -> Result<Self, Failure> {
        written
            .map(|()| self)
            .map_err(|error| Failure::OutputAfter { exit: self, error })
    }

    /// Returns the exit code of a plan: success only if every token is revoked.
    pub(crate) fn combine_plan(exits: impl IntoIterator<Item = Self>) -> Self {
        match Self::combine(exits) {
            exit @ (Self::Success | Self::OutcomeUnknown) => exit,
            _ => Self::Failed,
        }
    }

    /// Returns the most important of several exit codes.
    pub(crate) fn combine(exits: impl IntoIterator<Item = Self>) -> Self {
        let exits: Vec<_> = exits.into_iter().collect();
        let mut by_importance = BY_IMPORTANCE.into_iter();
        by_importance
            .find(|exit| exits.contains(exit))
            .unwrap_or(Self::Success)
    }
}

/// The exit codes of what did not go well, the most important one first.
const BY_IMPORTANCE: [Exit; 8] = [
    Exit::OutcomeUnknown,
    Exit::Usage,
    Exit::Refused,
    Exit::Failed,
    Exit::NotFound,
    Exit::Unsupported,
    Exit::Incomplete,
    Exit::AnswerIsNo,
];

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Unsupported => 5,
            Self::Incomplete => 6,
            Self::OutcomeUnknown => 7,
            Self::AnswerIsNo => 8,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The reason why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An operation failed.
    #[error(transparent)]
    Operation(#[from] Error),
    /// Nothing was printed, because it would have been only a part of the result.
    #[error(transparent)]
    Incomplete(Error),
    /// The output cannot be written.
    #[error("cannot write the output ({})", cause_text(.0))]
    Output(#[from] io::Error),
    /// The output of a finished command cannot be written. The exit code is kept nevertheless.
    #[error("cannot write the output ({})", cause_text(.error))]
    OutputAfter {
        exit: Exit,
        #[source]
        error: io::Error,
    },
}

impl Failure {
    /// Returns the exit code, which does not change when the reader of the output has left.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Operation(error) => Exit::from_error(error),
            Self::Incomplete(_) => Exit::Incomplete,
            Self::Output(_) if self.is_broken_pipe() => Exit::Success,
            Self::Output(_) => Exit::Failed,
            Self::OutputAfter { exit, .. } if self.is_broken_pipe() => *exit,
            Self::OutputAfter { exit, .. } => match exit {
                Exit::Success => Exit::Failed,
                exit => *exit,
            },
        }
    }

    /// Returns the error to print. A reader that closed the pipe early has seen enough: no error.
    pub(crate) fn error_to_print(&self) -> Option<Error> {
        match self {
            Self::Operation(error) | Self::Incomplete(error) => Some(error.clone()),
            _ if self.is_broken_pipe() => None,
            Self::Output(_) | Self::OutputAfter { .. } => Some(Error::new(
                ErrorKind::Other,
                Fate::NotSent,
                self.to_string(),
            )),
        }
    }

    fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) | Self::OutputAfter { error, .. } => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            Self::Operation(_) | Self::Incomplete(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_may_have_applied_outweighs_its_cause() {
        let timeout = Error::new(ErrorKind::Timeout, Fate::Rejected, "no response");
        assert_eq!(Exit::from_error(&timeout), Exit::Failed);
        let unknown = timeout.with_fate(Fate::MaybeApplied);
        assert_eq!(Exit::from_error(&unknown), Exit::OutcomeUnknown);
    }

    #[test]
    fn the_most_important_of_several_exit_codes_is_kept() {
        use Exit::{
            AnswerIsNo, Failed, Incomplete, NotFound, OutcomeUnknown, Refused, Success, Usage,
        };
        assert_eq!(Exit::combine([]), Success);
        assert_eq!(Exit::combine([NotFound, NotFound]), NotFound);
        assert_eq!(Exit::combine([NotFound, Success]), NotFound);
        let contract = [
            OutcomeUnknown,
            Usage,
            Refused,
            Failed,
            Incomplete,
            AnswerIsNo,
            Success,
        ];
        for (index, expected) in contract.into_iter().enumerate() {
            let rest = contract[index..].iter().rev().copied();
            assert_eq!(Exit::combine(rest), expected);
        }
        assert_eq!(Exit::combine([NotFound, OutcomeUnknown]), OutcomeUnknown);
        assert_eq!(Exit::combine_plan([NotFound, NotFound]), Failed);
        assert_eq!(
            Exit::combine_plan([Success, OutcomeUnknown, Refused]),
            OutcomeUnknown
        );
        assert_eq!(Exit::combine_plan([Success, Success]), Success);
    }

    #[test]
    fn the_page_of_the_program_and_its_help_name_every_exit_code_and_their_order() {
        let page = include_str!("../../../docs/PROGRAM.md");
        let (_, section) = page.split_once("\n## Exit codes\n").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
        let codes = rows.filter_map(|row| row.split(' ').next()?.parse::<u8>().ok());
        let by_importance = BY_IMPORTANCE.map(Exit::code);
        let mut known = by_importance.to_vec();
        known.push(Exit::Success.code());
        known.sort_unstable();
        assert_eq!(codes.collect::<Vec<_>>(), known);
        let order = by_importance.map(|code| code.to_string()).join(", ");
        assert!(section.contains(&format!("the first of {order} counts")));

        let (_, help) = crate::arguments::EXIT_CODES.split_once('\n').unwrap();
        let (help, _) = help.split_once("\n\n").unwrap();
        let words = help.split_whitespace();
        let mut codes: Vec<u8> = words.filter_map(|word| word.parse().ok()).collect();
        codes.sort_unstable();
        assert_eq!(codes, known);
    }

    #[test]
    fn a_reader_that_left_changes_no_exit_code_and_a_full_disk_is_a_failure() {
        let failure = |kind: io::ErrorKind, exit| {
            let error = io::Error::from(kind);
            match exit {
                None => Failure::from(error),
                Some(exit) => Failure::OutputAfter { exit, error },
            }
        };
        let (left, full) = (io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull);
        for (kind, exit, expected, is_printed) in [
            (left, None, Exit::Success, false),
            (left, Some(Exit::NotFound), Exit::NotFound, false),
            (full, None, Exit::Failed, true),
            (full, Some(Exit::Success), Exit::Failed, true),
            (full, Some(Exit::NotFound), Exit::NotFound, true),
        ] {
            let failure = failure(kind, exit);
            assert_eq!(failure.exit(), expected);
            assert_eq!(failure.error_to_print().is_some(), is_printed);
        }
    }
}
