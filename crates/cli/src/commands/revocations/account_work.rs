//! The work of a worker on an account of a plan.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokenfleet::journal::{Journal, OperationId, Resolution};
use tokenfleet::workflow::{RevocationVerdict, RevokeMany};
use tokenfleet::{
    Error, Operation, Result, RevocationPlan, TokenId, TokenProvider, TokenProviderExt,
};
use tokenfleet_ledger::Write;
use tokenfleet_worker::Advanced;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::outages::{self, MAX_OUTAGES};
use super::patience::impatient;
use super::record::{AccountRecord, Stage, Verdict};
use super::stored::{StoredAccount, StoredPlan};
use super::unrecorded;
use super::working::Working;
use crate::claim::Claim;
use crate::commands::resumed_plan;
use crate::output::{print_error, print_object};
use crate::rotations::{check_place, check_writable};
use crate::waits::scaled;

/// The time between two records of verdicts, between which many may arrive.
const RECORD_INTERVAL: Duration = Duration::from_secs(1);

/// The time after which a worker looks whether the plan was given up.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The time after which an account is tried again if the ledger did not answer.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Revokes the tokens of an account that have no verdict yet. Does nothing if another worker has
/// its queue or this one does not know the account.
pub(super) async fn advance(working: &Working<'_>, id: OperationId) -> Result<Advanced> {
    // What this version does not understand is not even claimed.
    let Some(stored) = StoredAccount::find(&*working.ledger, id).await? else {
        return Ok(Advanced::Nothing);
    };
    let part = stored.part;
    if !working.is_selected(part.account().name()) {
        return Ok(Advanced::Nothing);
    }
    let Some((claim, task)) = Claim::take(working.tasks(), id).await? else {
        return Ok(Advanced::Nothing);
    };
    let account = part.account().clone();
    let work = async {
        let record = AccountRecord::from_json(&task.state)?;
        match claim.exhausted() {
            None => carry_out(working, &claim, id, record, part).await,
            // That is one of the outages of an account.
            Some(error) => {
                let error = error.with_account(part.account());
                fail(working, (&claim, id), record, &part, &error).await
            }
        }
    };
    let ended = claim.hold(Box::pin(work)).await.unwrap_or(Ok(Ended::Lost));
    let due = match &ended {
        Ok(Ended::Closed | Ended::Paused) => None,
        Ok(Ended::Stopped) => Some(Duration::ZERO),
        Ok(Ended::Lost) => {
            let error = claim.ran_out("the revocation of its tokens");
            print_error(working.requested_format, &error.with_account(&account));
            return Ok(Advanced::Failed {
                is_anything_done: true,
            });
        }
        Ok(Ended::Unused(wait) | Ended::Unreachable(wait)) => Some(*wait),
        Err(_) => Some(scaled(TRY_AGAIN)),
    };
    let due = due.map(|wait| claim.now().saturating_add(wait));
    claim.release(due).await?;
    if let Some(stored) = StoredAccount::find(&*working.ledger, id).await? {
        print_object(&super::objects::AccountObject::new(&stored, claim.now()));
    }
    ended.map(|ended| match ended {
        Ended::Unused(_) | Ended::Unreachable(_) => Advanced::Failed {
            is_anything_done: matches!(ended, Ended::Unreachable(_)),
        },
        _ => Advanced::Something,
    })
}

/// The reason why the work on an account ended.
enum Ended {
    /// Every token has its verdict, or the plan was given up.
    Closed,
    /// The tokens of the canary wave have their verdicts.
    Paused,
    /// The program was asked to stop.
    Stopped,
    /// Nothing could be done. It is tried again after this time.
    Unused(Duration),
    /// Some tokens could not be reached, and are tried again after this time.
    Unreachable(Duration),
    /// The claim ran out, or another worker has taken over.
    Lost,
}

