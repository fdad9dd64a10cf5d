//! The work of a worker on a plan: it lets the accounts begin, first those of the canary wave.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokenfleet::journal::OperationId;
use tokenfleet::{Error, Result};
use tokenfleet_worker::Advanced;

use super::outages::MAX_OUTAGES;
use super::record::{AccountRecord, PlanRecord, Stage, Verdict};
use super::stored::{StoredAccount, StoredPlan};
use super::working::Working;
use crate::claim::Claim;
use crate::output::print_error;
use crate::waits::scaled;

/// The time after which a worker looks again whether the canary wave is over, and whether those can
/// begin whose queues were held.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The time after which a worker looks again whether all is done.
const LOOK_AT_END: Duration = Duration::from_secs(5);

/// The time after which a plan is looked at again that nobody got on with.
const AFTER_LOSSES: Duration = Duration::from_secs(5 * 60);

/// The number of accounts that are let go at a time.
const AT_A_TIME: usize = 16;

/// Lets the accounts of a plan begin whose turn it is, and ends the plan when all have.
pub(super) async fn advance(working: &Working<'_>, id: OperationId) -> Result<Advanced> {
    if StoredPlan::find(&*working.ledger, id).await?.is_none() {
        return Ok(Advanced::Nothing);
    }
    let Some((claim, task)) = Claim::take(working.tasks(), id).await? else {
        return Ok(Advanced::Nothing);
    };
    let work = async {
        let plan = StoredPlan::read(task)?;
        match claim.exhausted() {
            None => carry_on(working, &claim, plan).await,
            Some(error) => {
                print_error(working.requested_format, &error);
                stand_still(&claim, plan, &error).await
            }
        }
    };
    let Some(worked) = claim.hold(Box::pin(work)).await else {
        let error = claim.ran_out(&format!("the revocation plan {id}"));
        print_error(working.requested_format, &error);
        return Ok(Advanced::Failed {
            is_anything_done: true,
        });
    };
    let due = match &worked {
        Ok(next) => *next,
        Err(_) => Some(LOOK_AT_END),
    };
    let due = due.map(|after| claim.now().saturating_add(scaled(after)));
    claim.release(due).await?;
    worked.map(|_| Advanced::Something)
}

/// Returns the time after which there is something to do again.
async fn carry_on(
    working: &Working<'_>,
    claim: &Claim,
    mut plan: StoredPlan,
) -> Result<Option<Duration>> {
    if plan.record.stage == Stage::Canary {
        let accounts = plan.accounts(&*working.ledger, &mut HashMap::new()).await?;
        match canary(&plan.record, &accounts) {
            Canary::UnderWay(waiting) => {
                begin_all(working, &waiting, Wave::Canary).await?;
                return Ok(Some(LOOK_AGAIN));
            }
            Canary::Failed(note) => {
                plan.record.note = Some(note);
                return record(claim, &mut plan.record, Stage::CanaryFailed, false).await;
            }
            Canary::Passed => {
                record(claim, &mut plan.record, Stage::Rest, false).await?;
            }
        }
    }
    let last = match plan.record.stage {
        Stage::Rest => Stage::Done,
        // Each account closes itself as soon as it is let go.
        Stage::Abandoned => Stage::Abandoned,
        Stage::Canary | Stage::CanaryFailed | Stage::Done => return Ok(None),
    };
    // All are opened before the plan is. Those that are closed, hundreds maybe, are not read again.
    let open = plan.open_accounts(&*working.ledger).await?;
    if open.is_empty() {
        return record(claim, &mut plan.record, last, true).await;
    }
    let waiting = open.iter().filter(|account| waits(account));
    let waiting: Vec<_> = waiting.map(|account| account.task.id).collect();
    let have_all_begun = begin_all(working, &waiting, Wave::Rest).await?;
    if plan.record.note.take().is_some() {
        let stage = plan.record.stage;
        record(claim, &mut plan.record, stage, false).await?;
    }
    Ok(Some(if have_all_begun {
        LOOK_AT_END
    } else {
        LOOK_AGAIN
    }))
}

