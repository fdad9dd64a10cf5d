//! The memory of one worker.

use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Timestamp, TokenId};

use crate::machine::{Failure, Parked, SecretNumber, SinkReading, WaitReason};

/// The memory of one worker: what it has done and read since it began. It may be lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The content of each sink, read since the last wait.
    pub(super) readings: Vec<Option<SinkReading>>,
    /// The last reading of each sink, of whatever age.
    pub(super) last_readings: Vec<Option<SinkReading>>,
    /// The sinks that were written with `held`.
    pub(super) written: Vec<bool>,
    /// The marker of the attempt that is recorded and not sent yet.
    pub(super) unsent: Option<Marker>,
    /// The number of the attempt after which the next one need not wait, or 0.
    pub(super) retried: u32,
    /// The new secret.
    pub(super) held: Option<Held>,
    /// `true` if a sink may hold `held`, because a write of it was answered or may have arrived.
    pub(super) may_be_delivered: bool,
    /// The number of reads and writes of sinks since `held` was issued that have failed, while it
    /// certainly is in none.
    pub(super) refused_deliveries: u32,
    /// The number of times that the platform was asked about `held` since it first refused it.
    pub(super) refusals: usize,
    /// The secret that the platform was asked about before it was delivered.
    pub(super) tried: Option<SecretNumber>,
    /// The reason why `held` is revoked instead of delivered.
    pub(super) withdrawal: Option<Withdrawal>,
    /// The secrets that the sinks held before they were written.
    pub(super) replaced: Vec<SecretNumber>,
    /// The error of an attempt that certainly created nothing.
    pub(super) refused: Option<Failure>,
    /// The sinks that are left as they are, because somebody else wrote them.
    pub(super) spared: Vec<usize>,
    /// The reason to park that was found.
    pub(super) park: Option<Parked>,
    /// The secrets that were verified since the last wait.
    pub(super) verified: Vec<SecretNumber>,
    /// `true` if a sink holds a secret that the platform rejects.
    pub(super) is_rejected: bool,
    /// The reason of a verification that was inconclusive, which is to be recorded.
    pub(super) inconclusive: Option<String>,
    /// `true` if the old token was looked at since the last wait.
    pub(super) is_inspected: bool,
    pub(super) is_suspended: bool,
    /// `true` if a revocation of a counted secret is to be recorded.
    pub(super) is_revoked: bool,
    pub(super) secret_revocations: u32,
    /// The tokens that were revoked.
    pub(super) dead: Vec<TokenId>,
    /// The living tokens that bear a marker of the rotation, once they were searched for.
    pub(super) found: Option<Vec<TokenId>>,
    pub(super) failures: u32,
    pub(super) not_before: Option<(Timestamp, WaitReason)>,
}

/// The reason why the successor that a worker holds is not delivered.
#[derive(Debug, Clone)]
pub(super) struct Withdrawal {
    pub(super) error: String,
    /// `true` if the next attempt will end like this one unless a person corrects something.
    pub(super) is_lasting: bool,
    /// The reason to park when it is revoked.
    pub(super) then: Option<Parked>,
    /// The time before which no other attempt is made.
    pub(super) retry_at: Option<Timestamp>,
}

/// A new secret that is being delivered.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) attempt: u32,
    pub(super) token: TokenId,
    pub(super) secret: SecretNumber,
}
