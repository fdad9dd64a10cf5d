//! The records of a plan and of its accounts in the ledger.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenfleet::journal::OperationId;
use tokenfleet::workflow::{RevocationVerdict, RevokeManyOptions};
use tokenfleet::{
    Account, Error, Result, Revocation, RevocationEffect, RevocationOutcome, RevocationPlan,
    RevokeOptions, TokenId,
};

/// The kind of the task of a plan.
pub(crate) const PLAN: &str = "revocation plan";

/// The kind of the task of an account of a plan.
pub(crate) const ACCOUNT: &str = "revocation";

/// The version of both records.
const VERSION: u32 = 1;

/// The record of a plan: which accounts it has, and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRecord {
    version: u32,
    /// The operation of the plan, whoever carries it out.
    pub(crate) operation: OperationId,
    pub(crate) stage: Stage,
    /// The accounts of the plan, in its order.
    pub(crate) accounts: Vec<PlannedAccount>,
    /// The reason for the changes.
    pub(crate) reason: Option<String>,
    /// The reason why it waits for a person.
    pub(crate) note: Option<String>,
}

/// The progress of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// A few tokens are revoked first. All others wait.
    Canary,
    /// One of those was not revoked, so all others wait for a person.
    CanaryFailed,
    /// All are revoked.
    Rest,
    /// Every token has its verdict.
    Done,
    /// A person gave up what was not begun.
    Abandoned,
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::CanaryFailed => "canary_failed",
            Self::Rest => "rest",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }
}

/// An account of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannedAccount {
    /// The task of the account.
    pub(crate) task: OperationId,
    pub(crate) account: String,
    pub(crate) tokens: usize,
    /// The number of tokens to be revoked before those of other accounts, or 0.
    pub(crate) canary: usize,
}

impl PlanRecord {
    pub(crate) fn new(
        operation: OperationId,
        accounts: Vec<PlannedAccount>,
        reason: Option<&str>,
    ) -> Self {
        Self {
            version: VERSION,
            operation,
            stage: Stage::Canary,
            accounts,
            reason: reason.map(str::to_owned),
            note: None,
        }
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        read(text, |record: &Self| record.version)
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        write(self)
    }

    pub(crate) fn tokens(&self) -> usize {
        self.accounts.iter().map(|account| account.tokens).sum()
    }
}

/// The record of an account of a plan: what is to be revoked there, and the verdicts so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRecord {
    version: u32,
    /// The task of the plan.
    pub(crate) plan: OperationId,
    /// The operation of the plan, whoever carries it out.
    pub(crate) operation: OperationId,
    /// The part of the plan that is about this account, as it was reviewed.
    pub(crate) text: String,
    pub(crate) options: Options,
    pub(crate) reason: Option<String>,
    /// The number of tokens after which it waits for the others of the canary wave.
    pub(crate) pause_after: Option<usize>,
    pub(crate) is_abandoned: bool,
    /// The number of times in a row that none of the tokens could be reached.
    #[serde(default)]
    pub(crate) outages: u32,
    /// The reason why nothing could be done the last time.
    pub(crate) note: Option<String>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// The options with which the tokens of a plan are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    accept_cascade: bool,
    suspend_fallback: bool,
    pub(crate) suspend_instead: bool,
    max_concurrency: usize,
}

impl From<&RevokeManyOptions> for Options {
    fn from(options: &RevokeManyOptions) -> Self {
        Self {
            accept_cascade: options.revoke_options.accept_cascade,
            suspend_fallback: options.suspend_fallback,
            suspend_instead: options.suspend_instead,
            max_concurrency: options.max_concurrency,
        }
    }
}

impl Options {
    /// Returns the options for the writes of a task.
    pub(crate) fn of_task(self, task: OperationId) -> RevokeManyOptions {
        let mut revoke = RevokeOptions::default().with_operation_id(task);
        revoke.accept_cascade = self.accept_cascade;
        let mut options = RevokeManyOptions::default()
            .with_revoke_options(revoke)
            .with_max_concurrency(self.max_concurrency);
        options.suspend_fallback = self.suspend_fallback;
        options.suspend_instead = self.suspend_instead;
        options
    }
}

