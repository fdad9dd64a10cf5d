//! The tasks of revocations, as a worker carries them on.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use tokenfleet::journal::OperationId;
use tokenfleet::{Result, Timestamp};
use tokenfleet_ledger::Task;
use tokenfleet_worker::Advanced;

use super::record::{ACCOUNT, PLAN};
use super::stored::{StoredAccount, StoredPlans};
use super::working::Working;
use super::{account_work, plan_work};
use crate::exit::Exit;
use crate::output::print_error;

/// The number of queues that are worked on at a time.
const MAX_QUEUES: usize = 16;

/// Carries a task on, if it is one of a revocation.
pub(in crate::commands) async fn advance(
    working: &Working<'_>,
    id: OperationId,
) -> Result<Advanced> {
    let task = working.ledger.task(id).await?;
    match task.as_ref().map(|task| &*task.kind) {
        Some(PLAN) => plan_work::advance(working, id).await,
        Some(ACCOUNT) => account_work::advance(working, id).await,
        _ => Ok(Advanced::Nothing),
    }
}

/// Carries on the revocations that are due until nothing is left to do for this process, up to 16
/// queues at a time. Returns the exit codes.
pub(in crate::commands) async fn carry_on_due(working: &Working<'_>) -> Result<Vec<Exit>> {
    let mut exits = Vec::new();
    let mut advanced_ones = BTreeSet::new();
    while !working.stop.is_requested() {
        let mut is_anything_done = false;
        for plan in StoredPlans::open(&*working.ledger).await?.ids {
            let task = working.ledger.task(plan).await?;
            if task.is_some_and(|task| task.kind == PLAN && task.due.is_some()) {
                // One that a newer version wrote keeps nothing else from being carried on.
                match plan_work::advance(working, plan).await {
                    // Its claim ran out, and it is looked at again.
                    Ok(Advanced::Failed { .. }) => is_anything_done = true,
                    Ok(_) => {}
                    Err(error) => {
                        print_error(working.requested_format, &error);
                        exits.push(Exit::from_error(&error));
                    }
                }
            }
        }
        let mut queues = BTreeMap::<_, Vec<_>>::new();
        let now = working.ledger.due_queues().await?.at;
        for task in working.ledger.open_tasks().await? {
            if task.kind == ACCOUNT && is_free(&task, now) {
                queues.entry(task.queue).or_default().push(task.id);
            }
        }
        let mut advanced = stream::iter(queues.into_values())
            .map(|tasks| advance_each(working, tasks))
            .buffer_unordered(MAX_QUEUES);
        while let Some(ended) = advanced.next().await {
            for (id, ended) in ended {
                match ended {
                    Ok(advanced) => {
                        is_anything_done |= advanced.is_anything_done();
                        // The error was printed.
                        let is_failed = matches!(advanced, Advanced::Failed { .. });
                        exits.extend(is_failed.then_some(Exit::Failed));
                        advanced_ones.insert(id);
                    }
                    Err(error) => {
                        print_error(working.requested_format, &error);
                        exits.push(Exit::from_error(&error));
                    }
                }
            }
        }
        if !is_anything_done {
            break;
        }
    }
    for id in advanced_ones {
        if let Ok(Some(stored)) = StoredAccount::find(&*working.ledger, id).await {
            let failed = stored
                .record
                .verdicts
                .iter()
                .filter(|verdict| !verdict.is_success());
            exits.extend(
                failed.map(|verdict| verdict.error().map_or(Exit::Failed, Exit::from_error)),
            );
        }
    }
    Ok(exits)
}

async fn advance_each(
    working: &Working<'_>,
    tasks: Vec<OperationId>,
) -> Vec<(OperationId, Result<Advanced>)> {
    let mut all = Vec::new();
    for id in tasks {
        all.push((id, account_work::advance(working, id).await));
    }
    all
}

/// Returns `true` for a task that is due at a time, and that nobody has claimed then.
fn is_free(task: &Task, now: Timestamp) -> bool {
    task.due.is_some_and(|due| due <= now) && task.claimed_until.is_none_or(|until| until <= now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use clap::Parser;
    use tokenfleet::Registry;
    use tokenfleet_ledger::{Ledger, MemoryLedger};

    use super::super::deciding::resume;
    use super::super::deciding::tests::opened;
    use super::super::record::Stage;
    use super::super::stored::StoredPlan;
    use super::*;
    use crate::accounts::Accounts;
    use crate::arguments::Arguments;
    use crate::rotations::Stop;

    /// Claims a task and lets the claim run out, as often as that may be in a row.
    async fn lose_claims(ledger: &Arc<dyn Ledger>, id: OperationId) {
        for _ in 0..10 {
            let claimed = ledger.claim_task(id, Duration::ZERO).await;
            assert!(claimed.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_task_whose_claims_always_run_out_is_not_begun_anew_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenfleet.toml");
        let configuration = "[accounts.iot]\nprovider = 'losant'\n\
                             application = '65f000000000000000000001'\n\
                             token = { env = 'TOKENFLEET_NO_TOKEN' }\n";
        std::fs::write(&path, configuration).unwrap();
        let words = ["tokenfleet", "--config", path.to_str().unwrap(), "worker"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        let accounts = Accounts::open(&arguments.global, Registry::with_builtin()).await;
        let accounts = accounts.unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
        let (plan, account) = opened(&ledger).await;
        let working = Working {
            accounts: &accounts,
            ledger: Arc::clone(&ledger),
            stop: &Stop::requested_at(None),
            requested_format: None,
            comes_back: true,
        };
        let found = async || StoredPlan::find(&*ledger, plan).await.unwrap().unwrap();

        lose_claims(&ledger, plan).await;
        advance(&working, plan).await.unwrap();
        let failed = found().await;
        assert_eq!(failed.record.stage, Stage::CanaryFailed);
        assert!(failed.record.note.unwrap().contains("10 claims in a row"));
        assert_eq!((failed.task.due, failed.task.starts), (None, 0));
        resume(&ledger, plan).await.unwrap();
        lose_claims(&ledger, plan).await;
        advance(&working, plan).await.unwrap();
        let waiting = found().await;
        assert_eq!(waiting.record.stage, Stage::Rest);
        assert!(waiting.record.note.is_some());
        assert!(waiting.task.due > Some(ledger.due_queues().await.unwrap().at));

        lose_claims(&ledger, account).await;
        let advanced = advance(&working, account).await.unwrap();
        assert!(matches!(advanced, Advanced::Failed { .. }));
        let stored = StoredAccount::find(&*ledger, account).await;
        let stored = stored.unwrap().unwrap();
        assert_eq!((stored.record.outages, stored.task.starts), (1, 0));
        assert!(stored.record.note.unwrap().contains("10 claims in a row"));
    }
}
