//! The rotation of one token as it is known after a crash.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Timestamp, Token, TokenId};

use crate::machine::Parked;

/// The durable state of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationState {
    /// A successor is being created and delivered. Nothing is revoked in this state.
    #[default]
    Issuing,
    /// Every sink held the successor; everything else that the rotation made, and the old token,
    /// is being revoked.
    Retiring,
    /// Nothing is left but the successor.
    Done,
}

impl RotationState {
    /// All states, in the order of a rotation.
    pub const ALL: [Self; 3] = [Self::Issuing, Self::Retiring, Self::Done];

    /// Returns the state in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issuing => "issuing",
            Self::Retiring => "retiring",
            Self::Done => "done",
        }
    }
}

/// The rotation of one token as it is known after a crash: all of it is durable, and none of it is
/// secret.
///
/// It is `Clone`, which a [`Secret`](tokenfleet_core::Secret) is not, so it cannot hold one.
///
/// Deserialised, it is equal to the rotation that was serialised, but for the starts, which a store
/// counts. A key or a state that a later version adds is refused, here and in all that it consists
/// of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rotation {
    /// The id of the rotation, which all its writes and the stamps in its sinks share.
    pub id: OperationId,
    /// The token to rotate; `None` on a platform that cannot list its tokens, where the secrets in
    /// the sinks are rotated.
    pub subject: Option<TokenId>,
    /// The time at which that token was created, which tells it from a later one of the same id.
    pub subject_created_at: Option<Timestamp>,
    /// The time the rotation was opened.
    pub opened_at: Timestamp,
    /// The state.
    pub state: RotationState,
    /// The attempts to create a successor, in order. None is ever removed.
    pub attempts: Vec<Attempt>,
    /// The number of secrets of other origin that the sinks held, where they cannot be listed.
    pub replaced: u32,
    /// The number of secrets that were counted and have been revoked since.
    pub revoked: u32,
    /// The successor, once every sink held it.
    pub successor: Option<Successor>,
    /// The time the old token was suspended.
    pub suspended_at: Option<Timestamp>,
    /// The number of times that a worker began since the rotation last made progress, and did not
    /// end as it should. It is not serialised.
    #[serde(skip)]
    pub starts: u32,
    /// The reason why the rotation waits for a person.
    pub parked: Option<Parked>,
    /// The number of attempts that had been made when a person last let the rotation go on.
    pub resumed_after: u32,
    /// The number of times that the platform left open whether the new secret authenticates.
    pub unverified: u32,
    /// The last failure after which a worker left the rotation, until every sink holds the
    /// successor, nothing is left, or a person lets it go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// `true` if the secrets that the next attempt replaces are to be counted: they may be others
    /// than at the attempt before.
    pub counts_replaced: bool,
}

/// The last failure of a rotation, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LastFailure {
    /// The time.
    pub at: Timestamp,
    /// The text of the error, without secrets: what was tried where, and the reason.
    pub error: String,
}

impl LastFailure {
    /// Creates the note of a failure. The text must have no secret in it.
    pub fn new(at: Timestamp, error: impl Into<String>) -> Self {
        Self {
            at,
            error: error.into(),
        }
    }
}

/// One attempt to create a successor. It is durable before the request is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The marker that the token bears, where tokens can bear one.
    pub marker: Marker,
    /// The time just before the request was sent.
    pub sent_at: Timestamp,
    /// The time by which the token is dead unless it is renewed, if the platform limits its life.
    pub dead_by: Option<Timestamp>,
    /// The outcome of the attempt.
    pub outcome: AttemptOutcome,
}

impl Attempt {
    /// Creates an attempt whose outcome is unknown.
    #[must_use]
    pub fn new(number: u32, marker: Marker, sent_at: Timestamp) -> Self {
        Self {
            number,
            marker,
            sent_at,
            dead_by: None,
            outcome: AttemptOutcome::default(),
        }
    }

    /// Sets the time by which the token is dead unless it is renewed.
    #[must_use]
    pub fn with_dead_by(mut self, dead_by: Option<Timestamp>) -> Self {
        self.dead_by = dead_by;
        self
    }
}