impl AccountRecord {
    pub(crate) fn new(
        (plan, operation): (OperationId, OperationId),
        part: &RevocationPlan,
        options: Options,
        reason: Option<&str>,
    ) -> Self {
        Self {
            version: VERSION,
            plan,
            operation,
            text: part.to_string(),
            options,
            reason: reason.map(str::to_owned),
            pause_after: None,
            is_abandoned: false,
            outages: 0,
            note: None,
            verdicts: Vec::new(),
        }
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        read(text, |record: &Self| record.version)
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        write(self)
    }

    /// Returns the token that the account authenticates with, if it is in the plan.
    pub(crate) fn acting(&self) -> Option<TokenId> {
        let is_named = self.text.lines().any(|line| line.starts_with("last "));
        let part: RevocationPlan = self.text.parse().ok().filter(|_| is_named)?;
        part.tokens().last().cloned()
    }

    /// Returns `true` if it has all verdicts that it is to have before other accounts begin.
    pub(crate) fn is_paused(&self) -> bool {
        self.pause_after
            .is_some_and(|count| self.verdicts.len() >= count)
    }
}

/// The verdict on a token of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    pub(crate) token: TokenId,
    verdict: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<RevocationOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<RevocationEffect>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also_revoked: Vec<TokenId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

impl Verdict {
    pub(crate) fn new(token: TokenId, verdict: &RevocationVerdict) -> Self {
        use RevocationVerdict as V;

        let (revocation, error) = match verdict {
            V::Revoked(revocation) | V::AlreadyGone(revocation) => (Some(revocation), None),
            V::NotAsReviewed(error)
            | V::NotIdentified(error)
            | V::NotFoundHere(error)
            | V::SuspendedOnly(error)
            | V::Unreachable(error)
            | V::CannotBeRevoked(error)
            | V::CannotBeSuspended(error)
            | V::ActingToken(error) => (None, Some(error)),
            _ => (None, None),
        };
        Self {
            token,
            verdict: verdict.as_str().to_owned(),
            outcome: revocation.map(|revocation| revocation.outcome),
            effect: revocation.map(|revocation| revocation.effect),
            also_revoked: revocation.map_or_else(Vec::new, |known| known.also_revoked.clone()),
            error: error.cloned(),
        }
    }

    /// Returns the verdict as `revoke --plan` reports it; `None` for one of a newer version.
    pub(crate) fn restored(&self) -> Option<RevocationVerdict> {
        use RevocationVerdict as V;

        let revocation = self.outcome.zip(self.effect).map(|(outcome, effect)| {
            Revocation::new(outcome, effect)
                .with_id(self.token.clone())
                .with_also_revoked(self.also_revoked.iter().cloned())
        });
        let error = self.error.clone();
        Some(match self.verdict.as_str() {
            "revoked" => V::Revoked(revocation?),
            "already_gone" => V::AlreadyGone(revocation?),
            "suspended" => V::Suspended,
            "not_as_reviewed" => V::NotAsReviewed(error?),
            "not_identified" => V::NotIdentified(error?),
            "not_found_here" => V::NotFoundHere(error?),
            "suspended_only" => V::SuspendedOnly(error?),
            "unreachable" => V::Unreachable(error?),
            "cannot_be_revoked" => V::CannotBeRevoked(error?),
            "cannot_be_suspended" => V::CannotBeSuspended(error?),
            "acting_token" => V::ActingToken(error?),
            _ => return None,
        })
    }

    /// Returns `true` if the token has stopped authenticating for ever.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(&*self.verdict, "revoked" | "already_gone")
    }

    /// Returns `true` if the plan got what it asks for.
    pub(crate) fn is_success(&self) -> bool {
        self.is_dead() || self.verdict == "suspended"
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.verdict
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

/// Returns an id that whoever hashes the same parts gets too.
pub(crate) fn derived_id<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<OperationId> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let digest = hash.finalize();
    let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().parse()
}

/// Returns the id of the task of an account.
pub(crate) fn account_task(plan: OperationId, account: &Account) -> Result<OperationId> {
    derived_id([&*plan.to_string(), account.provider(), account.name()])
}

fn read<T: for<'a> Deserialize<'a>>(text: &str, version: fn(&T) -> u32) -> Result<T> {
    let record = serde_json::from_str(text).ok();
    record
        .filter(|record| version(record) == VERSION)
        .ok_or_else(|| {
            Error::configuration("the record of a revocation in the ledger cannot be read")
                .with_advice("a newer version of the program wrote it: use that one")
        })
}

fn write(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(|error| {
        Error::configuration("the record of a revocation cannot be written").with_source(error)
    })
}
