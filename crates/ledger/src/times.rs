//! Times in milliseconds, and the rules that all ledgers share about their order.

use std::time::Duration;

use tokenfleet_core::{Error, ErrorKind, Fate, Timestamp};

use crate::Source;

/// Returns the milliseconds since 1970, rounded towards the past.
pub(crate) fn to_milliseconds(at: Timestamp) -> i64 {
    at.unix_seconds() * 1000 + i64::from(at.millisecond())
}

/// Returns the time of a number of milliseconds since 1970, if it is one.
pub(crate) fn from_milliseconds(milliseconds: i64) -> Option<Timestamp> {
    let seconds = Timestamp::from_unix_seconds(milliseconds.div_euclid(1000))?;
    let rest = u64::try_from(milliseconds.rem_euclid(1000)).ok()?;
    seconds.checked_add(Duration::from_millis(rest))
}

/// Returns a time without what a ledger does not keep of it.
pub(crate) fn truncated(at: Timestamp) -> Timestamp {
    from_milliseconds(to_milliseconds(at)).unwrap_or(at)
}

/// Creates the error for a snapshot that is not later than the latest.
pub(crate) fn not_later(source: &Source, latest: Timestamp) -> Error {
    let message = format!("the latest snapshot is not older: it is of {latest}");
    Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_account(&source.account)
        .with_advice("try again, and compare the clocks of the machines that share the ledger")
}

/// Creates the error for a snapshot during which another one was written.
pub(crate) fn overtaken(source: &Source) -> Error {
    let message = "another snapshot of this account was written while this one was taken";
    Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_account(&source.account)
        .with_advice("take it again, and do not take two of one account at a time")
}

/// Creates the error for a snapshot of which tokens were lost.
pub(crate) fn incomplete(source: &Source) -> Error {
    let message = "tokens of this snapshot could not be recorded";
    Error::new(ErrorKind::Other, Fate::NotSent, message).with_account(&source.account)
}

/// Creates the error for tokens in a snapshot of an account that cannot be listed.
pub(crate) fn listed_after_all(source: &Source) -> Error {
    Error::invalid_input("an account that cannot be listed has no tokens to record")
        .with_account(&source.account)
}

/// Creates the error for a state of which nothing is known.
pub(crate) fn nothing_known(source: &Source, at: Timestamp, is_listable: bool) -> Error {
    let error = if is_listable {
        let message = format!("there is no snapshot at or before {at}");
        Error::new(ErrorKind::NotFound, Fate::NotSent, message)
            .with_advice("choose a later time, or take a snapshot first")
    } else {
        Error::unsupported("the platform cannot list the tokens of this account")
            .with_advice("its snapshots say so and hold no token")
    };
    error.with_account(&source.account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_read_back_on_both_sides_of_1970() {
        for milliseconds in [-1, 0, 1, -1000, 1_795_900_000_123, -62_135_596_800_001] {
            let at = from_milliseconds(milliseconds).unwrap();
            assert_eq!(to_milliseconds(at), milliseconds);
        }
        assert_eq!(from_milliseconds(i64::MAX), None);
    }
}