/// The outcome of an attempt, as far as it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// There may be a token of this attempt, and nobody may have its secret.
    #[default]
    Unknown,
    /// The platform certainly created nothing.
    NotApplied,
    /// The token was revoked before any sink could have held it.
    Withdrawn,
    /// Every sink held this token.
    Delivered(TokenId),
}

impl AttemptOutcome {
    /// Returns `true` if a token of the attempt may be alive.
    pub(super) fn may_live(&self) -> bool {
        !matches!(self, Self::NotApplied | Self::Withdrawn)
    }
}

/// The token that every sink held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Successor {
    /// The attempt that created it.
    pub attempt: u32,
    /// The token.
    pub token: TokenId,
    /// The epoch of the worker that delivered it, as the stamps say.
    pub epoch: u64,
    /// The time at which every sink had been read back.
    pub delivered_at: Timestamp,
}

impl Successor {
    /// Creates a successor that every sink holds.
    #[must_use]
    pub fn new(attempt: u32, token: TokenId, epoch: u64, delivered_at: Timestamp) -> Self {
        Self {
            attempt,
            token,
            epoch,
            delivered_at,
        }
    }
}

/// A change of a rotation. Each is durable, and refused from a worker whose epoch is not current.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// An attempt is about to be made.
    Attempting {
        /// The attempt.
        attempt: Attempt,
        /// The number of secrets of other origin in the sinks that this rotation had not counted.
        replaced: u32,
    },
    /// An attempt certainly created nothing.
    NotApplied {
        /// The number of the attempt.
        attempt: u32,
    },
    /// The token of an attempt was revoked before any sink could have held it.
    Withdrawn {
        /// The number of the attempt.
        attempt: u32,
    },
    /// Every sink was read back and holds the successor.
    Delivered(Successor),
    /// The sinks do not hold the successor, or it is dead: another one is needed.
    Reissue,
    /// The old token was suspended.
    Suspended {
        /// The time of the suspension.
        at: Timestamp,
    },
    /// A secret that was counted is revoked.
    Revoked,
    /// The platform left open whether the new secret authenticates.
    Unverified,
    /// A platform or a sink failed, and the worker leaves the rotation for a later try.
    Failed(LastFailure),
    /// A person is needed.
    Parked(Parked),
    /// A person asked to go on.
    Resumed,
    /// Nothing is left but the successor.
    Done,
}

/// The secrets that a rotation may have left alive where nothing can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownSecrets {
    /// The maximum number of them.
    pub at_most: u32,
    /// The time by which all are dead unless somebody renews them, if it is known.
    pub dead_by: Option<Timestamp>,
}

impl Rotation {
    /// Opens the rotation of a token, or of what the sinks hold if no token can be named.
    #[must_use]
    pub fn new(id: OperationId, subject: Option<TokenId>, opened_at: Timestamp) -> Self {
        Self {
            id,
            subject,
            subject_created_at: None,
            opened_at,
            state: RotationState::default(),
            attempts: Vec::new(),
            replaced: 0,
            revoked: 0,
            successor: None,
            suspended_at: None,
            starts: 0,
            parked: None,
            resumed_after: 0,
            unverified: 0,
            last_failure: None,
            counts_replaced: true,
        }
    }

    /// Opens the rotation of a token with all that tells it from others. It is needed where
    /// [ids are given to others later](tokenfleet_core::Capabilities::reused_ids).
    #[must_use]
    pub fn of_token(id: OperationId, subject: &Token, opened_at: Timestamp) -> Self {
        Self {
            subject_created_at: subject.created_at.known().copied(),
            ..Self::new(id, Some(subject.id.clone()), opened_at)
        }
    }

