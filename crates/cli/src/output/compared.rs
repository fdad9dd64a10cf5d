//! A change of an account, as the comparison of two states finds it.

use tokenfleet::{Account, Timestamp};
use tokenfleet_ledger::Change;

use super::author::Author;

/// A change of an account, and who made it.
pub(crate) struct Compared<'a> {
    pub(crate) account: &'a Account,
    pub(crate) change: &'a Change,
    pub(crate) author: Author,
    /// The time of the later snapshot.
    pub(crate) at: Timestamp,
}