async fn carry_out(
    working: &Working<'_>,
    claim: &Claim,
    id: OperationId,
    mut record: AccountRecord,
    part: RevocationPlan,
) -> Result<Ended> {
    if is_given_up(working, record.plan).await? {
        unrecorded::add_verdicts(&mut record, &part, &working.ledger.writes(id).await?);
        record.is_abandoned = true;
        return end(claim, &record, true, Ended::Closed).await;
    }
    let provider = match open(working, &record, &part) {
        Ok(provider) => provider,
        Err(error) => return fail(working, (claim, id), record, &part, &error).await,
    };
    let mut recorded = record.to_json()?;
    record.note = None;
    let provider = &*provider;
    let writes = working.ledger.writes(id).await?;
    let judged: HashSet<_> = record
        .verdicts
        .iter()
        .map(|verdict| verdict.token.clone())
        .collect();
    let rest = part.clone().retaining(|id| !judged.contains(id));
    let dead = writes
        .iter()
        .flat_map(resumed_plan::revoked_by)
        .cloned()
        .collect();
    let found = resumed_plan::still_dead(provider, &rest, &dead).await;
    if let Err(error) = &found
        && error.is_rate_limited()
    {
        return fail(working, (claim, id), record, &part, error).await;
    }
    let confirmed = resumed_plan::or_again(provider, found);
    let done: HashSet<_> = confirmed
        .iter()
        .filter_map(|known| known.id.clone())
        .collect();
    for revocation in confirmed {
        if let Some(id) = revocation.id.clone() {
            let verdict = RevocationVerdict::AlreadyGone(revocation);
            record.verdicts.push(Verdict::new(id, &verdict));
        }
    }
    let mut room = record
        .pause_after
        .map(|count| count.saturating_sub(record.verdicts.len()));
    let rest = rest.retaining(|id| !done.contains(id));
    let count = rest.tokens().count();
    let rest = rest.retaining(|_| match &mut room {
        None => true,
        Some(0) => false,
        Some(room) => {
            *room -= 1;
            true
        }
    });
    let is_cut = rest.tokens().count() < count;
    let unfinished = Unfinished::among(&writes);
    let acting = record.acting();
    let others = rest.clone().retaining(|id| Some(id) != acting.as_ref());
    let last = rest.retaining(|id| Some(id) == acting.as_ref());
    // Without the credential, no other token could be tried again.
    for rest in [others, last] {
        // Nor could a verdict be found out again. What is as it was is not recorded: to begin is
        // no progress.
        let state = record.to_json()?;
        if state != recorded {
            if !claim.record(&state, false).await? {
                return Ok(Ended::Lost);
            }
            recorded = state;
        }
        if working.stop.is_requested() {
            return end(claim, &record, false, Ended::Stopped).await;
        }
        let judged = record.verdicts.len() + rest.tokens().count();
        let revocations = match provider.revoke_many(rest, record.options.of_task(id)) {
            Ok(revocations) => revocations,
            Err(error) => return fail(working, (claim, id), record, &part, &error).await,
        };
        let revoked = revoke(working, claim, &mut record, revocations, &unfinished).await?;
        match revoked.stopped {
            Some(ended @ Ended::Closed) => {
                unrecorded::add_verdicts(&mut record, &part, &working.ledger.writes(id).await?);
                record.is_abandoned = true;
                return end(claim, &record, true, ended).await;
            }
            Some(Ended::Lost) => return Ok(Ended::Lost),
            Some(ended) => return end(claim, &record, false, ended).await,
            None if record.verdicts.len() < judged => {
                record.outages += 1;
                let wait = outages::wait(&record, revoked.limit);
                return end(claim, &record, false, Ended::Unreachable(wait)).await;
            }
            None => {}
        }
    }
    if is_cut {
        end(claim, &record, false, Ended::Paused).await
    } else {
        end(claim, &record, true, Ended::Closed).await
    }
}

/// Ends for now because of an error, or for ever if there were too many.
async fn fail(
    working: &Working<'_>,
    (claim, id): (&Claim, OperationId),
    mut record: AccountRecord,
    part: &RevocationPlan,
    error: &Error,
) -> Result<Ended> {
    print_error(working.requested_format, error);
    if record.outages >= outages::MAX_OUTAGES {
        // What is known of a token counts more than why the others were not tried.
        unrecorded::add_verdicts(&mut record, part, &working.ledger.writes(id).await?);
    }
    if outages::note(&mut record, part, error) {
        return end(claim, &record, true, Ended::Closed).await;
    }
    let wait = outages::wait(&record, outages::limit(error));
    end(claim, &record, false, Ended::Unused(wait)).await
}

async fn end(claim: &Claim, record: &AccountRecord, closes: bool, ended: Ended) -> Result<Ended> {
    let is_recorded = claim.record(&record.to_json()?, closes).await?;
    Ok(if is_recorded { ended } else { Ended::Lost })
}

/// Returns `true` if a person gave the plan up.
async fn is_given_up(working: &Working<'_>, plan: OperationId) -> Result<bool> {
    let plan = StoredPlan::find(&*working.ledger, plan).await?;
    Ok(plan.is_some_and(|plan| plan.record.stage == Stage::Abandoned))
}

/// Opens the account, which must be the one that was reviewed.
fn open(
    working: &Working<'_>,
    record: &AccountRecord,
    part: &RevocationPlan,
) -> Result<std::sync::Arc<dyn TokenProvider>> {
    let accounts = working.accounts;
    let mut account = accounts
        .configuration()
        .account(part.account().name())?
        .clone();
    // Where the last try brought nothing, the limit may be as low as a request or two, of which
    // those that only look would use up all.
    if working.comes_back && record.outages <= 1 {
        account = impatient(&account);
    }
    let reason = record.reason.as_deref();
    let provider = accounts.open_recorded(&account, accounts.shared_journals(), reason)?;
    check_place(&*provider, part.account())?;
    check_writable(&*provider)?;
    for planned in part.planned() {
        accounts.remember_name(provider.account(), &planned.id, &planned.name);
    }
    Ok(provider)
}

/// The end of the revocation of tokens.
struct Revoked {
    /// The reason if not all were tried.
    stopped: Option<Ended>,
    /// The time after which the platform takes requests again, if it limited their rate.
    limit: Option<Duration>,
}

