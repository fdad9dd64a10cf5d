//! Snapshots: what was seen of an account at a time, and what may be concluded from it.

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Completeness, Error, ErrorKind, Fate, Timestamp};

/// A snapshot of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The time at which it was begun.
    pub at: Timestamp,
    /// The claim that it makes.
    pub verdict: Verdict,
    /// The tokens that were seen and the changes, or `None` if the account cannot be listed.
    pub counts: Option<Counts>,
}

/// The numbers of tokens in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// The number of tokens that were seen.
    pub seen: u64,
    /// The number of tokens that the ledger did not hold.
    pub appeared: u64,
    /// The number of tokens that were held and are gone: 0 unless the snapshot is complete.
    pub vanished: u64,
    /// The number of tokens whose records changed.
    pub changed: u64,
}

/// The claim of a snapshot, which decides what absence means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "claim", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The listing ended with this claim.
    Listed(Completeness),
    /// The listing failed after some tokens, for this reason. It counts as partial. The reason is
    /// kept on one line, and words that look like a secret are masked.
    Interrupted(String),
    /// The platform cannot list the tokens of this account, so nothing was seen.
    NotListable,
}

impl Verdict {
    /// Returns `true` if a token that was not seen does not exist.
    #[must_use]
    pub fn absence_is_proof(&self) -> bool {
        *self == Self::Listed(Completeness::Complete)
    }

    /// Masks what looks like a secret in the reason of a failure.
    pub(crate) fn masked(self) -> Self {
        let Self::Interrupted(reason) = self else {
            return self;
        };
        // Such a reason may quote a platform, and an error masks what it quotes.
        let error = Error::new(ErrorKind::Other, Fate::NotSent, "the listing failed")
            .with_platform_message(&reason, &[]);
        Self::Interrupted(error.platform_message().unwrap_or_default().to_owned())
    }
}

/// The numbers of what was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// The number of snapshots.
    pub snapshots: u64,
    /// The number of versions of tokens.
    pub versions: u64,
    /// The number of writes.
    pub writes: u64,
    /// The number of tasks.
    pub tasks: u64,
}
