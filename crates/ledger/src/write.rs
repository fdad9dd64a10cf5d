//! Writes that were recorded, and what is known of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokenfleet_core::journal::{Intent, OperationId, Outcome, Resolution};
use tokenfleet_core::{Account, Fate, Operation, Timestamp, TokenId};

/// A write that was begun: its intent, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Write {
    /// The intent, which was recorded before anything was sent.
    pub intent: Intent,
    /// The outcome, or `None` if none was recorded: the process was killed, or is still at work.
    pub outcome: Option<Outcome>,
    /// The most recent finding about an unknown outcome.
    pub resolution: Option<Resolution>,
}

impl Write {
    /// Creates a write of which nothing is known but its intent.
    #[must_use]
    pub fn new(intent: Intent) -> Self {
        Self {
            intent,
            outcome: None,
            resolution: None,
        }
    }

    /// Returns `true` while something is left to do: it is not known whether the write was applied,
    /// or a token that came of it is active and nobody has its secret.
    #[must_use]
    pub fn is_open(&self) -> bool {
        if self.is_decided() {
            return false;
        }
        match &self.resolution {
            None => true,
            Some(Resolution::Applied(tokens)) => !tokens.is_empty(),
            Some(_) => false,
        }
    }

    /// Returns `true` if the outcome says what the write changed, and that nothing is left over.
    fn is_decided(&self) -> bool {
        self.outcome
            .as_ref()
            .is_some_and(|outcome| match &outcome.result {
                Ok(_) => true,
                Err(error) => {
                    let changed_nothing = matches!(error.fate(), Fate::NotSent | Fate::Rejected);
                    changed_nothing && outcome.left_behind.is_empty()
                }
            })
    }

    /// Returns `true` if a person gave the write up, without knowing what became of it.
    fn is_abandoned(&self) -> bool {
        !self.is_decided() && self.resolution == Some(Resolution::Abandoned)
    }

    /// Returns the time at which the last was heard of the write from whoever sent it.
    #[must_use]
    pub fn last_heard(&self) -> Timestamp {
        let outcome = self.outcome.as_ref();
        outcome.map_or(self.intent.at, |outcome| outcome.at)
    }

    /// Returns the latest time at which a secret that the write issued or may have issued expires,
    /// or `None` if it issued none or no expiry is known.
    #[must_use]
    pub fn dead_by(&self) -> Option<Timestamp> {
        let outcome = self.outcome.as_ref();
        outcome.map_or(self.intent.dead_by, |outcome| outcome.dead_by)
    }

    /// Returns `true` if the write issued a secret or may have issued one, which is not known to be
    /// dead.
    #[must_use]
    pub fn may_have_issued(&self) -> bool {
        let issues = match self.intent.operation {
            Operation::Create | Operation::Rotate | Operation::Renew => true,
            _ => self.effect_tokens().replacement.is_some(),
        };
        let is_applied = match &self.outcome {
            Some(outcome) => outcome.result.is_ok(),
            None => false,
        };
        issues && (is_applied || self.is_open() || self.is_abandoned())
    }

    /// Returns the id of the token that the write issued, if it is known.
    #[must_use]
    pub fn issued(&self) -> Option<&TokenId> {
        let effect = self.effect_tokens();
        if let Some(issued) = effect.replacement.or(effect.token) {
            return Some(issued);
        }
        match &self.resolution {
            Some(Resolution::Applied(tokens)) => tokens.first(),
            _ => self.outcome.as_ref()?.left_behind.first(),
        }
    }

    /// Returns the ids of all tokens that the write changed, created, revoked or may have.
    #[must_use]
    pub fn tokens(&self) -> BTreeSet<&TokenId> {
        let effect = self.effect_tokens();
        let mut tokens = BTreeSet::new();
        tokens.extend(&self.intent.token);
        tokens.extend(effect.token);
        tokens.extend(effect.replacement);
        tokens.extend(effect.also_revoked);
        if let Some(outcome) = &self.outcome {
            tokens.extend(&outcome.left_behind);
        }
        if let Some(Resolution::Applied(more) | Resolution::TakenBack(more)) = &self.resolution {
            tokens.extend(more);
        }
        tokens
    }

    /// Returns `true` if the platform has confirmed that this write revoked the token, or that it
    /// was dead before.
    #[must_use]
    pub fn has_revoked(&self, id: &TokenId) -> bool {
        let is_revocation = self.intent.operation == Operation::Revoke;
        let effect = self.effect_tokens();
        let is_target = self.intent.token.as_ref() == Some(id) || effect.token == Some(id);
        (is_revocation && is_target && effect.is_confirmed && effect.replacement.is_none())
            || effect.also_revoked.contains(id)
            || matches!(&self.resolution, Some(Resolution::TakenBack(ids)) if ids.contains(id))
    }