    /// Applies a change. Each is progress, so the starts are counted anew.
    pub fn apply(&mut self, change: &Change) {
        self.starts = 0;
        match change {
            Change::Attempting { attempt, replaced } => {
                self.attempts.push(attempt.clone());
                self.replaced += replaced;
                self.counts_replaced = false;
            }
            Change::NotApplied { attempt } => {
                self.set_outcome(*attempt, AttemptOutcome::NotApplied)
            }
            Change::Withdrawn { attempt } => self.set_outcome(*attempt, AttemptOutcome::Withdrawn),
            Change::Delivered(successor) => {
                let outcome = AttemptOutcome::Delivered(successor.token.clone());
                self.set_outcome(successor.attempt, outcome);
                self.successor = Some(successor.clone());
                self.state = RotationState::Retiring;
                self.unverified = 0;
                self.last_failure = None;
            }
            Change::Reissue => self.state = RotationState::Issuing,
            Change::Suspended { at } => {
                self.suspended_at = Some(*at);
                self.last_failure = None;
            }
            Change::Revoked => self.revoked += 1,
            Change::Unverified => self.unverified += 1,
            Change::Failed(failure) => self.last_failure = Some(failure.clone()),
            Change::Parked(reason) => self.parked = Some(reason.clone()),
            Change::Resumed => {
                // What a person put there stays unless another token is delivered.
                if matches!(self.parked, Some(Parked::SinkChanged { .. }))
                    && self.state == RotationState::Retiring
                {
                    self.state = RotationState::Issuing;
                }
                self.parked = None;
                self.unverified = 0;
                self.last_failure = None;
                self.resumed_after = self.attempts.last().map_or(0, |attempt| attempt.number);
                self.counts_replaced = true;
            }
            Change::Done => {
                self.state = RotationState::Done;
                self.last_failure = None;
            }
        }
    }

    fn set_outcome(&mut self, number: u32, outcome: AttemptOutcome) {
        let mut attempts = self.attempts.iter_mut();
        if let Some(attempt) = attempts.find(|attempt| attempt.number == number) {
            attempt.outcome = outcome;
        }
    }

    /// Returns the attempts, other than that of the successor, of which there may be a token.
    pub fn unaccounted(&self) -> impl Iterator<Item = &Attempt> {
        let successor = self.successor.as_ref().map(|successor| successor.attempt);
        (self.attempts.iter())
            .filter(move |attempt| attempt.outcome.may_live() && Some(attempt.number) != successor)
    }

    /// Returns the attempts that a person has to see to if the rotation ends here. What they may
    /// have left depends on the [strategy](crate::machine::Strategy).
    ///
    /// With an overlap it is tokens, which bear the markers. Before every sink holds a successor, a
    /// sink may hold any of them, so the sinks are to be read before one is revoked. Afterwards the
    /// sinks hold the successor, which is none of them, and the old token is to be revoked, too.
    ///
    /// In place it is another secret of the one token than the sinks hold, and nothing is to be
    /// revoked. Where nothing can be listed it is secrets that
    /// [are counted](Self::unknown_secrets), which no marker finds.
    #[must_use]
    pub fn left_behind(&self) -> Vec<&Attempt> {
        let is_possible = |attempt: &&Attempt| attempt.outcome.may_live();
        match self.state {
            RotationState::Issuing => self.attempts.iter().filter(is_possible).collect(),
            RotationState::Retiring => self.unaccounted().collect(),
            RotationState::Done => Vec::new(),
        }
    }

    /// Returns what the rotation may have left alive on a platform that cannot list its tokens,
    /// whose secrets live for at most `max_lifetime` unless they are renewed.
    #[must_use]
    pub fn unknown_secrets(&self, max_lifetime: Duration) -> UnknownSecrets {
        let unaccounted = u32::try_from(self.unaccounted().count()).unwrap_or(u32::MAX);
        let at_most = (unaccounted.saturating_add(self.replaced)).saturating_sub(self.revoked);
        // What the sinks held was renewed at the latest when it was replaced.
        let delivered = self
            .successor
            .as_ref()
            .map(|successor| successor.delivered_at);
        let replaced = delivered.map(|at| at.saturating_add(max_lifetime));
        let replaced = replaced.filter(|_| self.replaced > 0);
        let attempts = self.unaccounted().filter_map(|attempt| attempt.dead_by);
        UnknownSecrets {
            at_most,
            dead_by: attempts.chain(replaced).max().filter(|_| at_most > 0),
        }
    }
}
