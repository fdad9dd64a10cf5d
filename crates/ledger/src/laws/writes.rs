//! Random histories of writes, crashes and resolutions, and what a ledger must say about them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokenfleet_core::capability::{
    Capabilities, CreateCapability, OperationCall, RevokeCapability,
};
use tokenfleet_core::journal::{Effect, Intent, OperationId, Outcome, Resolution, Run};
use tokenfleet_core::{
    Account, CreateToken, Error, ErrorKind, Fate, Revocation, RevocationEffect, RevocationOutcome,
    RevokeOptions, Timestamp, Token, TokenId, TokenState,
};

use super::observe::{ensure_eq, works};
use super::random::check_random;
use crate::{Ledger, OpenOperation, Write};

/// Ids in which a ledger could stumble.
const IDS: [&str; 4] = ["1", "10", "a\0b\n\\", "'); drop table write; --"];

/// A sequence of writes of a few operations, some of which are never heard of again.
#[derive(Debug, Clone)]
pub struct WriteHistory {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// A write begins.
    Begin {
        account: usize,
        operation: usize,
        write: Kind,
    },
    /// The outcome of an earlier write is recorded. One that has none was dropped, or its process
    /// was killed.
    End {
        write: prop::sample::Index,
        end: End,
    },
    /// Something is found out about an earlier write.
    Resolve {
        write: prop::sample::Index,
        resolution: Resolution,
    },
    Prune,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Create { expires: bool },
    Revoke(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Succeeded(&'static str),
    Failed(Fate),
    LeftBehind(&'static str),
}

/// Checks random histories of writes: `check` gives each to [`WriteHistory::check`] with an empty
/// ledger.
///
/// # Errors
///
/// The violation, with the smallest history that was found for it.
pub fn check_random_writes(
    cases: u32,
    check: impl Fn(&WriteHistory) -> Result<(), String>,
) -> Result<(), String> {
    check_random(cases, &histories(), check)
}

fn histories() -> impl Strategy<Value = WriteHistory> {
    let id = || select(&IDS[..]);
    let kind = prop_oneof![
        any::<bool>().prop_map(|expires| Kind::Create { expires }),
        id().prop_map(Kind::Revoke),
    ];
    let begin =
        (0..2_usize, 0..3_usize, kind).prop_map(|(account, operation, write)| Step::Begin {
            account,
            operation,
            write,
        });
    let fates = [
        Fate::NotSent,
        Fate::Rejected,
        Fate::MaybeApplied,
        Fate::MaybeApplied,
    ];
    let end = prop_oneof![
        id().prop_map(End::Succeeded),
        select(fates.to_vec()).prop_map(End::Failed),
        id().prop_map(End::LeftBehind),
    ];
    let ids = || vec(id().prop_map(TokenId::new), 0..3);
    let resolution = prop_oneof![
        Just(Resolution::NotApplied),
        Just(Resolution::Expired),
        Just(Resolution::Abandoned),
        ids().prop_map(Resolution::Applied),
        ids().prop_map(Resolution::TakenBack),
    ];
    let any_write = any::<prop::sample::Index>;
    let step = prop_oneof![
        4 => begin,
        3 => (any_write(), end).prop_map(|(write, end)| Step::End { write, end }),
        2 => (any_write(), resolution)
            .prop_map(|(write, resolution)| Step::Resolve { write, resolution }),
        1 => Just(Step::Prune),
    ];
    vec(step, 0..24).prop_map(|steps| WriteHistory { steps })
}

/// Returns accounts that differ in their place only.
fn accounts() -> [Account; 2] {
    [
        Account::new("losant", "iot"),
        Account::new("losant", "iot").with_place("https://staging.example"),
    ]
}

/// Returns the intent of a write that was begun on a day long ago.
fn intent(run: &Run, account: &Account, operation: OperationId, kind: Kind) -> Intent {
    const DAY: Duration = Duration::from_secs(86_400);
    let create = CreateCapability::new().with_expiry();
    let revoke = RevokeCapability::by_id(RevocationEffect::Deleted);
    let capabilities = Capabilities::none().with_create(create).with_revoke(revoke);
    match kind {
        Kind::Create { expires } => {
            let request = CreateToken::new("ci'; --\u{1b}").with_operation_id(operation);
            let request = if expires {
                request.with_lifetime(DAY)
            } else {
                request.without_expiry()
            };
            Intent::for_call(run, account, &capabilities, OperationCall::Create(&request))
        }
        Kind::Revoke(id) => {
            let id = TokenId::new(id);
            let options = RevokeOptions::default().with_operation_id(operation);
            let call = OperationCall::Revoke((&id).into(), &options);
            Intent::for_call(run, account, &capabilities, call)
        }
    }
}

fn outcome(intent: &Intent, kind: Kind, end: End) -> Outcome {
    let failed = |fate| Error::new(ErrorKind::Unavailable, fate, "no answer");
    let result = match (end, kind) {
        (End::Succeeded(id), Kind::Create { .. }) => Ok(Effect::from(&Token::new(
            TokenId::new(id),
            TokenState::Active,
        ))),
        (End::Succeeded(_), Kind::Revoke(id)) => {
            let effect = RevocationEffect::Deleted;
            let revocation = Revocation::new(RevocationOutcome::Revoked, effect);
            Ok(Effect::from(&revocation.with_id(TokenId::new(id))))
        }
        (End::Failed(fate), _) => Err(failed(fate)),
        (End::LeftBehind(id), _) => Err(failed(Fate::Rejected).with_left_behind([id])),
    };
    Outcome::new(intent, result)
}

/// Says whether a write is open, by the simplest reading of the laws.
fn is_open(write: &Write) -> bool {
    let outcome = write.outcome.as_ref();
    let is_known = outcome.is_some_and(|outcome| {
        outcome.left_behind.is_empty()
            && [Fate::NotSent, Fate::Rejected, Fate::Applied].contains(&outcome.fate())
    });
    let is_settled = match &write.resolution {
        None => false,
        Some(Resolution::Applied(active)) => active.is_empty(),
        Some(_) => true,
    };
    !is_known && !is_settled
}

/// Says whether nothing is known of what became of a write, whatever a person decided.
fn is_unknown(write: &Write) -> bool {
    let mut unresolved = write.clone();
    unresolved.resolution = None;
    let is_abandoned = write.resolution == Some(Resolution::Abandoned);
    is_open(write) || (is_abandoned && is_open(&unresolved))
}

impl WriteHistory {
    /// Replays the history into an empty ledger and checks everything that the ledger says of its
    /// writes.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub async fn check(&self, ledger: &dyn Ledger) -> Result<(), String> {
        let run = Run::new();
        let accounts = accounts();
        let operations = [(); 3].map(|()| OperationId::random());
        let mut expected = Vec::<(Write, Kind)>::new();
        for step in &self.steps {
            match step {
                Step::Begin {
                    account,
                    operation,
                    write,
                } => {
                    let (Some(account), Some(operation)) =
                        (accounts.get(*account), operations.get(*operation))
                    else {
                        continue;
                    };
                    let intent = intent(&run, account, *operation, *write);
                    works("an intent", ledger.record_intent(&intent).await)?;
                    expected.push((Write::new(intent), *write));
                }
                Step::End { write, end } if !expected.is_empty() => {
                    let (write, kind) = write.get_mut(&mut expected);
                    let outcome = outcome(&write.intent, *kind, *end);
                    ledger.record_outcome(&write.intent, &outcome).await;
                    write.outcome = Some(outcome);
                }
                Step::Resolve { write, resolution } if !expected.is_empty() => {
                    let (write, _) = write.get_mut(&mut expected);
                    ledger.record_resolution(&write.intent.id, resolution).await;
                    write.resolution = Some(resolution.clone());
                }
                Step::Prune => {
                    // Before the first write: nothing may go.
                    let before = Timestamp::now().checked_sub(Duration::from_secs(3_600));
                    let before = before.unwrap_or_else(Timestamp::now);
                    works("pruning", ledger.prune(before).await)?;
                }
                Step::End { .. } | Step::Resolve { .. } => {}
            }
        }
        let expected: Vec<Write> = expected.into_iter().map(|(write, _)| write).collect();
        self.check_answers(ledger, &accounts, &operations, &expected)
            .await?;
        self.check_unknown(ledger, &accounts, &expected).await?;
        self.check_pruned(ledger, &expected).await?;
        ensure_eq("the reports", &ledger.take_reports(), &Vec::new())?;
        let findings = works("the check", ledger.check().await)?;
        ensure_eq("the findings of the check", &findings, &Vec::new())
    }

    async fn check_answers(
        &self,
        ledger: &dyn Ledger,
        accounts: &[Account],
        operations: &[OperationId],
        expected: &[Write],
    ) -> Result<(), String> {
        let all = all_writes(ledger).await?;
        ensure_eq("all writes", &all, &expected.to_vec())?;
        for operation in operations {
            let of_it = |write: &&Write| write.intent.operation_id == *operation;
            let writes: Vec<Write> = expected.iter().filter(of_it).cloned().collect();
            let found = works("the writes", ledger.writes(*operation).await)?;
            ensure_eq("the writes of an operation", &found, &writes)?;
        }
        let open = works("the open operations", ledger.open_operations().await)?;
        let open: BTreeMap<_, _> = open
            .into_iter()
            .map(|OpenOperation { id, writes, .. }| (id, writes))
            .collect();
        let mut expected_open = BTreeMap::<OperationId, Vec<Write>>::new();
        for write in expected {
            let id = write.intent.operation_id;
            expected_open.entry(id).or_default().push(write.clone());
        }
        expected_open.retain(|_, writes| writes.iter().any(is_open));
        ensure_eq("the open operations", &open, &expected_open)?;
        for account in accounts {
            for id in IDS.map(TokenId::new) {
                let of_it = |write: &&Write| {
                    write.intent.account == *account && write.tokens().contains(&id)
                };
                let writes: Vec<Write> = expected.iter().filter(of_it).cloned().collect();
                let found = ledger.writes_to(account, std::slice::from_ref(&id)).await;
                let found = works("the writes to a token", found)?;
                ensure_eq("the writes to a token", &found, &writes)?;
            }
        }
        let all = IDS.map(TokenId::new);
        let found = works("the writes", ledger.writes_to(&accounts[0], &all).await)?;
        let of_it = |write: &&Write| {
            write.intent.account == accounts[0] && all.iter().any(|id| write.tokens().contains(id))
        };
        let writes: Vec<Write> = expected.iter().filter(of_it).cloned().collect();
        ensure_eq("the writes to several tokens", &found, &writes)
    }

    /// Checks that each creation of unknown outcome is counted until it is dead.
    async fn check_unknown(
        &self,
        ledger: &dyn Ledger,
        accounts: &[Account],
        expected: &[Write],
    ) -> Result<(), String> {
        let now = Timestamp::now();
        let far = now.saturating_add(Duration::from_secs(100 * 86_400));
        let creations = || {
            let all = expected.iter();
            all.filter(|write| write.intent.name.is_some())
        };
        for (at, unlistable) in [
            (now, &[][..]),
            (far, &[][..]),
            (now, &accounts[..1]),
            (far, &accounts[..1]),
        ] {
            let found = works("the unknown", ledger.unknown_tokens(at, unlistable).await)?;
            for (place, write) in expected.iter().enumerate() {
                if write.intent.name.is_none() {
                    continue;
                }
                let is_dead = write.dead_by().is_some_and(|dead_by| dead_by <= at);
                let intent = &write.intent;
                let is_named = write.issued().is_some();
                let is_counted = found.iter().any(|unknown| {
                    unknown.since == intent.at && unknown.operation_id == intent.operation_id
                });
                if is_unknown(write) && !is_dead && !is_named && !is_counted {
                    return Err(format!("a creation of unknown outcome is lost: {write:?}"));
                }
                // Only what was revoked since is dead: an id may be given again.
                let Some(id) = write.issued() else { continue };
                let mut since = expected[place..].iter();
                let is_revoked = since
                    .any(|other| other.intent.account == intent.account && other.has_revoked(id));
                let is_counted = found.iter().any(|unknown| {
                    unknown.account == intent.account && unknown.token.as_ref() == Some(id)
                });
                if is_unknown(write) && !is_dead && !is_revoked && !is_counted {
                    return Err(format!("the token {id} is lost: {write:?}"));
                }
            }
            for unknown in &found {
                let is_there = creations().any(|write| {
                    let is_dead = write.dead_by().is_some_and(|dead_by| dead_by <= at);
                    let is_unlistable = unlistable.contains(&write.intent.account);
                    let is_applied = write.outcome.as_ref().is_some_and(|o| o.result.is_ok());
                    let is_open = is_unknown(write);
                    write.intent.account == unknown.account
                        && write.intent.at == unknown.since
                        && !is_dead
                        && (is_open || (is_unlistable && is_applied))
                });
                if !is_there {
                    return Err(format!("nobody may have issued {unknown:?}"));
                }
            }
        }
        Ok(())
    }

    /// Checks that pruning forgets nothing that is open.
    async fn check_pruned(&self, ledger: &dyn Ledger, expected: &[Write]) -> Result<(), String> {
        let before = works("the open operations", ledger.open_operations().await)?;
        let far = Timestamp::now().saturating_add(Duration::from_secs(100 * 86_400));
        let pruned = works("pruning", ledger.prune(far).await)?;
        let after = works("the open operations", ledger.open_operations().await)?;
        ensure_eq("the open operations after pruning", &after, &before)?;
        let is_open = |write: &Write| {
            let id = write.intent.operation_id;
            before.iter().any(|operation| operation.id == id)
        };
        let may_live = |write: &Write| {
            let is_alive = write.dead_by().is_none_or(|dead_by| dead_by > far);
            write.may_have_issued() && is_alive
        };
        let mut kept = Vec::new();
        for write in expected {
            let found = works("the writes", ledger.writes(write.intent.operation_id).await)?;
            let is_kept = found.contains(write);
            ensure_eq(
                "a write is kept",
                &is_kept,
                &(is_open(write) || may_live(write)),
            )?;
            kept.extend(is_kept.then(|| write.clone()));
        }
        let forgotten = (expected.len() - kept.len()) as u64;
        ensure_eq("the number of forgotten writes", &pruned.writes, &forgotten)?;
        ensure_eq(
            "the writes that are kept",
            &all_writes(ledger).await?,
            &kept,
        )
    }
}

/// Returns all writes of a ledger, in pages whose numbers rise.
async fn all_writes(ledger: &dyn Ledger) -> Result<Vec<Write>, String> {
    const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

    let (mut all, mut last) = (Vec::new(), 0);
    loop {
        let page = works("a page of writes", ledger.all_writes(last, PAGE).await)?;
        if page.is_empty() {
            return Ok(all);
        }
        for (number, write) in page {
            if number <= last {
                return Err(format!("the write {number} comes after {last}: {write:?}"));
            }
            last = number;
            all.push(write);
        }
    }
}