    /// Returns `true` if this write or a later one has revoked the token. An earlier revocation
    /// says nothing where a platform gives the ids of deleted tokens to new ones.
    ///
    /// `writes` are those to the account that touched the token, in the order in which they were
    /// begun.
    #[must_use]
    pub fn is_followed_by_revocation_of<'a>(
        &self,
        id: &TokenId,
        writes: impl IntoIterator<Item = &'a Self>,
    ) -> bool {
        let from_here = writes
            .into_iter()
            .skip_while(|other| other.intent.id != self.intent.id);
        from_here.into_iter().any(|other| other.has_revoked(id))
    }

    fn effect_tokens(&self) -> EffectTokens<'_> {
        let outcome = self.outcome.as_ref();
        match outcome.and_then(|outcome| outcome.result.as_ref().ok()) {
            Some(effect) => EffectTokens {
                is_confirmed: true,
                token: effect.token.as_ref(),
                replacement: effect.replacement.as_ref(),
                also_revoked: &effect.also_revoked,
            },
            None => EffectTokens::default(),
        }
    }
}

/// The tokens of an effect.
#[derive(Default)]
struct EffectTokens<'a> {
    /// `true` if the write succeeded.
    is_confirmed: bool,
    token: Option<&'a TokenId>,
    replacement: Option<&'a TokenId>,
    also_revoked: &'a [TokenId],
}

/// An operation of which at least one write is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenOperation {
    /// The id that its writes share.
    pub id: OperationId,
    /// All of its writes, also those that are not open, in the order in which they were begun.
    pub writes: Vec<Write>,
}

impl OpenOperation {
    /// Groups the writes of open operations, in the order in which those were begun.
    pub(crate) fn group(writes: impl IntoIterator<Item = Write>) -> Vec<Self> {
        let mut operations = Vec::<Self>::new();
        for write in writes {
            let id = write.intent.operation_id;
            match operations.iter_mut().find(|operation| operation.id == id) {
                Some(operation) => operation.writes.push(write),
                None => operations.push(Self {
                    id,
                    writes: vec![write],
                }),
            }
        }
        operations
    }

    /// Returns the writes that are open.
    pub fn open(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().filter(|write| write.is_open())
    }
}

/// A token that was issued or may have been issued, and that no listing can show or rule out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnknownToken {
    /// The account.
    pub account: Account,
    /// The id of the operation that issued it.
    pub operation_id: OperationId,
    /// The kind of the write that issued it.
    pub operation: Operation,
    /// The time at which the write was begun.
    pub since: Timestamp,
    /// The id, if it is known.
    pub token: Option<TokenId>,
    /// The name that was requested.
    pub name: Option<String>,
    /// `true` if the platform has confirmed that the token was issued.
    pub is_certain: bool,
    /// The time at which it is dead, unless somebody renews it, or `None` if none is known.
    pub dead_by: Option<Timestamp>,
}

impl UnknownToken {
    /// Returns the token that a write issued or may have issued and that may be alive at a time, if
    /// no listing shows it: its outcome is unknown, or the account cannot be listed.
    pub(crate) fn of(write: &Write, at: Timestamp, unlistable: &[Account]) -> Option<Self> {
        let is_alive = write.dead_by().is_none_or(|dead_by| dead_by > at);
        let is_unlistable = unlistable.contains(&write.intent.account);
        let is_unknown = write.is_open() || write.is_abandoned();
        if !write.may_have_issued() || !is_alive || !(is_unknown || is_unlistable) {
            return None;
        }
        let intent = &write.intent;
        let token = write.issued().or(intent.token.as_ref());
        Some(Self {
            account: intent.account.clone(),
            operation_id: intent.operation_id,
            operation: intent.operation,
            since: intent.at,
            token: token.cloned(),
            name: intent.name.clone(),
            is_certain: !is_unknown || write.issued().is_some(),
            dead_by: write.dead_by(),
        })
    }

    /// Keeps the newest of each token that is known by its id, and leaves out those that later
    /// writes have revoked.
    pub(crate) fn still_unknown(
        unknown: Vec<(Write, Self)>,
        is_revoked: impl Fn(&Write, &TokenId) -> bool,
    ) -> Vec<Self> {
        let mut named = BTreeSet::new();
        let mut kept = Vec::with_capacity(unknown.len());
        for (write, unknown) in unknown.into_iter().rev() {
            if let Some(token) = &unknown.token
                && (!named.insert((unknown.account.clone(), token.clone()))
                    || is_revoked(&write, token))
            {
                continue;
            }
            kept.push(unknown);
        }
        kept.reverse();
        kept
    }
}