/// Revokes tokens and records their verdicts.
///
/// The two go on side by side: a revocation that is not polled may be in the middle of a
/// transaction of the ledger, which a record would wait for.
async fn revoke(
    working: &Working<'_>,
    claim: &Claim,
    record: &mut AccountRecord,
    mut revocations: RevokeMany<'_>,
    unfinished: &Unfinished,
) -> Result<Revoked> {
    let (sender, verdicts) = unbounded_channel();
    let (given_up, limited) = (Notify::new(), Notify::new());
    let revoking = async {
        // Dropped at the end, which ends the recording.
        let sender = sender;
        let (mut stopped, mut is_stopping) = (None, false);
        loop {
            let reason = tokio::select! {
                biased;
                next = revocations.next() => match next {
                    Some(judged) => {
                        let _ = sender.send(judged);
                        continue;
                    }
                    None => return stopped,
                },
                () = working.stop.requested(), if !is_stopping => Some(Ended::Stopped),
                () = given_up.notified(), if !is_stopping => Some(Ended::Closed),
                // The others would only be told the same, and each of them is recorded.
                () = limited.notified(), if !is_stopping => None,
            };
            is_stopping = true;
            if !revocations.stop().is_empty() {
                stopped = reason;
            }
        }
    };
    let mut limit = None;
    let heard = Limit {
        limited: &limited,
        wait: &mut limit,
    };
    let heard = (verdicts, &given_up, heard);
    let recording = record_verdicts(working, claim, record, heard, unfinished);
    let (stopped, is_ours) = tokio::join!(revoking, recording);
    let stopped = if is_ours? { stopped } else { Some(Ended::Lost) };
    Ok(Revoked { stopped, limit })
}

/// The limit of the platform's rate, of which a verdict may tell.
struct Limit<'a> {
    /// Told when there is one.
    limited: &'a Notify,
    /// The time after which the platform takes requests again.
    wait: &'a mut Option<Duration>,
}

/// Records verdicts as they come, and gives the rest up if the plan was. Returns `false` if another
/// worker has taken over.
async fn record_verdicts(
    working: &Working<'_>,
    claim: &Claim,
    record: &mut AccountRecord,
    (mut verdicts, given_up, limit): (
        UnboundedReceiver<(TokenId, RevocationVerdict)>,
        &Notify,
        Limit<'_>,
    ),
    unfinished: &Unfinished,
) -> Result<bool> {
    let every = |interval: Duration| {
        let interval = scaled(interval);
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let (mut records, mut looks) = (every(RECORD_INTERVAL), every(LOOK_INTERVAL));
    let mut is_recorded = true;
    loop {
        tokio::select! {
            next = verdicts.recv() => match next {
                // The platform or the ledger may answer again.
                Some((_, RevocationVerdict::Unreachable(error)))
                    if record.outages < MAX_OUTAGES =>
                {
                    record.note = Some(error.to_string());
                    *limit.wait = (*limit.wait).max(outages::limit(&error));
                    if limit.wait.is_some() {
                        limit.limited.notify_one();
                    }
                }
                Some((id, verdict)) => {
                    // The platform answers.
                    record.outages = 0;
                    unfinished.resolve(working, &id, &verdict).await;
                    record.verdicts.push(Verdict::new(id, &verdict));
                    is_recorded = false;
                }
                None => return Ok(true),
            },
            _ = records.tick(), if !is_recorded => {
                // A ledger that does not answer is asked again at the next tick: what is under
                // way goes on, and its verdicts must be read.
                match claim.record(&record.to_json()?, false).await {
                    Ok(true) => is_recorded = true,
                    Ok(false) => {
                        given_up.notify_one();
                        return Ok(false);
                    }
                    Err(_) => {}
                }
            }
            _ = looks.tick() => {
                if is_given_up(working, record.plan).await.unwrap_or(false) {
                    given_up.notify_one();
                }
            }
        }
    }
}

/// The writes of which a worker that was killed never heard the outcome.
struct Unfinished(HashMap<TokenId, Vec<String>>);

impl Unfinished {
    fn among(writes: &[Write]) -> Self {
        let mut unfinished = HashMap::<_, Vec<_>>::new();
        for write in writes.iter().filter(|write| write.is_open()) {
            let intent = &write.intent;
            if let (Operation::Revoke, Some(token)) = (intent.operation, &intent.token) {
                unfinished
                    .entry(token.clone())
                    .or_default()
                    .push(intent.id.clone());
            }
        }
        Self(unfinished)
    }

    /// Records that the token of such a write is dead.
    async fn resolve(&self, working: &Working<'_>, id: &TokenId, verdict: &RevocationVerdict) {
        if !verdict.is_dead() {
            return;
        }
        let journals = working.accounts.journals();
        for write in self.0.get(id).into_iter().flatten() {
            let resolution = Resolution::Applied(Vec::new());
            journals.record_resolution(write, &resolution).await;
        }
    }
}