/// Notes that nobody gets on with a plan, and returns the time after which that is tried again. A
/// canary wave has not passed then, and a person decides.
async fn stand_still(
    claim: &Claim,
    mut plan: StoredPlan,
    error: &Error,
) -> Result<Option<Duration>> {
    plan.record.note = Some(error.to_string());
    let (stage, again) = match plan.record.stage {
        Stage::Canary => (Stage::CanaryFailed, None),
        stage => (stage, Some(AFTER_LOSSES)),
    };
    record(claim, &mut plan.record, stage, false).await?;
    Ok(again)
}

/// The accounts that begin together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wave {
    Canary,
    Rest,
}

/// Lets accounts begin. Returns `false` if the queue of one of them was held.
async fn begin_all(working: &Working<'_>, tasks: &[OperationId], wave: Wave) -> Result<bool> {
    let mut have_all_begun = true;
    for some in tasks.chunks(AT_A_TIME) {
        let mut begun = FuturesUnordered::new();
        for id in some {
            begun.push(begin(working, *id, wave));
        }
        while let Some(is_begun) = begun.next().await {
            have_all_begun &= is_begun?;
        }
    }
    Ok(have_all_begun)
}

async fn record(
    claim: &Claim,
    record: &mut PlanRecord,
    stage: Stage,
    closes: bool,
) -> Result<Option<Duration>> {
    record.stage = stage;
    claim.record(&record.to_json()?, closes).await?;
    Ok(None)
}

/// Returns `true` for an account that waits until it is let go.
fn waits(account: &StoredAccount) -> bool {
    account.task.is_open() && account.task.due.is_none()
}

/// The progress of the canary wave.
enum Canary {
    /// It is not over, and these accounts have not begun.
    UnderWay(Vec<OperationId>),
    Passed,
    /// A token was not revoked, for this reason.
    Failed(String),
}

fn canary(plan: &PlanRecord, accounts: &[StoredAccount]) -> Canary {
    let canaries = plan.accounts.iter().filter(|planned| planned.canary > 0);
    let tasks: HashMap<_, _> = (accounts.iter())
        .map(|account| (account.task.id, account))
        .collect();
    let mut is_under_way = false;
    let mut waiting = Vec::new();
    for planned in canaries {
        let Some(stored) = tasks.get(&planned.task) else {
            is_under_way = true;
            continue;
        };
        let failed = |verdict: &&Verdict| !verdict.is_success();
        if let Some(verdict) = stored.record.verdicts.iter().find(failed) {
            let reason = verdict
                .error()
                .map_or(verdict.as_str().to_owned(), ToString::to_string);
            return Canary::Failed(format!("{}: {reason}", planned.account));
        }
        if stored.record.outages >= MAX_OUTAGES
            && let Some(note) = &stored.record.note
        {
            return Canary::Failed(format!("{}: {note}", planned.account));
        }
        if stored.record.is_abandoned && !stored.record.is_paused() {
            return Canary::Failed(format!("{}: a person gave it up", planned.account));
        }
        if stored.task.is_open() && !stored.record.is_paused() {
            is_under_way = true;
            waiting.extend(waits(stored).then_some(planned.task));
        }
    }
    if is_under_way {
        Canary::UnderWay(waiting)
    } else {
        Canary::Passed
    }
}

/// Lets an account begin that waits. Returns `false` if somebody is at work on its queue.
async fn begin(working: &Working<'_>, id: OperationId, wave: Wave) -> Result<bool> {
    let Some((claim, task)) = Claim::take(working.tasks(), id).await? else {
        return Ok(false);
    };
    let begun = async {
        let mut record = AccountRecord::from_json(&task.state)?;
        if wave == Wave::Rest && record.pause_after.take().is_some() {
            claim.record(&record.to_json()?, false).await?;
        }
        Ok((Some(claim.now()), true))
    };
    claim.then_release(task.due, begun).await
}
