//! The outcome of a write, and what is found out later about one whose outcome was unknown.

use serde::{Deserialize, Serialize};

use super::Intent;
use crate::error::{Error, Fate, Operation, Result, mask_credentials, mask_name};
use crate::model::{Fact, IssuedToken, RenewedToken, Timestamp, Token, TokenId};
use crate::provider::{Revocation, RevocationEffect, RevocationOutcome};

/// The outcome of a write that was sent, or that failed on the way.
///
/// Serialised, it is an object with `at`, the `effect` or the `error`, `left_behind` and `dead_by`.
/// Deserialised, it is equal to the outcome that was serialised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Record", try_from = "Record")]
#[non_exhaustive]
pub struct Outcome {
    /// The time, by the clock of this machine.
    pub at: Timestamp,
    /// The effect, or the error with its fate.
    pub result: Result<Effect>,
    /// The ids of the tokens that a failed write left behind: they are or may be active, and nobody
    /// has their secret.
    pub left_behind: Vec<TokenId>,
    /// The latest time at which a secret that the write issued or may have issued expires, unless
    /// somebody renews it; `None` if it issued none, or if no expiry is known.
    pub dead_by: Option<Timestamp>,
}

impl Outcome {
    /// Creates the outcome of a write, with the present time.
    #[must_use]
    pub fn new(intent: &Intent, mut result: Result<Effect>) -> Self {
        let at = Timestamp::now();
        if let Ok(effect) = &mut result {
            effect.token = effect.token.take().map(|id| intent.recorded(id));
        }
        let (left_behind, dead_by) = match &result {
            Ok(effect) => (Vec::new(), effect.dead_by(intent)),
            Err(error) => {
                // A call that took long may have been applied late.
                let took = intent.at.duration_until(at);
                let dead_by = intent.dead_by.filter(|_| error.may_have_applied());
                let left_behind = error.left_behind().iter().map(TokenId::new);
                (
                    left_behind.map(|id| intent.recorded(id)).collect(),
                    dead_by.and_then(|dead_by| dead_by.checked_add(took)),
                )
            }
        };
        Self {
            at,
            result,
            left_behind,
            dead_by,
        }
    }

    /// Returns the effect that the write had or may have had on the platform. A revocation of what
    /// was revoked or gone before has changed nothing.
    #[must_use]
    pub fn fate(&self) -> Fate {
        use RevocationOutcome::{AlreadyGone, AlreadyRevoked};

        match &self.result {
            Ok(effect) => match effect.revocation {
                Some((AlreadyGone | AlreadyRevoked, _)) => Fate::Rejected,
                _ => Fate::Applied,
            },
            Err(error) => error.fate(),
        }
    }
}

/// An outcome as it is written: with an effect or an error, and never both.
#[derive(Serialize, Deserialize)]
struct Record {
    at: Timestamp,
    effect: Option<Effect>,
    error: Option<Error>,
    #[serde(default)]
    left_behind: Vec<TokenId>,
    dead_by: Option<Timestamp>,
}

impl From<Outcome> for Record {
    fn from(outcome: Outcome) -> Self {
        let (effect, error) = match outcome.result {
            Ok(effect) => (Some(effect), None),
            Err(error) => (None, Some(error)),
        };
        Self {
            at: outcome.at,
            effect,
            error,
            left_behind: outcome.left_behind,
            dead_by: outcome.dead_by,
        }
    }
}

impl TryFrom<Record> for Outcome {
    type Error = &'static str;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let result = match (record.effect, record.error) {
            (Some(effect), None) => Ok(effect),
            (None, Some(error)) => Err(error),
            _ => return Err("an outcome has either an effect or an error"),
        };
        Ok(Self {
            at: record.at,
            result,
            left_behind: record.left_behind,
            dead_by: record.dead_by,
        })
    }
}

/// The effect of a write that succeeded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Effect {
    /// The id of the token, if the platform reports one.
    pub token: Option<TokenId>,
    /// The token that came of it, without its secret: the new or changed one, or the replacement of
    /// a revoked one. Words that look like a secret are masked in its name and description.
    pub record: Option<Token>,
    /// The effect of a revocation on the secret and on the record.
    pub revocation: Option<(RevocationOutcome, RevocationEffect)>,
    /// The id of the token that replaced a revoked one.
    pub replacement: Option<TokenId>,
    /// The ids of other tokens that a revocation revoked too.
    pub also_revoked: Vec<TokenId>,
}

impl Effect {
    /// Creates the effect of a write after which the platform reports no token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the expiry of the token that came of it.
    #[must_use]
    pub fn expiry(&self) -> Fact<Timestamp> {
        let record = self.record.as_ref();
        record.map_or(Fact::NotReported, |record| record.expiry)
    }

    /// Returns the latest time at which an issued secret expires.
    fn dead_by(&self, intent: &Intent) -> Option<Timestamp> {
        let issues = match intent.operation {
            Operation::Create | Operation::Rotate | Operation::Renew => true,
            _ => self.replacement.is_some(),
        };
        match self.expiry() {
            Fact::Known(at) => issues.then_some(at),
            Fact::Absent => None,
            Fact::NotReported => intent.dead_by,
        }
    }
}

/// Returns a token as it is recorded.
fn recorded(token: &Token) -> Token {
    let mut token = token.clone();
    if let Fact::Known(name) = &mut token.name {
        *name = mask_name(name);
    }
    if let Fact::Known(description) = &mut token.description {
        *description = mask_credentials(description);
    }
    token
}

impl From<&Token> for Effect {
    fn from(token: &Token) -> Self {
        Self {
            token: Some(token.id.clone()),
            record: Some(recorded(token)),
            ..Self::new()
        }
    }
}

impl From<&IssuedToken> for Effect {
    fn from(issued: &IssuedToken) -> Self {
        Self::from(&issued.token)
    }
}

impl From<&RenewedToken> for Effect {
    fn from(renewed: &RenewedToken) -> Self {
        Self::from(&renewed.token)
    }
}

impl From<&Revocation> for Effect {
    fn from(revocation: &Revocation) -> Self {
        let replacement = revocation.replacement.as_ref();
        Self {
            token: revocation.id.clone(),
            record: replacement.map(|issued| recorded(&issued.token)),
            revocation: Some((revocation.outcome, revocation.effect)),
            replacement: replacement.map(|issued| issued.token.id.clone()),
            also_revoked: revocation.also_revoked.clone(),
        }
    }
}

/// The answer, found later, to what became of a write whose outcome was unknown.
///
/// [`Reconciliation::resolution`](crate::workflow::Reconciliation::resolution) returns what a
/// search found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "tokens", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// The write changed nothing, as far as the platform shows by now. A token with the
    /// [marker](Intent::marker) that appears later came of it nevertheless.
    NotApplied,
    /// The write was applied. These tokens came of it, are active, and nobody has their secret.
    Applied(Vec<TokenId>),
    /// The write was applied, and these tokens that came of it are revoked.
    TakenBack(Vec<TokenId>),
    /// The time has passed at which everything that it may have issued [is
    /// dead](Intent::dead_by).
    Expired,
    /// A person has looked and decided that nothing is left to do. Nothing was found out: a token
    /// that the write may have issued stays unknown.
    Abandoned,
}
